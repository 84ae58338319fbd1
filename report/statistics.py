"""The statistics behind every claim of the report: pure functions on arrays, no files, no tables.

Scores and their differences are fractions (0.05 is five points). A difference is *model − reference*: positive means
that the model is better.

Scores of repeated cross-validation are not independent, since training sets overlap: `corrected_resampled_t` and
`bayesian_correlated_t` widen the variance by n_test / n_train. Twenty scores on one holdout know nothing of other
images; for a holdout there are `paired_bootstrap` and `jeffreys`.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
Verdict = Literal["better", "equivalent", "worse", "undecided"]

# Scores are fractions, so whatever is below this is rounding: 0.9 − 0.8 and 0.8 − 0.7 are one difference.
ROUNDING = 1e-12


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


@dataclass(frozen=True)
class Vote:
    """Winners of a vote: `predicted` (N,) class indices, `agreement` (N,) share of voters for the winner."""

    predicted: NDArray[np.intp]
    agreement: Floats


def corrected_resampled_t(differences: ArrayLike, *, test_train_ratio: float, confidence: float = 0.95) -> ResampledT:
    """Mean of n = k·r per-split values, with the corrected resampled t interval and test.

    Variance of the mean: s² · (1/n + n_test/n_train), df = n − 1 (Nadeau & Bengio 2003; Bouckaert & Frank 2004).
    `test_train_ratio` is n_test/n_train, 1/(k − 1) in k-fold; 0 gives the plain t-test. Given one model's scores
    (n,), the interval is that of its mean score; it may pass 0 or 1, and `p` means nothing.

    Fewer than two values show no spread: the interval is (−inf, inf) and p = 1; the mean of none is NaN. Values that
    are all alike give a point (`degenerate`), with p = 1 if they are 0, else p = 0.

    Raises ValueError: values not (n,) or not finite; a negative ratio; a confidence outside (0, 1).
    """
    _check_share(confidence, 0.0, "confidence")
    mean, error, df = _student(differences, test_train_ratio)
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
    mean, error, df = _student(differences, test_train_ratio, rope)
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
    _check_share(threshold, 0.5, "threshold")
    if probabilities.better >= threshold:
        return "better"
    if probabilities.worse >= threshold:
        return "worse"
    return "equivalent" if probabilities.equivalent >= threshold else "undecided"


def smallest_detectable_difference(
    differences: ArrayLike, *, test_train_ratio: float, rope: float, threshold: float = 0.95
) -> float:
    """Smallest mean difference that data with this spread could have shown.

    Had the mean been rope + t(threshold, n − 1) · s · √(1/n + n_test/n_train), with the spread s as observed,
    `bayesian_correlated_t` would give P(better) = `threshold`. The observed mean plays no part. This is no power
    analysis: were that the true difference, the verdict would be "better" about half of the time. Infinite with fewer
    than two differences; `rope` if they are all alike.

    Raises ValueError: as `bayesian_correlated_t` and `verdict`.
    """
    _check_share(threshold, 0.5, "threshold")
    _, error, df = _student(differences, test_train_ratio, rope)
    return np.inf if df < 1 else rope + float(special.stdtrit(df, threshold)) * error


def holm(p_values: ArrayLike) -> Floats:
    """Adjust p-values for their number by Holm's step-down method (Holm 1979); (m,) in the order given.

    Raises ValueError: values not (m,) or not in [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError("p-values must be one-dimensional and within [0, 1]")
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)))
    return adjusted


def jeffreys(successes: ArrayLike, trials: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Jeffreys interval of a proportion: (low, high), each in the arguments' broadcast shape.

    Equal-tailed interval of Beta(successes + ½, failures + ½), but low is 0 without a success and high is 1 without a
    failure (Brown, Cai & DasGupta 2001). No trials: (0, 1).
    Raises ValueError: counts outside 0 ≤ successes ≤ trials; a confidence outside (0, 1).
    """
    _check_share(confidence, 0.0, "confidence")
    hits, total = np.broadcast_arrays(np.asarray(successes, np.float64), np.asarray(trials, np.float64))
    if not np.all((hits >= 0) & (hits <= total) & np.isfinite(total)):
        raise ValueError("successes must lie between 0 and trials")
    a, b, tail = hits + 0.5, total - hits + 0.5, (1 - confidence) / 2
    low = np.where(hits == 0, 0.0, special.betaincinv(a, b, tail))
    return low, np.where(hits == total, 1.0, special.betaincinv(a, b, 1 - tail))


def balanced_accuracy(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Mean recall over the classes that occur in `labels`; both (N,), class names or indices.

    A prediction of a class that no label has is wrong, and adds no class to the mean.
    Raises ValueError: no images, or shapes that differ.
    """
    truth, (correct,) = _marked(labels, predicted)
    return float(np.mean(np.bincount(truth, correct) / np.bincount(truth)))


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
    truth, correct = _marked(labels, predicted)
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
    truth, correct = _marked(labels, predicted_a, predicted_b)
    return _bootstrap(truth, correct, groups, draws, seed, confidence)


def vote_gain(
    labels: ArrayLike,
    voted: ArrayLike,
    singles: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> BootstrapInterval:
    """Balanced accuracy of a vote − the mean of the single predictions' that were asked about the same images.

    `voted` is (N,), `singles` (R, N). The rest, and the errors, as in `paired_bootstrap`.
    """
    truth, correct = _marked(labels, voted, *np.asarray(singles))
    marks = np.stack([correct[0].astype(np.float64), correct[1:].mean(axis=0)])
    return _bootstrap(truth, marks, groups, draws, seed, confidence)


def vote(probabilities: ArrayLike) -> Vote:
    """Majority vote of T trials, (T, N, C) class probabilities, each for its most probable class.

    A tie goes to the tied class with the highest mean probability, and then to the lower class index.
    Raises ValueError: another number of dimensions, no trial, no class, or values that are not finite.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 3 or p.shape[0] == 0 or p.shape[2] == 0 or not np.all(np.isfinite(p)):
        raise ValueError("probabilities must be finite, of shape (T, N, C), with a trial and a class at least")
    counts = np.sum(p.argmax(axis=2)[:, :, None] == np.arange(p.shape[2]), axis=0)
    most = counts.max(axis=1, keepdims=True)
    mean = np.where(counts == most, p.mean(axis=0), -np.inf)
    # Means that differ by rounding alone are tied too, or the order of the trials could decide.
    predicted = np.argmax(mean >= mean.max(axis=1, keepdims=True) - ROUNDING, axis=1)
    return Vote(predicted, most[:, 0] / p.shape[0])


def _check_share(value: float, above: float, name: str) -> None:
    if not above < value < 1:
        raise ValueError(f"{name} must lie between {above:g} and 1, not {value}")


def _student(values: ArrayLike, ratio: float, rope: float = 0.0) -> tuple[float, float, int]:
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


def _marked(labels: ArrayLike, *predictions: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Class index of each image (N,), and which images each of S predictions gets right (S, N)."""
    names = np.asarray(labels)
    given: list[NDArray[Any]] = [np.asarray(predicted) for predicted in predictions]
    if names.ndim != 1 or names.size == 0 or any(array.shape != names.shape for array in given):
        raise ValueError("labels and predictions must be one-dimensional, alike in length and not empty")
    return np.unique(names, return_inverse=True)[1], np.array([array == names for array in given])


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
    _check_share(confidence, 0.0, "confidence")
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
    else:
        widest = float(len(correct) == 1 or np.any(correct[0] != correct[-1]))
        low, high = 0.0 - widest if len(correct) == 2 else 0.0, widest
    return BootstrapInterval(estimate, low, high, len(scores), fewest_units)
