"""Which scores are no better than guessing: each model beside a null from its own stored predictions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from report import recipes, statistics
from report.data import Results, Section
from report.statistics import SIGNIFICANT, Null
from report.trust import asked

Word = Literal["above chance", "at chance", "below chance"]
DRAWS = 1000


@dataclass(frozen=True)
class Guessing:
    """A model's mean score beside what it would score if labels had nothing to do with its answers.

    `whole` says whether labels were permuted among whole groups; where a group has images of several classes that
    cannot be done, and its images are permuted one by one. `holm` is adjusted for the models of the dataset.
    """

    section: Section
    model: str
    null: Null
    whole: bool
    holm: float = 1.0

    @property
    def word(self) -> Word:
        """The verdict. A score that lies below what guessing gives is no better than it, and stranger."""
        if self.holm <= SIGNIFICANT:
            return "above chance"
        return "below chance" if self.null.score < self.null.low else "at chance"


@lru_cache(maxsize=64)
def of_section(results: Results, section: Section) -> tuple[Guessing, ...]:
    """Every model of a section that has a whole repeat, beside chance."""
    found = asked.of_section(results, section)
    alike: dict[tuple[int, ...], list[str]] = {}
    for model in found.models:
        alike.setdefault(found.repeats[model], []).append(model)
    made: dict[str, Null] = {}
    for rows, models in alike.items():
        folds = found.folds[list(rows)]
        permuted = statistics.permuted_labels(found.labels, folds, found.groups, draws=DRAWS)
        said = np.stack([found.said[model].argmax(axis=2) for model in models])
        made |= dict(zip(models, statistics.against_chance(said, found.labels, folds, permuted), strict=True))
    whole = statistics.one_class_groups(found.labels, found.groups)
    adjusted = statistics.holm([null.p for null in made.values()]).tolist()
    rows_of = [Guessing(section, model, null, whole) for model, null in made.items()]
    return tuple(replace(row, holm=holm) for row, holm in zip(rows_of, adjusted, strict=True))


def of_model(results: Results, section: Section, model: str) -> Guessing | None:
    """One model beside chance; None where no whole repeat was asked."""
    return next((row for row in of_section(results, section) if row.model == model), None)


def everywhere(results: Results) -> list[Guessing]:
    """Every model at the main recipe of every dataset."""
    return [row for name in results.datasets for row in of_section(results, recipes.main(results, name))]


def sentence(rows: Sequence[Guessing]) -> str:
    """What there is to say of the models of one dataset."""
    low = [row for row in rows if row.word != "above chance"]
    if not rows:
        return "No model has been asked about every image yet."
    if not low:
        return f"All {len(rows)} models do better than guessing." if len(rows) > 1 else "It does better than guessing."
    each = "; ".join(
        f"{row.model} {row.null.score * 100:.1f} %, where guessing scores {row.null.low * 100:.1f} to "
        f"{row.null.high * 100:.1f} %"
        for row in low
    )
    return f"At chance: {each}."
