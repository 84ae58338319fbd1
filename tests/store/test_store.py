"""What the store promises: parts are whole or not there, a trial shows once, any names come back."""

import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from writing import INTACT, append, process

from store import Store, StoreError, checking, inventory, query
from store import store as store_module

PLANNED = {"study_title": "S", "dataset": "d", "model": "m", "recipe": "r", "repeat": 0, "fold": 0, "cell_id": "c"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", create=True)


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
    assert {row[1:] for row in rows} == {(4, 4, 4)}


# --- A trial shows once


@pytest.mark.parametrize(
    ("statuses", "winner"),
    [("done failed", 0), ("failed done", 1), ("done done", 1), ("failed failed", 1), ("done failed done failed", 2)],
)
def test_of_several_attempts_one_shows(store: Store, statuses: str, winner: int) -> None:
    attempts = [append(store, "t", status=status, images=3 + n)[0] for n, status in enumerate(statuses.split())]
    status = statuses.split()[winner]
    assert shown(store, "trials", "attempt_id, status") == [(attempts[winner], status)]
    done = status == "done"
    assert len(shown(store, "predictions")) == (3 + winner) * done
    assert sum(images for (images,) in shown(store, "scores", "images")) == (3 + winner) * done
    assert len(shown(store, "activations")) == 3 * done
    assert store.finished() == (({"t"}, set()) if done else (set(), {"t"}))


def test_attempts_of_the_same_moment_have_a_fixed_winner(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_now", lambda: datetime(2026, 1, 1))
    attempts = [append(store, "t")[0] for _ in range(5)]
    assert shown(store, "trials", "attempt_id") == [(max(attempts),)]
    assert len(shown(store, "predictions")) == 4


# --- Names


ODD = [
    "white cells",
    "it's",
    'a "b"',
    "50%",
    "%20",
    "a=b",
    "dataset=x",
    "a/b",
    "..",
    "*",
    "[a]?",
    "a\\b",
    "ü日本",
    "😀" * 12,
    "null",
    "NULL",
    "01",
    "true",
    "a+b",
    "#&;:",
    "tab\there",
    "line\nbreak",
    " edge ",
]


NAMES = ["d", "0", "01", "null", "true", "white-cells_5.0", "a..", "z" * 64]


def test_names_and_texts_come_back(store: Store) -> None:
    """Of datasets and models by their rule; of studies, recipes, classes and images whatever they are."""
    for name in NAMES:
        append(store, f"trial of {name}", dataset=name, model=name)
    for _ in range(2):  # the second time writes nothing
        before = {path: path.stat().st_ino for path in files(store)}
        for number, text in enumerate(ODD):
            plan = {**PLANNED, "recipe": text, "trial_id": text}
            image = {"image_id": text, "label": text, "sha256": "0", "image_group": text}
            store.append_plan(text, [plan])
            store.append_images("d", f"hash{number}", [image])
    assert before == {path: path.stat().st_ino for path in files(store)}
    for view, columns, wanted in (
        ("trials", "dataset, model, trial_id[10:]", NAMES),
        ("(select distinct dataset, model, trial_id from predictions)", "dataset, model, trial_id[10:]", NAMES),
        ("plans", "study, recipe, trial_id", ODD),
        ("images", "image_id, label, image_group", ODD),
    ):
        assert shown(store, view, columns) == sorted((name,) * len(columns.split(", ")) for name in wanted), view
    assert checking.check(store).sound
    assert all(path.suffix == ".parquet" for path in files(store) if path.parent != store.root)


def test_any_study_comes_back(store: Store) -> None:
    rng = random.Random(0)
    letters = [chr(code) for code in range(1, 0x250)] + list("日本語😀\u2028")
    names = {"".join(rng.choices(letters, k=length)) for length in range(20) for _ in range(3)}
    for name in names:
        store.append_plan(name, [{**PLANNED, "trial_id": name}])
    assert shown(store, "plans", "study, trial_id") == sorted((name, name) for name in names)


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
        ('{"bench_store": 6}', r"later version of bench \(schema 6\); update bench"),
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


def test_splits_are_kept_once(store: Store) -> None:
    first = [{"repeat": repeat, "image_id": f"a/{n}", "fold": [None, 0, 1][n]} for repeat in (0, 1) for n in range(3)]
    others = [{**place, "repeat": place["repeat"] + 1, "fold": 2} for place in first]
    for places in (first, others, first):
        store.append_splits("d", "h", "p", places)
    kept = [*first, *(place for place in others if place["repeat"] == 2)]
    by_place = [tuple(place.values()) for place in kept]
    assert sorted((tuple(row.values()) for row in store.splits("d", "h", "p")), key=str) == sorted(by_place, key=str)
    assert store.splits("d", "h", "another") == store.splits("d", "another", "p") == []
    assert len(list((store.root / "splits").rglob("*.parquet"))) == 2


def test_the_fingerprint_names_what_shows(store: Store) -> None:
    seen = [store.fingerprint()]
    for trial, status in (("a", "done"), ("b", "done"), ("a", "done"), ("b", "failed")):
        append(store, trial, status=status)
        seen.append(store.fingerprint())
        assert seen[-1] == Store(store.root).fingerprint()
    store.append_plan("s", [{**PLANNED, "trial_id": "a"}])
    assert len(set(seen)) == 4, "each new trial or run that shows gives a new one"
    assert seen[-1] == seen[-2] == store.fingerprint(), "a failed run behind a finished one does not show"


@pytest.mark.parametrize("kind", ["predictions", "trials"])
def test_a_full_disk_is_said_in_a_sentence(store: Store, kind: str) -> None:
    append(store, "old")
    before = files(store)
    size = {path.relative_to(store.root).parts[0]: path.stat().st_size for path in before}
    assert size["predictions"] < size["activations"] < size["trials"] - 100
    limit = size["predictions"] // 2 if kind == "predictions" else size["trials"] - 100
    with process("append_with_little_room", store.root, limit) as running:
        assert running.stdout is not None
        said = running.stdout.read()
    assert said.startswith(f"{store.root}/{kind}/dataset=d/model=m: ")
    assert said.endswith("a part cannot be written (File too large); free space or choose another --store\n")
    assert said.count("\n") == 1
    assert not list(store.root.rglob("*.part"))
    assert set(before) <= set(files(store))
    assert shown(store) == [("old",)]
    assert len(shown(store, "predictions")) == 4
    assert checking.check(store).sound
