"""Every figure against an independent implementation: scipy, scikit-learn, baycomp, or a plain loop by definition."""

import warnings
from collections import Counter
from itertools import pairwise
from typing import Any

import baycomp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from report.statistics import (
    BootstrapInterval,
    RopeProbabilities,
    balanced_accuracy,
    bayesian_correlated_t,
    bootstrap_balanced_accuracy,
    corrected_resampled_t,
    holm,
    jeffreys,
    paired_bootstrap,
    smallest_detectable_difference,
    verdict,
    vote,
)

settings.register_profile("fast", max_examples=60, deadline=None, derandomize=True, database=None)
fast = settings.get_profile("fast")

# Scores of small test folds are coarse, so exact ties and identical models do occur.
coarse_differences = st.lists(st.integers(-40, 40).map(lambda i: i / 40), min_size=2, max_size=20)
ropes = st.sampled_from([0.0, 0.01, 0.05, 0.2])
ratios = st.sampled_from([0.0, 0.111, 0.25, 1.0])


def scores(k: int, r: int, gain: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    reference = rng.normal(0.8, 0.05, k * r)
    return reference, reference + rng.normal(gain, 0.03, k * r)


# --- Scores of splits


@pytest.mark.parametrize("n", [2, 5, 20])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_ratio_zero_is_the_plain_t_test(n: int, confidence: float) -> None:
    x = np.random.default_rng(n).normal(0.02, 0.05, n)
    ours = corrected_resampled_t(x, test_train_ratio=0, confidence=confidence)
    theirs = stats.ttest_1samp(x, 0)
    interval = theirs.confidence_interval(confidence)
    assert (ours.p, ours.low, ours.high) == pytest.approx((theirs.pvalue, interval.low, interval.high), rel=1e-9)
    assert ours.mean == pytest.approx(x.mean())
    assert (ours.df, ours.degenerate) == (n - 1, False)


@pytest.mark.parametrize(("k", "r"), [(2, 1), (5, 1), (5, 4), (10, 10)])
def test_corrected_t_by_its_formula(k: int, r: int) -> None:
    a, b = scores(k, r, 0.02, seed=k)
    n_test, n_train = 200 / k, 200 - 200 / k
    mean, error = np.mean(b - a), np.sqrt(np.var(b - a, ddof=1) * (1 / (k * r) + n_test / n_train))
    ours = corrected_resampled_t(b - a, test_train_ratio=n_test / n_train)
    assert (ours.low, ours.high) == pytest.approx(stats.t.interval(0.95, k * r - 1, mean, error), rel=1e-9)
    assert ours.p == pytest.approx(2 * stats.t.sf(abs(mean / error), k * r - 1), rel=1e-9)


@pytest.mark.parametrize(("k", "r"), [(2, 1), (5, 1), (5, 4), (10, 10)])
@pytest.mark.parametrize("gain", [-0.1, -0.01, 0.0, 0.03, 0.2])
@pytest.mark.parametrize("rope", [0.01, 0.05])
def test_bayesian_t_agrees_with_baycomp(k: int, r: int, gain: float, rope: float) -> None:
    a, b = scores(k, r, gain, seed=int(100 * gain) % 7)
    ours = bayesian_correlated_t(b - a, test_train_ratio=1 / (k - 1), rope=rope)
    theirs = baycomp.two_on_single(a, b, rope, runs=r)
    assert (ours.worse, ours.equivalent, ours.better) == pytest.approx(theirs, abs=1e-12)


@given(coarse_differences, ratios, ropes)
@fast
def test_swapping_the_models_mirrors(values: list[float], ratio: float, rope: float) -> None:
    x = np.array(values)
    t, back = (corrected_resampled_t(d, test_train_ratio=ratio) for d in (x, -x))
    assert (t.mean, t.low, t.high, t.p) == pytest.approx((-back.mean, -back.high, -back.low, back.p), abs=1e-12)
    p, q = (bayesian_correlated_t(d, test_train_ratio=ratio, rope=rope) for d in (x, -x))
    assert (p.worse, p.equivalent, p.better) == pytest.approx((q.better, q.equivalent, q.worse), abs=1e-12)
    assert smallest_detectable_difference(x, test_train_ratio=ratio, rope=rope) == pytest.approx(
        smallest_detectable_difference(-x, test_train_ratio=ratio, rope=rope)
    )


@given(coarse_differences, ratios)
@fast
def test_intervals_hold_the_mean_and_widen(values: list[float], ratio: float) -> None:
    t = corrected_resampled_t(values, test_train_ratio=ratio)
    wider = corrected_resampled_t(values, test_train_ratio=ratio + 0.1)
    surer = corrected_resampled_t(values, test_train_ratio=ratio, confidence=0.99)
    assert t.low <= t.mean <= t.high
    assert 0 <= t.p <= wider.p <= 1
    for other in (wider, surer):
        assert other.low <= t.low <= t.high <= other.high
    # The interval leaves out 0 exactly where the test rejects it.
    assert (t.p < 0.05) == (t.low > 0 or t.high < 0) or t.p == pytest.approx(0.05)


@given(coarse_differences, ratios)
@fast
def test_probabilities_sum_to_one_and_a_wider_rope_holds_more(values: list[float], ratio: float) -> None:
    found = [bayesian_correlated_t(values, test_train_ratio=ratio, rope=rope) for rope in (0.0, 0.01, 0.05, 0.5)]
    for p in found:
        assert p.worse + p.equivalent + p.better == pytest.approx(1, abs=1e-12)
        assert min(p.worse, p.equivalent, p.better) >= 0
    assert all(a.equivalent <= b.equivalent + 1e-12 for a, b in pairwise(found))


@given(coarse_differences.filter(lambda v: len(set(v)) > 1), ratios, ropes, st.sampled_from([0.9, 0.95]))
@fast
def test_smallest_detectable_difference_is_where_the_verdict_turns(
    values: list[float], ratio: float, rope: float, threshold: float
) -> None:
    smallest = smallest_detectable_difference(values, test_train_ratio=ratio, rope=rope, threshold=threshold)
    x = np.array(values) - np.mean(values)
    found = [bayesian_correlated_t(x + smallest + step, test_train_ratio=ratio, rope=rope) for step in (-1e-6, 0, 1e-6)]
    assert found[1].better == pytest.approx(threshold, abs=1e-9)
    assert (verdict(found[0], threshold) == "better", verdict(found[2], threshold)) == (False, "better")


@pytest.mark.parametrize(
    ("value", "p", "word"), [(0.0, 1.0, "equivalent"), (0.01, 0.0, "equivalent"), (0.1, 0.0, "better")]
)
def test_differences_that_do_not_vary(value: float, p: float, word: str) -> None:
    # As they come out of subtraction: 0.9 − 0.8 is not 0.8 − 0.7.
    x = np.array([0.7, 0.8, 0.9, 0.3] * 5) + value - np.array([0.7, 0.8, 0.9, 0.3] * 5)
    t = corrected_resampled_t(x, test_train_ratio=0.25)
    assert t.mean == pytest.approx(value)
    assert (t.low, t.high, t.p, t.degenerate) == (t.mean, t.mean, p, True)
    assert verdict(bayesian_correlated_t(x, test_train_ratio=0.25, rope=0.01)) == word
    assert verdict(bayesian_correlated_t(-x, test_train_ratio=0.25, rope=0.01)) == word.replace("better", "worse")
    assert smallest_detectable_difference(x, test_train_ratio=0.25, rope=0.01) == 0.01


@pytest.mark.parametrize("x", [[], [0.3]])
def test_too_few_differences_are_undecided(x: list[float]) -> None:
    t = corrected_resampled_t(x, test_train_ratio=0.25)
    assert (t.low, t.high, t.p, t.degenerate) == (-np.inf, np.inf, 1.0, False)
    assert t.mean == pytest.approx(np.array(x).sum() if x else np.nan, nan_ok=True)
    assert verdict(bayesian_correlated_t(x, test_train_ratio=0.25, rope=0.01)) == "undecided"
    assert smallest_detectable_difference(x, test_train_ratio=0.25, rope=0.01) == np.inf


def test_the_correction_keeps_its_promise_where_the_plain_test_does_not() -> None:
    # Twenty scores that share a part of their error, as overlapping training sets make them: ρ = 1 / k.
    rng, n, rho, covered = np.random.default_rng(0), 20, 0.2, {0.25: 0, 0.0: 0}
    for _ in range(1000):
        x = 0.03 + 0.05 * (np.sqrt(rho) * rng.normal() + np.sqrt(1 - rho) * rng.normal(size=n))
        for ratio in covered:
            t = corrected_resampled_t(x, test_train_ratio=ratio)
            covered[ratio] += t.low <= 0.03 <= t.high
    assert covered[0.25] / 1000 == pytest.approx(0.95, abs=0.02)
    assert covered[0.0] / 1000 < 0.75


def test_verdict_at_its_threshold() -> None:
    assert verdict(RopeProbabilities(0.95, 0.05, 0.0)) == "worse"
    assert verdict(RopeProbabilities(0.0, 0.95, 0.05)) == "equivalent"
    assert verdict(RopeProbabilities(0.0, 0.05, 0.95)) == "better"
    assert verdict(RopeProbabilities(0.0, 0.06, 0.94)) == "undecided"
    assert verdict(RopeProbabilities(0.0, 0.06, 0.94), threshold=0.9) == "better"


# --- Counts and p-values


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_jeffreys_against_scipy(confidence: float) -> None:
    successes, trials = np.array([(s, n) for n in (1, 2, 3, 21, 500) for s in range(n + 1)]).T
    low, high = jeffreys(successes, trials, confidence)
    want_low, want_high = stats.beta.interval(confidence, successes + 0.5, trials - successes + 0.5)
    inside = (successes > 0) & (successes < trials)
    np.testing.assert_allclose(low[inside], want_low[inside], rtol=1e-9)
    np.testing.assert_allclose(high[inside], want_high[inside], rtol=1e-9)
    np.testing.assert_allclose(high[successes == 0], want_high[successes == 0], rtol=1e-9)
    assert np.all(low[successes == 0] == 0)
    assert np.all(high[successes == trials] == 1)
    assert np.all((low <= successes / trials) & (successes / trials <= high))
    np.testing.assert_allclose(jeffreys(trials - successes, trials, confidence)[0], 1 - high, atol=1e-12)


def test_jeffreys_broadcasts() -> None:
    low, high = jeffreys([[0], [1]], [1, 2, 3])
    assert low.shape == high.shape == (2, 3)
    assert [float(bound) for bound in jeffreys(0, 0)] == [0, 1]


@given(st.lists(st.floats(0, 1) | st.sampled_from([0.01, 0.02, 0.5]), max_size=12))
@fast
def test_holm_by_definition(p_values: list[float]) -> None:
    # A hypothesis falls at level p exactly if it and all smaller ones pass p ≤ level / (m − rank).
    m, ranked = len(p_values), sorted(p_values)
    want = [min(1.0, max((m - j) * q for j, q in enumerate(ranked) if q <= p)) for p in p_values]
    np.testing.assert_allclose(holm(p_values), want, rtol=1e-12)


def test_holm_worked_example() -> None:
    # The four p-values of the usual worked example; the same as R's p.adjust(c(.01, .04, .03, .005), "holm").
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


# --- Images


@given(st.integers(0, 10_000), st.integers(1, 40), st.booleans())
@fast
def test_balanced_accuracy_is_scikit_learns(seed: int, n: int, as_names: bool) -> None:
    rng = np.random.default_rng(seed)
    labels, predicted = rng.integers(0, 3, n), rng.integers(0, 4, n)
    if as_names:
        names = np.array(["basophil", "eosinophil", "monocyte", "artefact"], dtype=object)
        labels, predicted = names[labels], names[predicted]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn tells of predicted classes that no label has
        want = balanced_accuracy_score(labels, predicted)
    assert balanced_accuracy(labels, predicted) == pytest.approx(want)


def plain_bootstrap(labels: Any, a: Any, b: Any, groups: Any, seed: int) -> NDArray[np.float64]:
    """Differences by drawing unit after unit."""
    rng, images = np.random.default_rng(seed), {g: np.flatnonzero(groups == g) for g in np.unique(groups)}
    spans = any(len(set(labels[i])) > 1 for i in images.values())
    strata: dict[int, list[NDArray[np.intp]]] = {}
    for i in images.values():
        strata.setdefault(0 if spans else labels[i[0]], []).append(i)
    found = []
    for _ in range(2000):
        i = np.concatenate([s[j] for s in strata.values() for j in rng.integers(0, len(s), len(s) - 1)])
        if set(labels[i]) == set(labels):
            hits = [(labels[i] == p[i], labels[i]) for p in (a, b)]
            recalls = [[right[truth == c].mean() for c in np.unique(labels)] for right, truth in hits]
            found.append(np.mean(recalls[0]) - np.mean(recalls[1]))
    return np.array(found)


@pytest.mark.parametrize("grouping", ["none", "pure", "spanning"])
def test_paired_bootstrap_against_a_plain_loop(grouping: str) -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1, 2], [20, 9, 4])
    a, b = (np.where(rng.random(33) < p, labels, rng.integers(0, 3, 33)) for p in (0.8, 0.4))
    groups = {"none": np.arange(33), "pure": np.arange(33) // 2 + 100 * labels, "spanning": np.arange(33) % 10}
    ours = paired_bootstrap(labels, a, b, groups=None if grouping == "none" else groups[grouping], draws=20_000, seed=1)
    plain = plain_bootstrap(labels, a, b, groups[grouping], seed=2)
    assert ours.estimate == pytest.approx(balanced_accuracy_score(labels, a) - balanced_accuracy_score(labels, b))
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(plain, [0.025, 0.975])), abs=0.03)
    assert ours.draws / 20_000 == pytest.approx(len(plain) / 2000, abs=0.02)
    assert ours.fewest_units == {"none": 4, "pure": 3, "spanning": 4}[grouping]


@given(st.integers(0, 10_000), st.integers(2, 5), st.sampled_from([None, 4, 10]))
@fast
def test_bootstrap_properties(seed: int, per_class: int, n_groups: int | None) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat(["a", "b", "c"], per_class)
    first, second = rng.choice(["a", "b", "c"], (2, labels.size))
    groups = None if n_groups is None else rng.integers(0, n_groups, labels.size)
    result = paired_bootstrap(labels, first, second, groups=groups, draws=200, seed=seed)
    mirrored = paired_bootstrap(labels, second, first, groups=groups, draws=200, seed=seed)
    assert -1 <= result.low <= result.high <= 1
    assert result.estimate == pytest.approx(-mirrored.estimate)
    if not n_groups:
        assert result.draws == 200
        assert result.low - 1e-12 <= result.estimate <= result.high + 1e-12
    same = paired_bootstrap(labels, first, first, groups=groups, draws=200)
    assert (same.estimate, same.low, same.high) == (0, 0, 0)
    one = bootstrap_balanced_accuracy(labels, first, groups=groups, draws=200, seed=seed)
    assert one.estimate == pytest.approx(balanced_accuracy(labels, first))
    assert 0 <= one.low <= one.high <= 1
    order = rng.permutation(labels.size)
    shuffled = None if groups is None else groups[order]
    assert one == bootstrap_balanced_accuracy(labels[order], first[order], groups=shuffled, draws=200, seed=seed)


def test_one_group_an_image_is_no_group() -> None:
    labels, predicted = np.repeat([0, 1], 8), np.tile([0, 1], 8)
    assert bootstrap_balanced_accuracy(labels, predicted) == bootstrap_balanced_accuracy(
        labels, predicted, groups=[f"image {i}" for i in range(16)]
    )


def test_a_class_on_one_unit_says_nothing() -> None:
    labels, right, wrong = [0, 0, 0, 1], [0, 0, 0, 1], [1, 0, 0, 1]
    assert bootstrap_balanced_accuracy(labels, right) == BootstrapInterval(1.0, 0.0, 1.0, 2000, 1)
    assert paired_bootstrap(labels, right, wrong) == BootstrapInterval(
        balanced_accuracy(labels, right) - balanced_accuracy(labels, wrong), -1.0, 1.0, 2000, 1
    )
    assert paired_bootstrap(labels, wrong, wrong) == BootstrapInterval(0.0, 0.0, 0.0, 2000, 1)


def test_draws_without_a_class_are_left_out_and_counted() -> None:
    # Class 1 is in two of twelve groups: eleven draws miss both with probability (10/12)^11.
    labels, groups = np.array([0] * 20 + [1, 1]), np.array([*range(10), *range(2, 12), 0, 11])
    result = bootstrap_balanced_accuracy(labels, labels, groups=groups, draws=20_000)
    assert result.draws / 20_000 == pytest.approx(1 - (10 / 12) ** 11, abs=0.01)
    assert (result.estimate, result.low, result.high, result.fewest_units) == (1, 1, 1, 2)
    # One spanning group is enough for one pool: two draws of three groups miss a class if both are a 0 or both a 2.
    result = bootstrap_balanced_accuracy([0, 0, 1, 1], [0, 0, 1, 1], groups=[0, 1, 1, 2], draws=20_000)
    assert result.draws / 20_000 == pytest.approx(7 / 9, abs=0.01)


@pytest.mark.parametrize("n_classes", [24, 200])
def test_too_few_draws_that_hold_every_class_say_nothing(n_classes: int) -> None:
    # A ring of groups, each with a class shared with either neighbour; of 200 hardly a draw misses no two neighbours.
    labels, groups = np.repeat(np.arange(n_classes), 2), np.roll(np.repeat(np.arange(n_classes), 2), 1)
    result = bootstrap_balanced_accuracy(labels, labels, groups=groups, draws=500)
    assert result.draws < 50
    assert (result.estimate, result.low, result.high, result.fewest_units) == (1, 0, 1, 2)


def test_groups_that_answer_alike_widen_the_interval() -> None:
    labels = np.repeat([0, 1], 40)
    groups = np.arange(80) // 8
    predicted = np.where(groups % 5 < 3, labels, 1 - labels)  # whole groups are right or wrong
    by_image = bootstrap_balanced_accuracy(labels, predicted)
    by_group = bootstrap_balanced_accuracy(labels, predicted, groups=groups)
    assert by_group.high - by_group.low > 2 * (by_image.high - by_image.low)


def test_bootstrap_interval_covers_about_as_often_as_it_says() -> None:
    rng, labels, covered = np.random.default_rng(0), np.repeat([0, 1, 2], [25, 20, 15]), 0
    for _ in range(300):
        a, b = (np.where(rng.random(60) < p, labels, -1) for p in (0.8, 0.6))
        result = paired_bootstrap(labels, a, b, draws=300)
        covered += result.low <= 0.2 <= result.high
    assert covered / 300 == pytest.approx(0.95, abs=0.035)


def plain_vote(probabilities: list[list[list[float]]]) -> list[tuple[int, float]]:
    winners = []
    for image in zip(*probabilities, strict=True):
        votes = Counter(max(range(len(p)), key=lambda c: (p[c], -c)) for p in image)
        tied = [c for c in range(len(image[0])) if votes[c] == max(votes.values())]
        winner = max(tied, key=lambda c: (round(sum(p[c] for p in image), 9), -c))
        winners.append((winner, votes[winner] / len(image)))
    return winners


@given(st.integers(1, 6), st.integers(0, 5), st.integers(1, 4), st.integers(0, 10_000))
@fast
def test_vote_against_plain_python(n_trials: int, n: int, n_classes: int, seed: int) -> None:
    # Tenths, so that votes and means are often tied.
    p = np.random.default_rng(seed).integers(0, 11, (n_trials, n, n_classes)) / 10
    result = vote(p)
    assert list(zip(result.predicted.tolist(), result.agreement.tolist(), strict=True)) == plain_vote(p.tolist())
    again = vote(p[::-1])
    np.testing.assert_array_equal(result.predicted, again.predicted)


def test_vote_ties() -> None:
    two_each = np.array([[[0.6, 0.4, 0.0]], [[0.6, 0.4, 0.0]], [[0.0, 0.9, 0.1]], [[0.1, 0.8, 0.1]]])
    assert vote(two_each).predicted.tolist() == [1]  # class 1 is surer on the whole
    # Means of 0.425 both, of which the second comes out larger by rounding.
    alike = np.array([[[0.1, 0.7]], [[0.7, 0.1]], [[0.3, 0.6]], [[0.6, 0.3]]])
    assert alike.mean(axis=0)[0, 0] < alike.mean(axis=0)[0, 1]
    assert vote(alike).predicted.tolist() == [0]
    # Class 2 has the highest mean of all, but no vote: it cannot win.
    runner_up = np.array([[[0.51, 0.0, 0.49]], [[0.0, 0.51, 0.49]]])
    assert vote(runner_up).predicted.tolist() == [0]
    assert vote(runner_up).agreement.tolist() == [0.5]


def test_what_makes_no_sense_is_refused() -> None:
    ratio: dict[str, float] = {"test_train_ratio": 0.25}
    for call in (
        lambda: corrected_resampled_t([[0.1, 0.2]], **ratio),
        lambda: corrected_resampled_t([0.1, np.nan], **ratio),
        lambda: corrected_resampled_t([0.1, 0.2], test_train_ratio=-0.1),
        lambda: corrected_resampled_t([0.1, 0.2], **ratio, confidence=95),
        lambda: bayesian_correlated_t([0.1, 0.2], **ratio, rope=-0.01),
        lambda: smallest_detectable_difference([0.1, 0.2], **ratio, rope=np.nan),
        lambda: verdict(RopeProbabilities(0.5, 0.0, 0.5), threshold=0.5),
        lambda: holm([0.1, np.nan]),
        lambda: holm([0.1, 1.1]),
        lambda: jeffreys(3, 2),
        lambda: jeffreys(-1, 2),
        lambda: balanced_accuracy([], []),
        lambda: balanced_accuracy([0, 1], [0]),
        lambda: paired_bootstrap([0, 1], [0, 1], [0]),
        lambda: paired_bootstrap([0, 1], [0, 1], [0, 1], groups=[1]),
        lambda: bootstrap_balanced_accuracy([0, 1], [0, 1], draws=0),
        lambda: bootstrap_balanced_accuracy([0, 1], [0, 1], confidence=1),
        lambda: vote(np.zeros((0, 3, 2))),
        lambda: vote(np.zeros((3, 2))),
        lambda: vote(np.full((1, 1, 2), np.nan)),
    ):
        with pytest.raises(ValueError, match=r"must|needs"):
            call()
