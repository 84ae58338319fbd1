"""Verdicts: what may be said of comparisons, each judged beside all others of its question.

*Better* and *worse* are said only where the posterior reaches 0.95 and the p-value, adjusted by Holm for the question's
comparisons, is at most 0.05. On a page of all datasets these are the comparisons at the main recipe of each; on the
page of one dataset its own count alone, so that nobody else's data change what is said of yours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from report import comparisons, recipes, statistics
from report.comparisons import Comparison
from report.data import Results, Section
from report.questions import QUESTIONS, Question
from report.statistics import Equivalence, ResampledT, RopeProbabilities

Word = Literal["better", "equivalent", "worse", "undecided", "incomplete"]
WORDS: tuple[Word, ...] = ("better", "equivalent", "worse", "undecided", "incomplete")

NARROW, WIDE = 0.01, 0.05
"""Half-widths of the two bands within which a difference counts as none."""
POWER = 0.8


@dataclass(frozen=True)
class Finding:
    """The difference model − reference in mean test balanced accuracy, and what may be said of it.

    `narrow` and `wide` are the verdicts with bands of ±1 and ±5 points. `holm` is the p-value adjusted for the `asked`
    comparisons of its question, NaN where the comparison is incomplete. `detectable` is the smallest difference that
    these data could have shown at ±1 half of the time, `detectable_80` in four of five times; both as fractions.
    """

    comparison: Comparison
    difference: ResampledT
    holm: float
    asked: int
    narrow: Word
    wide: Word
    detectable: float
    detectable_80: float

    @property
    def question(self) -> Question:
        """What it answers."""
        return self.comparison.question

    @property
    def section(self) -> Section:
        """Where the model was run."""
        return self.comparison.section

    @property
    def model(self) -> str:
        """The model."""
        return self.comparison.model

    @property
    def reference(self) -> str:
        """The model that it is compared with, which may be the same one elsewhere."""
        return self.comparison.reference

    @property
    def splits(self) -> int:
        """How many splits both have."""
        return len(self.comparison.differences)

    @property
    def pair(self) -> str:
        """The two that are compared; what else than the model differs stands behind each."""
        ours, theirs = self.section, self.comparison.against
        if self.comparison.what:
            return self.comparison.what
        if ours == theirs:
            return f"{self.model} − {self.reference}"
        names = [s.title if ours.dataset == theirs.dataset else f"{s.dataset} {s.title}" for s in (ours, theirs)]
        if self.model == self.reference:
            return f"{self.model}: {names[0]} − {names[1]}"
        return f"{self.model} {names[0]} − {self.reference} {names[1]}"

    @property
    def decided(self) -> bool:
        """Whether the data say better, equivalent or worse, at ±1."""
        return self.narrow in ("better", "equivalent", "worse")

    def equivalence(self, rope: float = NARROW) -> Equivalence | None:
        """What it would take to call the two equivalent; None on one split."""
        if self.splits < 2:
            return None
        found = self.comparison
        return statistics.equivalence(found.differences, test_train_ratio=found.ratio, rope=rope)


def judged(family: Iterable[Comparison]) -> list[Finding]:
    """The findings of one family, in the order given.

    An incomplete comparison is no member, and differences that are all alike say nothing of how they would vary.
    """
    found = list(family)
    tests = [statistics.corrected_resampled_t(c.differences, test_train_ratio=c.ratio) for c in found]
    members = [place for place, comparison in enumerate(found) if comparison.complete]
    p = [1.0 if tests[place].degenerate else tests[place].p for place in members]
    adjusted = dict(zip(members, statistics.holm(p).tolist(), strict=True))
    return [
        _finding(comparison, test, adjusted.get(place, np.nan), len(members))
        for place, (comparison, test) in enumerate(zip(found, tests, strict=True))
    ]


def by_question(found: Sequence[Comparison]) -> list[Finding]:
    """The findings of comparisons, each question a family, question by question."""
    keys = list(dict.fromkeys(c.question for c in found))
    order = [q for q in QUESTIONS if q in keys] + [q for q in keys if q not in QUESTIONS]
    return [f for question in order for f in judged(c for c in found if c.question == question)]


def of_section(results: Results, section: Section) -> list[Finding]:
    """The findings of one dataset at one recipe, which alone counts for them, question by question."""
    if section == recipes.main(results, section.dataset):
        return by_question(comparisons.of_dataset(results, section.dataset))
    return by_question(comparisons.of_section(results, section))


def everywhere(results: Results) -> list[Finding]:
    """The findings of all datasets at their main recipes, question by question."""
    return list(_everywhere(results))


@lru_cache(maxsize=4)
def _everywhere(results: Results) -> tuple[Finding, ...]:
    """Several pages ask, and each answer takes a test for every comparison."""
    return tuple(by_question([c for dataset in results.datasets for c in comparisons.of_dataset(results, dataset)]))


def _finding(comparison: Comparison, test: ResampledT, holm: float, asked: int) -> Finding:
    could = [
        statistics.smallest_detectable_difference(
            comparison.differences, test_train_ratio=comparison.ratio, rope=NARROW, asked=max(asked, 1), power=power
        )
        for power in (None, POWER)
    ]
    words = [_word(comparison, test, holm, rope) for rope in (NARROW, WIDE)]
    return Finding(comparison, test, holm, asked, words[0], words[1], could[0], could[1])


def posterior(comparison: Comparison, rope: float) -> RopeProbabilities:
    """How probable it is that the model is worse, equivalent or better by more than the band."""
    return statistics.bayesian_correlated_t(comparison.differences, test_train_ratio=comparison.ratio, rope=rope)


def _word(comparison: Comparison, test: ResampledT, holm: float, rope: float) -> Word:
    if not comparison.complete:
        return "incomplete"
    if test.degenerate:
        return "undecided"
    word = statistics.verdict(posterior(comparison, rope))
    return "undecided" if word in ("better", "worse") and holm > statistics.SIGNIFICANT else word
