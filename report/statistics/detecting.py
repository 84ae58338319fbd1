"""What the data could have shown: which differences, and what it would take to call two models equivalent."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from report.statistics.common import Floats, check_share
from report.statistics.resampled import student

MOST_SPLITS = 2000
SIGNIFICANT = 0.05
"""*Better* and *worse* take a p-value of at most this, adjusted by Holm for the comparisons of its question."""


def smallest_detectable_difference(
    differences: ArrayLike,
    *,
    test_train_ratio: float,
    rope: float,
    threshold: float = 0.95,
    asked: int | None = None,
    power: float | None = None,
) -> float:
    """Smallest mean difference that data with this spread could have shown.

    Had the mean been rope + t(threshold, n − 1) · s · √(1/n + n_test/n_train), with the spread s as observed,
    `bayesian_correlated_t` would give P(better) = `threshold`. With `asked`, the p-value must also stay at most 0.05
    when it is the smallest of so many that Holm adjusts. The observed mean plays no part. Were that the true
    difference, the verdict would be "better" about half of the time; with `power` it is the larger one at which the
    verdict would be so often "better", by the noncentral t. Infinite with fewer than two differences; `rope` if they
    are all alike.

    Raises ValueError: as `bayesian_correlated_t` and `verdict`; a power outside (0, 1).
    """
    check_share(threshold, 0.5, "threshold")
    _, error, df = student(differences, test_train_ratio, rope)
    if df < 1:
        return np.inf
    bounds = [(rope, float(special.stdtrit(df, threshold)))]
    if asked is not None:
        bounds.append((0.0, float(special.stdtrit(df, 1 - SIGNIFICANT / 2 / asked))))
    if power is not None:
        check_share(power, 0.0, "power")
        # The shift of a noncentral t that passes the bound so often.
        bounds = [(start, float(special.nctdtrinc(df, 1 - power, t))) for start, t in bounds]
    return max(start + shift * error for start, shift in bounds)


@cache
def _quantiles(share: float) -> Floats:
    """Student's quantile for two splits and more; every pair of models asks for the same."""
    return np.asarray(special.stdtrit(np.arange(1, MOST_SPLITS), share))


@dataclass(frozen=True)
class Equivalence:
    """What it would take to call two models equivalent within ±rope, were there no difference between them at all.

    `error` is the standard error of the mean difference, `needed` the largest that could do.
    """

    error: float
    needed: float
    splits: float  # splits of these images that would do; infinite where no number does

    @property
    def times(self) -> float:
        """How many times the images it would take with as many splits; 1 or less where these do.

        A standard error falls with the root of the number of images.
        """
        return (self.error / self.needed) ** 2


def equivalence(
    differences: ArrayLike, *, test_train_ratio: float, rope: float, threshold: float = 0.95
) -> Equivalence:
    """What it would take for `bayesian_correlated_t` to give P(equivalent) = `threshold`, with the spread as observed.

    More splits of the same images let the standard error fall to s · √(n_test/n_train) and no further.
    Raises ValueError: as `bayesian_correlated_t` and `verdict`, and fewer than two differences.
    """
    check_share(threshold, 0.5, "threshold")
    _, error, df = student(differences, test_train_ratio, rope)
    if df < 1:
        raise ValueError("equivalence needs two differences at least")
    middle = (1 + threshold) / 2
    needed = rope / float(special.stdtrit(df, middle))
    n = np.arange(2, MOST_SPLITS + 1)
    spread = error / float(np.sqrt(1 / (df + 1) + test_train_ratio))
    enough = _quantiles(middle) * spread * np.sqrt(1 / n + test_train_ratio) <= rope
    return Equivalence(error, needed, float(n[enough.argmax()]) if enough.any() else np.inf)
