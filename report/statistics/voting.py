"""The vote of trials."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from report.statistics.common import ROUNDING, Floats


@dataclass(frozen=True)
class Vote:
    """Winners of a vote: `predicted` (N,) class indices, `agreement` (N,) share of voters for the winner."""

    predicted: NDArray[np.intp]
    agreement: Floats


def vote(probabilities: ArrayLike) -> Vote:
    """Majority vote of T trials, (T, N, C) class probabilities, each for its most probable class.

    A tie goes to the tied class with the highest mean probability, and then to the lower class index.
    Raises ValueError: another number of dimensions, no trial, no class, or values that are not finite.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 3 or p.shape[0] == 0 or p.shape[2] == 0 or not np.all(np.isfinite(p)):
        raise ValueError("probabilities must be finite, of shape (T, N, C), with a trial and a class at least")
    counts = np.sum(p.argmax(axis=2)[:, :, None] == np.arange(p.shape[2]), axis=0)
    most = counts.max(axis=1, keepdims=True)
    mean = np.where(counts == most, p.mean(axis=0), -np.inf)
    # Means that differ by rounding alone are tied too, or the order of the trials could decide.
    predicted = np.argmax(mean >= mean.max(axis=1, keepdims=True) - ROUNDING, axis=1)
    return Vote(predicted, most[:, 0] / p.shape[0])
