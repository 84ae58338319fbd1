"""Damage is found wherever it is, costs what it held, is moved out of the way, and what was lost comes back."""

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from writing import append, everything, files, intact, listed, plan

from store import Store, StoreWarning, checking, parts, query, schema
from store.compaction import compact

KINDS = sorted(schema.KINDS)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two parts of every kind: four trials of two models."""
    store = Store(tmp_path_factory.mktemp("sound") / "store", create=True)
    for model in ("m", "n"):
        append(store, f"{model}0", f"{model}1", model=model)
        plan(store, model, f"{model}0", f"{model}1", model=model)
        listed(store, model, "h")
    return store.root


@pytest.fixture
def store(sound: Path, tmp_path: Path) -> Store:
    shutil.copytree(sound, tmp_path / "store")
    return Store(tmp_path / "store")


@contextmanager
def named(path: str) -> Iterator[None]:
    """Every part that is left out is told of, and it is this one."""
    with pytest.warns(StoreWarning) as caught:
        yield
    assert {warning.message.path for warning in caught} == {path}  # type: ignore[union-attr]


def of_model(path: Path) -> str:
    """Of which model a part is that a run wrote."""
    if "model=" in str(path):
        return path.parent.name.removeprefix("model=")
    return str(pq.read_table(path, columns=["model"], partitioning=None)["model"][0])


def regions(size: int, count: int) -> list[int]:
    """Places in a file: its ends, where Parquet keeps its marks and the footer's length, and some of each between."""
    return sorted({0, 3, *range(4, size, max(1, size // count)), size - 9, size - 8, size - 5, size - 1})


@pytest.mark.parametrize(
    "count", [5, pytest.param(10, marks=pytest.mark.long), pytest.param(400, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("packed", [False, True], ids=["as written", "compacted"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_region_flipped_or_cut(store: Store, kind: str, packed: bool, count: int) -> None:
    if packed:
        for model in ("m", "n"):
            append(store, f"{model}2", model=model)
            plan(store, model, f"{model}0", model=model)
        compact(store)
    path, rng = files(store.root, kind)[0], random.Random(0)
    content, table = (store.root / path).read_bytes(), "raw_" + kind
    others = query(store, f"select count(*) as n from {table}").to_pylist()[0]["n"]
    others -= pq.ParquetFile(store.root / path).metadata.num_rows
    for at in regions(len(content), count):
        flipped = bytearray(content)
        flipped[at] ^= 1 << rng.randrange(8)
        for damaged in (bytes(flipped), content[:at]):
            (store.root / path).write_bytes(damaged)
            report = checking.check(store)
            assert report.damaged.keys() == {path}, at
            assert not report.sound
            if at % 3 == 0:
                with named(path):
                    assert query(store, f"select count(*) as n from {table}").to_pylist() == [{"n": others}]
    (store.root / path).write_bytes(content)
    assert checking.check(store).sound


@pytest.mark.parametrize("kind", ["trials", "predictions", "activations"])
@pytest.mark.parametrize("fault", ["flipped", "cut", "empty", "foreign", "gone"])
def test_what_was_lost_counts_as_missing_and_comes_back(store: Store, kind: str, fault: str) -> None:
    before, trials = everything(store), intact(store)
    path = next(path for path in files(store.root, kind) if of_model(store.root / path) == "m")
    content = (store.root / path).read_bytes()
    damaged = {
        "flipped": content[:100] + bytes([content[100] ^ 1]) + content[101:],
        "cut": content[:-100],
        "empty": b"",
        "foreign": b"PAR1 it says, and is none",
    }
    if fault == "gone":
        (store.root / path).unlink()
    else:
        (store.root / path).write_bytes(damaged[fault])
    # The trials that end together share their parts. Activations are of the first alone, which is lost with them.
    lost = {"m0"} if kind == "activations" else {"m0", "m1"}
    # What named the others is itself not there any more: nobody can know of it.
    unknown = (kind, fault) == ("trials", "gone")
    with nullcontext() if unknown else named(path):
        assert intact(store) == trials - lost
        assert store.finished() == (trials - lost, set())
        (row,) = query(store, "select wanted, done, missing from progress where model = 'm'").to_pylist()
    assert row == {"wanted": 2, "done": 2 - len(lost), "missing": len(lost)}

    report = checking.repair(store)
    assert report.sound == unknown
    assert checking.check(store).sound, "what is damaged is out of the way"
    if fault != "gone":
        assert (store.root / "quarantine" / path).read_bytes() == damaged[fault], "nothing is deleted"
    assert intact(store) == trials - lost
    append(store, *sorted(lost))
    after = everything(store)
    for view in ("scores", "auroc", "confusion", "votes"):
        assert after[view] == before[view], view
    assert checking.repair(store).sound


@pytest.mark.parametrize("how", ["flipped", "gone"])
def test_rows_that_are_whole_survive_the_repair_of_their_neighbours(store: Store, how: str) -> None:
    """One part of trials whose rows name several parts of predictions, of which one is damaged."""
    append(store, "m2", images=7)
    append(store, "m3", images=7)
    trials = [path for path in files(store.root, "trials") if "model=m" in path]
    tables = [pq.ParquetFile(store.root / path).read() for path in trials]
    parts.write(store.root, "trials", {"dataset": "d", "model": "m"}, "joined", pa.concat_tables(tables))
    for path in trials:
        (store.root / path).unlink()
    before = everything(store)
    rows = pq.ParquetFile(store.root / next(p for p in files(store.root, "trials") if "joined" in p)).read().to_pylist()
    (path,) = (p["path"] for row in rows if row["trial_id"] == "m2" for p in row["parts"] if "predictions" in p["path"])
    if how == "gone":
        (store.root / path).unlink()
    else:
        (store.root / path).write_bytes((store.root / path).read_bytes()[:-1])
    with named(path):
        assert intact(store) == {"m0", "m1", "m3", "n0", "n1"}
    checking.repair(store)
    report = checking.check(store)
    assert (report.sound, report.strays) == (True, {})
    assert intact(store) == {"m0", "m1", "m3", "n0", "n1"}
    kept = [row for row in before["predictions"] if row[0] != "m2"]
    assert everything(store)["predictions"] == kept


def test_what_is_none_of_ours_is_named_and_left_out(store: Store, tmp_path: Path) -> None:
    before, folder = everything(store), store.root / "predictions" / "dataset=d" / "model=m"
    pq.write_table(pa.table({"a": [1]}), folder / "mine.parquet")
    pq.write_table(pa.table({"a": [1]}), folder / f"mine.{'0' * 32}.v2.parquet")
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "empty.parquet").touch()
    (folder / "loop.parquet").symlink_to(folder / "loop.parquet")
    (folder / "folder.parquet").mkdir()
    (store.root / "predictions" / "stray.txt").write_text("x")
    with pytest.warns(StoreWarning):
        assert everything(store) == before
    report = checking.check(store)
    names = {Path(path).name for path in report.damaged}
    assert {"mine.parquet", f"mine.{'0' * 32}.v2.parquet", "empty.parquet"} <= names
    assert {Path(path).name for path in report.strays} == {"Thumbs.db", "stray.txt"}
    checking.repair(store)
    assert checking.check(store).sound
    assert not [path for path in folder.iterdir() if path.name in (*names, "Thumbs.db") and path.is_file()]
    assert everything(store) == before


def test_an_old_stray_is_moved_a_new_one_may_belong_to_a_run(store: Store) -> None:
    (part,) = (path for path in files(store.root, "trials") if "model=m" in path)
    (store.root / part).unlink()
    stem = Path(part).name.partition(".")[0]
    orphans = {path for kind in ("predictions", "activations") for path in files(store.root, kind) if stem in path}
    assert len(orphans) == 2
    assert checking.check(store).strays == {}
    for path in orphans:
        os.utime(store.root / path, (0, 0))
    assert checking.check(store).strays.keys() == orphans
    assert checking.repair(store).sound
    assert not orphans & set(files(store.root))
    assert intact(store) == {"n0", "n1"}
