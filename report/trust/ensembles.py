"""Do different models know more together? Chosen greedily from stored predictions, against the best one's vote.

Whom to ask is chosen on all folds but one and judged on that one, in the folds of every repeat; and chosen on all of
them, judged on the holdout. Every model speaks by the mean probability of its repeats.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import special

from report import recipes, statistics
from report.data import Results, Section
from report.estimates import interval, points
from report.findings import NARROW, WIDE, Word
from report.statistics import SIGNIFICANT, Floats, RopeProbabilities, Span
from report.trust import asked
from report.trust.asked import Asked
from store import certainty


@dataclass(frozen=True)
class Ensemble:
    """What the ensemble gains over the vote of the best model, both chosen on other images; a fraction.

    `voices` are the models chosen on all folds, with how often each speaks, and `single` the best one there; `held` is
    what they gain on the holdout, without an interval where a class has too few images there. `units` are the groups.
    """

    section: Section
    voices: tuple[tuple[str, int], ...]
    single: str
    score: float
    single_score: float
    gain: Span
    deviation: float
    units: int
    held: Span
    p: float
    holm: float = 1.0
    asked: int = 1

    @property
    def alone(self) -> bool:
        """Whether one model was chosen on all folds, and no other, where a fold had one, changed what is recognised."""
        return len(self.voices) == 1 and self.gain.estimate == 0 and self.deviation == 0

    @property
    def word(self) -> Word:
        """The verdict at ±1."""
        return self._word(NARROW)

    @property
    def wide(self) -> Word:
        """The verdict at ±5."""
        return self._word(WIDE)

    def _word(self, rope: float) -> Word:
        if self.alone:
            return "equivalent"
        if not self.gain.known or self.deviation <= 0:
            return "undecided"
        worse = float(special.stdtr(self.units - 1, (-rope - self.gain.estimate) / self.deviation))
        better = float(special.stdtr(self.units - 1, (self.gain.estimate - rope) / self.deviation))
        word = statistics.verdict(RopeProbabilities(worse, max(0.0, 1 - worse - better), better))
        return "undecided" if word in ("better", "worse") and self.holm > SIGNIFICANT else word

    @property
    def sentence(self) -> str:
        """Whether it is worth to ask several models."""
        if self.alone:
            return f"No second model changes what {self.single} recognises out of fold: it was chosen alone."
        said = {
            "better": "Several models together are better",
            "worse": "Several models together are worse",
            "equivalent": "Several models together are as good",
        }
        start = said.get(self.word, "Whether several models together are better these data cannot tell")
        gained = f"{points(self.gain.estimate)} points {interval(self.gain.low, self.gain.high, signed=True)}"
        return f"{start}: {gained} out of fold against the vote of {self.single}, chosen the same way."


def everywhere(results: Results) -> list[Ensemble]:
    """The ensemble of each dataset, judged together."""
    return judged(e for name in results.datasets if (e := of_dataset(results, name)))


def judged(made: Iterable[Ensemble]) -> list[Ensemble]:
    """Ensembles with their p-values adjusted for their number."""
    found = list(made)
    adjusted = statistics.holm([e.p for e in found]).tolist()
    return [replace(e, holm=holm, asked=len(found)) for e, holm in zip(found, adjusted, strict=True)]


@lru_cache(maxsize=32)
def of_dataset(results: Results, dataset: str) -> Ensemble | None:
    """The ensemble of one dataset at its main recipe, judged alone; None where there are no two models to choose."""
    section = recipes.main(results, dataset)
    found = asked.of_section(results, section)
    most = max((len(rows) for rows in found.repeats.values()), default=0)
    models = [m for m in found.models if len(found.repeats[m]) == most and m in results.complete(section)]
    if len(models) < 2:
        return None
    made = _made(found, models)
    return replace(made, holm=made.p)


def _made(found: Asked, models: list[str]) -> Ensemble:
    said = np.stack([found.averaged(m) for m in models])
    hits, single = _out_of_fold(found, models, said)
    own, drawn = certainty.balanced_weights(found.labels), asked.drawn(found)
    units = int(np.unique(found.groups).size)
    draws = drawn @ (hits - single)
    gain = statistics.span(float(own @ (hits - single)), draws, units, low=-1.0)
    deviation = float(np.std(draws)) if draws.size > 1 else 0.0
    p = 2 * float(special.stdtr(units - 1, -abs(gain.estimate) / deviation)) if deviation > 0 and units > 2 else 1.0
    chosen = statistics.chosen_together(said, found.labels)
    voices = Counter(models[place] for place in chosen)
    best = models[chosen[0]]
    return Ensemble(
        found.section,
        tuple(sorted(voices.items(), key=lambda v: (-v[1], v[0]))),
        best,
        float(own @ hits),
        float(own @ single),
        gain,
        deviation,
        units,
        _held(found, [models[place] for place in chosen], best),
        p,
    )


def _out_of_fold(found: Asked, models: list[str], said: Floats) -> tuple[Floats, Floats]:
    """How often each image is recognised (N,) by the ensemble and by the best model, over the repeats' foldings."""
    hits, single = np.zeros(len(found.images)), np.zeros(len(found.images))
    rows = found.repeats[models[0]]
    for row in rows:
        for fold in np.unique(found.folds[row]):
            own = found.folds[row] == fold
            chosen = statistics.chosen_together(said[:, ~own], found.labels[~own])
            together = statistics.together(said[:, own], chosen)
            hits[own] += together.argmax(axis=1) == found.labels[own]
            single[own] += said[chosen[0], own].argmax(axis=1) == found.labels[own]
    return hits / len(rows), single / len(rows)


def _held(found: Asked, chosen: list[str], best: str) -> Span:
    if not found.held or not set(chosen) <= set(found.held_said):
        return Span(np.nan, np.nan, np.nan)
    together = np.mean([found.held_said[m].mean(axis=0) for m in chosen], axis=0).argmax(axis=1)
    alone = found.held_said[best].mean(axis=0).argmax(axis=1)
    right = [(said == found.held_labels).astype(np.float64) for said in (together, alone)]
    weights = statistics.drawn_weights(found.held_labels, found.held_groups)
    lead = float(certainty.balanced_weights(found.held_labels) @ (right[0] - right[1]))
    fewest = int(np.bincount(found.held_labels).min())
    if fewest < statistics.FEWEST_UNITS:
        return Span(lead, np.nan, np.nan)
    return statistics.span(lead, weights @ (right[0] - right[1]), int(np.unique(found.held_groups).size), low=-1.0)
