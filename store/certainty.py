"""How far class probabilities can be trusted: their temperature, and from which certainty on few answers are wrong.

Who predicts and who reports both need this arithmetic, and the store is what stands below both. Functions of arrays:
rows are images, each of them once, and asked by a model that was not trained on it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SMALLEST = float(np.finfo(np.float64).eps)
"""A probability counts as at least this, as in the store's log loss."""
COLDEST, HOTTEST = 0.05, 20.0
"""Temperatures beyond these say no more than that a model is always right, or knows nothing."""
HALVINGS = 32
"""Of the way between these two, on a logarithmic scale: nine digits of a temperature."""
SHOWS = 3.0
"""Of n images without an error a rate of 3/n cannot be ruled out (the rule of three; Hanley & Lippman-Hand 1983)."""


@dataclass(frozen=True)
class Threshold:
    """From which certainty on a model decides by itself; what is less certain goes to a person."""

    value: float  # an image is decided where its certainty is at least this; inf where none may be
    coverage: float  # share of the images that is decided
    error: float  # share of these that is wrong; NaN where none is decided


@dataclass(frozen=True)
class RiskCoverage:
    """What is decided and what is wrong from each certainty on, the highest first; each (K,), a row a certainty."""

    value: Floats
    coverage: Floats
    error: Floats
    images: Floats  # how many images of equal weight say as much as those that are decided (Kish 1965)


def balanced_weights(labels: ArrayLike) -> Floats:
    """Weights (N,) by which each class of `labels` (N,) weighs alike, and all images together weigh 1.

    Raises ValueError: no labels, or another number of dimensions.
    """
    names = np.asarray(labels)
    if names.ndim != 1 or names.size == 0:
        raise ValueError("labels must be one-dimensional, with an image at least")
    _, place, counts = np.unique(names, return_inverse=True, return_counts=True)
    return np.asarray(1 / (counts[place] * counts.size), np.float64)


def temperature(probabilities: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The temperature that makes probabilities (N, C) of the class indices `labels` (N,) most likely (Guo et al. 2017).

    Above 1 a model says too much, below 1 too little. Each class weighs alike unless `weights` (N,) say otherwise,
    since training is balanced. The log loss is convex in 1/temperature, so that its slope is 0 at one place alone.

    Raises ValueError: shapes that do not fit, no images, values that are no probabilities, labels outside 0 to C − 1.
    """
    p, truth = _checked(probabilities), np.asarray(labels)
    if truth.shape != p.shape[:1] or truth.dtype.kind not in "iu" or np.any((truth < 0) | (truth >= p.shape[1])):
        raise ValueError("labels must be whole numbers from 0 to C - 1, one for each image")
    w = balanced_weights(truth) if weights is None else _weighed(weights, truth.size)
    # Classes in rows: sums over few numbers that lie side by side are slow.
    logs = np.ascontiguousarray(np.log(np.maximum(p, SMALLEST)).T)
    logs -= logs.max(axis=0)
    reached = w @ logs[truth, np.arange(truth.size)]
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        raised = np.exp(middle * logs)
        slope = w @ ((raised * logs).sum(axis=0) / raised.sum(axis=0)) - reached
        low, high = (low, middle) if slope > 0 else (middle, high)
    return float(1 / np.sqrt(low * high))


def tempered(probabilities: ArrayLike, t: float) -> Floats:
    """Probabilities (…, C) at a temperature: p^(1/t), made to sum to 1. The order of the classes stays.

    Raises ValueError: a temperature that is not above 0, or values that are no probabilities.
    """
    if not 0 < t < np.inf:
        raise ValueError(f"a temperature lies above 0, not at {t}")
    p = np.asarray(probabilities, dtype=np.float64)
    flat = _checked(p.reshape(-1, p.shape[-1]) if p.ndim else p)
    return _tempered(np.log(np.maximum(flat, SMALLEST)), 1 / t).reshape(p.shape)


def risk_coverage(certainty: ArrayLike, wrong: ArrayLike, weights: ArrayLike | None = None) -> RiskCoverage:
    """For each certainty that occurs: what share of the images has at least this, and what share of those is wrong.

    Args:
        certainty: (N,), higher where a model is surer; images that are equally certain are decided together.
        wrong: (N,), whether its answer is.
        weights: (N,), not negative; all alike without them. Those of `balanced_weights` make the error at full
            coverage one less the balanced accuracy.

    Raises ValueError: shapes that do not fit, no images, a certainty that is not finite, weights that are no weights.
    """
    sure, fault = np.asarray(certainty, dtype=np.float64), np.asarray(wrong, dtype=np.float64)
    if sure.ndim != 1 or sure.size == 0 or fault.shape != sure.shape or not np.all(np.isfinite(sure)):
        raise ValueError("certainty and wrong must be one-dimensional and alike, and every certainty finite")
    w = np.full(sure.size, 1 / sure.size) if weights is None else _weighed(weights, sure.size)
    order = np.argsort(-sure, kind="stable")
    decided, errors, squares = (np.cumsum(x[order]) for x in (w, w * fault, w**2))
    last = np.append(sure[order][1:] < sure[order][:-1], True) & (decided > 0)
    decided, errors, squares = decided[last], errors[last], squares[last]
    error = np.clip(errors / decided, 0.0, 1.0)
    return RiskCoverage(sure[order][last], decided / decided[-1], error, decided**2 / squares)


def threshold(certainty: ArrayLike, wrong: ArrayLike, weights: ArrayLike | None, wanted: float) -> Threshold:
    """The lowest certainty from which on at most the share `wanted` of the answers is wrong.

    Few answers without an error show little: from a certainty on from which there are fewer than 3/`wanted` images,
    the error could be above `wanted` though none is wrong, and such a certainty is not chosen. What is chosen is seen
    at its best on the images that it was chosen on; judge it on others.

    Args: `certainty`, `wrong`, `weights` as those of `risk_coverage`; `wanted` between 0 and 1.
    Raises ValueError: as `risk_coverage`, and a rate outside (0, 1).
    """
    if not 0 < wanted < 1:
        raise ValueError(f"a wanted rate of errors lies between 0 and 1, not at {wanted}")
    curve = risk_coverage(certainty, wrong, weights)
    # Sums of weights differ from whole shares in their last digits.
    good = np.flatnonzero((curve.error <= wanted + 1e-12) & (curve.images >= SHOWS / wanted - 1e-9))
    if not good.size:
        return Threshold(np.inf, 0.0, np.nan)
    place = int(good[-1])
    return Threshold(float(curve.value[place]), float(curve.coverage[place]), float(curve.error[place]))


def _tempered(logs: Floats, exponent: float) -> Floats:
    raised = np.exp(exponent * (logs - logs.max(axis=1, keepdims=True)))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _checked(probabilities: ArrayLike) -> Floats:
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or 0 in p.shape or not np.all((p >= 0) & (p < np.inf)) or not np.all(p.sum(axis=1) > 0):
        raise ValueError("probabilities must be finite, not negative, of shape (N, C), and each row above 0 somewhere")
    return p


def _weighed(weights: ArrayLike, images: int) -> Floats:
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (images,) or not np.all((w >= 0) & (w < np.inf)) or w.sum() == 0:
        raise ValueError("weights must be finite, not negative, one for each image, and not all 0")
    return np.asarray(w / w.sum())
