"""What a store tells of one model of a dataset: the figures that a model card and a manuscript rest on."""

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from report import answers, estimates, recipes, statistics
from report.answers import Answer
from report.cards import DatasetCard, ModelCard
from report.data import Results, Section
from report.sections import calibration
from report.statistics import Calibration


@dataclass(frozen=True)
class Score:
    """A balanced accuracy with its 95 % interval, as fractions; ends that nobody can know are None."""

    value: float
    low: float | None
    high: float | None

    def text(self) -> str:
        """In percent: `91.0 % [89.2, 92.9]`, or with a word where there is no interval."""
        value = f"{100 * self.value:.1f} %"
        if self.low is None or self.high is None:
            return f"{value} [no interval]"
        return f"{value} [{100 * self.low:.1f}, {100 * self.high:.1f}]"

    def as_dict(self) -> dict[str, float | None]:
        """For JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Recall:
    """How often images of a class are answered rightly out of fold, with the number of its images."""

    label: str
    score: Score
    images: int


@dataclass(frozen=True)
class Told:
    """A model of a dataset, at the recipe that the dataset's answer is about.

    Attributes:
        section: dataset and recipe.
        model: its name.
        card: of the dataset, and `model_card` of the model, as the newest plan has them.
        answer: the dataset's answer.
        recipe: its fields, and `protocol` those of the protocol.
        images: of the dataset; `held` are in the holdout; `groups` is in how many groups they come.
        trials: finished trials.
        test: the mean over the test folds; `vote` is that of all trials on the holdout, `out_of_fold` that of the
            repeats on the images that they did not train on.
        recalls: class by class.
        calibration: of the probabilities out of fold.
        log_loss: mean over the test folds, and so is `brier`.
        others: every model of the section with its score and trials; `complete` of them have all their trials.
        versions: of the libraries that trained it, and `devices` on what.
        trained: the day of the first trial and of the last.
    """

    section: Section
    model: str
    card: DatasetCard
    model_card: ModelCard
    answer: Answer
    recipe: dict[str, Any]
    protocol: dict[str, Any]
    images: int
    held: int
    groups: int
    trials: int
    test: Score
    vote: Score | None
    out_of_fold: Score | None
    recalls: tuple[Recall, ...]
    calibration: Calibration | None
    log_loss: float
    brier: float
    others: tuple[tuple[str, Score, int], ...]
    complete: int
    versions: tuple[dict[str, str], ...]
    devices: tuple[str, ...]
    trained: tuple[str, str]


def told(results: Results, dataset: str, model: str) -> Told:
    """What a store tells of a model that has finished trials on a dataset."""
    section = recipes.main(results, dataset)
    means = estimates.fold_means(results, section)
    scores = results.of(results.scores, section)
    own = scores[(scores["model"] == model) & (scores["subset"] == "test")]
    rows = results.frame(
        """
        select t.dataset_hash, t.holdout_images, t.versions_json, t.device, t.protocol_json, t.finished_at
        from trials t join chosen_trials c using (trial_id)
        where t.dataset = $dataset and t.model = $model and t.recipe = $recipe and c.scheme = $scheme
        order by t.finished_at
        """,
        dataset=dataset,
        model=model,
        recipe=section.recipe,
        scheme=section.scheme,
    )
    counted = results.frame(
        "select count(*) as images, count(distinct image_group) as groups from images "
        "where dataset = $dataset and dataset_hash = $hash",
        dataset=dataset,
        hash=str(rows["dataset_hash"].iloc[-1]),
    )
    confusion = estimates.confusion(results, section)
    right = confusion[(confusion["model"] == model) & (confusion["label"] == confusion["predicted"])]
    return Told(
        section,
        model,
        results.dataset_card(section.scheme),
        results.model_card(model),
        answers.answer(results, dataset),
        results.recipe(section),
        json.loads(str(rows["protocol_json"].iloc[-1])),
        int(counted["images"].iloc[0]),
        int(rows["holdout_images"].max()),
        int(counted["groups"].iloc[0]),
        len(rows),
        _scores(means)[model],
        _scores(estimates.votes(results, section)).get(model),
        _scores(estimates.votes(results, section, "test")).get(model),
        tuple(
            Recall(str(r["label"]), Score(float(r["share"]), float(r["low"]), float(r["high"])), _images(r))
            for r in right.to_dict("records")
        ),
        calibration.of_models(results, section).get(model),
        float(own["log_loss"].mean()),
        float(own["brier"].mean()),
        tuple(
            (str(r["model"]), _score(r), int(r["trials"]))
            for r in means.sort_values("balanced_accuracy", ascending=False, kind="stable").to_dict("records")
        ),
        len(results.complete(section)),
        tuple(json.loads(each) for each in sorted(set(rows["versions_json"]))),
        tuple(sorted(set(rows["device"]))),
        (f"{rows['finished_at'].min():%Y-%m-%d}", f"{rows['finished_at'].max():%Y-%m-%d}"),
    )


def low_classes(of: Told) -> list[str]:
    """Classes with fewer images than an interval of a vote needs."""
    fewest = statistics.FEWEST_UNITS
    held = {name: round(count * of.held / max(of.images, 1)) for name, count in of.card["at_hand"].items()}
    return [name for name, count in held.items() if count < fewest]


def _images(row: dict[Any, Any]) -> int:
    return round(float(row["images"]) / float(row["share"])) if row["share"] else 0


def _scores(frame: pd.DataFrame) -> dict[str, Score]:
    return {str(row["model"]): _score(row) for row in frame.to_dict("records")}


def _score(row: dict[Any, Any]) -> Score:
    low, high = (float(row[end]) for end in ("low", "high"))
    known = low == low and high == high
    return Score(float(row["balanced_accuracy"]), low if known else None, high if known else None)
