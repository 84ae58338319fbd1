"""Which pictures may show the same thing, and how one lies in the other: turned, mirrored, cropped, shifted.

The centre of each picture is compared with many windows of every other one, by the lowest frequencies of both. What is
common to a dataset (black bars, round outlines) says nothing about a pair, so frequencies are scaled until no direction
stands out (whitening).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FREQUENCIES, POINTS = 12, 16
FLATTENED = 0.01
"""Directions of more than such a part of the mean variance are scaled down to it."""
NEIGHBOURS = 8
MANY, BLOCK = 2000, 512

Array = NDArray[np.float32]
Places = NDArray[np.int64]
Span = tuple[float, float]

_CROPPED = [(left, right) for left in (0.0, 0.05, 0.1) for right in (0.9, 0.95, 1.0)]
_SHIFTED = [(0.0, 0.8), (0.05, 0.85), (0.15, 0.95), (0.2, 1.0)]
CENTRE: tuple[Span, Span] = ((0.1, 0.9), (0.1, 0.9))
WINDOWS: tuple[tuple[Span, Span], ...] = (
    *((across, down) for across in _CROPPED for down in _CROPPED),
    *((across, down) for across in [*_SHIFTED, CENTRE[0]] for down in _SHIFTED),
    *((across, CENTRE[1]) for across in _SHIFTED),
)
"""Where in a copy the centre of a picture may lie, across and down, if either of them was cut or shifted by a tenth."""


@dataclass(frozen=True, eq=False)
class Poses:
    """How pictures may lie in others, (K,) each: `one`, turned and mirrored as `turn` says, has its centre in the
    window of that number of `other`.
    """

    one: Places
    other: Places
    turn: Places
    window: Places


def turned(pictures: Array, turn: int) -> Array:
    """Pictures (…, S, S) in one of eight poses: 4 swaps rows and columns, then 2 mirrors across, 1 down."""
    if turn & 4:
        pictures = np.swapaxes(pictures, -1, -2)
    return pictures[..., :: -1 if turn & 1 else 1, :: -1 if turn & 2 else 1]


def turned_back(pictures: Array, turn: int) -> Array:
    """The same the other way."""
    pictures = pictures[..., :: -1 if turn & 1 else 1, :: -1 if turn & 2 else 1]
    return np.swapaxes(pictures, -1, -2) if turn & 4 else pictures


class Space:
    """Whitened spectra of windows of pictures, (N, S, S) float32 grey."""

    def __init__(self, pictures: Array) -> None:
        self.pictures = pictures
        some = pictures[:: -(-len(pictures) // MANY)]
        raw = [_all_turns(spectra(some, [CENTRE])[:, 0]), spectra(some, WINDOWS[::3])]
        known = np.concatenate([values.reshape(-1, FREQUENCIES**2) for values in raw])
        variance, directions = np.linalg.eigh(known.T @ known / len(known))
        mean = max(float(variance.sum()) / min(known.shape), 1e-9)
        self.scaling = (directions / np.sqrt(np.maximum(variance, FLATTENED * mean))).astype(np.float32)
        turns = _all_turns(spectra(pictures, [CENTRE])[:, 0])
        self.centres = self._whitened(turns)  # (8, N, D)
        few = len(pictures) <= MANY
        self._kept = self._whitened(spectra(pictures, WINDOWS)) if few else None  # 60 KB a picture

    def windows(self, pictures: slice, step: int = 1) -> Array:
        """(n, W, D) of length 1, or 0 where a window shows one grey; of all windows, or each so many."""
        if self._kept is not None:
            return self._kept[pictures, ::step]
        return self._whitened(spectra(self.pictures[pictures], WINDOWS[::step]))

    def nearest(self) -> set[tuple[int, int]]:
        """Pairs (i, j), i < j, of which one is among the nearest of the other."""
        count = len(self.pictures)
        # Every second window is near enough to one left out; of many pictures even fewer, for it takes their square.
        step = min(max(2, round((count / MANY) ** 2)), len(WINDOWS) // 5)
        blocks = [slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]
        views = [self.windows(block, step) for block in blocks]
        found: set[tuple[int, int]] = set()
        for block, own in zip(blocks, views, strict=True):
            rows = np.concatenate(
                [
                    np.maximum(self._likeness(block, theirs), self._likeness(other, own).T)
                    for other, theirs in zip(blocks, views, strict=True)
                ],
                axis=1,
            )
            rows[np.arange(len(rows)), np.arange(block.start, block.stop)] = -1
            few = min(NEIGHBOURS, count - 1)
            nearest = np.argpartition(-rows, few - 1, axis=1)[:, :few]
            for row, place in enumerate(nearest):
                found |= {
                    (min(block.start + row, int(k)), max(block.start + row, int(k))) for k in place if rows[row, k] > 0
                }
        return found

    def poses(self, one: Places, other: Places) -> Poses:
        """The best pose of each pair."""
        turn, window = np.zeros((2, len(one)), dtype=np.int64)
        for start in range(0, len(self.pictures), BLOCK):
            those = np.flatnonzero((other >= start) & (other < start + BLOCK))
            views = self.windows(slice(start, start + BLOCK))
            for at in range(0, len(those), BLOCK):
                part = those[at : at + BLOCK]
                cosines = views[other[part] - start] @ self.centres[:, one[part]].transpose(1, 2, 0)  # (n, W, 8)
                window[part], turn[part] = np.divmod(cosines.reshape(len(part), -1).argmax(1), 8)
        return Poses(one, other, turn, window)

    def _likeness(self, rows: slice, views: Array) -> Array:
        """(n, m) the best cosine of the centre of each row with any window of each column."""
        centres = self.centres[:, rows]
        flat = centres.reshape(-1, centres.shape[2])
        best = np.full((centres.shape[1], len(views)), -1, dtype=np.float32)
        for window in range(views.shape[1]):
            cosines = flat @ np.ascontiguousarray(views[:, window]).T
            np.maximum(best, cosines.reshape(8, len(best), -1).max(0), out=best)
        return best

    def _whitened(self, values: Array) -> Array:
        flat = values.reshape(-1, FREQUENCIES**2) @ self.scaling
        flat /= np.maximum(np.sqrt(np.einsum("nd,nd->n", flat, flat)), np.float32(1e-9))[:, None]
        unit: Array = flat.reshape(*values.shape[:-2], -1)
        return unit


def spectra(pictures: Array, windows: Sequence[tuple[Span, Span]]) -> Array:
    """(N, W, 12, 12) of length 1: the lowest frequencies of windows, each times its height; 0 for a single grey."""
    side = pictures.shape[1]
    made = np.empty((len(pictures), len(windows), FREQUENCIES, FREQUENCIES), dtype=np.float32)
    taken = {span: _frequencies(span, side) for window in windows for span in window}
    for place, (across, down) in enumerate(windows):
        made[:, place] = taken[down] @ pictures @ taken[across].T
    made *= np.hypot(*np.meshgrid(np.arange(FREQUENCIES), np.arange(FREQUENCIES))).astype(np.float32)
    length = np.sqrt((made * made).sum((2, 3), keepdims=True))
    faint = length < 8 * FREQUENCIES  # waves of less than a grey level: rounding, rather than a picture
    unit: Array = np.where(faint, np.float32(0), made / np.maximum(length, np.float32(1e-9)))
    return unit


def _frequencies(span: Span, side: int) -> Array:
    """(12, S) the lowest frequencies of a span of a row of S pixels, which is taken at 16 points."""
    from scipy import fft

    edges = np.linspace(*span, POINTS + 1)[:, None] * side
    pixels = np.arange(side)
    shares = np.clip(np.minimum(pixels + 1, edges[1:]) - np.maximum(pixels, edges[:-1]), 0, None)
    points = shares / (edges[1:] - edges[:-1])
    cosines: Array = (fft.dct(points, axis=0, norm="ortho")[:FREQUENCIES]).astype(np.float32)
    return cosines


def _all_turns(values: Array) -> Array:
    """(8, N, 12, 12) the frequencies of pictures in all poses: of mirrored ones, odd waves change sign."""
    return np.stack(list(_turns(values)))


def _turns(values: Array) -> Iterator[Array]:
    sign = np.where(np.arange(FREQUENCIES) % 2, -1, 1).astype(np.float32)
    for turn in range(8):
        made = np.swapaxes(values, -1, -2) if turn & 4 else values
        made = made * sign if turn & 2 else made
        yield made * sign[:, None] if turn & 1 else made
