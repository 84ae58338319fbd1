"""What `bench answer` says, and `bench run` at its end: sentences that the report makes from its verdicts."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.commands import printing
from bench.errors import BenchError, unknown
from report import answers, claims, findings, recipes, rows, voting
from report.data import Results
from store import Store, StoreWarning


def give(store: Store, dataset: str | None, kind: str) -> None:
    """Print answers as `text` or as `json`; raises as `show`."""
    if kind == "json":
        print(json.dumps(as_json(store, dataset), indent=1, allow_nan=False))
    else:
        show(store, dataset)


def show(store: Store, dataset: str | None) -> None:
    """Print the answer for one dataset, or for each that has results.

    Raises:
        UsageError: the store has no results on such a dataset.
    """
    results = Results(store.root)
    names = _chosen(results, dataset)
    if not names:
        printing.say(f"{store.root} has no finished trials to answer from; `bench run` trains some.")
    _show(results, names)


def as_json(store: Store, dataset: str | None) -> dict[str, Any]:
    """Answers with every row of their pages' tables; of all datasets also those of the page of conclusions.

    Raises:
        UsageError: the store has no results on such a dataset.
    """
    results = Results(store.root)
    made = [answers.answer(results, name) for name in _chosen(results, dataset)]
    said: dict[str, Any] = {
        "answers": [
            {
                "dataset": a.dataset,
                "recipe": a.recipe,
                "use": a.use,
                "balanced_accuracy": a.score,
                "low": a.low,
                "high": a.high,
                "splits": a.splits,
                "sentences": a.sentences,
                "findings": a.rows,
            }
            for a in made
        ]
    }
    if dataset is None:
        said["findings"] = [
            *(rows.of_finding(f) for f in findings.everywhere(results)),
            *(rows.of_gain(gain) for gain in voting.everywhere(results)),
        ]
        said["claims"] = [rows.of_claim(judgement) for judgement in claims.everything(results)]
    return said


def after_run(store: Store, datasets: Sequence[str]) -> None:
    """Print the answers for the datasets of a run, as far as they have results."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreWarning)  # the run has said so
        results = Results(store.root)
    _show(results, [name for name in datasets if name in results.datasets])


def _chosen(results: Results, dataset: str | None) -> list[str]:
    if dataset is not None and dataset not in results.datasets:
        raise unknown("dataset", dataset, results.datasets)
    return results.datasets if dataset is None else [dataset]


def _show(results: Results, datasets: Sequence[str]) -> None:
    for name in datasets:
        printing.say("")
        printing.say(name, bold=True)
        for sentence in answers.answer(results, name).sentences:
            printing.wrapped(sentence, 2)


@dataclass(frozen=True)
class Chosen:
    """A model of a dataset, at the recipe that the dataset's answer is about.

    Attributes:
        cell_id: the cell.
        trials: the ids of its finished trials, in the order of repeats and folds.
        classes: in the order of the probabilities.
        recommended: whether the answer names it.
    """

    dataset: str
    model: str
    recipe: str
    cell_id: str
    trials: tuple[str, ...]
    classes: tuple[str, ...]
    recommended: bool


def choose(results: Results, dataset: str, model: str | None) -> Chosen:
    """A model of a dataset by its name, or the one that the answer recommends.

    Raises:
        UsageError: the store has no results on such a dataset, or of such a model there.
        BenchError: no model was asked for, and no answer names one.
    """
    (dataset,) = _chosen(results, dataset)
    section = recipes.main(results, dataset)
    use = answers.answer(results, dataset).use
    if model is None and use is None:
        raise BenchError(
            f"no model has all its trials on {dataset} yet; name one with --model, or `bench run` trains on"
        )
    name = str(model or use)
    if name not in results.models(section):
        raise unknown(f"model of {dataset} at {section.recipe}", name, results.models(section))
    cells = results.of(results.cells, section)
    cell_id = str(cells[cells["model"] == name]["cell_id"].iloc[0])
    rows = results.connection.execute(
        "select trial_id, classes from trials where cell_id = ? and status = 'done' order by repeat, fold", [cell_id]
    ).fetchall()
    trials = tuple(row[0] for row in rows)
    return Chosen(dataset, name, section.recipe, cell_id, trials, tuple(rows[0][1]), name == use)
