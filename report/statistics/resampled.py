"""Scores of the splits of repeated cross-validation, which are not independent, since training sets overlap."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from report.statistics.common import ROUNDING, check_share

Verdict = Literal["better", "equivalent", "worse", "undecided"]


@dataclass(frozen=True)
class ResampledT:
    """A mean over splits with its interval, and the two-sided p-value against a mean of 0."""

    mean: float
    low: float
    high: float
    p: float
    df: int
    degenerate: bool  # the values are all alike: the interval is a point that says nothing of their spread


@dataclass(frozen=True)
class RopeProbabilities:
    """Posterior probabilities that the difference is below, within and above the ROPE; they sum to 1."""

    worse: float
    equivalent: float
    better: float


def corrected_resampled_t(differences: ArrayLike, *, test_train_ratio: float, confidence: float = 0.95) -> ResampledT:
    """Mean of n = k·r per-split values, with the corrected resampled t interval and test.

    Variance of the mean: s² · (1/n + n_test/n_train), df = n − 1 (Nadeau & Bengio 2003; Bouckaert & Frank 2004).
    `test_train_ratio` is n_test/n_train, 1/(k − 1) in k-fold; 0 gives the plain t-test. Given one model's scores
    (n,), the interval is that of its mean score; it may pass 0 or 1, and `p` means nothing.

    Fewer than two values show no spread: the interval is (−inf, inf) and p = 1; the mean of none is NaN. Values that
    are all alike give a point (`degenerate`), with p = 1 if they are 0, else p = 0.

    Raises ValueError: values not (n,) or not finite; a negative ratio; a confidence outside (0, 1).
    """
    check_share(confidence, 0.0, "confidence")
    mean, error, df = student(differences, test_train_ratio)
    if df < 1:
        return ResampledT(mean, -np.inf, np.inf, 1.0, df, degenerate=False)
    if error == 0:
        return ResampledT(mean, mean, mean, 1.0 if abs(mean) < ROUNDING else 0.0, df, degenerate=True)
    half = float(special.stdtrit(df, (1 + confidence) / 2)) * error
    p = 2 * float(special.stdtr(df, -abs(mean) / error))
    return ResampledT(mean, mean - half, mean + half, p, df, degenerate=False)


def bayesian_correlated_t(differences: ArrayLike, *, test_train_ratio: float, rope: float) -> RopeProbabilities:
    """Probabilities that the model is practically worse than, equivalent to, better than the reference.

    The posterior of the mean difference is Student's t with the location, scale and df of `corrected_resampled_t`
    (Corani & Benavoli 2015; Benavoli et al. 2017): their correlation ρ = n_test / (n_test + n_train) enters as
    ρ/(1 − ρ), which is `test_train_ratio`. `rope` is the half-width of the region of practical equivalence, bounds
    included: 0.01 is ±1 point.

    Fewer than two differences leave the posterior infinitely wide: half worse, half better. Differences that are all
    alike put it on one point, as in `baycomp`; two or three coarse scores can be alike by chance.

    Raises ValueError: as `corrected_resampled_t`; a `rope` that is negative or not finite.
    """
    mean, error, df = student(differences, test_train_ratio, rope)
    if df < 1:
        return RopeProbabilities(0.5, 0.0, 0.5)
    if error == 0:
        worse, better = float(mean < -rope - ROUNDING), float(mean > rope + ROUNDING)
    else:
        worse = float(special.stdtr(df, (-rope - mean) / error))
        better = float(special.stdtr(df, (mean - rope) / error))
    return RopeProbabilities(worse, max(0.0, 1 - worse - better), better)


def verdict(probabilities: RopeProbabilities, threshold: float = 0.95) -> Verdict:
    """Return the outcome whose probability reaches `threshold`, else "undecided".

    Raises ValueError: a threshold outside (0.5, 1): two words could hold at once, or none ever.
    """
    check_share(threshold, 0.5, "threshold")
    if probabilities.better >= threshold:
        return "better"
    if probabilities.worse >= threshold:
        return "worse"
    return "equivalent" if probabilities.equivalent >= threshold else "undecided"


def student(values: ArrayLike, ratio: float, rope: float = 0.0) -> tuple[float, float, int]:
    """Mean, corrected standard error (0 where the values are all alike) and degrees of freedom."""
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not np.all(np.isfinite(x)):
        raise ValueError("values must be one-dimensional and finite")
    if not (0 <= ratio < np.inf and 0 <= rope < np.inf):
        raise ValueError(f"test_train_ratio ({ratio}) and rope ({rope}) must be finite and not negative")
    if x.size < 2:
        return (float(x[0]) if x.size else np.nan), np.inf, x.size - 1
    spread = float(x.std(ddof=1))
    error = 0.0 if spread < ROUNDING else spread * float(np.sqrt(1 / x.size + ratio))
    return float(x.mean()), error, x.size - 1
