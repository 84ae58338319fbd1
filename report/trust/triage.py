"""Triage: what a model may decide by itself, and what goes to a person, for the errors that one can bear.

A model's vote is the mean probability of its repeats, image by image out of fold; it is as sure as its highest one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from report import estimates, recipes, statistics
from report.data import Results, Section
from report.estimates import interval, percent
from report.statistics import Floats, Span
from report.trust import asked
from report.trust.asked import Asked
from store import certainty

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SENT = 0.2
"""The share of images that a person looks at, of which the first sentence speaks."""
RATES = (0.05, 0.1, 0.2)
WANTED = 0.1
"""The rate of errors by which it is judged whether triage is of use."""
WORTH = 1 / 3
"""A model that may decide less than this share of the images saves a person little."""

Word = Literal["of use", "no use", "undecided"]


@dataclass(frozen=True)
class AtRate:
    """The threshold for a wanted rate of errors.

    `decided` and `error` are what thresholds chosen on the other folds leave; `held_decided` and `held_error` what the
    threshold itself leaves on the H images of the holdout, for votes of as many trials.
    """

    wanted: float
    threshold: float
    decided: float
    error: Span
    held_decided: float
    held_error: Span


@dataclass(frozen=True)
class Triage:
    """How the errors of one model fall as it decides fewer images. All errors weigh classes alike.

    `curve` has the vote's error at each of `SHARES`, `single` the mean of its single repeats', `drop` what is gained
    when the least certain fifth goes to a person. `log_loss` is that of single trials, before and after temperatures
    that were each fitted on the other folds. `worth` is how many images of equal weight say as much as these.
    """

    section: Section
    model: str
    repeats: int
    images: int
    held: int
    units: int
    worth: float
    curve: tuple[Span, ...]
    single: tuple[float, ...]
    drop: Span
    rates: tuple[AtRate, ...]
    word: Word
    temperatures: tuple[float, float]
    log_loss: tuple[float, float]

    def at(self, share: float) -> Span:
        """The vote's error among this share of the images, one of `SHARES`."""
        return self.curve[SHARES.index(share)]

    def rate(self, wanted: float = WANTED) -> AtRate:
        """What there is to say for one of `RATES`."""
        return next(each for each in self.rates if each.wanted == wanted)

    def too_few(self, wanted: float) -> bool:
        """Whether all images together are too few to show a rate of errors, by the rule of three."""
        return self.worth < certainty.SHOWS / wanted

    @property
    def sentences(self) -> tuple[str, str]:
        """What a person should do, and what it is worth."""
        return _sent(self), _bounded(self)


@lru_cache(maxsize=512)
def of_model(results: Results, section: Section, model: str) -> Triage | None:
    """The triage by one model; None where no whole repeat was asked."""
    found = asked.of_section(results, section)
    return judged(found, model) if model in found.said else None


def best(results: Results, dataset: str) -> Triage | None:
    """The triage by the model that the dataset's answer names; None where there is none."""
    section = recipes.main(results, dataset)
    row = estimates.highest(estimates.fold_means(results, section), results.complete(section))
    return of_model(results, section, str(row["model"])) if row else None


def judged(found: Asked, model: str) -> Triage:
    """The triage by one model, from what it said."""
    voted = found.averaged(model)
    sure, wrong = voted.max(axis=1), voted.argmax(axis=1) != found.labels
    own, drawn = certainty.balanced_weights(found.labels)[None, :], asked.drawn(found)
    units = int(np.unique(found.groups).size)
    at, draws = (statistics.risks(sure, wrong, w, SHARES) for w in (own, drawn))
    alike = 1 / float((own**2).sum())  # so many images of equal weight say as much
    curve = [
        statistics.no_narrower(statistics.span(float(at[0, k]), draws[:, k], units), share * alike)
        for k, share in enumerate(SHARES)
    ]
    kept = SHARES.index(round(1 - SENT, 1))
    drop = statistics.span(float(at[0, -1] - at[0, kept]), draws[:, -1] - draws[:, kept], units, low=-1.0)
    single = np.mean([_risk(said, found.labels, own) for said in found.said[model]], axis=0)
    rates = tuple(_rate(found, model, wanted, sure, wrong, drawn) for wanted in RATES)
    temperatures, losses = _temperatures(found, model)
    return Triage(
        found.section,
        model,
        len(found.said[model]),
        len(found.images),
        len(found.held),
        units,
        alike,
        tuple(curve),
        tuple(single.tolist()),
        drop,
        rates,
        _word(rates[RATES.index(WANTED)], alike),
        temperatures,
        losses,
    )


def _risk(said: Floats, labels: asked.Ints, weights: Floats) -> Floats:
    return np.asarray(statistics.risks(said.max(axis=1), said.argmax(axis=1) != labels, weights, SHARES)[0])


def _rate(
    found: Asked,
    model: str,
    wanted: float,
    sure: Floats,
    wrong: NDArray[np.bool_],
    drawn: Floats,
) -> AtRate:
    weights = certainty.balanced_weights(found.labels)
    chosen = certainty.threshold(sure, wrong, weights, wanted)
    folds = found.folds[list(found.repeats[model])]
    split = statistics.crossfitted(sure, wrong, found.labels, folds, wanted)
    covered = float(weights @ split.decided)
    error = Span(np.nan, np.nan, np.nan)
    if covered > 0:
        below = drawn @ split.decided
        draws = (drawn @ split.wrong)[below > 0] / below[below > 0]
        error = statistics.span(float(weights @ split.wrong) / covered, draws, int(np.unique(found.groups).size))
        error = statistics.no_narrower(error, covered / float(weights @ weights))
    held_decided, held_error = _held(found, model, chosen.value)
    return AtRate(wanted, chosen.value, covered, error, held_decided, held_error)


def _held(found: Asked, model: str, threshold: float) -> tuple[float, Span]:
    """What a threshold leaves on the holdout, in votes of as many trials as there are repeats: one trial of each.

    The vote of all trials would be less sure of everything than the votes that the threshold was chosen on.
    """
    if not found.held or not np.isfinite(threshold) or model not in found.held_said:
        return 0.0, Span(np.nan, np.nan, np.nan)
    folds = found.held_folds[model]
    votes = [found.held_said[model][folds == fold].mean(axis=0) for fold in np.unique(folds)]
    decided = np.mean([vote.max(axis=1) >= threshold for vote in votes], axis=0)
    wrong = np.mean([(v.max(axis=1) >= threshold) & (v.argmax(axis=1) != found.held_labels) for v in votes], axis=0)
    weights = certainty.balanced_weights(found.held_labels)
    share = np.divide(wrong, decided, out=np.zeros_like(wrong), where=decided > 0)
    return float(weights @ decided), statistics.weighted_share(share, weights * decided, found.held_groups)


def _temperatures(found: Asked, model: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """The least and the greatest temperature of all folds, and the log loss without and with them."""
    weights, losses, every = certainty.balanced_weights(found.labels), [], []
    for said, row in zip(found.said[model], found.repeats[model], strict=True):
        tempered, temperatures = statistics.tempered_out_of_fold(said, found.labels, found.folds[row])
        true = [p[np.arange(len(p)), found.labels] for p in (said, tempered)]
        losses.append([float(-weights @ np.log(np.maximum(p, certainty.SMALLEST))) for p in true])
        every += temperatures.tolist()
    before, after = np.mean(losses, axis=0).tolist()
    return (min(every, default=1.0), max(every, default=1.0)), (before, after)


def _word(rate: AtRate, worth: float) -> Word:
    if worth < certainty.SHOWS / rate.wanted:
        return "undecided"
    if not np.isfinite(rate.threshold) or rate.decided < WORTH:
        return "no use"
    return "of use" if _kept(rate) else "undecided"


def _kept(rate: AtRate) -> bool:
    """Whether nothing speaks against what a threshold promises."""
    return rate.error.known and rate.error.low <= rate.wanted


def _sent(t: Triage) -> str:
    whole, kept = t.at(1.0), t.at(round(1 - SENT, 1))
    start = f"{described(t)} is wrong on {written(whole)} of the images"
    if not t.drop.known:
        return f"{start}; so few groups of images do not show what sending some to a person changes."
    if t.drop.low > 0:
        return f"{start}; send the least certain fifth to a person, and {written(kept)} of the others are."
    if t.drop.high < 0:
        return f"{start}; where it is surest it is wrong more often, so its certainty is no guide."
    return (
        f"{start}; of those that it is surest of, four in five, {written(kept)}: these data do not show that its "
        "certainty tells which."
    )


def _bounded(t: Triage) -> str:
    # Where it is as good by itself, a stricter rate is what one asks for.
    rate = t.rate(WANTED if t.at(1.0).estimate > WANTED else min(RATES))
    wanted = f"{rate.wanted * 100:.0f} %"
    if t.too_few(rate.wanted):
        needed = f"{certainty.SHOWS / rate.wanted:.0f} at least"
        return f"Whether a rate of {wanted} wrong answers can be kept so few images do not show: it takes {needed}."
    if not np.isfinite(rate.threshold):
        return (
            f"Not to be triaged: from no certainty on, on images enough to show it, are {wanted} or fewer of its "
            f"answers "
            "wrong."
        )
    if rate.decided < WORTH:
        left = f"it could decide {percent(rate.decided)} of the images"
        return f"Not to be triaged: to stay at {wanted} wrong answers {left}."
    held = ""
    if np.isfinite(rate.held_error.estimate):
        held = f"; on the holdout {percent(rate.held_decided)}, of which {written(rate.held_error)} are"
    doubt = "" if _kept(rate) else ", which these images are too few to promise"
    return (
        f"For at most {wanted} wrong answers{doubt}: let it decide where it is {percent(rate.threshold)} sure or more. "
        f"Out of fold that is {percent(rate.decided)} of the images, of which {written(rate.error)} are wrong{held}."
    )


def described(t: Triage) -> str:
    """Whose answers these are."""
    return f"The vote of {t.repeats} repeats of {t.model}" if t.repeats > 1 else t.model


def written(span: Span) -> str:
    """A share with its interval, as far as it has one."""
    return f"{percent(span.estimate)} {interval(span.low, span.high)}" if span.known else percent(span.estimate)


def everywhere(results: Results, datasets: Sequence[str] | None = None) -> list[Triage]:
    """The triage by each dataset's best model."""
    found = [best(results, name) for name in (results.datasets if datasets is None else datasets)]
    return [each for each in found if each is not None]
