"""What the store promises: parts are whole or not there, a trial shows once, a kill or a full disk costs one trial."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from store import Store, StoreError, checking, inventory, query
from store import store as store_module

# Both what the tests here append and the script that other processes run: it knows only `store`.
WRITER = '''
import itertools, os, resource, signal, sys, time
from pathlib import Path
from store import Store, StoreError

def append(store, trial_id, status="done", dataset="d", model="m", images=3):
    """One trial with as many predictions as images; a failed one has none."""
    row = {"trial_id": trial_id, "cell_id": "c", "dataset": dataset, "model": model, "recipe": "r", "repeat": 0,
           "fold": 0, "status": status, "error": None if status == "done" else "it broke", "classes": ["a", "b"]}
    shown = [{"subset": "test", "image_id": f"a/{i}", "label": "a", "predicted": "a", "probabilities": [0.75, 0.25]}
             for i in range(images)]
    maps = [{"image_id": "a/0", "label": "a", "layer": "l", "maps": 1, "height": 1, "width": 1, "values": b"x",
             "low": [0.0], "high": [1.0]}]
    done = status == "done"
    return store.append_trial(row, shown if done else [], maps if done else [])

def kill_over_and_over(root):
    """For each line `FIRST TRIALS SECONDS`: a process appends trials from FIRST - 1 on; so long after its TRIALS-th it
    is killed."""
    import pandas  # pyarrow does so once, which would take up most of the time that a process has to live
    for line in sys.stdin:
        first, trials, seconds = line.split()
        finished, tell = os.pipe()
        child = os.fork()
        if child == 0:
            for number in itertools.count(max(int(first) - 1, 0)):
                append(Store(root, create=True), f"t{number}")
                os.write(tell, b".")
        for _ in range(int(trials)):
            os.read(finished, 1)
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

def append_many(root, name, count):
    store = Store(root, create=True)
    for number in range(int(count)):
        append(store, f"{name}{number}")

def append_with_little_room(root, limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    try:
        append(Store(root), "big")
    except StoreError as error:
        print(error)
'''
exec(WRITER)
append: Any = globals()["append"]

INTACT = """
    select t.trial_id, coalesce(list_sum([p.rows for p in t.parts if p.path like 'predictions%']), 0) as promised,
        (select count(*) from predictions p where p.trial_id = t.trial_id) as shown
    from trials t
"""
PLANNED = {"study_title": "S", "dataset": "d", "model": "m", "recipe": "r", "repeat": 0, "fold": 0, "cell_id": "c"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", create=True)


@contextmanager
def writer(call: str, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """A process that runs one function of the script."""
    code = f"{WRITER}\n{call}(Path(sys.argv[1]), *sys.argv[2:])"
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
    assert process.returncode == 0


def shown(store: Store, view: str = "trials", columns: str = "trial_id") -> list[Any]:
    return sorted(tuple(row.values()) for row in query(store, f"select {columns} from {view}").to_pylist())


def newest(store: Store, kind: str) -> Path:
    return max((store.root / kind).rglob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)


def files(store: Store) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file())


# --- A part is whole or not there


@pytest.mark.parametrize("kind", ["predictions", "trials"])
def test_what_is_not_renamed_is_not_there(store: Store, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    append(store, "old")
    before, rename = files(store), Path.replace

    def stop(path: Path, target: Path) -> Path:
        if target.is_relative_to(store.root / kind):
            raise failure
        return rename(path, target)

    def stop_unlink(path: Path, missing_ok: bool = False) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", stop)
    failure: BaseException = OSError(28, "No space left on device")
    with pytest.raises(StoreError, match=rf"/{kind}/.*: a part cannot be written \(No space left on device\); "):
        append(store, "new")
    assert not [path for path in files(store) if path.suffix == ".part"], "what was begun is removed"
    failure = KeyboardInterrupt()
    monkeypatch.setattr(Path, "unlink", stop_unlink)  # nothing is tidied up, as when the process is killed
    with pytest.raises(KeyboardInterrupt):
        append(store, "new")
    litter = set(files(store)) - set(before)
    assert [path for path in litter if path.suffix == ".part"]
    for view in ("trials", "predictions", "scores", "activations"):
        assert {trial for (trial,) in shown(store, view)} == {"old"}
    assert checking.check(store).sound
    monkeypatch.undo()
    append(store, "new")
    assert shown(store) == [("new",), ("old",)]


def test_predictions_without_their_trial_do_not_show(store: Store) -> None:
    append(store, "whole")
    append(store, "lost")
    newest(store, "trials").unlink()
    assert len(list((store.root / "predictions").rglob("*.parquet"))) == 2
    for view in ("trials", "predictions", "scores", "activations"):
        assert {trial for (trial,) in shown(store, view)} == {"whole"}


def test_a_snapshot_has_all_of_every_trial_in_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    entries, folders = inventory._entries, []

    def append_first(folder: Path) -> Any:
        append(store, f"before {len(folders)}")
        folders.append(folder)
        return entries(folder)

    monkeypatch.setattr(inventory, "_entries", append_first)
    with store.connect(in_memory=True) as connection:
        rows = connection.execute(INTACT).fetchall()
    assert len(folders) > len(rows) >= 1
    assert {(promised, shown) for _, promised, shown in rows} == {(3, 3)}


# --- A trial shows once


@pytest.mark.parametrize(
    ("statuses", "winner"),
    [("done failed", 0), ("failed done", 1), ("done done", 1), ("failed failed", 1), ("done failed done failed", 2)],
)
def test_of_several_attempts_one_shows(store: Store, statuses: str, winner: int) -> None:
    attempts = [append(store, "t", status, images=3 + n) for n, status in enumerate(statuses.split())]
    status = statuses.split()[winner]
    assert shown(store, "trials", "attempt_id, status") == [(attempts[winner], status)]
    done = status == "done"
    assert len(shown(store, "predictions")) == (3 + winner) * done
    assert shown(store, "scores", "images") == [(3 + winner,)] * done
    assert len(shown(store, "activations")) == done
    assert store.finished() == (({"t"}, set()) if done else (set(), {"t"}))


def test_attempts_of_the_same_moment_have_a_fixed_winner(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_now", lambda: datetime(2026, 1, 1))
    attempts = [append(store, "t") for _ in range(5)]
    assert shown(store, "trials", "attempt_id") == [(max(attempts),)]
    assert len(shown(store, "predictions")) == 3


# --- Names


NAMES = [
    "white cells", "it's", 'a "b"', "50%", "%20", "a=b", "dataset=x", "a/b", "..", "*", "[a]?", "a\\b", "ü日本",
    "😀" * 12, "null", "NULL", "01", "true", "a+b", "#&;:", "tab\there", "line\nbreak", " edge ",
]  # fmt: skip


def test_names_of_odd_characters_come_back(store: Store) -> None:
    for name in NAMES:
        append(store, f"trial of {name}", dataset=name, model=name)
    for _ in range(2):  # the second time writes nothing
        before = {path: path.stat().st_ino for path in files(store)}
        for name in NAMES:
            store.append_plan(name, [{**PLANNED, "trial_id": name}])
            store.append_images(name, "hash", [{"image_id": name, "label": "a", "sha256": "0", "image_group": "g"}])
    assert before == {path: path.stat().st_ino for path in files(store)}
    for view, columns in (
        ("trials", "dataset, model, trial_id[10:]"),
        ("(select distinct dataset, model, trial_id from predictions)", "dataset, model, trial_id[10:]"),
        ("plans", "study, trial_id"),
        ("images", "dataset, image_id"),
    ):
        columns_of = [(name,) * len(columns.split(", ")) for name in NAMES]
        assert shown(store, view, columns) == sorted(columns_of), view
    assert checking.check(store).sound
    assert all(path.suffix == ".parquet" for path in files(store) if path.parent != store.root)


def test_any_names_come_back(store: Store) -> None:
    rng = random.Random(0)
    letters = [chr(code) for code in range(1, 0x250)] + list("日本語😀\u2028")
    names = {"".join(rng.choices(letters, k=length)) for length in range(20) for _ in range(3)}
    for name in names:
        store.append_images(name, "hash", [{"image_id": name, "label": "a", "sha256": "0", "image_group": "g"}])
    assert shown(store, "images", "dataset, image_id") == sorted((name, name) for name in names)


@pytest.mark.parametrize("name", ["two words", "it's", "a[b]c", "q?x*", "seed=3", "100%", "ü"])
def test_a_store_may_lie_anywhere(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / name / "store", create=True)
    append(store, "t")
    assert shown(store, "predictions", "distinct dataset, model") == [("d", "m")]
    assert checking.check(store).sound


# --- What is a store


def test_a_place_that_is_no_store_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"x")
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for create in (False, True):
        with pytest.raises(StoreError, match=r"^[^\n]*photos (is no results store|holds other things)[^\n]*--store"):
            Store(tmp_path / "photos", create=create)
        with pytest.raises(StoreError, match=r"^[^\n]*file[^\n]*--store[^\n]*$"):
            Store(tmp_path / "file", create=create)
    with pytest.raises(StoreError, match=r"^[^\n]*missing: no results store there; `bench run` makes one[^\n]*$"):
        Store(tmp_path / "missing")
    with pytest.raises(StoreError, match=r"^[^\n]*empty is no results store \(it has no store.json\)[^\n]*$"):
        Store(tmp_path / "empty")
    assert [p.name for p in (tmp_path / "photos").iterdir()] == ["cat.jpg"]
    assert not (tmp_path / "missing").exists()
    Store(tmp_path / "empty", create=True)
    assert shown(Store(tmp_path / "empty")) == []


@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        ('{"bench_store": 3}', r"later version of bench \(schema 3\); update bench"),
        ('{"bench_store": "new"}', "later version"),
        ("{}", "is no results store"),
        ("[1]", "is no results store"),
        ("", "is no results store"),
        ("\udcff", "is no results store"),
    ],
)
def test_a_store_of_another_version_is_refused(store: Store, marker: str, reason: str) -> None:
    (store.root / "store.json").write_bytes(marker.encode(errors="surrogateescape"))
    for create in (False, True):
        with pytest.raises(StoreError, match=rf"^[^\n]*{reason}[^\n]*$"):
            Store(store.root, create=create)
    assert (store.root / "store.json").read_bytes() == marker.encode(errors="surrogateescape")


def test_a_store_whose_making_was_cut_short_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            Store(tmp_path / "store", create=True)
    append(Store(tmp_path / "store", create=True), "t")
    assert shown(Store(tmp_path / "store")) == [("t",)]


# --- Plans, images, the fingerprint, checking


def test_a_plan_is_kept_once_until_another_comes(store: Store) -> None:
    first = [{**PLANNED, "trial_id": f"t{n}"} for n in range(2)]
    second = [{**row, "cell_id": "other", "trial_id": row["trial_id"] + "'"} for row in first]
    for rows, plans in ((first, 1), (first, 1), (second, 2), (second, 2), (first, 3), (first, 3)):
        store.append_plan("s", rows)
        assert len(list((store.root / "plans").rglob("*.parquet"))) == plans
        assert shown(store, "current_plans") == sorted((row["trial_id"],) for row in rows)
    store.append_plan("another", first)
    assert shown(store, "cells", "study, wanted") == [("another", 2), ("s", 2)]


def test_images_are_kept_once_for_each_content(store: Store) -> None:
    image = {"image_id": "a/0", "label": "a", "sha256": "0", "image_group": "g", "thumbnail": b"jpeg"}
    for content, parts in (("h1", 1), ("h1", 1), ("h2", 2), ("h1", 2)):
        before = {path: path.stat().st_mtime_ns for path in files(store)}
        store.append_images("d", content, iter([image]))
        assert len(list((store.root / "images").rglob("*.parquet"))) == parts
        assert before.items() <= {path: path.stat().st_mtime_ns for path in files(store)}.items()
    assert shown(store, "images", "dataset_hash, thumbnail") == [("h1", b"jpeg"), ("h2", b"jpeg")]


def test_the_fingerprint_names_what_shows(store: Store) -> None:
    seen = [store.fingerprint()]
    for change in (("a",), ("b",), ("a",), ("b", "failed")):
        append(store, *change)
        seen.append(store.fingerprint())
        assert seen[-1] == Store(store.root).fingerprint()
    store.append_plan("s", [{**PLANNED, "trial_id": "a"}])
    assert len(set(seen)) == 4, "each new trial or run that shows gives a new one"
    assert seen[-1] == seen[-2] == store.fingerprint(), "a failed run behind a finished one does not show"


def test_checking_finds_what_was_altered_or_lost(store: Store) -> None:
    for trial in ("a", "b", "c"):
        append(store, trial)
    assert checking.check(store).sound
    flipped, lost = sorted((store.root / "predictions").rglob("*.parquet"))[:2]
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    lost.unlink()
    relative = [path.relative_to(store.root).as_posix() for path in (flipped, lost)]
    report = checking.check(store)
    assert report.damaged == {relative[0]: "was altered after it was written"}
    assert report.lost == {relative[1]: "is missing, and 1 trial(s) with it"}
    assert not report.sound


# --- Real processes


def _twenty_kills(root: Path, seed: int) -> None:
    rng, rounds = random.Random(seed), 20
    store, expected = Store(root, create=True), 0
    with writer("kill_over_and_over", root) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(rounds):
            process.stdin.write(f"{expected} {rng.randrange(3)} {rng.uniform(0, 0.04)}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "-9\n", number
            trials = query(Store(root), INTACT).to_pylist()
            assert all(trial["promised"] == trial["shown"] == 3 for trial in trials), number
            ids = {trial["trial_id"] for trial in trials}
            assert ids == {f"t{n}" for n in range(len(trials))}, "none is doubled, none that was finished is gone"
            assert len(ids) >= expected, number
            assert checking.check(store).sound
            expected = len(ids)
        process.stdin.close()
    assert expected > rounds / 4, "trials were appended"
    attempts = {path.name.partition(".")[0] for path in root.rglob("*.parquet")}
    rows = {path.name.partition(".")[0] for path in (root / "trials").rglob("*.parquet")}
    assert len(rows) > expected, "some trials ran twice"
    assert attempts - rows or list(root.rglob("*.part")), "some kills came amid an append"


def test_a_kill_at_any_moment_costs_one_trial(tmp_path: Path) -> None:
    _twenty_kills(tmp_path / "store", 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_two_hundred_kills(tmp_path: Path, seed: int) -> None:
    _twenty_kills(tmp_path / "store", seed)


def test_two_writers_and_a_reader_at_once(tmp_path: Path) -> None:
    root, seen = tmp_path / "store", 0
    with writer("append_many", root, "a", 30) as one, writer("append_many", root, "b", 30) as two:
        while one.poll() is None or two.poll() is None:
            if (root / "store.json").exists():
                done, failed = Store(root).finished()
                assert len(done) >= seen
                assert not failed
                seen = len(done)
            time.sleep(0.1)
    store = Store(root)
    assert shown(store) == sorted((f"{name}{number}",) for name in "ab" for number in range(30))
    assert all(trial["promised"] == trial["shown"] == 3 for trial in query(store, INTACT).to_pylist())
    assert checking.check(store).sound
    assert json.loads((root / "store.json").read_text()) == {"bench_store": 2}
    assert not list(root.glob(".store.json-*"))


@pytest.mark.parametrize("kind", ["predictions", "trials"])
def test_a_full_disk_is_said_in_a_sentence(store: Store, kind: str) -> None:
    append(store, "old")
    before = files(store)
    size = {path.relative_to(store.root).parts[0]: path.stat().st_size for path in before}
    assert size["predictions"] < size["activations"] < size["trials"] - 100
    limit = size["predictions"] // 2 if kind == "predictions" else size["trials"] - 100
    with writer("append_with_little_room", store.root, limit) as process:
        assert process.stdout is not None
        said = process.stdout.read()
    assert said.startswith(f"{store.root}/{kind}/dataset=d/model=m: ")
    assert said.endswith("a part cannot be written (File too large); free space or choose another --store\n")
    assert said.count("\n") == 1
    assert not list(store.root.rglob("*.part"))
    assert set(before) <= set(files(store))
    assert shown(store) == [("old",)]
    assert len(shown(store, "predictions")) == 3
    assert checking.check(store).sound
