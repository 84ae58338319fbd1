"""Errors that are left when a model decides only what it is surest of, with intervals over images or their groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from report.statistics.common import Floats
from report.statistics.proportions import jeffreys
from store import certainty

FEW = 40
"""From so many units on a percentile of the draws is wide enough; with fewer, Student's t says how much wider."""


@dataclass(frozen=True)
class Span:
    """An estimate with its interval; (NaN, NaN) where too few units say how it varies."""

    estimate: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether it has an interval."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


def drawn_weights(labels: ArrayLike, groups: ArrayLike, *, draws: int = 400, seed: int = 0) -> Floats:
    """Weights of images in bootstrap draws over their groups, (B, N): in every row each class weighs alike.

    Groups are drawn with replacement, n − 1 of n as in `paired_bootstrap`, within each class where no group has images
    of two. Draws in which a class vanishes are left out; where these are most, there are none, (0, N).
    """
    truth = np.unique(np.asarray(labels), return_inverse=True)[1]
    unit = np.unique(np.asarray(groups), return_inverse=True)[1]
    if truth.shape != unit.shape or truth.ndim != 1 or truth.size == 0:
        raise ValueError("labels and groups must be one-dimensional, alike in length and not empty")
    units, classes = int(unit.max()) + 1, int(truth.max()) + 1
    holds = np.zeros((units, classes), bool)
    holds[unit, truth] = True
    stratum = np.zeros(units, np.intp) if np.any(holds.sum(axis=1) > 1) else holds.argmax(axis=1)
    rng = np.random.default_rng(seed)
    times = np.zeros((draws, units))
    for s in np.unique(stratum):
        own = np.flatnonzero(stratum == s)
        times[:, own] = rng.multinomial(max(own.size - 1, 1), np.full(own.size, 1 / own.size), size=draws)
    weights = times[:, unit]
    totals = np.stack([weights[:, truth == c].sum(axis=1) for c in range(classes)], axis=1)
    whole = np.all(totals > 0, axis=1)
    if whole.sum() < draws / 10 or np.any(holds.sum(axis=0) < 2):
        return np.empty((0, truth.size))
    return np.asarray(weights[whole] / (totals[whole][:, truth] * classes))


def risks(certainty_: ArrayLike, wrong: ArrayLike, weights: ArrayLike, shares: ArrayLike) -> Floats:
    """The weighted share of errors among the surest images, (B, K), for B rows of weights (B, N) and K shares.

    `certainty_` and `wrong` are (N,). Images that are equally sure are decided together, in part where a share ends
    among them: what is wrong among them is then taken to be spread evenly.
    """
    sure, fault = np.asarray(certainty_, np.float64), np.asarray(wrong, np.float64)
    w, at = np.asarray(weights, np.float64), np.asarray(shares, np.float64)
    order = np.argsort(-sure, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(sure[order]) != 0))
    decided = np.cumsum(np.add.reduceat(w[:, order], first, axis=1), axis=1)
    errors = np.cumsum(np.add.reduceat((w * fault)[:, order], first, axis=1), axis=1)
    start = np.zeros(1)
    made = [
        np.interp(at * d[-1], np.concatenate([start, d]), np.concatenate([start, e])) / (at * d[-1])
        for d, e in zip(decided, errors, strict=True)
    ]
    return np.array(made).reshape(len(w), at.size)


def span(estimate: float, drawn: Floats, units: int, low: float = 0.0, high: float = 1.0) -> Span:
    """An estimate with the 95 % interval of its draws, cut at what is possible; none on fewer than three units.

    With few units a percentile interval is too narrow, and so is scaled by Student's t over the normal (Hesterberg
    2015), around the estimate.
    """
    if drawn.size < 20 or units < 3:
        return Span(estimate, np.nan, np.nan)
    ends = np.quantile(drawn, [0.025, 0.975])
    wider = float(special.stdtrit(units - 1, 0.975) / special.ndtri(0.975)) if units < FEW else 1.0
    ends = estimate + (ends - estimate) * wider
    return Span(
        estimate, float(np.clip(min(ends[0], estimate), low, high)), float(np.clip(max(ends[1], estimate), low, high))
    )


def no_narrower(found: Span, images: float) -> Span:
    """A share's interval, at least as wide as that of so many images that each weigh alike and stand alone (Jeffreys).

    Draws of images that are all right, or all wrong, do not differ, and say nothing of those that were not seen.
    """
    if not found.known or images <= 0:
        return found
    low, high = jeffreys(found.estimate * images, images)
    return Span(found.estimate, min(found.low, float(low)), max(found.high, float(high)))


def weighted_share(hits: ArrayLike, weights: ArrayLike, groups: ArrayLike) -> Span:
    """A weighted share with an interval that counts a group of images as one: Jeffreys on as many as weigh alike.

    `hits` (N,) lie in [0, 1]. For a few images that nothing else was chosen on. NaN where nothing weighs anything.
    """
    h, w = np.asarray(hits, np.float64), np.asarray(weights, np.float64)
    total = float(w.sum())
    if total <= 0:
        return Span(np.nan, np.nan, np.nan)
    by_group = np.bincount(np.unique(np.asarray(groups), return_inverse=True)[1], w)
    count = total**2 / float((by_group**2).sum())
    share = float(np.clip((h * w).sum() / total, 0.0, 1.0))
    low, high = jeffreys(share * count, count)
    return Span(share, float(low), float(high))


@dataclass(frozen=True)
class Decided:
    """What thresholds that were chosen on other folds decide, image by image; both (N,), as shares of the foldings."""

    decided: Floats
    wrong: Floats  # decided, and wrong


def crossfitted(
    certainty_: Floats, wrong: NDArray[np.bool_], labels: ArrayLike, folds: NDArray[np.intp], wanted: float
) -> Decided:
    """Choose a threshold for a wanted rate of errors on all folds but one, apply it to that one, fold by fold.

    `certainty_`, `wrong`, `labels` are (N,), `folds` (R, N): foldings of the same images.
    """
    truth = np.asarray(labels)
    decided = np.zeros((len(folds), truth.size))
    for row, folding in enumerate(folds):
        for fold in np.unique(folding):
            own = folding == fold
            if own.all():
                continue
            weights = certainty.balanced_weights(truth[~own])
            found = certainty.threshold(certainty_[~own], wrong[~own], weights, wanted)
            decided[row, own] = certainty_[own] >= found.value
    share = decided.mean(axis=0)
    return Decided(share, share * wrong)


def tempered_out_of_fold(
    probabilities: Floats, labels: NDArray[np.intp], folds: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Probabilities (N, C) at temperatures fitted on all folds (N,) but their own, and these temperatures (F,)."""
    made, found = probabilities.copy(), []
    for fold in np.unique(folds):
        own = folds == fold
        if own.all():
            continue
        found.append(certainty.temperature(probabilities[~own], labels[~own]))
        made[own] = certainty.tempered(probabilities[own], found[-1])
    return made, np.array(found)
