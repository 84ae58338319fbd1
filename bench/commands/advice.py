"""What `bench answer` says, and `bench run` at its end: sentences that the report makes from its verdicts."""

import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.commands import printing
from bench.errors import BenchError, UsageError, unknown
from report import answers, claims, findings, recipes, rows, voting
from report.data import Results
from report.trust import chance, ensembles, growing, leaks, spread, suspects, triage
from report.trust import claims as claimed
from report.trust import rows as trusted
from store import Store, StoreWarning


def give(store: Store, dataset: str | None, kind: str, suspects_: Path | None = None) -> None:
    """Print answers as `text` or as `json`, or write a dataset's suspects to a file; raises as they do."""
    if suspects_ is not None:
        write_suspects(store, dataset, suspects_)
    elif kind == "json":
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


def as_json(store: Store, dataset: str | None) -> dict[str, object]:
    """Answers with every row of their pages' tables; of all datasets also those of the page of conclusions.

    Raises:
        UsageError: the store has no results on such a dataset.
    """
    results = Results(store.root)
    made = [answers.answer(results, name) for name in _chosen(results, dataset)]
    said: dict[str, object] = {
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
                "trust": _trust(results, a),
            }
            for a in made
        ]
    }
    if dataset is None:
        said["findings"] = [
            *(rows.of_finding(f) for f in findings.everywhere(results)),
            *(rows.of_gain(gain) for gain in voting.everywhere(results)),
        ]
        said["leaks"] = [trusted.of_leak(leak) for leak in leaks.ledger(results)]
        said["claims"] = [rows.of_claim(judgement) for judgement in claims.everything(results)]
    return said


def _trust(results: Results, answer: answers.Answer) -> dict[str, object]:
    """When to believe a model of the dataset: what may be left to the one that is named, and what is at chance."""
    section = recipes.main(results, answer.dataset)
    told = triage.of_model(results, section, answer.use) if answer.use else None
    several, groups = ensembles.of_dataset(results, answer.dataset), spread.of_dataset(results, answer.dataset)
    return {
        "sentences": answer.trust,
        "triage": trusted.of_triage(told) if told else None,
        "suspects": trusted.of_suspects(suspects.of_dataset(results, answer.dataset)),
        "more_images": [trusted.of_more(more) for more in growing.of_dataset(results, answer.dataset)],
        "ensemble": trusted.of_ensemble(several) if several else None,
        "new_groups": trusted.of_spread(groups) if groups else [],
        "claims": [trusted.of_claimed(c) for c in claimed.of_dataset(results, answer.dataset)],
        "chance": [trusted.of_chance(row) for row in chance.of_section(results, section)],
    }


def write_suspects(store: Store, dataset: str | None, file: Path) -> None:
    """Write all labels of a dataset to a CSV file, the most doubted first.

    Raises:
        UsageError: no dataset is named, or none of that name has results, or no model is good enough to doubt labels.
        BenchError: the file cannot be written.
    """
    if dataset is None:
        raise UsageError("--suspects is about one dataset; name it: `bench answer DATASET --suspects FILE`")
    if not file.parent.is_dir():
        raise BenchError(f"{file} cannot be written ({file.parent} is no folder); choose another --suspects FILE")
    results = Results(store.root)
    _chosen(results, dataset)
    found = suspects.of_dataset(results, dataset)
    if not found.listed:
        raise UsageError(f"{dataset}: {found.sentence[0].lower()}{found.sentence[1:]} Train others, or more trials")
    try:
        file.write_text(suspects.as_csv(found), encoding="utf-8")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise BenchError(f"{file} cannot be written ({reason}); choose another --suspects FILE") from None
    printing.say(f"{found.sentence}")
    printing.say(f"{len(found.listed):,} labels, the most doubted first: {file}")


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
        answer = answers.answer(results, name)
        for sentence in (*answer.sentences, *answer.trust):
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
