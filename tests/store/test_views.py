"""Every figure of the views against scikit-learn, a plain loop, or a story told in plans and trials."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from report import statistics
from store import Store, public, query

# Not in the order of the alphabet: places are what counts, not names.
CLASSES = ["mono", "baso", "lymph", "zeta", "eos", "alpha", "neutro", "k", "j", "i", "h", "g"]


@dataclass(frozen=True)
class Grid:
    """One cell's trials: `labels` (N,) and `probabilities` (T, N, C) of each subset."""

    name: str
    classes: list[str]
    labels: dict[str, NDArray[np.intp]]
    probabilities: dict[str, NDArray[np.float32]]

    def predicted(self, subset: str) -> NDArray[np.intp]:
        """The first of the most probable classes, (T, N)."""
        return self.probabilities[subset].argmax(axis=2)


def random_grid(number: int) -> Grid:
    """2 to 12 classes, some missing in a subset; coarse probabilities, so that ties of all kinds occur."""
    rng = np.random.default_rng(number)
    count, trials = int(rng.integers(2, 13)), int(rng.integers(1, 6))
    labels, probabilities = {}, {}
    for subset in ("test", "holdout"):
        present = rng.permutation(count)[: rng.integers(1, count + 1)]
        labels[subset] = rng.choice(present, size=rng.integers(1, 25))
        steps = rng.integers(0, 4 if number % 2 else 40, size=(trials, labels[subset].size, count)) + 1
        if number % 5 == 0:
            steps[:, :, number % count] = 100  # all are taken for one class
        probabilities[subset] = (steps / steps.sum(axis=2, keepdims=True)).astype(np.float32)
    return Grid(f"grid {number}", CLASSES[:count], labels, probabilities)


def tied_grid() -> Grid:
    """Two trials that disagree about every holdout image, and are as sure as each other: the first class wins."""
    one = np.array([[2, 1, 1, 4], [4, 2, 1, 1], [1, 4, 2, 1]], np.float32) / 8
    other = one[:, [3, 1, 2, 0]], one[:, [1, 0, 2, 3]], one[:, [0, 2, 1, 3]]
    holdout = np.stack([one, np.stack([swapped[n] for n, swapped in enumerate(other)])])
    labels = np.arange(3)
    return Grid("tied", CLASSES[:4], {"test": labels, "holdout": labels}, {"test": holdout, "holdout": holdout})


GRIDS = [*(random_grid(number) for number in range(30)), tied_grid()]


def plan(study: str, cell: str, trials: Sequence[str], **fields: Any) -> list[dict[str, Any]]:
    common = {"study_title": study, "dataset": "d", "model": "m", "recipe": "r", "cell_id": cell} | fields
    return [common | {"trial_id": trial, "repeat": n, "fold": 0} for n, trial in enumerate(trials)]


def append(store: Store, trial: str, cell: str, predictions: list[dict[str, Any]] | None = None, **fields: Any) -> None:
    row = {"trial_id": trial, "cell_id": cell, "dataset": "d", "model": "m", "recipe": "r", "repeat": 0, "fold": 0}
    row |= {"status": "done", "classes": ["a", "b"], "seconds": 2.0, "holdout_images": 2} | fields
    store.append_trial(row, predictions or [])


def answers(subset: str, labels: str, predicted: str) -> list[dict[str, Any]]:
    """Predictions of classes with names of one letter, sure of themselves."""
    return [
        {"subset": subset, "image_id": f"{label}/{n}", "label": label, "predicted": guess,
         "probabilities": [float(guess == "a"), float(guess == "b")]}
        for n, (label, guess) in enumerate(zip(labels, predicted, strict=True))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def grids(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with every grid as a dataset, all in one study."""
    store = Store(tmp_path_factory.mktemp("grids") / "store", create=True)
    plans: list[dict[str, Any]] = []
    for grid in GRIDS:
        ids = [f"{grid.name}, trial {n}" for n in range(len(grid.probabilities["test"]))]
        plans += plan("s", grid.name, ids, dataset=grid.name)
        for trial, trial_id in enumerate(ids):
            rows = [
                {"subset": subset, "image_id": f"{subset} {n}", "label": grid.classes[grid.labels[subset][n]],
                 "predicted": grid.classes[guess], "probabilities": grid.probabilities[subset][trial, n].tolist()}
                for subset in ("test", "holdout") for n, guess in enumerate(grid.predicted(subset)[trial])
            ]  # fmt: skip
            append(store, trial_id, grid.name, rows, dataset=grid.name, classes=grid.classes, repeat=trial)
    store.append_plan("s", plans)
    return store


def scikit(labels: NDArray[np.intp], predicted: NDArray[np.intp]) -> float:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true|A single label was found")
        return float(balanced_accuracy_score(labels, predicted))


# --- Scores and votes


def test_the_grids_hold_what_is_hard() -> None:
    ties = [counts for grid in GRIDS for counts in _tallies(grid) if len(counts) > 1 and counts[0] == counts[1]]
    assert len(ties) > 30
    assert [set(column) for column in GRIDS[-1].predicted("holdout").T] == [{0, 3}, {0, 1}, {1, 2}]
    assert np.ptp(np.sort(GRIDS[-1].probabilities["holdout"].mean(axis=0))[:, -2:], axis=1).tolist() == [0, 0, 0]
    assert {len(grid.classes) for grid in GRIDS} >= {2, 12}
    assert any(len(set(grid.labels["test"])) < len(grid.classes) for grid in GRIDS)
    assert any(len(set(grid.predicted("test").flat)) == 1 for grid in GRIDS)


def _tallies(grid: Grid) -> list[list[int]]:
    return [sorted(Counter(votes).values(), reverse=True) for votes in grid.predicted("holdout").T.tolist()]


def test_scores_are_those_of_scikit_learn(grids: Store) -> None:
    rows = query(grids, "select * from scores").to_pylist()
    found = {(row["dataset"], row["repeat"], row["subset"]): row for row in rows}
    assert len(found) == len(rows) == 2 * sum(len(grid.probabilities["test"]) for grid in GRIDS)
    for grid in GRIDS:
        for subset, labels in grid.labels.items():
            for trial, predicted in enumerate(grid.predicted(subset)):
                row = found[grid.name, trial, subset]
                assert row["images"] == len(labels)
                assert row["accuracy"] == pytest.approx(accuracy_score(labels, predicted), abs=1e-9)
                assert row["balanced_accuracy"] == pytest.approx(scikit(labels, predicted), abs=1e-9)
                assert row["current"]


def test_votes_are_those_of_a_plain_count(grids: Store) -> None:
    rows = query(grids, "select * from votes").to_pylist()
    found = {(row["dataset"], row["image_id"]): row for row in rows}
    assert len(found) == len(rows) == sum(len(grid.labels["holdout"]) for grid in GRIDS)
    for grid in GRIDS:
        chances = grid.probabilities["holdout"].astype(float)
        means = chances.mean(axis=0)
        oracle = statistics.vote(chances)
        for n, votes in enumerate(grid.predicted("holdout").T.tolist()):
            tally = [votes.count(place) for place in range(len(grid.classes))]
            best = max(range(len(tally)), key=lambda place: (tally[place], round(means[n][place], 12), -place))
            row = found[grid.name, f"holdout {n}"]
            assert row["predicted"] == grid.classes[best] == grid.classes[oracle.predicted[n]]
            assert row["label"] == grid.classes[grid.labels["holdout"][n]]
            assert row["agreement"] == pytest.approx(max(tally) / len(votes), abs=1e-9)
            assert row["agreement"] == pytest.approx(oracle.agreement[n], abs=1e-9)
            assert row["trials"] == len(votes)
            assert row["probabilities"] == pytest.approx(means[n].tolist(), abs=1e-9)


def test_a_cell_sums_up_its_trials(grids: Store) -> None:
    cells = {row["dataset"]: row for row in query(grids, "select * from cells").to_pylist()}
    assert cells.keys() == {grid.name for grid in GRIDS}
    for grid in GRIDS:
        cell, trials = cells[grid.name], len(grid.probabilities["test"])
        scores = {
            subset: [scikit(labels, predicted) for predicted in grid.predicted(subset)]
            for subset, labels in grid.labels.items()
        }
        vote = statistics.vote(grid.probabilities["holdout"]).predicted
        assert (cell["wanted"], cell["done"]) == (trials, trials)
        assert cell["test_balanced_accuracy"] == pytest.approx(fmean(scores["test"]), abs=1e-9)
        assert cell["holdout_balanced_accuracy"] == pytest.approx(fmean(scores["holdout"]), abs=1e-9)
        assert cell["vote_balanced_accuracy"] == pytest.approx(scikit(grid.labels["holdout"], vote), abs=1e-9)
        if trials == 1:
            assert cell["test_sd"] is None
        else:
            assert cell["test_sd"] == pytest.approx(stdev(scores["test"]), abs=1e-9)
        assert cell["seconds"] == pytest.approx(2.0 * trials)


@pytest.mark.parametrize("view", [view.name for view in public()])
def test_a_snapshot_answers_alike(grids: Store, view: str) -> None:
    answers = []
    for in_memory in (False, True):
        with grids.connect(in_memory=in_memory) as connection:
            rows = connection.execute(f"select * from {view}").fetchall()
            answers.append(sorted(repr([round(v, 12) if isinstance(v, float) else v for v in row]) for row in rows))
    assert answers[0] == answers[1]


# --- Cells: what is done, missing, failed, stale


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", create=True)


COUNTS = "wanted, done, failed, missing, stale"


def counts(store: Store, study: str = "s") -> tuple[int, ...]:
    (row,) = query(store, f"select {COUNTS} from cells where study = '{study}'").to_pylist()
    return tuple(row.values())


def cell_of(store: Store, study: str = "s") -> dict[str, Any]:
    (row,) = query(store, f"select * from cells where study = '{study}'").to_pylist()
    return dict(row)


def test_a_newer_cell_makes_the_old_trials_stale(store: Store) -> None:
    old, new = (plan("s", cell, [f"{cell}{n}" for n in range(4)]) for cell in ("old", "new"))
    store.append_plan("s", old)
    assert counts(store) == (4, 0, 0, 4, 0)
    for n in range(3):
        append(store, f"old{n}", "old", [*answers("test", "aab", "bba"), *answers("holdout", "ab", "ba")])
    assert counts(store) == (4, 3, 0, 1, 0)

    store.append_plan("s", new)
    assert counts(store) == (4, 0, 0, 4, 3)
    assert cell_of(store)["test_balanced_accuracy"] is None
    for n in range(2):
        append(store, f"new{n}", "new", [*answers("test", "aab", "aab"), *answers("holdout", "ab", "ab")])
    append(store, "new2", "new", status="failed", error="no memory", seconds=None)
    cell = cell_of(store)
    assert counts(store) == (4, 2, 1, 1, 3)
    assert (cell["cell_id"], cell["error"], cell["seconds"]) == ("new", "no memory", 4.0)
    figures = ("test_balanced_accuracy", "holdout_balanced_accuracy", "vote_balanced_accuracy")
    assert [cell[figure] for figure in figures] == [1, 1, 1], "the stale trials, all wrong, are kept out"
    assert query(store, "select max(trials) as n from votes").to_pylist() == [{"n": 2}]
    current = query(store, "select trial_id from trials where current order by 1").to_pylist()
    assert [row["trial_id"] for row in current] == ["new0", "new1", "new2"]
    assert query(store, "select count(*) as n from scores where not current").to_pylist() == [{"n": 6}], (
        "still readable"
    )

    store.append_plan("s", old)  # back to what it was
    cell = cell_of(store)
    assert counts(store) == (4, 3, 0, 1, 2)
    assert [cell[figure] for figure in figures] == [0, 0, 0]


def test_more_repeats_of_a_cell_keep_all(store: Store) -> None:
    trials = [f"t{n}" for n in range(6)]
    for wanted in (2, 6, 3):
        store.append_plan("s", plan("s", "c", trials[:wanted]))
        for trial in trials[:wanted]:
            append(store, trial, "c", answers("test", "ab", "ab"))
        kept = max(wanted, counts(store)[0])
        assert counts(store) == (kept, kept, 0, 0, 0)
    append(store, "never planned", "c", answers("test", "ab", "ba"))
    assert counts(store) == (6, 6, 0, 0, 0), "nor is another trial of the same cell stale"
    assert cell_of(store)["test_balanced_accuracy"] == 1
    assert query(store, "select count(*) as n, count(distinct trial_id) as d from plans").to_pylist() == [
        {"n": 6, "d": 6}
    ]


def test_a_narrower_plan_leaves_the_other_cells(store: Store) -> None:
    one, other = plan("s", "c1", ["t1"], model="one"), plan("s", "c2", ["t2"], model="other")
    store.append_plan("s", one + other)
    append(store, "t1", "c1", answers("test", "ab", "ab"), model="one")
    store.append_plan("s", plan("s", "c3", ["t3"], model="other"))
    rows = query(store, f"select model, cell_id, {COUNTS} from cells order by model").to_pylist()
    assert [tuple(row.values()) for row in rows] == [("one", "c1", 1, 1, 0, 0, 0), ("other", "c3", 1, 0, 0, 1, 0)]


def test_a_failed_trial_counts_until_it_is_finished(store: Store) -> None:
    store.append_plan("s", plan("s", "c", ["t0", "t1"]))
    append(store, "t0", "c", status="failed", error="no memory")
    append(store, "t1", "c", answers("test", "ab", "ab"))
    assert counts(store) == (2, 1, 1, 0, 0)
    assert cell_of(store)["error"] == "no memory"
    append(store, "t0", "c", answers("test", "ab", "ab"))
    assert counts(store) == (2, 2, 0, 0, 0)
    assert cell_of(store)["error"] is None
    append(store, "t0", "c", status="failed", error="again")
    assert counts(store) == (2, 2, 0, 0, 0), "what was finished once stays finished"


def test_unavailable_is_what_the_newest_plan_says(store: Store) -> None:
    store.append_plan("s", plan("s", "c", ["t0", "t1"], unavailable="no weights"))
    cell = cell_of(store)
    assert (cell["unavailable"], cell["missing"]) == ("no weights", 2)
    store.append_plan("s", plan("s", "c", ["t0"]))  # with fewer repeats
    assert cell_of(store)["unavailable"] is None
    assert counts(store) == (2, 0, 0, 2, 0)
    store.append_plan("s", plan("s", "c", ["t0"], unavailable="no weights again"))
    assert cell_of(store)["unavailable"] == "no weights again"


def test_studies_that_share_a_cell_each_have_it(store: Store) -> None:
    for study in ("s", "other"):
        store.append_plan(study, plan(study, "c", ["t0", "t1"]))
    for trial in ("t0", "t1"):
        append(store, trial, "c", [*answers("test", "ab", "ab"), *answers("holdout", "ab", "ab")])
    store.append_plan("s", plan("s", "new", ["t2"]))
    assert counts(store, "other") == (2, 2, 0, 0, 0)
    assert counts(store) == (1, 0, 0, 1, 0), "the other study still wants them: they are not stale"
    assert query(store, "select distinct study, trials from votes").to_pylist() == [{"study": "other", "trials": 2}]


# --- Documentation


@pytest.mark.parametrize("view", public(), ids=lambda view: view.name)
def test_every_column_is_documented_in_its_order(grids: Store, tmp_path: Path, view: Any) -> None:
    empty = Store(tmp_path / "empty", create=True)
    described = f"select column_name, column_type from (describe {view.name})"
    columns = [query(store, described).to_pylist() for store in (empty, grids)]
    assert [column["column_name"] for column in columns[0]] == list(view.columns)
    assert columns[0] == columns[1], "an empty store has the same columns, of the same types"
    assert all(about.strip() for about in view.columns.values())
    assert view.about
