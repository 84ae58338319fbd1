"""How far probabilities are from being true, beside what they would show if they were."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from report.statistics.common import Floats

BINS = 10


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error of pooled predictions, and that of a model whose probabilities are true.

    A few images in ten bins show an error even then: `calibrated` is its mean, `calibrated_high` its 95 % quantile.
    """

    error: float
    calibrated: float
    calibrated_high: float


def calibration(probabilities: ArrayLike, labels: ArrayLike, *, draws: int = 100, seed: int = 0) -> Calibration:
    """Expected calibration error (Guo et al. 2017) of R predictions for each of N images, all in one pool.

    `probabilities` (R, N, C), `labels` (N,) class indices. Classes weigh alike: an image weighs one over the number of
    images of its class. For a model whose probabilities are true, labels are drawn from the mean of an image's
    probabilities, which hold for classes that are equally frequent, times the classes' frequencies.

    Raises ValueError: other shapes, no image.
    """
    p, truth = np.asarray(probabilities, np.float64), np.asarray(labels, np.intp)
    if p.ndim != 3 or p.shape[0] == 0 or truth.shape != p.shape[1:2] or truth.size == 0:
        raise ValueError("probabilities must be (R, N, C) and labels (N,), with a prediction and an image at least")
    highest, chosen = p.max(axis=2), p.argmax(axis=2)
    bins = np.minimum((BINS * highest).astype(np.intp), BINS - 1)
    share = np.bincount(truth, minlength=p.shape[2]) / truth.size
    chances = p.mean(axis=0) * share
    edges = np.cumsum(chances / chances.sum(axis=1, keepdims=True), axis=1)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws):
        labels_ = np.minimum((rng.random((truth.size, 1)) > edges).sum(axis=1), p.shape[2] - 1)
        drawn.append(_error(highest, chosen, bins, labels_))
    return Calibration(_error(highest, chosen, bins, truth), float(np.mean(drawn)), float(np.quantile(drawn, 0.95)))


def _error(highest: Floats, chosen: NDArray[np.intp], bins: NDArray[np.intp], truth: NDArray[np.intp]) -> float:
    counts = np.bincount(truth)
    weight = np.broadcast_to(1 / (counts[truth] * np.count_nonzero(counts) * len(highest)), highest.shape)
    excess = np.bincount(bins.ravel(), (weight * (highest - (chosen == truth))).ravel(), BINS)
    return float(np.abs(excess).sum())
