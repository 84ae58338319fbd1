"""Which models are best asked together: greedy selection from stored probabilities (Caruana et al. 2004)."""

import numpy as np
from numpy.typing import ArrayLike

from report.statistics.common import Floats

MOST = 12
"""So many voices an ensemble has at most; a model may have several."""


def chosen_together(probabilities: ArrayLike, labels: ArrayLike, most: int = MOST) -> list[int]:
    """The models, by their places, whose mean probability is best on these images; one that helps again comes twice.

    It starts with the best single model, and adds whoever raises the balanced accuracy most; of those that raise it
    alike, whoever lowers the log loss most, classes weighing alike. It ends where nobody improves either.
    `probabilities` (M, N, C), `labels` (N,) class indices. Raises ValueError: shapes that do not fit, no model.
    """
    p, truth = np.asarray(probabilities, np.float64), np.asarray(labels, np.intp)
    if p.ndim != 3 or 0 in p.shape or truth.shape != p.shape[1:2]:
        raise ValueError("probabilities must be (M, N, C) and labels (N,), with a model and an image at least")
    counts = np.bincount(truth, minlength=p.shape[2])
    weights = 1 / (counts[truth] * np.count_nonzero(counts))
    chosen: list[int] = []
    total, best = np.zeros(p.shape[1:]), (-1.0, -np.inf)
    for size in range(1, most + 1):
        means = (total + p) / size
        right = (means.argmax(axis=2) == truth) @ weights
        true = np.log(np.maximum(means[:, np.arange(truth.size), truth], 1e-12)) @ weights
        # Sums in another order differ in their last digits.
        place = max(range(len(p)), key=lambda m: (round(float(right[m]), 9), round(float(true[m]), 9), -m))
        reached = (round(float(right[place]), 9), round(float(true[place]), 9))
        if reached <= best:
            break
        best, total = reached, total + p[place]
        chosen.append(place)
    return chosen


def together(probabilities: Floats, chosen: list[int]) -> Floats:
    """The mean (N, C) of the chosen models' probabilities (M, N, C)."""
    return np.asarray(probabilities[chosen].mean(axis=0))
