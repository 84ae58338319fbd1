"""Splits are drawn once: what the store keeps is what every later run has."""

from pathlib import Path

import numpy as np
import pytest

from bench import datasets
from bench.datasets import Library
from bench.running import runner
from bench.study import from_places, places, protocol, study
from bench.study.protocol import Protocol, Split
from store import Store, query

STUDY = """
datasets = ["tiny"]
models = ["mean-colour"]
[protocol]
holdout = 0.2
folds = 2
repeats = 2
[recipe]
image_size = 32
"""


def by_name(splits: list[Split], ids: list[str]) -> list[tuple[set[str], ...]]:
    return [tuple({ids[i] for i in part} for part in (s.train, s.test, s.holdout)) for s in splits]


def test_places_tell_all_of_a_split(library: Library) -> None:
    dataset = library.load("tiny")
    drawn = datasets.splits(library, dataset, Protocol(folds=3, repeats=2))
    rows = places(drawn, dataset.ids)
    assert len(rows) == 2 * len(dataset.ids)
    order = np.random.default_rng(0).permutation(len(rows))
    other = dataset.ids[::-1]  # the list of images may come in another order
    again = from_places([rows[i] for i in order], other)
    assert [(s.repeat, s.fold) for s in drawn] == sorted(again)
    assert by_name(drawn, dataset.ids) == by_name([again[key] for key in sorted(again)], other)


def test_a_library_that_draws_otherwise_redraws_nothing(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, more = study.parse("s", STUDY, "s.toml"), study.parse("s", STUDY.replace("repeats = 2", "repeats = 3"), "s")
    store = Store(tmp_path / "store", create=True)
    first = runner.prepare(few, library, store)
    assert runner.run(first, store, library.cache, "cpu").finished == 4
    kept = query(store, "select * from splits order by all").to_pylist()
    held = {row["image_id"] for row in kept if row["fold"] is None}
    assert held == {first.cells[0].dataset.ids[i] for i in first.cells[0].trials[0].split.holdout}

    rng = protocol.rng
    monkeypatch.setattr(protocol, "rng", lambda *key: rng("as of the next release", *key))
    assert runner.prepare(few, library).cells[0].trials[0].split.holdout.tolist() != sorted(held), "it does"
    again = runner.prepare(more, library, store)
    (cell,) = again.cells
    assert [t.id for t in cell.trials][:4] == [t.id for t in first.cells[0].trials]
    assert runner.run(again, store, library.cache, "cpu").finished == 2, "the third repeat alone"
    for trial in cell.trials:
        assert {cell.dataset.ids[i] for i in trial.split.holdout} == held
    assert query(store, "select * from splits where repeat < 2 order by all").to_pylist() == kept


def test_other_groups_are_other_splits(library: Library, data: Path, tmp_path: Path) -> None:
    card = 'classes = ["er", "golgi", "lysosomes"]\nimages = "{}"\n'.format(data / "tiny")
    found = set()
    for rule in ("", "groups = '^(.)'\n"):
        (tmp_path / "ruled.toml").write_text(card + rule)
        ruled = Library((tmp_path,), library.cache)
        drawn = datasets.draw(ruled, ruled.load("ruled"), Protocol(folds=2, repeats=1), lambda dataset, identity: ())
        found.add(drawn.identity)
    assert len(found) == 2
