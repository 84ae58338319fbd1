"""What the arithmetic has in common."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Scores are fractions, so whatever is below this is rounding: 0.9 − 0.8 and 0.8 − 0.7 are one difference.
ROUNDING = 1e-12


def check_share(value: float, above: float, name: str) -> None:
    """Refuse a value that is not between `above` and 1."""
    if not above < value < 1:
        raise ValueError(f"{name} must lie between {above:g} and 1, not {value}")


def marked(labels: ArrayLike, *predictions: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Class index of each image (N,), and which images each of S predictions gets right (S, N)."""
    names = np.asarray(labels)
    given: list[NDArray[Any]] = [np.asarray(predicted) for predicted in predictions]
    if names.ndim != 1 or names.size == 0 or any(array.shape != names.shape for array in given):
        raise ValueError("labels and predictions must be one-dimensional, alike in length and not empty")
    return np.unique(names, return_inverse=True)[1], np.array([array == names for array in given])
