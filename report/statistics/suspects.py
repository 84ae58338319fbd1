"""Labels that may be wrong: confident learning (Northcutt, Jiang & Chuang 2021) from probabilities out of fold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from report.statistics.common import Floats


@dataclass(frozen=True)
class Doubt:
    """What one model says of the labels; each (N,).

    `margin` is the probability of the label less the highest of another class: low where the label is doubted, −1 at
    the least. `against` says whether the model is confident of another class, `other` which one that is, else the most
    probable of the others.
    """

    margin: Floats
    against: NDArray[np.bool_]
    other: NDArray[np.intp]


def doubted(probabilities: ArrayLike, labels: ArrayLike) -> Doubt:
    """How far a model doubts each label, from what it says of images that it was not trained on.

    It is confident of a class where its probability is at least the mean that it gives this class over the images that
    are labelled so. `probabilities` (N, C), `labels` (N,) class indices; a class without an image is never confident.

    Raises ValueError: shapes that do not fit.
    """
    p, truth = np.asarray(probabilities, np.float64), np.asarray(labels, np.intp)
    if p.ndim != 2 or p.shape[1] < 2 or truth.shape != p.shape[:1] or truth.size == 0:
        raise ValueError("probabilities must be (N, C) and labels (N,), with an image and two classes at least")
    counts = np.bincount(truth, minlength=p.shape[1])
    own = p[np.arange(truth.size), truth]
    usual = np.where(counts > 0, np.bincount(truth, own, p.shape[1]) / np.maximum(counts, 1), np.inf)
    # Sums in another order differ in their last digits.
    sure = np.where(p >= usual - 1e-12, p, -1.0)
    chosen = sure.argmax(axis=1)
    against = (sure.max(axis=1) >= 0) & (chosen != truth)
    others = p.copy()
    others[np.arange(truth.size), truth] = -1.0
    return Doubt(own - others.max(axis=1), against, np.where(against, chosen, others.argmax(axis=1)))
