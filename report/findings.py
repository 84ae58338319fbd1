"""Claims with their verdicts: for each question of the study, which pairs of models answer it, and what the data say.

Two models are compared only on the same dataset, at the same recipe, on the same splits.
"""

from dataclasses import dataclass

import numpy as np

from report import statistics
from report.data import Results, Section
from report.estimates import test_train_ratio
from report.statistics import ResampledT, Verdict

NARROW, WIDE = 0.01, 0.05
"""Half-widths of the two bands within which a difference counts as none."""


@dataclass(frozen=True)
class Question:
    """A question that a pair of models can answer."""

    key: str
    text: str


PRETRAINING = Question("pretraining", "Does pre-training help, against the same network trained from scratch?")
LOWER = Question("lower", "Do the lower layers alone do better than the whole pre-trained network?")
SMALL = Question("small", "Does a pre-trained network beat a small one trained from scratch?")
COLOUR = Question("colour", "Is it more than colour?")
QUESTIONS = (PRETRAINING, LOWER, SMALL, COLOUR)


@dataclass(frozen=True)
class Finding:
    """The difference model − reference in mean test balanced accuracy, and what may be said of it.

    `narrow` and `wide` are the verdicts with bands of ±1 and ±5 points, `detectable` the smallest difference that
    these data could have shown (at ±1), all as fractions.
    """

    question: Question
    section: Section
    model: str
    reference: str
    difference: ResampledT
    narrow: Verdict
    wide: Verdict
    detectable: float


def pairs(models: list[str]) -> list[tuple[Question, str, str]]:
    """The comparisons that the models at hand allow, as (question, model, reference)."""
    have = set(models)
    found = []
    for model in models:
        # The twin that differs in its first weights alone comes first: the sharpest test.
        base = model.removesuffix("-scratch")
        if base != model:
            twins = (f"{base}-tuned", base, f"{base}-probe")
            found += [(PRETRAINING, twin, model) for twin in twins if twin in have]
        if model.endswith("-lower") and model.removesuffix("-lower") in have:
            found.append((LOWER, model, model.removesuffix("-lower")))
    whole = [m for m in ("vgg19", "resnet18", "efficientnet-lite0") if m in have]
    found += [(SMALL, model, small) for model in whole for small in ("cnn", "cnn-shallow") if small in have]
    if "mean-colour" in have:
        found += [(COLOUR, model, "mean-colour") for model in models if model not in ("mean-colour", "pixel-ratio")]
    return found


def of_section(results: Results, section: Section) -> tuple[Finding, ...]:
    """The findings of one dataset at one recipe, question by question."""
    scores = results.of(results.scores, section)
    test = scores[scores["subset"] == "test"]
    ratio = test_train_ratio(test)
    table = test.pivot(index="split_hash", columns="model", values="balanced_accuracy")
    found = []
    for question, model, reference in pairs(results.models(section)):
        differences = (table[model] - table[reference]).dropna().to_numpy()
        if differences.size == 0:
            continue
        found.append(judged(question, section, model, reference, differences, ratio))
    return tuple(sorted(found, key=lambda f: QUESTIONS.index(f.question)))


def judged(
    question: Question, section: Section, model: str, reference: str, differences: statistics.Floats, ratio: float
) -> Finding:
    """What may be said of the differences model − reference of some splits."""
    return Finding(
        question,
        section,
        model,
        reference,
        statistics.corrected_resampled_t(differences, test_train_ratio=ratio),
        _verdict(differences, ratio, NARROW),
        _verdict(differences, ratio, WIDE),
        statistics.smallest_detectable_difference(differences, test_train_ratio=ratio, rope=NARROW),
    )


def everywhere(results: Results) -> list[Finding]:
    """All findings of the site, question by question."""
    found = [finding for section in results.sections for finding in of_section(results, section)]
    return sorted(found, key=lambda f: QUESTIONS.index(f.question))


def _verdict(differences: statistics.Floats, ratio: float, rope: float) -> Verdict:
    if np.ptp(differences) < statistics.ROUNDING:
        return "undecided"  # scores that are all alike say nothing of how they would vary
    return statistics.verdict(statistics.bayesian_correlated_t(differences, test_train_ratio=ratio, rope=rope))
