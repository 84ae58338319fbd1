"""Every figure of the views against scikit-learn, a plain loop, or a story told in plans and trials."""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    recall_score,
    roc_auc_score,
)
from sklearn.utils.class_weight import compute_sample_weight

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
    return Grid(f"grid-{number}", CLASSES[:count], labels, probabilities)


def tied_grid() -> Grid:
    """Two trials that disagree about every holdout image, and are as sure as each other: the first class wins."""
    one = np.array([[2, 1, 1, 4], [4, 2, 1, 1], [1, 4, 2, 1]], np.float32) / 8
    other = one[:, [3, 1, 2, 0]], one[:, [1, 0, 2, 3]], one[:, [0, 2, 1, 3]]
    holdout = np.stack([one, np.stack([swapped[n] for n, swapped in enumerate(other)])])
    labels = np.arange(3)
    return Grid("tied", CLASSES[:4], {"test": labels, "holdout": labels}, {"test": holdout, "holdout": holdout})


def sure_grid() -> Grid:
    """Three trials that are quite sure of every image, and often wrong: probabilities of 0 and 1."""
    rng = np.random.default_rng(0)
    labels = {subset: rng.integers(0, 3, size=12) for subset in ("test", "holdout")}
    guesses = {subset: np.eye(3, dtype=np.float32)[rng.integers(0, 3, size=(3, 12))] for subset in labels}
    return Grid("sure", CLASSES[:3], labels, guesses)


GRIDS = [*(random_grid(number) for number in range(30)), sure_grid(), tied_grid()]


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
        {
            "subset": subset,
            "image_id": f"{label}/{n}",
            "label": label,
            "predicted": guess,
            "probabilities": [float(guess == "a"), float(guess == "b")],
        }
        for n, (label, guess) in enumerate(zip(labels, predicted, strict=True))
    ]


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
                {
                    "subset": subset,
                    "image_id": f"{subset} {n}",
                    "label": grid.classes[grid.labels[subset][n]],
                    "predicted": grid.classes[guess],
                    "probabilities": grid.probabilities[subset][trial, n].tolist(),
                }
                for subset in ("test", "holdout")
                for n, guess in enumerate(grid.predicted(subset)[trial])
            ]
            course = {"loss": [1 / (epoch + 1 + trial) for epoch in range(trial)], "accuracy": [trial / 10] * trial}
            append(store, trial_id, grid.name, rows, dataset=grid.name, classes=grid.classes, repeat=trial, **course)
    store.append_plan("s", plans)
    return store


def scikit(labels: NDArray[np.intp], predicted: NDArray[np.intp]) -> float:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true|A single label was found")
        return float(balanced_accuracy_score(labels, predicted))


def metrics(labels: NDArray[np.intp], probabilities: NDArray[np.float32]) -> dict[str, Any]:
    """What scikit-learn, and a plain loop for the calibration, say of the predictions (N, C) of a trial."""
    chances, predicted = probabilities.astype(float), probabilities.argmax(axis=1)
    classes, weights = range(chances.shape[1]), compute_sample_weight("balanced", labels)
    weighted: dict[str, Any] = {"sample_weight": weights, "labels": list(classes)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The y_prob values do not sum to one")  # rounded to 32 bits
        loss = log_loss(labels, chances, **weighted)
        brier = brier_score_loss(labels, chances, **weighted, scale_by_half=False)
    share = weights / weights.sum()
    calibration = 0.0
    for low in range(10):
        sure = chances.max(axis=1)
        inside = (sure >= low / 10) & ((sure < (low + 1) / 10) | (low == 9))
        calibration += abs(sum(share[inside] * (sure - (predicted == labels))[inside]))
    return {
        "images": len(labels),
        "balanced_accuracy": scikit(labels, predicted),
        "accuracy": accuracy_score(labels, predicted),
        "recall": recall_score(labels, predicted, labels=list(classes), average=None, zero_division=np.nan).tolist(),
        "macro_f1": f1_score(labels, predicted, average="macro", zero_division=0),
        "log_loss": loss,
        "brier": brier,
        "calibration_error": calibration,
    }


def plain_vote(classes: list[str], ballots: Sequence[tuple[str, Sequence[float]]]) -> dict[str, Any]:
    """The vote of a class and probabilities from each trial: counted by hand."""
    means = [fmean(chances[place] for _, chances in ballots) for place in range(len(classes))]
    tally = [sum(guess == name for guess, _ in ballots) for name in classes]
    best = max(range(len(classes)), key=lambda place: (tally[place], round(means[place], 12), -place))
    surest = max(range(len(classes)), key=lambda place: (round(means[place], 12), -place))
    return {
        "predicted": classes[best],
        "predicted_by_mean": classes[surest],
        "trials": len(ballots),
        "agreement": pytest.approx(max(tally) / len(ballots), abs=1e-9),
        "probabilities": pytest.approx(means, abs=1e-9),
    }


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


def each_trial(grids: Store, view: str) -> Iterator[tuple[dict[str, Any], Grid, str, int]]:
    """The row of a view for every grid, subset and trial; there are no others."""
    rows = query(grids, f"select * from {view}").to_pylist()
    found = {(row["dataset"], row["subset"], row["repeat"]): row for row in rows}
    assert len(found) == len(rows) == 2 * sum(len(grid.probabilities["test"]) for grid in GRIDS)
    for grid in GRIDS:
        for subset, trial in product(grid.labels, range(len(grid.probabilities["test"]))):
            yield found[grid.name, subset, trial], grid, subset, trial


def test_scores_are_those_of_scikit_learn(grids: Store) -> None:
    for row, grid, subset, trial in each_trial(grids, "scores"):
        row["recall"] = [np.nan if recall is None else recall for recall in row["recall"]]
        for name, expected in metrics(grid.labels[subset], grid.probabilities[subset][trial]).items():
            assert row[name] == pytest.approx(expected, abs=1e-9, nan_ok=True), (name, grid.name, subset, trial)
        assert row["current"]


def test_auroc_is_that_of_scikit_learn(grids: Store) -> None:
    undefined = 0
    for row, grid, subset, trial in each_trial(grids, "auroc"):
        own = grid.labels[subset][:, None] == range(len(grid.classes))
        some = (own.any(axis=0) & ~own.all(axis=0)).tolist()
        chances = grid.probabilities[subset][trial]
        areas = [roc_auc_score(own[:, n], chances[:, n]) if defined else None for n, defined in enumerate(some)]
        assert row["auroc"] == [area and pytest.approx(area, abs=1e-9) for area in areas]
        defined = [area for area in areas if area is not None]
        assert row["macro_auroc"] == (pytest.approx(fmean(defined), abs=1e-9) if defined else None)
        undefined += not defined
    assert undefined


def test_confusion_is_that_of_scikit_learn(grids: Store) -> None:
    rows = query(grids, "select * from confusion").to_pylist()
    assert all(row["images"] > 0 and row["current"] for row in rows)
    found = {
        tuple(row[k] for k in ("dataset", "subset", "repeat", "label", "predicted")): row["images"] for row in rows
    }
    assert len(found) == len(rows)
    for grid in GRIDS:
        places = range(len(grid.classes))
        for subset, labels in grid.labels.items():
            for trial, predicted in enumerate(grid.predicted(subset)):
                matrix = confusion_matrix(labels, predicted, labels=places)
                for a, b in product(places, places):
                    assert found.get((grid.name, subset, trial, grid.classes[a], grid.classes[b]), 0) == matrix[a, b]


def test_curves_have_a_row_for_each_epoch(grids: Store) -> None:
    rows = query(grids, "select * from curves where dataset = 'tied' or dataset = 'sure'").to_pylist()
    points = [(row["dataset"], row["repeat"], row["epoch"], row["loss"], row["accuracy"]) for row in rows]
    expected = [("sure", 1, 1, 1 / 2, 0.1), ("sure", 2, 1, 1 / 3, 0.2), ("sure", 2, 2, 1 / 4, 0.2)]
    assert sorted(points) == [*expected, ("tied", 1, 1, 1 / 2, 0.1)]
    assert all(row["current"] for row in rows)


def test_votes_are_those_of_a_plain_count(grids: Store) -> None:
    rows = query(grids, "select * from votes").to_pylist()
    found = {(row["dataset"], row["subset"], row["image_id"]): row for row in rows}
    assert len(found) == len(rows) == sum(len(labels) for grid in GRIDS for labels in grid.labels.values())
    for grid, subset in product(GRIDS, ("test", "holdout")):
        chances = grid.probabilities[subset].astype(float)
        oracle = statistics.vote(chances)
        for n, guesses in enumerate(grid.predicted(subset).T):
            row = found[grid.name, subset, f"{subset} {n}"]
            ballots = [(grid.classes[guess], chances[trial, n].tolist()) for trial, guess in enumerate(guesses)]
            assert row.items() >= plain_vote(grid.classes, ballots).items()
            assert row["predicted"] == grid.classes[oracle.predicted[n]]
            assert row["agreement"] == pytest.approx(oracle.agreement[n], abs=1e-9)
            assert row["label"] == grid.classes[grid.labels[subset][n]]


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, list[dict[str, Any]]]]:
    """Two models, three repeats of two folds, and what each trial predicts; repeats cut the images in other places."""
    store, rng = Store(tmp_path_factory.mktemp("folds") / "store", create=True), np.random.default_rng(1)
    asked: dict[str, list[dict[str, Any]]] = {}
    for model, repeat, fold in product(("one", "other"), range(3), range(2)):
        seen = [("test", n) for n in range(14) if (n >> repeat) % 2 == fold] + [("holdout", n) for n in range(14, 20)]
        rows = []
        for subset, n in seen:
            chances = rng.dirichlet([1, 1, 1]).round(1) if n % 2 else np.array([0.4, 0.4, 0.2])[rng.permutation(3)]
            rows.append(
                {
                    "subset": subset,
                    "image_id": f"image {n}",
                    "label": CLASSES[n % 3],
                    "predicted": CLASSES[chances.argmax()],
                    "probabilities": chances.astype(np.float32).tolist(),
                }
            )
        asked[f"{model} {repeat} {fold}"] = rows
        fields = {"model": model, "repeat": repeat, "fold": fold, "classes": CLASSES[:3]}
        append(store, f"{model} {repeat} {fold}", model, rows, **fields)
    store.append_plan("s", [row for m in ("one", "other") for row in plan("s", m, _of(asked, m), model=m)])
    return store, asked


def _of(asked: dict[str, list[dict[str, Any]]], name: str) -> list[str]:
    return [trial for trial in asked if trial.startswith(name)]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("votes where model = 'other'", ["other"]),
        ("vote((select list(trial_id) from trials where model = 'one'))", ["one"]),
        ("vote(['other 1 0', 'one 2 1', 'one 0 0', 'one 0 0', 'unheard of'])", ["other 1 0", "one 2 1", "one 0 0"]),
        ("vote((with best as (from trials where repeat < 9) select list(trial_id) from best))", ["o"]),
    ],
    ids=["a cell", "the same by hand", "some trials", "two models"],
)
def test_any_trials_vote_out_of_fold_and_on_the_holdout(
    folds: tuple[Store, dict[str, list[dict[str, Any]]]], source: str, names: list[str]
) -> None:
    store, asked = folds
    ballots: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in (row for name in names for trial in _of(asked, name) for row in asked[trial]):
        ballots.setdefault((row["subset"], row["image_id"]), []).append(row)
    rows = query(store, f"select * from {source}").to_pylist()
    found = {(row["subset"], row["image_id"]): row for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == ballots.keys()
    for image, given in ballots.items():
        expected = plain_vote(CLASSES[:3], [(row["predicted"], row["probabilities"]) for row in given])
        assert found[image].items() >= (expected | {"dataset": "d", "label": given[0]["label"]}).items()


def test_the_repeats_vote_out_of_fold(folds: tuple[Store, dict[str, list[dict[str, Any]]]]) -> None:
    store, _ = folds
    trials = "select subset, min(trials) as fewest, max(trials) as most from votes group by subset order by subset desc"
    assert query(store, trials).to_pylist() == [
        {"subset": "test", "fewest": 3, "most": 3},
        {"subset": "holdout", "fewest": 6, "most": 6},
    ]
    for model in ("one", "other"):
        rows = query(store, f"select * from votes where subset = 'test' and model = '{model}'").to_pylist()
        expected = balanced_accuracy_score([row["label"] for row in rows], [row["predicted"] for row in rows])
        (cell,) = query(store, f"select * from cells where model = '{model}'").to_pylist()
        assert cell["out_of_fold_vote_balanced_accuracy"] == pytest.approx(expected, abs=1e-9)


def test_a_cell_sums_up_its_trials(grids: Store) -> None:
    cells = {row["dataset"]: row for row in query(grids, "select * from cells").to_pylist()}
    assert cells.keys() == {grid.name for grid in GRIDS}
    for grid in GRIDS:
        cell, trials = cells[grid.name], len(grid.probabilities["test"])
        scores = {
            subset: [scikit(labels, predicted) for predicted in grid.predicted(subset)]
            for subset, labels in grid.labels.items()
        }
        votes = {
            subset: scikit(labels, statistics.vote(grid.probabilities[subset]).predicted)
            for subset, labels in grid.labels.items()
        }
        assert (cell["wanted"], cell["done"]) == (trials, trials)
        assert cell["test_balanced_accuracy"] == pytest.approx(fmean(scores["test"]), abs=1e-9)
        assert cell["holdout_balanced_accuracy"] == pytest.approx(fmean(scores["holdout"]), abs=1e-9)
        assert cell["vote_balanced_accuracy"] == pytest.approx(votes["holdout"], abs=1e-9)
        if trials == 1:
            assert (cell["test_sd"], cell["out_of_fold_vote_balanced_accuracy"]) == (None, None)
        else:
            assert cell["test_sd"] == pytest.approx(stdev(scores["test"]), abs=1e-9)
            assert cell["out_of_fold_vote_balanced_accuracy"] == pytest.approx(votes["test"], abs=1e-9)
        assert cell["seconds"] == pytest.approx(2.0 * trials)


def test_a_snapshot_answers_alike(grids: Store) -> None:
    with grids.connect() as asked, grids.connect(in_memory=True) as snapshot:
        for view in public():
            one, other = (
                sorted(
                    repr([round(v, 12) if isinstance(v, float) else v for v in row])
                    for row in connection.execute(f"select * from {view.call}").fetchall()
                )
                for connection in (asked, snapshot)
            )
            assert one == other, view.name


# --- Cells: what is done, missing, failed, stale


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", create=True)


COUNTS = "wanted, done, failed, missing, stale"


def counts(store: Store, study: str = "s") -> tuple[int, ...]:
    (row,) = query(store, f"select {COUNTS} from progress where study = '{study}'").to_pylist()
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
    described = f"select column_name, column_type from (describe from {view.call})"
    columns = [query(store, described).to_pylist() for store in (empty, grids)]
    assert [column["column_name"] for column in columns[0]] == list(view.columns)
    assert columns[0] == columns[1], "an empty store has the same columns, of the same types"
    assert all(about.strip() for about in view.columns.values())
    assert view.about
