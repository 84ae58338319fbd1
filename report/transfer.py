"""What transfer adds, dataset by dataset: the numbers behind the home page's two pictures.

Scores of datasets with another number of classes meet on the way from guessing to perfect: (score − 1/C) / (1 − 1/C).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from report import estimates, findings, recipes
from report.comparisons import Comparison
from report.data import Results, Section
from report.findings import Finding
from report.questions import PRETRAINING, SMALL, Question

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
    wanted: Mapping[str, int]

    @classmethod
    def of(cls, results: Results, section: Section) -> "Paired":
        """Read from a store."""
        scores = results.of(results.scores, section)
        test = scores[scores["subset"] == "test"]
        table = test.pivot(index=["repeat", "fold"], columns="model", values="balanced_accuracy")
        wanted = results.of(results.cells, section).set_index("model")["wanted"].to_dict()
        return cls(section, table, estimates.test_train_ratio(test), {str(m): int(n) for m, n in wanted.items()})

    def compared(self, question: Question, model: str, reference: str) -> Comparison | None:
        """Two models on the splits that both have; None where they share none."""
        differences = tuple((self.table[model] - self.table[reference]).dropna().tolist())
        if not differences:
            return None
        most = max(self.wanted[model], self.wanted[reference])
        return Comparison(question, self.section, model, reference, differences, self.ratio, most, self.section)


def arrows(results: Results) -> pd.DataFrame:
    """For each dataset, at its main recipe, what each way of using pre-trained weights adds; the most telling first.

    Against the same network from random weights where that was run, else against the small network. Columns as
    `charts.arrows` takes them, datasets sorted by what the first of their arrows adds.
    """
    rows: list[dict[str, object]] = []
    everything = findings.everywhere(results)
    for dataset in results.datasets:
        section = recipes.main(results, dataset)
        rows += _of_dataset(results, section, [f for f in everything if f.section == section])
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    if frame.empty:
        return frame
    first = frame.drop_duplicates("dataset").set_index("dataset")
    gain = (first["end"] - first["start"]).to_dict()
    order = frame["dataset"].map(lambda name: -gain[name])
    return frame.assign(order=order).sort_values(["order", "dataset"], kind="stable").drop(columns="order")


def _of_dataset(results: Results, section: Section, found: list[Finding]) -> list[dict[str, object]]:
    models = results.models(section)
    chosen = [f for f in found if f.question is PRETRAINING]
    chosen = chosen or [f for f in found if f.question is SMALL and f.reference == baseline(models)]
    chosen.sort(key=lambda f: f.narrow == "incomplete")  # what enough splits carry comes first
    guessing = chance(results, section)
    means = estimates.fold_means(results, section).set_index("model")["balanced_accuracy"]
    floors = [means[m] for m in models if results.model_card(m)["family"] == "Floor" and m in means.index]
    pairs_of = Paired.of(results, section)
    rows = []
    for finding in chosen:
        both = pairs_of.table[[finding.model, finding.reference]].dropna()
        start, difference = float(both[finding.reference].mean()), finding.difference
        low, high = (min(max(start + v, 0.0), 1.0) for v in (difference.low, difference.high))
        places = [way(v, guessing) for v in (start, start + difference.mean, low, high)]
        floor = way(max(floors), guessing) if floors else float("nan")
        rows.append(
            dict(
                zip(
                    _COLUMNS,
                    (
                        section.dataset,
                        results.dataset_card(section.dataset)["title"],
                        finding.model,
                        finding.reference,
                        *places,
                        finding.narrow,
                        finding.splits,
                        floor,
                        finding.question is PRETRAINING,
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
    verdicts = _against_baselines(results)
    for dataset in results.datasets:
        section = recipes.main(results, dataset)
        models = results.models(section)
        means = {row["model"]: row for row in estimates.fold_means(results, section).to_dict("records")}
        cells = {row["model"]: row for row in results.of(results.cells, section).to_dict("records")}
        made[section] = {}
        for model in models:
            mean, cell = means[model], cells[model]
            score, low, high = (float(mean[key]) for key in ("balanced_accuracy", "low", "high"))
            devices = tuple(map(str, np.atleast_1d(cell["devices"])))
            made[section][model] = Cell(
                score, low, high, int(cell["done"]), int(cell["wanted"]), verdicts.get((section, model)), devices
            )
    return made


def _against_baselines(results: Results) -> dict[tuple[Section, str], Finding]:
    """Every model against the small network of its dataset; the whole grid is one question."""
    asked = []
    for dataset in results.datasets:
        section = recipes.main(results, dataset)
        models = results.models(section)
        reference = baseline(models)
        others = [model for model in models if reference not in (None, model)]
        pairs_of = Paired.of(results, section)
        asked += [pairs_of.compared(GRID, model, str(reference)) for model in others]
    return {(f.section, f.model): f for f in findings.judged(c for c in asked if c)}


def headline(frame: pd.DataFrame) -> str:
    """What the arrows say, as far as verdicts carry it."""
    if frame.empty:
        return "What pre-training adds is open: no pre-trained model stands beside one from scratch yet"
    every = frame.drop_duplicates("dataset")
    first, rest = every[every["same"]], every[~every["same"]]
    words = {kind: first[first["verdict"] == kind] for kind in ("better", "worse", "equivalent", "incomplete")}
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
    if few := len(words["incomplete"]):
        said.append(f"on {_datasets(few)} too few splits are done")
    if len(rest):  # a small network is another network: what is said of it is not said of pre-training alone
        better = int((rest["verdict"] == "better").sum())
        beside = f"on {_datasets(len(rest))} a pre-trained network stands beside a small one only"
        said.append(f"{beside}, and is better on {better or 'none'}")
    sentence = "; ".join(said)
    if len(first) and not len(words["better"]):
        sentence = f"what pre-training adds to the same network: {sentence}"
    return sentence[0].upper() + sentence[1:]


def _datasets(count: int) -> str:
    names = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return f"{names[count] if count < len(names) else count} dataset{'' if count == 1 else 's'}"
