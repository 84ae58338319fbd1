"""What guessing scores: a null distribution from stored predictions, with labels permuted within the test folds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from report.statistics.common import Floats

Ints = NDArray[np.integer[Any]]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Null:
    """A mean balanced accuracy over test folds, and where it would lie if labels had nothing to do with answers.

    `low` and `high` hold 95 % of the null's draws, `p` is the share of them (with the score itself) that do as well.
    """

    score: float
    low: float
    high: float
    p: float
    draws: int


def permuted_labels(
    labels: ArrayLike, folds: ArrayLike, groups: ArrayLike, *, draws: int = 1000, seed: int = 0
) -> Ints:
    """Labels (B, R, N) permuted within the folds (R, N) of each repeat, whole groups where each has one class.

    Repeats ask about the same images, so their answers are alike, and labels that were permuted anew in each would
    make the mean over repeats look surer than it is. So one draw gives each group a place in a row, and in each fold
    the labels, class by class, go to its groups by their places: within a fold every order is equally likely, and over
    the repeats a group keeps about the same label. Groups with images of several classes cannot keep theirs together:
    images are permuted one by one then.

    `labels` and `groups` are (N,), places from 0. Raises ValueError: shapes that do not fit.
    """
    truth, rows, unit = (np.asarray(a, np.intp) for a in (labels, np.atleast_2d(np.asarray(folds)), groups))
    if truth.ndim != 1 or truth.size == 0 or unit.shape != truth.shape or rows.shape[1:] != truth.shape:
        raise ValueError("labels and groups must be (N,) and folds (R, N), with an image at least")
    unit = _whole(truth, unit)
    count = int(unit.max()) + 1
    class_of = np.zeros(count, np.intp)
    class_of[unit] = truth
    places = np.random.default_rng(seed).permuted(np.tile(np.arange(count), (draws, 1)), axis=1)
    made = np.empty((draws, *rows.shape), np.min_scalar_type(int(truth.max())))  # as narrow as can be: many are made
    for repeat, folding in enumerate(rows):
        for fold in np.unique(folding):
            images = np.flatnonzero(folding == fold)
            own, which = np.unique(unit[images], return_inverse=True)
            given = np.empty((draws, own.size), made.dtype)
            np.put_along_axis(given, np.argsort(places[:, own], axis=1), np.sort(class_of[own])[None, :], axis=1)
            made[:, repeat, images] = given[:, which]
    return made


def against_chance(predicted: ArrayLike, labels: ArrayLike, folds: ArrayLike, permuted: Ints) -> list[Null]:
    """For each of M models the mean balanced accuracy over the folds of all repeats, beside those of permuted labels.

    `predicted` is (M, R, N), `folds` (R, N), `labels` (N,), `permuted` (B, R, N) as `permuted_labels` makes them.
    """
    said, truth, rows = np.asarray(predicted, np.intp), np.asarray(labels, np.intp), np.asarray(folds, np.intp)
    classes = int(truth.max()) + 1
    total, count = np.zeros((1 + len(permuted), len(said))), 0
    for repeat, folding in enumerate(rows):
        for fold in np.unique(folding):
            own = folding == fold
            every = np.concatenate([truth[None, own].astype(permuted.dtype), permuted[:, repeat, own]])
            total += _balanced(every, said[:, repeat, own], classes)
            count += 1
    made = []
    for score, *drawn in (total / count).T.tolist():
        low, high = np.quantile(drawn, [0.025, 0.975])
        # Sums in another order differ in their last digits.
        p = (1 + sum(value >= score - 1e-6 for value in drawn)) / (1 + len(drawn))
        made.append(Null(score, float(low), float(high), p, len(drawn)))
    return made


def one_class_groups(labels: ArrayLike, groups: ArrayLike) -> bool:
    """Whether every group has images of one class alone, so that labels can be permuted among whole groups."""
    truth, unit = np.asarray(labels, np.intp), np.asarray(groups, np.intp)
    return bool(np.unique(np.stack([unit, truth]), axis=1).shape[1] == np.unique(unit).size)


def _whole(truth: Places, unit: Places) -> Places:
    """Units to permute: groups where all have one class, else single images."""
    return np.unique(unit, return_inverse=True)[1] if one_class_groups(truth, unit) else np.arange(truth.size)


def _balanced(labels: Ints, said: Ints, classes: int) -> Floats:
    """Balanced accuracy (B, M) of M models' answers (M, n) for rows of labels (B, n), over the classes of a row."""
    recalls, present = np.zeros((len(labels), len(said))), np.zeros((len(labels), 1))
    for c in range(classes):
        own = (labels == c).astype(np.float32)
        n = own.sum(axis=1, keepdims=True)  # whole numbers, which single precision holds
        recalls += (own @ (said == c).T.astype(np.float32)) / np.maximum(n, 1)
        present += n > 0
    return np.asarray(recalls / present)
