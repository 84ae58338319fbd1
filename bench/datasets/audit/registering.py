"""Laying one picture on another and comparing what both show there, piece by piece.

The pose of `views` is refined by least squares on position and scale, across and down, with brightness and contrast
free (Lucas and Kanade 1981; Baker and Matthews 2004, the inverse compositional way). Then fine detail is compared in
8 × 8 fields: every field counts alike, so that one black bar or outline outweighs nothing.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bench.datasets.audit.views import CENTRE, WINDOWS, Array, Places, Poses, turned

Shown = NDArray[np.bool_]

FIELDS, CHUNK, STEPS = 8, 256, 6
FINE, COARSE, LEAST, CLEAR = 0.7, 4.0, 0.5, 8.0
"""Pixels of 64: detail is what is between these blurs; grey levels² of it below which a field shows nothing."""
SCALES = (0.75, 1.34)


@dataclass(frozen=True, eq=False)
class Levels:
    """Pictures (N, S, S) float32, softened for refining at half and at full size, and their fine detail."""

    half: Array
    whole: Array
    detail: Array


@dataclass(frozen=True, eq=False)
class Matches:
    """How well fields of pictures agree, (K, 8, 8) each: correlations of -1 to 1, and whether a picture shows something
    there; `there` by the fields of the first in its pose, `back` by those of the other.
    """

    there: Array
    there_shown: Shown
    back: Array
    back_shown: Shown


def levels(pictures: Array) -> Levels:
    """What registering needs of pictures."""
    from scipy.ndimage import gaussian_filter

    count, side, _ = pictures.shape
    halves = pictures.reshape(count, side // 2, 2, side // 2, 2).mean((2, 4))

    def soft(values: Array, sigma: float) -> Array:
        return cast(Array, gaussian_filter(values, (0, sigma, sigma)))

    return Levels(soft(halves, 1), soft(pictures, 1), soft(pictures, FINE) - soft(pictures, COARSE))


def shown(detail: Array) -> Places:
    """(N,) how many of a picture's 64 fields show something."""
    powers = _by_field(detail * detail) / (detail.shape[1] // FIELDS) ** 2
    return cast(Places, (powers > LEAST).sum((1, 2)))


def matches(of: Levels, poses: Poses) -> Matches:
    """Every pair laid one on the other and compared."""
    parts = []
    for start in range(0, len(poses.one), CHUNK):
        at = slice(start, start + CHUNK)
        parts.append(_matched(of, poses.one[at], poses.other[at], poses.turn[at], poses.window[at]))
    return Matches(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _matched(of: Levels, one: Places, other: Places, turn: Places, window: Places) -> tuple[Array, Shown, Array, Shown]:
    spans = np.array([WINDOWS[number] for number in window])  # (K, 2, 2) across and down, from and to
    wide = CENTRE[0][1] - CENTRE[0][0]
    place = np.stack([spans.mean(2), (spans[:, :, 1] - spans[:, :, 0]) / wide], axis=2).astype(np.float32)
    for level in (of.half, of.whole):
        place = _refined(_posed(level, one, turn), level[other], place)
    first, second = _posed(of.detail, one, turn), of.detail[other]
    inverse = np.stack([0.5 - (place[:, :, 0] - 0.5) / place[:, :, 1], 1 / place[:, :, 1]], axis=2)
    return *_compared(first, second, place), *_compared(second, first, inverse)


def _compared(first: Array, second: Array, place: Array) -> tuple[Array, Shown]:
    """(K, 8, 8) how fields of the first agree with what the second shows at their place, and where one shows any."""
    side = first.shape[1]
    across, down = (_pixels(place[:, axis], _steps(side), side) for axis in (0, 1))
    second = _sampled(second, down, across)
    seen = ((down >= 1) & (down <= side - 2))[:, :, None] & ((across >= 1) & (across <= side - 2))[:, None, :]
    seen[:, [0, -1]] = seen[:, :, [0, -1]] = False
    weight = seen.astype(np.float32)
    total = np.maximum(_by_field(weight), np.float32(1e-6))
    both = _by_field(first * second * weight) / total
    powers = [_by_field(values * values * weight) / total for values in (first, second)]
    covered = _by_field(weight) > 0.5 * (side // FIELDS) ** 2
    shown = covered & ((np.minimum(*powers) > LEAST) | (np.maximum(*powers) > CLEAR))
    return (both / np.sqrt(powers[0] * powers[1] + 1e-3)).astype(np.float32), shown


def _refined(first: Array, second: Array, place: Array) -> Array:
    """(K, 2, 2) where centre and scale of the first lie in the second, across and down, after some steps."""
    count, side = first.shape[:2]
    steps = _steps(side)
    inside = np.flatnonzero(np.abs(steps) <= CENTRE[0][1] - 0.5)
    steps, cut = steps[inside], slice(int(inside[0]), int(inside[-1]) + 1)
    down, across = (cast(Array, np.gradient(first, axis=axis))[:, cut, cut] * side for axis in (1, 2))
    ones = np.ones((count, len(steps), len(steps)), dtype=np.float32)
    terms = [first[:, cut, cut], ones, across, across * steps, down, down * steps[:, None]]
    basis = np.stack([term.reshape(count, -1) for term in terms], axis=1)  # (K, 6, pixels)
    solving = np.linalg.inv(basis @ basis.transpose(0, 2, 1) + 1e-2 * np.eye(6)).astype(np.float32) @ basis
    place = place.copy()
    for _ in range(STEPS):
        shown = _sampled(second, *(_pixels(place[:, axis], steps, side) for axis in (1, 0)))
        found = (solving @ shown.reshape(count, -1, 1))[:, :, 0]
        gain = np.where(np.abs(found[:, :1]) < 0.2, np.where(found[:, :1] < 0, -0.2, 0.2), found[:, :1])
        moved = np.clip(-found[:, 2:] / gain, -0.05, 0.05).reshape(count, 2, 2)
        place[:, :, 0] += place[:, :, 1] * moved[:, :, 0]
        place[:, :, 1] = np.clip(place[:, :, 1] * (1 + moved[:, :, 1]), *SCALES)
    return place


def _posed(pictures: Array, one: Places, turn: Places) -> Array:
    return np.stack([turned(pictures[i], int(t)) for i, t in zip(one, turn, strict=True)])


def _steps(side: int) -> Array:
    """Where the pixels of a row lie, from -0.5 to 0.5."""
    return ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)


def _pixels(place: Array, steps: Array, side: int) -> Array:
    """(K, n) pixels that some steps from a centre lie at."""
    return cast(Array, (place[:, :1] + place[:, 1:] * steps) * side - 0.5)


def _sampled(pictures: Array, down: Array, across: Array) -> Array:
    """(K, n, m) between the pixels of (K, S, S), by rows and then by columns."""
    rows = _between(pictures, down)
    return np.swapaxes(_between(np.swapaxes(rows, 1, 2), across), 1, 2)


def _between(pictures: Array, at: Array) -> Array:
    at = np.clip(at, 0, pictures.shape[1] - 1.001)
    low = at.astype(np.int64)
    share = (at - low)[:, :, None].astype(np.float32)
    which = np.arange(len(pictures))[:, None]
    between: Array = pictures[which, low] * (1 - share) + pictures[which, low + 1] * share
    return between


def _by_field(values: Array) -> Array:
    """(K, 8, 8) sums of (K, S, S)."""
    size = values.shape[1] // FIELDS
    sums: Array = values.reshape(len(values), FIELDS, size, FIELDS, size).sum((2, 4))
    return sums
