"""Bootstrap intervals over images, or over groups of images, of one prediction or of two on the same images."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from report.statistics.common import Floats, check_share, marked


@dataclass(frozen=True)
class BootstrapInterval:
    """A percentile interval, and what it rests on.

    It is too narrow below ten units or so in a class, and a class that is all right or all wrong adds no width to it:
    `jeffreys` for each class belongs beside it.
    """

    estimate: float
    low: float
    high: float
    draws: int  # those that held every class
    fewest_units: int  # images, or groups, in the class that has fewest
    deviation: float = field(default=np.inf, compare=False)  # of the draws; infinite where they say nothing


def bootstrap_balanced_accuracy(
    labels: ArrayLike,
    predicted: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> BootstrapInterval:
    """Balanced accuracy of one prediction, with a percentile interval over images or over groups.

    Arguments, drawing and errors as in `paired_bootstrap`.
    """
    truth, correct = marked(labels, predicted)
    return _bootstrap(truth, correct, groups, draws, seed, confidence)


def paired_bootstrap(
    labels: ArrayLike,
    predicted_a: ArrayLike,
    predicted_b: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> BootstrapInterval:
    """Balanced accuracy of a − that of b on the same images, with a percentile interval.

    `labels` and predictions (N,) are class names or indices; `groups` (N,) names what belongs together (a patient, a
    slide), an image on its own having a name of its own. Units, images or whole groups, are drawn with replacement
    within each class: n − 1 of the n that it has, which keeps the variance unbiased where n is two or three (McCarthy &
    Snowden 1985; Rao & Wu 1988). If any group spans classes, all groups are drawn from one pool instead, and draws in
    which a class vanishes are left out.

    A class with one unit cannot show how its recall varies, nor can fewer than a tenth of the draws speak for all:
    the interval is then the widest there is, [−1, 1] ([0, 1] for one prediction), unless a and b are right on the same
    images.

    Raises ValueError: no images, shapes that differ, fewer than one draw, a confidence outside (0, 1).
    """
    truth, correct = marked(labels, predicted_a, predicted_b)
    return _bootstrap(truth, correct, groups, draws, seed, confidence)


def paired_recalls(
    labels: ArrayLike,
    one: ArrayLike,
    other: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> BootstrapInterval:
    """The first's lead over the second, each (N,) how far it is right about an image, averaged class by class.

    A vote is right or wrong, the single predictions behind it are right in some share of cases. The rest, and the
    errors, as in `paired_bootstrap`.
    """
    truth, _ = marked(labels)
    marks = np.stack([np.asarray(one, np.float64), np.asarray(other, np.float64)])
    if marks.shape[1:] != truth.shape:
        raise ValueError("labels and marks must be alike in length")
    return _bootstrap(truth, marks, groups, draws, seed, confidence)


def _bootstrap(
    truth: NDArray[np.intp],
    correct: NDArray[np.bool_] | Floats,
    groups: ArrayLike | None,
    draws: int,
    seed: int,
    confidence: float,
) -> BootstrapInterval:
    """Interval of the balanced accuracy of one prediction, or of the first's lead over the second's.

    `truth` (N,) class indices, `correct` (S, N) how far each prediction is right about each image, S one or two.
    """
    check_share(confidence, 0.0, "confidence")
    names = np.arange(truth.size) if groups is None else np.asarray(groups)
    if names.shape != truth.shape or draws < 1:
        raise ValueError("groups must be as long as labels, and draws at least 1")
    units, unit = np.unique(names, return_inverse=True)
    # (units, C, 1 + S): a unit's images of each class, and how many of them each prediction gets right.
    shape = (units.size, int(truth.max()) + 1, 1 + len(correct))
    cell = unit * shape[1] + truth
    weights = [np.ones(truth.size), *correct.astype(np.float64)]
    table = np.stack([np.bincount(cell, w, shape[0] * shape[1]) for w in weights], axis=1).reshape(shape)
    holds = table[:, :, 0] > 0
    fewest_units = int(holds.sum(axis=0).min())
    spans = bool(np.any(holds.sum(axis=1) > 1))
    stratum = np.zeros(units.size, np.intp) if spans else holds.argmax(axis=1)

    rng = np.random.default_rng(seed)
    sums = np.zeros((draws, *shape[1:]))
    for s in np.unique(stratum):
        # Units that count the same are interchangeable: drawing how many of each kind has the same
        # distribution as drawing unit by unit, and costs a few numbers a draw however many images there are.
        kinds, counts = np.unique(table[stratum == s], axis=0, return_counts=True)
        n = int(counts.sum())
        sums += np.tensordot(rng.multinomial(max(n - 1, 1), counts / n, size=draws), kinds, axes=1)
    kept = sums[np.all(sums[:, :, 0] > 0, axis=1)]

    sets = np.concatenate([table.sum(axis=0, keepdims=True), kept])  # the images as they are come first
    signs = np.array([1.0, -1.0])[: len(correct)]
    estimate, *scores = (np.mean(sets[:, :, 1:] / sets[:, :, :1], axis=1) @ signs).tolist()
    if fewest_units > 1 and len(scores) >= draws / 10:
        tail = (1 - confidence) / 2
        low, high = np.quantile(scores, [tail, 1 - tail]).tolist()
        deviation = float(np.std(scores))
    else:
        widest = float(len(correct) == 1 or np.any(correct[0] != correct[-1]))
        low, high = 0.0 - widest if len(correct) == 2 else 0.0, widest
        deviation = np.inf if widest else 0.0
    return BootstrapInterval(estimate, low, high, len(scores), fewest_units, deviation)
