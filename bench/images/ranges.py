"""Which of a dataset's values become black and white, where files hold more than 8 bits: decided once, for all alike.

A range that each picture had for itself would lose how bright pictures are; that of all values a file can hold leaves
those of a 12-bit camera nearly black.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Limits = tuple[float, float]
Scale = str | Limits | None
"""`full`: all values that a file's bits can hold, or 0 to 1 where they are floats. None where nobody has said."""

FULL, PERCENTILES = "full", "percentiles"
SHARES = (0.002, 0.998)
"""The percentiles: dead and hot pixels are fewer, and what is looked at is more."""
SPREAD = (np.arange(500) + 0.5) / 500
SAMPLE = 250_000
WASTED = 8
"""Where the percentiles span less than such a part of a range, few pixels have stretched it."""
TOPS = (1.0, 255.0, 4095.0, 65535.0)
"""What floats were before they became floats, mostly."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen of the values of a picture.

    `kind` is numpy's letter for their type (u, i, f) and `bits` their width; `low` and `high` are the least and the
    greatest number; `spread` are 500 values at equal steps of rank; `lost` counts values that are no numbers.
    """

    kind: str
    bits: int
    low: float
    high: float
    spread: NDArray[np.float64]
    lost: int = 0


def summary(values: NDArray[Any], bits: int) -> Seen:
    """What is seen of some values, at least one of which is a number."""
    numbers = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    step = numbers.size // SAMPLE | 1
    some = np.sort(numbers[:: step + 2 * (step > 1 and step % 3 == 0)])  # of colours all three
    spread = some[np.rint(SPREAD * (len(some) - 1)).astype(np.int64)].astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    return Seen(values.dtype.kind, bits, low, high, spread, values.size - numbers.size)


def decide(seen: Sequence[Seen]) -> Scale:
    """The range for pictures of which this was seen; None where there are none.

    All values where these are used; else from 0 to what the camera's bits can hold; else, for floats and where there
    are negative values, from the least to the greatest. Where a few pixels stretch that beyond measure: percentiles.
    """
    if not seen:
        return None
    low, high = min(each.low for each in seen), max(each.high for each in seen)
    whole = all(each.kind in "ui" for each in seen)
    chosen = _camera(low, high) if whole else _floats(low, high)
    first, last = percentiles(seen)
    if last > first and (last - first) * WASTED < chosen[1] - chosen[0]:
        return first, last
    return FULL if whole and all(chosen == full(each.kind, each.bits) for each in seen) else chosen


def percentiles(seen: Sequence[Seen]) -> Limits:
    """The percentiles of the values of all pictures, each picture weighing alike."""
    low, high = np.quantile(np.concatenate([each.spread for each in seen]), SHARES)
    return _rounded(float(low), float(high))


def full(kind: str, bits: int) -> Limits:
    """All values that numbers of a kind can have."""
    if kind == "u":
        return 0.0, float(2**bits - 1)
    return (-float(2 ** (bits - 1)), float(2 ** (bits - 1) - 1)) if kind == "i" else (0.0, 1.0)


def limits(seen: Seen, scale: Scale) -> Limits:
    """The values of a picture that become black and white. Where nobody has said: all, or those of this picture."""
    if isinstance(scale, tuple):
        return scale
    if scale == FULL or (scale is None and seen.kind == "u" and seen.bits <= 16):
        return full(seen.kind, seen.bits)
    return seen.low, seen.high


def eight_bit(values: NDArray[Any], black_and_white: Limits) -> NDArray[np.uint8]:
    """Values as 0 to 255, those beyond the limits cut; what is no number is black, and infinity white."""
    low, high = black_and_white
    numbers = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
    scaled = (numbers - low) * (255 / max(high - low, 1e-12))
    made: NDArray[np.uint8] = scaled.round().clip(0, 255).astype(np.uint8)
    return made


def text(scale: Scale) -> str:
    """A range as a card has it: `[0, 4095]` or `"full"`."""
    if isinstance(scale, tuple):
        return f"[{', '.join(str(int(v)) if v.is_integer() and abs(v) < 1e15 else repr(v) for v in scale)}]"
    return f'"{scale}"'


def said(low: float, high: float) -> str:
    """Two limits as words: `0 to 4095`."""
    return f"{low:.6g} to {high:.6g}"


def _camera(low: float, high: float) -> Limits:
    """Whole numbers: 0 to the greatest of the fewest bits that hold them, at least 8."""
    if low < 0:
        return (low, high) if high > low else (low, low + 1)
    return 0.0, float(2 ** max(8, int(high).bit_length()) - 1)


def _floats(low: float, high: float) -> Limits:
    if low >= 0 and (top := next((top for top in TOPS if top / 2 < high <= top), None)):
        return 0.0, top
    return _rounded(low, high)


def _rounded(low: float, high: float) -> Limits:
    """Limits of few digits that hold these."""
    if not high > low:
        return low, low + 1
    if math.isinf(high - low):
        return low, high
    digits = 3 - math.floor(math.log10(high - low))
    step = 10.0**-digits
    return round(math.floor(low / step) * step, digits), round(math.ceil(high / step) * step, digits)
