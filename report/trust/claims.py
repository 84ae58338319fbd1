"""How probable it is that "the higher mean is better" is false, from paired predictions, beside our own verdicts.

The probability is the one of "False Promises in Medical Imaging AI?" (Christodoulou et al. 2025, arXiv 2505.04720),
with paired answers in the place of an estimate of how alike two models answer.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from report import findings, recipes, statistics
from report.data import Results
from report.findings import NARROW, Finding
from report.statistics import SIGNIFICANT
from report.trust import asked
from report.trust.asked import Asked

RISK = 0.05
"""A claim that is false with a higher probability than this should not be made, says the paper."""


@dataclass(frozen=True)
class Claimed:
    """The claim that whichever of two models has the higher mean is better: how probably it is false."""

    finding: Finding
    winner: str
    loser: str
    false: float

    @property
    def stands(self) -> bool:
        """Whether the probability alone would let one claim it."""
        return self.false <= RISK

    @property
    def ours(self) -> bool:
        """Whether our own verdict says so."""
        return self.finding.narrow in ("better", "worse")

    @property
    def why(self) -> str:
        """Where the two disagree, the reason; empty where they agree."""
        if self.stands == self.ours:
            return ""
        if self.ours:
            return "the splits tell them apart, the images alone would not: groups count as one image here"
        f = self.finding
        if f.narrow == "equivalent":
            return "a lead, but surely one of less than a point"
        if f.narrow == "incomplete":
            return "too few splits for a verdict; the probability does not know that"
        if _leads(f, NARROW) >= 0.95:
            if f.difference.p > SIGNIFICANT:
                return "a lead if asked to one side alone; the p-value to both sides is above .05"
            return f"a lead in itself, but {f.asked} were asked at once"
        if _leads(f, 0.0) >= 0.95:
            return "a lead, but perhaps one of less than a point"
        return "true of these trained networks; trained on other images of the kind, either may lead"


def _leads(f: Finding, rope: float) -> float:
    p = findings.posterior(f.comparison, rope)
    return max(p.better, p.worse)


@lru_cache(maxsize=64)
def of_dataset(results: Results, dataset: str) -> tuple[Claimed, ...]:
    """Every comparison of two models at a dataset's main recipe that both were asked about every image."""
    section = recipes.main(results, dataset)
    found = asked.of_section(results, section)
    hits = {model: _hits(found, model) for model in found.models}
    made = []
    for f in findings.of_section(results, section):
        two = {f.model, f.reference}
        if f.comparison.what or f.comparison.against != section or len(two) < 2 or not two <= set(hits):
            continue
        winner, loser = (f.model, f.reference) if f.difference.mean >= 0 else (f.reference, f.model)
        false = statistics.false_claim(found.labels, hits[winner], hits[loser], groups=found.groups)
        made.append(Claimed(f, winner, loser, false))
    return tuple(made)


def _hits(found: Asked, model: str) -> statistics.Floats:
    """In what share of its repeats a model recognises each image, (N,)."""
    return np.asarray((found.said[model].argmax(axis=2) == found.labels).mean(axis=0))


def everywhere(results: Results) -> list[Claimed]:
    """The claims of all datasets."""
    return [claim for name in results.datasets for claim in of_dataset(results, name)]
