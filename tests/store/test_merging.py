"""What merging promises: nothing is chosen silently, nothing comes twice, a kill costs nothing."""

import json
import math
import random
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from store import Store, StoreError, StoreWarning, inventory, merging, parts
from store.compaction import compact
from store.merging import Conflict, Merged, merge

RELEASED = Path(__file__).parent / "released" / "v1"
VIEWS = {
    "trials": "trial_id, attempt_id, dataset, model, status, classes, finished_at, len(parts)",
    "predictions": "*",
    "activations": "*",
    "plans": "*",
    "images": "*",
    "cells": "* exclude (seconds)",
}


@pytest.fixture
def ours(tmp_path: Path) -> Store:
    return Store(tmp_path / "ours", create=True)


@pytest.fixture
def theirs(tmp_path: Path) -> Store:
    return Store(tmp_path / "theirs", create=True)


def append(
    store: Store, *trials: str, status: str = "done", dataset: str = "d", model: str = "m", **odd: Any
) -> list[str]:
    """Trials that ended together; `odd` replaces what a prediction or a trial says otherwise."""
    finished = []
    for trial in trials:
        row = {
            "trial_id": trial,
            "cell_id": "c",
            "dataset": dataset,
            "model": model,
            "recipe": "r",
            "repeat": 0,
            "fold": 1,
            "status": status,
            "classes": odd.get("classes", ["a", "b"]),
        }
        shown = [
            {
                "subset": "test",
                "image_id": f"a/{n}",
                "label": odd.get("label", "a"),
                "predicted": "a",
                "probabilities": odd.get("probabilities", [0.75, 0.25]),
            }
            for n in range(odd.get("images", 3))
        ]
        maps = [{"image_id": "a/0", "label": "a", "layer": trial, "maps": 1, "height": 1, "width": 1, "values": b"x"}]
        finished.append((row, shown if status == "done" else [], maps if status == "done" else []))
    return store.append_trials(finished)


def plan(store: Store, study: str, *trials: str) -> None:
    shared = {"study_title": "S", "dataset": "d", "model": "m", "recipe": "r", "repeat": 0, "fold": 0}
    store.append_plan(study, [{**shared, "trial_id": trial, "cell_id": f"c of {trials}"} for trial in trials])


def listed(store: Store, dataset: str, dataset_hash: str, thumbnail: bytes | None = None) -> None:
    image = {"image_id": "a/0", "label": "a", "sha256": "0", "image_group": "g", "thumbnail": thumbnail}
    store.append_images(dataset, dataset_hash, [image])


def shown(store: Store, view: str, columns: str | None = None) -> list[Any]:
    ask = f"select {columns or VIEWS[view]} from {view}"
    return sorted(store.read(lambda connection: connection.execute(ask).fetchall()), key=repr)


def everything(store: Store) -> dict[str, list[Any]]:
    def ask(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
        answers = {view: connection.execute(f"select {VIEWS[view]} from {view}").fetchall() for view in VIEWS}
        return {view: sorted(rows, key=repr) for view, rows in answers.items()}

    return store.read(ask)


def content(store: Store) -> dict[Path, Any]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in store.root.rglob("*") if path.is_file()}


def part(store: Store, kind: str, number: int = 0) -> Path:
    return sorted((store.root / kind).rglob("*.parquet"))[number]


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def merged(added: int = 0, same: int = 0, plans: int = 0, images: int = 0, splits: int = 0, **more: Any) -> Merged:
    lists = {"images": images, "splits": splits, "plans": plans}
    return Merged(added, same, more.get("conflicts", ()), more.get("left_out", {}), lists)


def split(store: Store, dataset: str, *folds: int | None, repeat: int = 0) -> None:
    places = [{"repeat": repeat, "image_id": f"a/{number}", "fold": fold} for number, fold in enumerate(folds)]
    store.append_splits(dataset, "h", "protocol", places)


# --- What comes in


@pytest.mark.parametrize("chunk", [(2_000, 1_000_000), (2, 9)])
def test_all_that_ours_lacks_comes_in_once(
    ours: Store, theirs: Store, monkeypatch: pytest.MonkeyPatch, chunk: tuple[int, int]
) -> None:
    monkeypatch.setattr(merging, "TRIALS", chunk[0])
    monkeypatch.setattr(merging, "ROWS", chunk[1])
    both = Store(ours.root.parent / "both", create=True)
    rng = random.Random(0)
    for dataset, model, study in (
        ("d", "m", "d"),
        ("white-cells_5.0", "a-b", "it's 50%"),
        ("0", "m", "a=b"),
        ("null", "0", ""),
    ):
        append(theirs, *(f"{dataset} {n}" for n in range(rng.randrange(4, 9))), dataset=dataset, model=model)
        append(theirs, f"{dataset} failed", status="failed", dataset=dataset, model=model)
        listed(theirs, dataset, "h")
        plan(theirs, study, f"{dataset} 0")
    append(ours, "own", "own too")
    append(ours, "own", dataset="own")
    listed(ours, "own", "h")
    plan(ours, "own", "own")
    shutil.copytree(ours.root, both.root, dirs_exist_ok=True)
    shutil.copytree(theirs.root, both.root, dirs_exist_ok=True)
    before, trials = content(theirs), len(shown(theirs, "trials"))
    assert merge(ours, theirs) == merged(added=trials, plans=4, images=4)
    after = content(ours)
    assert merge(ours, theirs) == merged(same=trials)
    assert everything(ours) == everything(both)
    written = len(list((ours.root / "trials").rglob("*.parquet"))) - 2
    assert (written > 4) == (chunk != (2_000, 1_000_000)), "one part for each dataset and model, or one for each chunk"
    assert content(theirs) == before
    compact(theirs)
    assert content(theirs).keys() != before.keys()
    assert merge(ours, theirs) == merged(same=trials), "nothing is new because it lies otherwise"
    assert content(ours) == after


@pytest.mark.parametrize("of_ours", ["done", "failed"])
@pytest.mark.parametrize("of_theirs", ["done", "failed"])
def test_a_finished_run_replaces_failed_ones_alone(ours: Store, theirs: Store, of_ours: str, of_theirs: str) -> None:
    (theirs_id,) = append(theirs, "t", status=of_theirs)  # the earlier one
    (ours_id,) = append(ours, "t", status=of_ours)
    comes = (of_ours, of_theirs) == ("failed", "done")
    assert merge(ours, theirs) == merged(added=comes, same=not comes)
    assert shown(ours, "trials", "attempt_id") == [(theirs_id if comes else ours_id,)]
    assert len(shown(ours, "predictions")) == (3 if "done" in (of_ours, of_theirs) else 0)
    assert merge(ours, theirs) == merged(same=1)


def test_a_run_that_ours_has_behind_a_newer_one_is_the_same(ours: Store, theirs: Store) -> None:
    append(theirs, "t", "u")
    merge(ours, theirs)
    append(ours, "t", probabilities=[0.0, 1.0])
    before = content(ours)
    assert merge(ours, theirs) == merged(same=2)
    assert content(ours) == before


def test_a_store_of_an_earlier_version_comes_in(ours: Store) -> None:
    theirs = Store(RELEASED)
    before = content(theirs)
    assert merge(ours, theirs) == merged(added=3, plans=1, images=1)
    assert everything(ours) == everything(theirs)
    assert all(parts.Name.of(path.name).version > 1 for path in ours.root.rglob("*.parquet"))
    assert merge(ours, theirs) == merged(same=3)
    assert content(theirs) == before


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_merges_does_not_matter(tmp_path: Path, seed: int) -> None:
    """Runs of one trial agree here; which trials are in which store, how they ended and in which parts is drawn."""
    rng, first, second = random.Random(seed), Store(tmp_path / "1", create=True), Store(tmp_path / "2", create=True)
    for store in (first, second):
        for _ in range(3):
            model, status = rng.choice(["m", "n"]), rng.choice(["done", "done", "failed"])
            trials = rng.sample([f"{model}{n}" for n in range(6)], rng.randrange(1, 5))
            append(store, *trials, status=status, model=model)
        plan(store, "s", *rng.sample(["t0", "t1", "t2"], 2))
        listed(store, "d", rng.choice(["h", "i"]))
    if rng.random() < 0.5:
        merge(first, second)  # some attempts stand in both
    ends = []
    for order in ((first, second), (second, first)):
        end = Store(tmp_path / f"end {len(ends)}", create=True)
        assert all(not merge(end, other).conflicts for other in order)
        ends.append(everything(end))
        ends[-1]["trials"] = sorted({(trial, status) for trial, _, _, _, status, *_ in ends[-1]["trials"]})
    assert ends[0] == ends[1]
    every = {row for store in (first, second) for row in shown(store, "trials", "trial_id, status")}
    assert ends[0]["trials"] == sorted(dict(sorted(every, reverse=True)).items()), "done wins"


# --- Two results of one trial


@pytest.mark.parametrize(
    ("odd", "difference", "reason"),
    [
        ({}, 0.0, None),
        ({"probabilities": [0.7509, 0.2491]}, 0.0009, None),
        ({"probabilities": [0.74, 0.26]}, 0.01, "a probability differs by 0.01"),
        ({"probabilities": [math.nan, 0.25]}, math.nan, "the probabilities cannot be compared"),
        ({"probabilities": [0.75]}, math.nan, "the probabilities cannot be compared"),
        ({"label": "b"}, 0.0, "3 images have another class in the one than in the other"),
        ({"images": 1}, 0.0, "2 predictions are of images that only one of the two was asked about"),
        ({"images": 0}, math.nan, "3 predictions are of images that only one of the two was asked about"),
        ({"classes": ["b", "a"]}, math.nan, "the classes are not the same, or not in the same order"),
    ],
)
def test_two_results_are_compared_and_none_is_chosen(
    ours: Store, theirs: Store, odd: dict[str, Any], difference: float, reason: str | None
) -> None:
    for store, what in ((ours, {}), (theirs, odd)):
        append(store, "before", model="n")
        append(store, "t", **what)
        append(store, "u")
    append(theirs, "new")
    rows = shown(ours, "predictions")
    result = merge(ours, theirs)
    assert (result.added, result.same) == (1, 3 if reason is None else 2)
    for conflict in result.conflicts:
        assert conflict == Conflict("t", "d", "m", "r", 0, 1, conflict.difference, str(reason))
        assert conflict.difference == pytest.approx(difference, abs=1e-6, nan_ok=True)
    assert len(result.conflicts) == (reason is not None)
    assert [row for row in shown(ours, "predictions") if row[0] != "new"] == rows
    again, before = merge(ours, theirs), content(ours)
    assert (again.added, again.same) == (0, result.same + 1)
    assert [c.reason for c in again.conflicts] == [c.reason for c in result.conflicts], "it is told each time"
    assert content(ours) == before


def test_equal_results_that_are_no_numbers_are_the_same(ours: Store, theirs: Store) -> None:
    for store in (ours, theirs):
        append(store, "t", probabilities=[math.nan, math.inf])
        append(store, "nothing", images=0)
    assert merge(ours, theirs) == merged(same=2)


# --- Damage and kills


@pytest.mark.parametrize("kind", ["predictions", "activations", "trials", "images", "plans"])
def test_what_is_damaged_there_is_named_and_the_rest_comes_in(ours: Store, theirs: Store, kind: str) -> None:
    for batch in (("a", "b"), ("c", "d")):
        append(theirs, *batch)
        plan(theirs, batch[0], *batch)
        listed(theirs, batch[0], "h")
    before = {path.name for path in (theirs.root / kind).rglob("*.parquet")}
    theirs.read(lambda connection: None)  # it is sound so far, and noted so
    stat = part(theirs, kind).stat()
    damage(part(theirs, kind))
    of_trials = kind in ("predictions", "activations", "trials")
    result = merge(ours, theirs)
    path = part(theirs, kind).relative_to(theirs.root).as_posix()
    assert result == merged(
        added=2 if of_trials else 4,
        plans=1 if kind == "plans" else 2,
        images=1 if kind == "images" else 2,
        left_out={path: "was altered after it was written"},
    )
    with pytest.warns(StoreWarning, match="altered"):
        expected = everything(theirs)
    assert everything(ours) == expected
    assert stat.st_size == part(theirs, kind).stat().st_size
    assert {path.name for path in (theirs.root / kind).rglob("*.parquet")} == before


def test_no_part_is_believed_because_it_looks_untouched(ours: Store, theirs: Store) -> None:
    append(theirs, "a")
    fingerprint = theirs.fingerprint()
    damage(part(theirs, "predictions"))
    stat = part(theirs, "predictions").stat()
    note = inventory._note(theirs.root)
    noted = json.loads(note.read_text())
    path = part(theirs, "predictions").relative_to(theirs.root).as_posix()
    noted[path][:4] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    note.write_text(json.dumps(noted))
    assert theirs.fingerprint() == fingerprint, "who reads in haste is taken in"
    assert merge(ours, theirs) == merged(left_out={path: "was altered after it was written"})


def test_what_is_lost_there_is_named(ours: Store, theirs: Store) -> None:
    append(theirs, "a", "b")
    lost = part(theirs, "predictions")
    lost.unlink()
    append(theirs, "c")
    path = lost.relative_to(theirs.root).as_posix()
    assert merge(ours, theirs) == merged(added=1, left_out={path: "is missing, and 2 trial(s) with it"})
    assert shown(ours, "trials", "trial_id") == [("c",)]


def test_what_is_damaged_here_comes_back(ours: Store, theirs: Store) -> None:
    append(theirs, "a", "b")
    merge(ours, theirs)
    damage(part(ours, "predictions"))
    with pytest.warns(StoreWarning, match="altered"):
        assert merge(ours, theirs) == merged(added=2)
    with pytest.warns(StoreWarning, match="altered"):
        assert everything(ours) == everything(theirs)


def test_a_merge_that_was_killed_is_finished_by_the_next(
    theirs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(theirs, "a", "b", "c")
    plan(theirs, "s", "a")
    listed(theirs, "d", "h")
    expected = everything(theirs)
    monkeypatch.setattr(merging, "TRIALS", 2)
    rename, kills = Path.replace, 0
    while True:
        ours, left = Store(tmp_path / f"killed {kills}", create=True), kills

        def stop(path: Path, target: Path) -> Path:
            nonlocal left
            if path.name.endswith(parts.UNFINISHED):
                if left == 0:
                    raise KeyboardInterrupt
                left -= 1
            return rename(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", stop)
            try:
                merge(ours, theirs)
            except KeyboardInterrupt:
                kills += 1
            else:
                break
        result = merge(ours, theirs)
        assert result.added + result.same == 3
        assert everything(ours) == expected
    assert kills == 1 + 1 + 2 * 3, "at each of the parts"


def test_a_part_that_vanishes_meanwhile_is_said_in_a_sentence(
    ours: Store, theirs: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(theirs, "a", model="m")
    append(theirs, "b", model="n")
    add = merging._add

    def lose_the_next(*arguments: Any) -> int:
        added = add(*arguments)
        part(theirs, "predictions", 1).unlink(missing_ok=True)
        return added

    monkeypatch.setattr(merging, "_add", lose_the_next)
    with pytest.raises(
        StoreError, match=rf"^{theirs.root} cannot be read to its end \([^\n]*\); merge it again to go on$"
    ):
        merge(ours, theirs)
    assert shown(ours, "trials", "trial_id") == [("a",)], "what came in stays"


def test_a_store_is_not_merged_into_itself(ours: Store, tmp_path: Path) -> None:
    append(ours, "t")
    (tmp_path / "link").symlink_to(ours.root)
    before = content(ours)
    for other in (ours, Store(ours.root / ".." / "ours"), Store(tmp_path / "link")):
        with pytest.raises(StoreError, match=r"^[^\n]* is the store itself; name the folder of another store$"):
            merge(ours, other)
    assert content(ours) == before


# --- Plans and lists of images


def test_plans_come_in_by_their_time(ours: Store, theirs: Store) -> None:
    plan(theirs, "s", "old")
    plan(ours, "s", "of ours")
    plan(theirs, "s", "new")
    assert merge(ours, theirs) == merged(plans=2)
    assert shown(ours, "current_plans", "trial_id") == [("new",)]
    before = content(ours)
    plan(ours, "s", "new")
    assert content(ours) == before, "the newest plan is known by its name"


def test_a_plan_that_was_made_again_comes_in_again(ours: Store, theirs: Store) -> None:
    for number, trial in enumerate(["a", "b", "a"]):
        plan(theirs, "s", trial)
        assert merge(ours, theirs) == merged(plans=1), number
        assert shown(ours, "current_plans", "trial_id") == [(trial,)]


@pytest.mark.parametrize("compacted", ["ours", "theirs", "both"])
def test_plans_and_images_are_known_by_what_they_say(ours: Store, theirs: Store, compacted: str) -> None:
    plan(theirs, "s", "a")
    listed(theirs, "d", "h")
    merge(ours, theirs)
    plan(ours, "s", "b")
    merge(theirs, ours)
    plan(theirs, "s", "c")
    listed(theirs, "d", "i")
    if compacted in ("ours", "both"):
        compact(ours)
    if compacted in ("theirs", "both"):
        compact(theirs)
    assert merge(ours, theirs) == merged(plans=1, images=1)
    for view in ("plans", "images"):
        assert shown(ours, view) == shown(theirs, view)
    before = content(ours)
    assert merge(ours, theirs) == merged()
    assert merge(theirs, ours) == merged()
    assert content(ours) == before


def test_splits_that_were_drawn_first_stay(ours: Store, theirs: Store) -> None:
    split(ours, "d", None, 0, 1)
    split(theirs, "d", 1, 0, None)
    split(theirs, "d", 1, 0, None, repeat=1)
    assert merge(ours, theirs) == merged(splits=2)
    kept = [(0, "a/0", None), (0, "a/1", 0), (0, "a/2", 1), (1, "a/0", 1), (1, "a/1", 0), (1, "a/2", None)]
    assert shown(ours, "splits", "repeat, image_id, fold") == kept
    compact(ours)
    assert shown(ours, "splits", "repeat, image_id, fold") == kept
    assert len(list((ours.root / "splits").rglob("*.parquet"))) == 1
    assert merge(ours, theirs) == merged()


def test_a_plan_that_stands_in_two_parts_comes_in_once(ours: Store, theirs: Store) -> None:
    plan(theirs, "s", "a")
    plan(theirs, "s", "b")
    before = content(theirs)
    compact(theirs)
    for path, (_, data) in before.items():  # as when the compaction was killed
        path.write_bytes(data)
    assert merge(ours, theirs) == merged(plans=2)
    assert shown(ours, "raw_plans", "trial_id") == [("a",), ("b",)]


def test_a_list_of_images_that_says_more_comes_in(ours: Store, theirs: Store) -> None:
    for store, thumbnails in ((ours, [None]), (theirs, [None, b"jpeg"])):
        for thumbnail in thumbnails:
            listed(store, "d", "h", thumbnail)
    assert merge(ours, theirs) == merged(images=1), "one of theirs says what ours does, at another time"
    assert shown(ours, "images", "thumbnail") == [(b"jpeg",)]
    assert merge(ours, theirs) == merged()


def test_a_list_of_images_that_ours_has_in_two_parts_is_known(ours: Store, theirs: Store) -> None:
    listed(theirs, "d", "h")
    merge(ours, theirs)
    again = inventory.take(ours.root).of("images")[0]
    rows = pq.ParquetFile(ours.root / again.path).read()
    parts.write(ours.root, "images", again.keys, "again", rows)  # as when a compaction was killed
    assert merge(ours, theirs) == merged()
