"""What more images would add: an inverse power law through the scores at several shares of the training images."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from report.statistics.common import Floats

EXPONENTS = np.geomspace(0.05, 2.0, 40)
"""From a curve that hardly bends to one that is flat soon; what learning curves have (Viering & Loog 2023)."""
DRAWS = 2000
ENOUGH = 10
POINT = 0.01
"""A gain that is surely below one point is none."""
GrowthWord = Literal["more", "plateau", "cannot say"]


@dataclass(frozen=True)
class Growth:
    """The gain in score when the largest number of training images is multiplied by `times`; a fraction.

    `asymptote` is the score that no number of images would pass, by the curve.
    """

    times: float
    gain: float
    low: float
    high: float
    asymptote: float

    @property
    def word(self) -> GrowthWord:
        """Whether more images help, surely do not, or whether these trials cannot say."""
        if self.high < POINT:
            return "plateau"
        return "more" if self.low >= POINT / 10 else "cannot say"


def growth(scores: ArrayLike, images: ArrayLike, times: float, *, test_train_ratio: float, seed: int = 0) -> Growth:
    """What `times` the images would add, by error = a + b · images^(−c) with a, b ≥ 0, and its interval over trials.

    The curve is fitted by least squares, weighted by how much each mean varies, to the mean errors at K numbers of
    training images; and again to draws of these means. They are drawn together, from the covariance of the splits'
    scores (S, K) times 1/S + `test_train_ratio`, since splits share their training images and shares of a split its
    test images (Nadeau & Bengio 2003), with Student's t for few splits. With three numbers of images the curve passes
    through all of them, and the interval is wide, as it should be. The interval holds 98 % of the draws, 99 % with
    fewer than ten splits: in simulation it holds the truth in nine of ten cases then, also where curves rise for long.

    Raises ValueError: fewer than three numbers of images, which no curve of three parameters can be held against;
    fewer than three splits; numbers that do not rise.
    """
    y, n = 1 - np.asarray(scores, np.float64), np.asarray(images, np.float64)
    if y.ndim != 2 or n.shape != y.shape[1:] or n.size < 3 or len(y) < 3 or np.any(np.diff(n) <= 0) or n[0] <= 0:
        raise ValueError("growth needs scores (S, K) of three splits and three rising numbers of images at least")
    splits = len(y)
    spread = np.cov(y, rowvar=False) * (1 / splits + test_train_ratio)
    rng = np.random.default_rng(seed)
    steps = rng.multivariate_normal(np.zeros(n.size), spread, size=DRAWS, method="eigh")
    steps *= np.sqrt((splits - 1) / rng.chisquare(splits - 1, size=(DRAWS, 1)))
    means = np.concatenate([y.mean(axis=0)[None], y.mean(axis=0) + steps])
    weights = 1 / np.maximum(np.diag(spread), 1e-8)
    floor, slope, exponent = _fitted(means, n / n[-1], weights / weights.sum())
    gains = slope * (1 - times**-exponent)
    tail = 0.01 if splits >= ENOUGH else 0.005
    low, high = np.quantile(gains[1:], [tail, 1 - tail])
    gain = float(gains[0])
    return Growth(times, gain, min(float(low), gain), max(float(high), gain), float(1 - floor[0]))


def _fitted(errors: Floats, images: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """a, b and c (B,) of the curves nearest to rows of errors (B, K)."""
    x = images[None, :] ** -EXPONENTS[:, None]
    centre, mean = x @ weights, errors @ weights
    away = x - centre[:, None]
    slope = np.maximum((errors * weights) @ away.T / ((away**2) @ weights), 0.0)
    floor = mean[:, None] - slope * centre
    # Where the curve would fall below no error at all, it ends there.
    through = np.maximum((errors * weights) @ x.T / ((x**2) @ weights), 0.0)
    slope, floor = np.where(floor < 0, through, slope), np.maximum(floor, 0.0)
    left = np.zeros_like(slope)
    for k, weight in enumerate(weights):
        left += weight * (errors[:, k, None] - floor - slope * x[:, k]) ** 2
    best = left.argmin(axis=1)
    rows = np.arange(len(errors))
    return floor[rows, best], slope[rows, best], EXPONENTS[best]
