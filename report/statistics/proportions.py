"""Proportions of images: multiplicity, single recalls, and their mean over the classes."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from report.statistics.common import Floats, check_share, marked


def holm(p_values: ArrayLike) -> Floats:
    """Adjust p-values for their number by Holm's step-down method (Holm 1979); (m,) in the order given.

    Raises ValueError: values not (m,) or not in [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError("p-values must be one-dimensional and within [0, 1]")
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)))
    return adjusted


def jeffreys(successes: ArrayLike, trials: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Jeffreys interval of a proportion: (low, high), each in the arguments' broadcast shape.

    Equal-tailed interval of Beta(successes + ½, failures + ½), but low is 0 without a success and high is 1 without a
    failure (Brown, Cai & DasGupta 2001). No trials: (0, 1).
    Raises ValueError: counts outside 0 ≤ successes ≤ trials; a confidence outside (0, 1).
    """
    check_share(confidence, 0.0, "confidence")
    hits, total = np.broadcast_arrays(np.asarray(successes, np.float64), np.asarray(trials, np.float64))
    if not np.all((hits >= 0) & (hits <= total) & np.isfinite(total)):
        raise ValueError("successes must lie between 0 and trials")
    a, b, tail = hits + 0.5, total - hits + 0.5, (1 - confidence) / 2
    low = np.where(hits == 0, 0.0, special.betaincinv(a, b, tail))
    return low, np.where(hits == total, 1.0, special.betaincinv(a, b, 1 - tail))


def balanced_accuracy(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Mean recall over the classes that occur in `labels`; both (N,), class names or indices.

    A prediction of a class that no label has is wrong, and adds no class to the mean.
    Raises ValueError: no images, or shapes that differ.
    """
    truth, (correct,) = marked(labels, predicted)
    return float(np.mean(np.bincount(truth, correct) / np.bincount(truth)))
