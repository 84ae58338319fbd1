"""What a compaction promises: the same answers from few parts, whatever moment it is stopped at."""

import math
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from writing import age, append, everything, files, intact, listed, plan, superseded

from store import Claims, Store, StoreError, StoreWarning, checking, compaction, packing, parts, schema
from store.compaction import compact


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Four cells in many parts: finished, failed and repeated trials, plans and lists of images in several versions."""
    store = Store(tmp_path / "store", create=True)
    for dataset, model in (("d", "m"), ("malaria", "n"), ("white-cells_5.0", "m"), ("0", "a-b")):
        names = [f"{dataset} {model} {n}" for n in range(6)]
        append(store, *names[:2], dataset=dataset, model=model)
        append(store, *names[1:4], dataset=dataset, model=model, images=7)  # the second one once more
        append(store, names[4], dataset=dataset, model=model, status="failed")
        append(store, names[5], dataset=dataset, model=model, status="failed")
        append(store, names[5], dataset=dataset, model=model)
        append(store, names[5], dataset=dataset, model=model, status="failed")
        for wanted in (names[:3], names):
            plan(store, "s", *wanted, dataset=dataset, model=model)
        for version in (None, b"jpeg"):
            listed(store, dataset, "h", version)
    listed(store, "d", "another")
    return store


def same(before: Any, after: Any) -> bool:
    """Whether two answers are the same, floats within 1e-12."""
    if isinstance(before, float) and isinstance(after, float):
        return math.isclose(before, after, rel_tol=0, abs_tol=1e-12) or before == after
    if isinstance(before, list | tuple) and type(before) is type(after):
        return len(before) == len(after) and all(map(same, before, after))
    return bool(before == after)


def assert_same(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> None:
    assert before.keys() == after.keys()
    for view in before:
        assert same(before[view], after[view]), view


def test_every_answer_stays_the_same(store: Store) -> None:
    before, mark = everything(store), store.fingerprint()
    assert all(before.values()), "every table has rows"
    done = compact(store)
    assert (done.parts_after, done.left_out) == (len(files(store.root)), {})
    assert done.parts_before > 2 * done.parts_after
    assert_same(before, everything(store))
    assert store.fingerprint() == mark
    assert checking.check(store).sound
    for kind, count in {"trials": 4, "predictions": 4, "activations": 4, "plans": 1}.items():
        assert len(files(store.root, kind)) == count
    assert superseded(store.root) == set()


def test_parts_are_sorted_and_compressed(store: Store) -> None:
    compact(store)
    for kind, order in packing.ORDER.items():
        for path in files(store.root, kind):
            part = pq.ParquetFile(store.root / path)
            assert part.metadata.row_group(0).column(0).compression == "ZSTD"
            assert part.schema_arrow.metadata[b"bench_schema"]
            rows = part.read(columns=order.split(", ")).to_pylist()
            assert rows == sorted(rows, key=lambda row: tuple(row.values()))


def test_a_second_one_has_nothing_to_do(store: Store) -> None:
    compact(store)
    before = {path: (store.root / path).stat().st_mtime_ns for path in files(store.root)}
    compact(store)
    assert {path: (store.root / path).stat().st_mtime_ns for path in files(store.root)} == before


def test_a_run_goes_on_behind_it(store: Store) -> None:
    compact(store)
    append(store, "new", "d m 0", images=5)
    plan(store, "s", "new")
    before = everything(store)
    compact(store)
    assert_same(before, everything(store))
    assert len(files(store.root, "trials")) == 4


def test_large_parts_are_left_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    compact(store)
    large = files(store.root, "predictions") + files(store.root, "trials")
    monkeypatch.setattr(compaction, "LARGE", 1)
    append(store, "d m 9")
    before = everything(store)
    compact(store)
    assert set(large) <= set(files(store.root))
    assert_same(before, everything(store))


@pytest.mark.parametrize("kind", ["trials", "predictions", "activations", "images", "plans"])
def test_damage_is_not_carried_on(store: Store, kind: str) -> None:
    path = files(store.root, kind)[0]
    content = bytearray((store.root / path).read_bytes())
    content[len(content) // 2] ^= 1
    (store.root / path).write_bytes(content)
    with pytest.warns(StoreWarning, match="was altered"):
        before = everything(store)
    done = compact(store)
    assert done.left_out == {path: "was altered after it was written"}
    assert (store.root / path).read_bytes() == content
    with pytest.warns(StoreWarning, match="was altered"):
        assert_same(before, everything(store))


def test_it_may_be_stopped_at_any_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before each rename and each deletion in turn, as by a kill: nothing is tidied up."""
    whole = Store(tmp_path / "whole", create=True)
    for trials in (("a", "b"), ("b",), ("c",)):
        append(whole, *trials)
        plan(whole, "s", *trials)
    listed(whole, "d", "h")
    before, rename, unlink, stopped = everything(whole), Path.replace, Path.unlink, list[str]()
    while True:
        store, left = Store(shutil.copytree(whole.root, tmp_path / str(len(stopped)))), len(stopped)

        def step(path: Path) -> None:
            nonlocal left
            if left == 0:
                stopped.append(path.suffix)
                raise KeyboardInterrupt
            left -= 1

        def stop_rename(path: Path, target: Path) -> Path:
            if path.suffix == parts.UNFINISHED:
                step(path)
            return rename(path, target)

        def stop_unlink(path: Path, missing_ok: bool = False) -> None:
            if path.suffix == parts.UNFINISHED:
                raise OSError(5, "Input/output error")
            if path.suffix == parts.SUFFIX:
                step(path)
            unlink(path, missing_ok=missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", stop_rename)
            patch.setattr(Path, "unlink", stop_unlink)
            try:
                compact(store)
            except KeyboardInterrupt:
                assert_same(before, everything(store))
                assert checking.check(store).sound
            else:
                break
        age(store.root)
        compact(store)
        assert_same(before, everything(store))
        assert superseded(store.root) == set()
        assert len(files(store.root)) == len(schema.KINDS)
        assert list(checking.repair(store).strays) == _unfinished(store.root / "quarantine")
        assert_same(before, everything(store))
    assert set(stopped) == {parts.UNFINISHED, parts.SUFFIX}
    assert len(stopped) == 4 * (1 + 3), "at each new part of four kinds, and at each of the three that it replaces"


def _unfinished(root: Path) -> list[str]:
    found = [path for kind in schema.KINDS for path in (root / kind).rglob(f"*{parts.UNFINISHED}")]
    return sorted(path.relative_to(root).as_posix() for path in found)


def test_one_at_a_time(store: Store) -> None:
    with Claims(store.root) as claims:
        assert claims.take("compaction")
        for work, said in ((compact, "another compaction is at work"), (checking.repair, "a compaction is at work")):
            with pytest.raises(StoreError, match=rf"^[^\n]*{said}; wait for its end$"):
                work(store)
    assert len(intact(store)) == 24
