"""What export promises: others read in one file what the views show, and a file is never spoilt."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from store import Store, StoreError, parts, public
from store import export as export_module
from store.compaction import compact
from store.export import export

ODD = 'it\'s, "odd"\n; ü'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in which every public table has rows, with odd names and texts, and nulls."""
    store = Store(tmp_path / "store", create=True)
    row = {
        "trial_id": "t",
        "cell_id": "c",
        "dataset": "d",
        "model": "m",
        "recipe": ODD,
        "repeat": 0,
        "fold": 0,
        "status": "done",
        "classes": ["a", ODD],
        "versions_json": '{"a": "1, 2"}',
        "loss": [1.5, 0.5],
        "accuracy": [0.25, 0.75],
        "images_trained": 4,
        "parameters_trained": 5,
    }
    guess = {"label": "a", "predicted": "a", "probabilities": [0.75, 0.25]}
    shown = [guess | {"subset": s, "image_id": f"a/{n}"} for s in ("test", "holdout") for n in range(3)]
    maps = {"image_id": "a/0", "label": "a", "layer": "l", "maps": 1, "height": 1, "width": 1, "values": b"\0x"}
    near = {"image_id": "a/0", "label": "a", "nearest": ["a/1"], "likeness": [0.5]}
    store.append_trial(row, shown, [maps, near])
    store.append_trial(row | {"trial_id": "u"}, shown)
    store.append_trial(row | {"trial_id": "v", "status": "failed", "error": ODD})
    wanted = {key: row[key] for key in ("trial_id", "cell_id", "dataset", "model", "recipe", "repeat", "fold")}
    store.append_plan("s", [wanted | {"study_title": "S"}])
    image = {"image_id": "a/0", "label": "a", "sha256": "0", "image_group": "g", "thumbnail": b"\xff\0"}
    store.append_images("d", "h", [image])
    store.append_splits("d", "h", "p", [{"repeat": 0, "image_id": image["image_id"], "fold": None}])
    return store


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "it's [here]"
    folder.mkdir()
    return folder / "all of it.duckdb"


def rows(store: Store, table: str) -> list[Any]:
    found = store.read(lambda connection: connection.execute(f"from {table}").fetchall())
    assert found, "there is something to compare"
    return sorted(found, key=repr)


def test_a_database_holds_every_table_and_says_what_it_is(store: Store, target: Path) -> None:
    names = export(store, target)
    assert list(target.parent.iterdir()) == [target]
    with duckdb.connect(target, read_only=True) as database:
        tables = database.execute("select table_name, comment from duckdb_tables()").fetchall()
        columns = database.execute(
            "select table_name, column_name, comment from duckdb_columns() where not internal"
        ).fetchall()
        for name in names:
            assert sorted(database.execute(f"from {name}").fetchall(), key=repr) == rows(store, name), name
    views = [view for view in public() if view.name in names]
    assert {"trials", "predictions", "scores", "images", "activations", "votes", "cells", "plans"} <= set(names)
    assert sorted(tables) == sorted((view.name, view.about) for view in views)
    expected = [(view.name, column, about) for view in views for column, about in view.columns.items()]
    assert sorted(columns) == sorted(expected), "every column is explained"


def test_a_database_may_hold_one_table(store: Store, target: Path) -> None:
    assert export(store, target.with_suffix(".DB"), "votes") == ["votes"]
    with duckdb.connect(target.with_suffix(".DB"), read_only=True) as database:
        assert database.execute("show tables").fetchall() == [("votes",)]


def test_parquet_holds_one_table(store: Store, target: Path) -> None:
    path = target.with_suffix(".parquet")
    for table in (None, "trials", "images", "activations", "cells"):
        name = table or "predictions"
        assert export(store, path, table) == [name]
        read = pq.ParquetFile(path)
        answer = sorted((tuple(row.values()) for row in read.read().to_pylist()), key=repr)
        assert answer == rows(store, name)
        assert read.metadata.row_group(0).column(0).compression == "ZSTD"
    assert list(path.parent.iterdir()) == [path]


def test_csv_holds_one_table(store: Store, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(target.parent)
    path = Path("p.csv")
    assert export(store, path) == ["predictions"]
    expected = pd.DataFrame(
        rows(store, "predictions"), columns=[c for v in public() if v.name == "predictions" for c in v.columns]
    )
    read = pd.read_csv(path).sort_values(["trial_id", "subset", "image_id"], ignore_index=True)
    assert list(read["probabilities"].unique()) == ["[0.75, 0.25]"]
    expected = expected.sort_values(["trial_id", "subset", "image_id"], ignore_index=True)
    columns = [column for column in read if column != "probabilities"]
    pd.testing.assert_frame_equal(read[columns], expected[columns], check_dtype=False)
    assert list(Path().iterdir()) == [path]


def test_an_empty_store_gives_empty_tables(tmp_path: Path) -> None:
    store, path = Store(tmp_path / "empty", create=True), tmp_path / "x.duckdb"
    names = export(store, path)
    with duckdb.connect(path, read_only=True) as database:
        assert [database.execute(f"select count(*) from {name}").fetchall() for name in names] == [[(0,)]] * len(names)
    export(store, tmp_path / "x.csv", "trials")
    assert pd.read_csv(tmp_path / "x.csv").empty


def test_a_compaction_meanwhile_does_no_harm(store: Store, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    views, asked = export_module._views, []

    def compact_first(*arguments: Any) -> Any:
        asked.append(arguments)
        if len(asked) == 1:
            compact(store)
        return views(*arguments)

    # A trial names its parts, which are others afterwards.
    expected = {name: rows(store, name) for name in export(store, target) if name != "trials"}
    monkeypatch.setattr(export_module, "_views", compact_first)
    names = export(store, target)
    assert len(asked) == 2
    with duckdb.connect(target, read_only=True) as database:
        assert set(names) == {"trials", *expected}
        for name, before in expected.items():
            assert sorted(database.execute(f"from {name}").fetchall(), key=repr) == before, name


# --- Refused, or failed


@pytest.mark.parametrize(
    ("name", "table", "reason"),
    [
        ("x.xlsx", None, r"its name does not say what to write; let it end in .duckdb, .parquet or .csv"),
        ("x", None, r"its name does not say what to write"),
        ("missing/x.csv", None, r"missing is no folder; make it"),
        ("folder.csv", None, r"folder.csv is a folder; name a file"),
        ("store/predictions/x.parquet", None, r"would lie among the parts of .*; name a file elsewhere"),
        ("store/trials/dataset=d/x.duckdb", None, r"would lie among the parts of"),
        ("link/x.csv", None, r"would lie among the parts of"),
        ("open.db", None, r"open.db is open elsewhere, or was not closed \(see open.db.wal\); name another file"),
        ("old.csv", "nothing", r"there is no table 'nothing' to export; name one of .*trials.*predictions"),
        ("old.duckdb", "raw_trials", r"there is no table 'raw_trials' to export"),
        ("old.parquet", "current_plans", r"there is no table 'current_plans' to export"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    store: Store, tmp_path: Path, name: str, table: str | None, reason: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "store" / "trials" / "dataset=d").mkdir(exist_ok=True)
    (tmp_path / "link").symlink_to(tmp_path / "store" / "images")
    for there in ("old.csv", "old.duckdb", "old.parquet", "open.db", "open.db.wal"):
        (tmp_path / there).write_text("old")
    before = content(tmp_path)
    with pytest.raises(StoreError, match=rf"^[^\n]*{reason}[^\n]*$"):
        export(store, tmp_path / name, table)
    assert content(tmp_path) == before


@pytest.mark.parametrize("suffix", [".duckdb", ".parquet", ".csv"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file(
    store: Store, target: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, failure: BaseException
) -> None:
    path = target.with_suffix(suffix)
    path.write_text("old")

    def stop(path: Path) -> None:
        assert path.stat().st_size > 100
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(parts, "sync", stop)
        expected = KeyboardInterrupt if isinstance(failure, KeyboardInterrupt) else StoreError
        with pytest.raises(expected) as said:
            export(store, path)
    assert expected is KeyboardInterrupt or str(said.value) == (
        f"{path}: cannot be written (No space left on device); free space or choose another place"
    )
    assert {file: file.read_text() for file in path.parent.iterdir()} == {path: "old"}
    export(store, path)
    assert path.stat().st_size > 100


@pytest.mark.parametrize("suffix", [".duckdb", ".parquet", ".csv"])
def test_a_full_disk_is_said_in_a_sentence(store: Store, target: Path, suffix: str) -> None:
    path = target.with_suffix(suffix)
    path.write_text("old")
    code = """
import resource, sys
from pathlib import Path
from store import Store, StoreError
from store.export import export
store = Store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))
try:
    export(store, Path(sys.argv[2]))
except StoreError as error:
    print(error)
"""
    command = [sys.executable, "-W", "error", "-c", code, str(store.root), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout.startswith(f"{path}: cannot be written (")
    assert done.stdout.endswith("); free space or choose another place\n")
    assert done.stdout.count("\n") == 1
    assert {file: file.read_text() for file in path.parent.iterdir()} == {path: "old"}


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
