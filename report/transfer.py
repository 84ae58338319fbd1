"""What transfer adds, dataset by dataset: the numbers behind the home page's two pictures.

Scores of datasets with another number of classes meet on the way from guessing to perfect: (score − 1/C) / (1 − 1/C).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from report import estimates, findings, recipes
from report.data import Results, Section
from report.findings import PRETRAINING, SMALL, Finding, Question

BASELINES = ("cnn-shallow", "cnn")
"""The small networks that everything is measured against; the first one that was run counts."""
GRID = Question("grid", "Against the small network trained from scratch")
_COLUMNS = (
    "dataset",
    "title",
    "model",
    "reference",
    "start",
    "end",
    "low",
    "high",
    "verdict",
    "splits",
    "floor",
    "same",
)


@dataclass(frozen=True)
class Cell:
    """One model on one dataset in the grid; scores and differences are fractions, the difference is to the baseline."""

    score: float
    low: float
    high: float
    done: int
    wanted: int
    against: Finding | None
    devices: tuple[str, ...]


def chance(results: Results, section: Section) -> float:
    """What guessing scores."""
    return 1 / len(results.dataset_card(section.scheme)["classes"])


def way(score: float, guessing: float) -> float:
    """A score's place between guessing (0) and perfect (1)."""
    return (score - guessing) / (1 - guessing)


@dataclass(frozen=True)
class Paired:
    """The test scores of a section's models, split by split, so that any two can be compared."""

    section: Section
    table: pd.DataFrame
    ratio: float

    @classmethod
    def of(cls, results: Results, section: Section) -> "Paired":
        """Read from a store."""
        scores = results.of(results.scores, section)
        test = scores[scores["subset"] == "test"]
        table = test.pivot(index=["repeat", "fold"], columns="model", values="balanced_accuracy")
        return cls(section, table, estimates.test_train_ratio(test))

    def judged(self, question: Question, model: str, reference: str) -> Finding | None:
        """What may be said of two models on the splits that both have; None where they share none, or one alone."""
        differences = (self.table[model] - self.table[reference]).dropna().to_numpy()
        if len(differences) < 2:
            return None
        return findings.judged(question, self.section, model, reference, differences, self.ratio)


def arrows(results: Results) -> pd.DataFrame:
    """For each dataset, at its main recipe, what each way of using pre-trained weights adds; the most telling first.

    Against the same network from random weights where that was run, else against the small network. Columns as
    `charts.arrows` takes them, datasets sorted by what the first of their arrows adds.
    """
    rows: list[dict[str, Any]] = []
    for dataset in results.datasets:
        rows += _of_dataset(results, recipes.main(results, dataset))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    if frame.empty:
        return frame
    first = frame.drop_duplicates("dataset").set_index("dataset")
    gain = (first["end"] - first["start"]).to_dict()
    order = frame["dataset"].map(lambda name: -gain[name])
    return frame.assign(order=order).sort_values(["order", "dataset"], kind="stable").drop(columns="order")


def _of_dataset(results: Results, section: Section) -> list[dict[str, Any]]:
    models = results.models(section)
    pairs = findings.pairs(models)
    chosen = [(m, r, True) for q, m, r in pairs if q is PRETRAINING]
    chosen = chosen or [(m, r, False) for q, m, r in pairs if q is SMALL and r == baseline(models)]
    complete = results.complete(section)
    chosen.sort(key=lambda each: each[0] not in complete)  # what all trials carry comes first
    guessing = chance(results, section)
    means = estimates.fold_means(results, section).set_index("model")["balanced_accuracy"]
    floors = [means[m] for m in models if results.model_card(m)["family"] == "Floor" and m in means.index]
    pairs_of = Paired.of(results, section)
    rows = []
    for model, reference, same in chosen:
        found = pairs_of.judged(PRETRAINING, model, reference)
        if found is None:
            continue
        both = pairs_of.table[[model, reference]].dropna()
        start = float(both[reference].mean())
        low, high = (min(max(start + v, 0.0), 1.0) for v in (found.difference.low, found.difference.high))
        places = [way(v, guessing) for v in (start, start + found.difference.mean, low, high)]
        floor = way(max(floors), guessing) if floors else float("nan")
        rows.append(
            dict(
                zip(
                    _COLUMNS,
                    (
                        section.dataset,
                        results.dataset_card(section.dataset)["title"],
                        model,
                        reference,
                        *places,
                        found.narrow,
                        len(both),
                        floor,
                        same,
                    ),
                    strict=True,
                )
            )
        )
    return rows


def baseline(models: list[str]) -> str | None:
    """The small network that the others are measured against."""
    return next((name for name in BASELINES if name in models), None)


def grid(results: Results) -> dict[Section, dict[str, Cell]]:
    """Every dataset at its main recipe, every model that was run there."""
    made: dict[Section, dict[str, Cell]] = {}
    for dataset in results.datasets:
        section = recipes.main(results, dataset)
        models = results.models(section)
        reference = baseline(models)
        means = {row["model"]: row for row in estimates.fold_means(results, section).to_dict("records")}
        cells = {row["model"]: row for row in results.of(results.cells, section).to_dict("records")}
        pairs_of = Paired.of(results, section)
        made[section] = {}
        for model in models:
            against = None
            if reference not in (None, model):
                against = pairs_of.judged(GRID, model, str(reference))
            mean, cell = means[model], cells[model]
            score, low, high = (float(mean[key]) for key in ("balanced_accuracy", "low", "high"))
            devices = tuple(map(str, np.atleast_1d(cell["devices"])))
            made[section][model] = Cell(score, low, high, int(cell["done"]), int(cell["wanted"]), against, devices)
    return made


def headline(frame: pd.DataFrame) -> str:
    """What the arrows say, as far as verdicts carry it."""
    if frame.empty:
        return "What pre-training adds is open: no pre-trained model stands beside one from scratch yet"
    every = frame.drop_duplicates("dataset")
    first, rest = every[every["same"]], every[~every["same"]]
    words = {kind: first[first["verdict"] == kind] for kind in ("better", "worse", "equivalent")}
    said = []
    if len(words["better"]):
        gains = (words["better"]["end"] - words["better"]["start"]) * 100
        span = f"{gains.min():.0f}" if len(gains) == 1 else f"{gains.min():.0f} to {gains.max():.0f}"
        said.append(f"Pre-training adds {span} % of the way to perfect on {_datasets(len(gains))}")
    if len(words["worse"]):
        said.append(f"{'it' if said else 'pre-training'} costs on {_datasets(len(words['worse']))}")
    if len(words["equivalent"]):
        said.append(f"{'it' if said else 'pre-training'} makes no difference on {_datasets(len(words['equivalent']))}")
    if open_ := len(first) - sum(map(len, words.values())):
        said.append(f"on {_datasets(open_)} these data cannot tell")
    if len(rest):  # a small network is another network: what is said of it is not said of pre-training alone
        better = int((rest["verdict"] == "better").sum())
        said.append(
            f"on {_datasets(len(rest))} a pre-trained network stands beside a small one only, "
            f"and is better on {better or 'none'}"
        )
    sentence = "; ".join(said)
    return sentence[0].upper() + sentence[1:]


def _datasets(count: int) -> str:
    names = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return f"{names[count] if count < len(names) else count} dataset{'' if count == 1 else 's'}"
