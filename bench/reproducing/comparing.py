"""Whether a trial that was trained again is the trial that a store holds: pure functions on class probabilities.

What may differ is said by the store itself. Trials of one cell differ by luck: first weights, draws of images, splits.
One that was trained again on another machine has nothing but the rounding of its sums to differ by, and so is to be
nearer to what is stored than every second pair of the cell's trials is to each other.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

EQUAL = 1e-6
"""Probabilities that differ by no more are the same; they are kept with seven digits."""
RULE = 0.5
"""The share of pairs of trials that are no farther apart than what is tolerated."""


@dataclass(frozen=True)
class Luck:
    """How far two trials of a cell are apart on the same images: the distance that `RULE` of the pairs stay within, and
    how many pairs that is known from. Where there are none, nothing is tolerated.
    """

    distance: float
    pairs: int


@dataclass(frozen=True)
class Compared:
    """A trial that was trained again beside what is stored.

    Attributes:
        word: `equal`, `within tolerance` or `different`.
        distance: mean over the images of half the sum of the differences between both sides' probabilities: 0 for the
            same, 1 for two sides that are sure of different classes everywhere.
        largest: the largest difference between two probabilities.
        changed: images whose class is another now.
        images: how many there are.
    """

    word: str
    distance: float
    largest: float
    changed: int
    images: int


def distance(one: ArrayLike, other: ArrayLike) -> float:
    """The mean total variation between the probabilities (n, C) of two sides."""
    apart = np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64)).sum(-1)
    return float(apart.mean() / 2)


def luck(trials: NDArray[np.float64]) -> Luck:
    """How far the trials (T, n, C) of a cell are apart, pair by pair."""
    apart = [distance(one, other) for one, other in combinations(trials, 2)]
    return Luck(float(np.quantile(apart, RULE)) if apart else 0.0, len(apart))


def compare(stored: ArrayLike, again: ArrayLike, tolerated: Luck) -> Compared:
    """What is stored beside what came out now, (n, C) each, the same images in the same order."""
    was, now = np.asarray(stored, np.float64), np.asarray(again, np.float64)
    if was.shape != now.shape:
        raise ValueError(f"{was.shape} and {now.shape} are not probabilities of the same images")
    apart, largest = distance(was, now), float(np.abs(was - now).max(initial=0.0))
    if not np.isfinite(apart):
        word = "different"
    elif largest <= EQUAL:
        word = "equal"
    else:
        word = "within tolerance" if apart <= tolerated.distance else "different"
    return Compared(word, apart, largest, int((was.argmax(1) != now.argmax(1)).sum()), len(was))
