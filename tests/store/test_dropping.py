"""A dataset, or what is stale, leaves the store by a command and comes back by another, wherever either is stopped."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from writing import append, everything, files, intact, listed, plan

from store import Claims, Store, StoreError, StoreWarning, checking, compaction, dropping, packing, quarantine, query


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two datasets in one study, each with trials, lists and a row in the same part of plans."""
    store = Store(tmp_path / "store", create=True)
    for name in ("here", "gone"):
        append(store, f"{name}-1", f"{name}-2", dataset=name)
        listed(store, name, f"{name}-hash")
    shared = {"recipe": "r", "recipe_json": "{}", "protocol_json": "{}", "study_title": "S", "scheme": "s"}
    rows = [
        {**shared, "dataset": name, "model": "m", "cell_id": name, "trial_id": f"{name}-{n}", "repeat": n, "fold": n}
        for name in ("here", "gone")
        for n in (1, 2)
    ]
    store.append_plan("both", rows)
    plan(store, "alone", "gone-1", dataset="gone", cell="gone")
    return store


def datasets(store: Store) -> dict[str, set[Any]]:
    """The datasets that each table shows."""
    tables = ("trials", "predictions", "images", "splits", "activations", "plans", "cells", "scores", "votes")
    return {
        table: {row["dataset"] for row in query(store, f"select distinct dataset from {table}").to_pylist()}
        for table in tables
    }


def test_a_dataset_leaves_every_table_and_comes_back(store: Store) -> None:
    before, shown = everything(store), datasets(store)
    assert set(map(frozenset, shown.values())) == {frozenset({"here", "gone"})}
    every = {(store.root / path).read_bytes() for path in files(store.root)}
    moved = dropping.drop(store, "gone")
    assert set(map(frozenset, datasets(store).values())) == {frozenset({"here"})}
    assert moved == len(files(store.root / "quarantine" / "dropped" / "gone"))
    assert every <= {path.read_bytes() for path in store.root.rglob("*.parquet")}, "no byte is lost"
    with pytest.raises(StoreError, match=r"nothing of a dataset 'gone'; it has here$"):
        dropping.drop(store, "gone")
    assert dropping.undo(store, "gone") == moved
    assert everything(store) == before
    assert not (store.root / "quarantine").exists()
    with pytest.raises(StoreError, match=r"nothing of a dataset 'gone' was dropped; nor of any other$"):
        dropping.undo(store, "gone")


def test_what_is_left_is_as_if_the_other_had_never_been(store: Store, tmp_path: Path) -> None:
    with_both = everything(store)
    dropping.drop(store, "gone")
    compaction.compact(store)
    left = everything(store)
    for table in ("trials", "predictions", "scores", "images", "splits", "plans"):
        assert left[table] == [row for row in with_both[table] if "gone" not in row], table


@pytest.mark.parametrize("stopped", [1, 5])
def test_either_can_be_stopped_and_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch, stopped: int) -> None:
    before = everything(store)
    for work, after in ((dropping.drop, {"here"}), (dropping.undo, {"here", "gone"})):
        count = 0

        def killed(root: Path, path: str, to: str) -> None:
            nonlocal count
            count += 1
            if count > stopped:
                raise KeyboardInterrupt
            quarantine.move(root, path, to)

        with monkeypatch.context() as dying:
            dying.setattr(dropping, "move", killed)
            with pytest.raises(KeyboardInterrupt):
                work(store, "gone")
        assert {"here-1", "here-2"} <= intact(store), "the other dataset is whole at every moment"
        work(store, "gone")
        assert set(map(frozenset, datasets(store).values())) == {frozenset(after)}
    assert everything(store) == before


def test_what_is_trained_again_meets_what_comes_back(store: Store) -> None:
    dropping.drop(store, "gone")
    append(store, "gone-1", "gone-3", dataset="gone")
    plan(store, "alone", "gone-1", dataset="gone", cell="gone")
    assert datasets(store)["plans"] == {"here", "gone"}, "a run that wants the same as before plans it again"
    dropping.undo(store, "gone")
    assert intact(store) == {"here-1", "here-2", "gone-1", "gone-2", "gone-3"}


def test_dropped_twice_nothing_is_lost(store: Store, tmp_path: Path) -> None:
    copy = shutil.copytree(store.root, tmp_path / "copy")
    before = everything(store)
    dropping.drop(store, "gone")
    shutil.copytree(copy / "trials" / "dataset=gone", store.root / "trials" / "dataset=gone", dirs_exist_ok=True)
    dropping.drop(store, "gone")
    assert intact(store) == {"here-1", "here-2"}
    dropping.undo(store, "gone")
    assert everything(store) == before


@pytest.mark.parametrize("name", ["..", "../here", "Gone", "a/b", ""])
def test_what_is_no_name_is_refused(store: Store, name: str) -> None:
    before = files(store.root)
    for work in (dropping.drop, dropping.undo):
        with pytest.raises(StoreError, match="no name"):
            work(store, name)
    assert files(store.root) == before


def test_a_compaction_is_waited_for(store: Store) -> None:
    with Claims(store.root) as others:
        assert others.take("compaction")
        with pytest.raises(StoreError, match="a compaction is at work"):
            dropping.drop(store, "gone")
    assert datasets(store)["trials"] == {"here", "gone"}


@pytest.fixture
def aged(store: Store) -> Store:
    """Beside what is planned: trials that no plan wants, in a part of their own, and in one with a trial that is."""
    append(store, "here-old", dataset="here")
    append(store, "gone-3", "gone-old", dataset="gone")
    append(store, "failed-old", dataset="gone", status="failed")
    plan(store, "third", "gone-3", dataset="gone", cell="gone")
    return store


OLD = {"here-old", "gone-old", "failed-old"}


def trials_of(store: Store) -> set[str]:
    return {row["trial_id"] for row in query(store, "select trial_id from trials").to_pylist()}


def runs_of(root: Path) -> set[str]:
    """Every run of a trial that stands in some part below a folder."""
    return {run for path in root.rglob("trials/**/*.parquet") for run in pq.read_table(path)["attempt_id"].to_pylist()}


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_stale_leaves_and_comes_back(aged: Store, packed: bool) -> None:
    append(aged, "gone-old", dataset="gone", images=6)  # a second run, which shows; the first must not be lost
    if packed:
        compaction.compact(aged)
    before, every, runs = everything(aged), trials_of(aged), runs_of(aged.root)
    assert every > OLD
    assert dropping.drop_stale(aged) == len(OLD)
    after = everything(aged)
    assert trials_of(aged) == every - OLD
    for table in before.keys() - {"progress", "cells"}:  # which count the stale ones
        assert after[table] == [row for row in before[table] if not OLD.intersection(map(str, row))], table
    assert {row["stale"] for row in query(aged, "select stale from progress").to_pylist()} == {0}
    assert checking.check(aged).sound
    assert runs_of(aged.root) == runs, "no run is lost"
    with pytest.raises(StoreError, match=r"no stale trial$"):
        dropping.drop_stale(aged)
    dropping.undo_stale(aged)
    assert everything(aged) == before
    assert runs_of(aged.root) == runs
    assert not (aged.root / "quarantine").exists()
    with pytest.raises(StoreError, match="no stale trial was dropped"):
        dropping.undo_stale(aged)


@pytest.mark.parametrize("step", range(7))
def test_stopped_at_any_step_no_run_is_lost_and_it_goes_on(
    aged: Store, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    every, runs, count = trials_of(aged), runs_of(aged.root), 0

    def counted(work: Any) -> Any:
        def killed(*given: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count > step:
                raise KeyboardInterrupt
            return work(*given, **named)

        return killed

    with monkeypatch.context() as dying:
        dying.setattr(packing, "pack", counted(packing.pack))
        dying.setattr(compaction, "_delete", counted(compaction._delete))
        with pytest.raises(KeyboardInterrupt):
            dropping.drop_stale(aged)
    assert intact(aged) >= every - OLD, "and no reader is told of damage"
    assert checking.check(aged).sound
    assert runs_of(aged.root) == runs
    if OLD & trials_of(aged):
        dropping.drop_stale(aged)
    assert trials_of(aged) == every - OLD
    assert runs_of(aged.root) == runs
    dropping.undo_stale(aged)
    assert intact(aged) == every


def test_what_is_written_meanwhile_is_nobody_s_to_drop(aged: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run trains what was stale anew, by a new plan, while it is dropped."""
    pack, fresh = packing.pack, list[str]()

    def beside(*given: Any, **named: Any) -> None:
        if not fresh:
            fresh.extend(append(aged, "here-old", dataset="here", images=6))
            plan(aged, "fourth", "here-old", dataset="here", cell="here")
        pack(*given, **named)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(packing, "pack", beside)
        dropping.drop_stale(aged)
    (row,) = query(aged, "select attempt_id, current from trials where trial_id = 'here-old'").to_pylist()
    assert (row["attempt_id"], row["current"]) == (fresh[0], True)
    dropping.undo_stale(aged)
    assert intact(aged) >= OLD


def test_where_damage_keeps_them_it_is_said(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    append(store, "wanted", "old")  # the maps are of the first alone, which is lost with them
    plan(store, "study", "wanted")
    for path in files(store.root, "activations"):
        (store.root / path).unlink()
    before = files(store.root)
    with pytest.warns(StoreWarning), pytest.raises(StoreError, match="check --repair` comes first"):
        dropping.drop_stale(store)
    assert files(store.root) == before


def test_nothing_is_called_stale_where_nothing_was_planned(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    append(store, "one")
    with pytest.raises(StoreError, match="no study was planned"):
        dropping.drop_stale(store)
    assert trials_of(store) == {"one"}
