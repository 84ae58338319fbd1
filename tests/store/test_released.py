"""A store of every version that was released is still read, and becomes one of today when it is written to."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from writing import append

from store import Store, checking, compaction, query, schema

RELEASED = sorted((Path(__file__).parent / "released").iterdir())
ANSWERS = {
    "select trial_id, status, classes, loss from trials order by 1": [
        {"trial_id": "t0", "status": "done", "classes": ["round", "star"], "loss": [0.7, 0.6]},
        {"trial_id": "t1", "status": "done", "classes": ["round", "star"], "loss": [0.7, 0.6]},
        {"trial_id": "t2", "status": "failed", "classes": ["round", "star"], "loss": [0.7, 0.6]},
    ],
    "select trial_id, subset, balanced_accuracy as score from scores order by 1, 2": [
        {"trial_id": "t0", "subset": "holdout", "score": 1.0},
        {"trial_id": "t0", "subset": "test", "score": 0.5},
        {"trial_id": "t1", "subset": "holdout", "score": 1.0},
        {"trial_id": "t1", "subset": "test", "score": 1.0},
    ],
    "select study, dataset, model, wanted, done, failed, error from cells": [
        {"study": "s", "dataset": "cells", "model": "cnn", "wanted": 3, "done": 2, "failed": 1, "error": "it broke"}
    ],
    "select image_id from images order by 1": [{"image_id": i} for i in ("round/1", "star/1", "star/2")],
    "select trial_id, layer from activations": [{"trial_id": "t0", "layer": "l"}],
}


def test_every_released_version_is_here() -> None:
    assert [path.name for path in RELEASED] == [f"v{number}" for number in range(1, schema.VERSION + 1)]


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.name)
def test_a_released_store_is_read_and_goes_on(released: Path, tmp_path: Path) -> None:
    shutil.copytree(released, tmp_path / "store")
    store = Store(tmp_path / "store")
    before = store.fingerprint()
    assert checking.check(store).sound
    for sql, answer in ANSWERS.items():
        assert query(store, sql).to_pylist() == answer
    assert json.loads((store.root / "store.json").read_text()) == {"bench_store": int(released.name[1:])}, "only read"

    store = Store(store.root, create=True)
    assert {path.suffixes[-2] for path in store.root.rglob("*.parquet")} == {f".v{schema.VERSION}"}
    assert json.loads((store.root / "store.json").read_text()) == {"bench_store": schema.VERSION}
    compaction.compact(store)
    assert store.fingerprint() == before
    for sql, answer in ANSWERS.items():
        assert query(store, sql).to_pylist() == answer


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.name)
def test_polars_reads_a_store_of_an_earlier_version_that_was_written_to(released: Path, tmp_path: Path) -> None:
    """Polars wants the same columns in all files of a folder, and so all parts are of one version then."""
    shutil.copytree(released, tmp_path / "store")
    store = Store(tmp_path / "store", create=True)
    append(store, "a", "b")  # of a dataset that sorts behind those that were there
    for kind in ("trials", "predictions", "activations"):
        assert pl.read_parquet(store.root / kind)["trial_id"].n_unique() >= 2, kind
    assert set(pl.read_parquet(store.root / "trials")["trial_id"]) == {"t0", "t1", "t2", "a", "b"}
    assert query(store, "select count(*) as n from predictions").to_pylist()[0]["n"] >= 8


def test_parts_of_an_earlier_version_among_those_of_today_are_found(tmp_path: Path) -> None:
    """As earlier versions of this project left a store that they went on with."""
    shutil.copytree(RELEASED[1], tmp_path / "store")
    (tmp_path / "store" / "store.json").write_text(json.dumps({"bench_store": schema.VERSION}))
    before = Store(tmp_path / "store").fingerprint()
    store = Store(tmp_path / "store", create=True)
    assert {path.suffixes[-2] for path in store.root.rglob("*.parquet")} == {f".v{schema.VERSION}"}
    assert store.fingerprint() == before


def test_a_column_that_came_later_is_null_in_older_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(RELEASED[-1], tmp_path / "store")
    store, version = Store(tmp_path / "store"), schema.VERSION + 1
    later = schema.TRIALS.append(pa.field("grams", pa.float64()))
    monkeypatch.setattr(schema, "VERSION", version)
    monkeypatch.setitem(schema.KINDS, "trials", later)
    monkeypatch.setitem(schema.ADDED, version, {"trials": ("grams",)})
    row: dict[str, Any] = {"trial_id": "new", "cell_id": "c", "dataset": "cells", "model": "cnn", "recipe": "96px"}
    row |= {"repeat": 0, "fold": 3, "status": "done", "classes": ["round", "star"], "grams": 2.5}
    store.append_trial(row)

    def grams() -> dict[str, float | None]:
        with store.connect() as connection:
            return dict(connection.execute("select trial_id, grams from raw_trials order by 1").fetchall())

    assert grams() == {"new": 2.5, "t0": None, "t1": None, "t2": None}
    compaction.compact(store)
    assert grams() == {"new": 2.5, "t0": None, "t1": None, "t2": None}
    (part,) = (store.root / "trials").rglob("*.parquet")
    assert pq.read_schema(part).names == later.names


def test_a_part_of_a_later_version_is_left_out_and_named(tmp_path: Path) -> None:
    shutil.copytree(RELEASED[-1], tmp_path / "store")
    store = Store(tmp_path / "store")
    part = next((store.root / "images").rglob("*.parquet"))
    part.rename(part.with_name(part.name.replace(".parquet", "").rpartition(".")[0] + ".v99.parquet"))
    with pytest.warns(UserWarning, match=r"written by a later version of bench \(schema 99\); update bench"):
        assert query(store, "select * from images").num_rows == 0
