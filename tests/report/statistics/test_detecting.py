"""What the data could have shown, by simulation and at the point where the verdict turns."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from report.statistics import (
    bayesian_correlated_t,
    corrected_resampled_t,
    equivalence,
    smallest_detectable_difference,
    verdict,
)

RATIO = 0.25


def spread(n: int, by: float) -> NDArray[np.float64]:
    """So many differences around 0 whose standard deviation is exactly this."""
    x = np.random.default_rng(n).normal(size=n)
    return by * (x - x.mean()) / x.std(ddof=1)


@pytest.mark.parametrize("asked", [1, 8])
@pytest.mark.parametrize(("n", "ratio"), [(20, 0.0), (5, 0.0)])
def test_the_power_is_what_it_says(n: int, ratio: float, asked: int) -> None:
    difference = smallest_detectable_difference(
        spread(n, 0.05), test_train_ratio=ratio, rope=0.01, asked=asked, power=0.8
    )
    rng, better, draws = np.random.default_rng(1), 0, 2000
    for _ in range(draws):
        x = rng.normal(difference, 0.05, n)
        word = verdict(bayesian_correlated_t(x, test_train_ratio=ratio, rope=0.01))
        better += word == "better" and corrected_resampled_t(x, test_train_ratio=ratio).p * asked <= 0.05
    assert better / draws == pytest.approx(0.8, abs=0.04)


def test_what_could_be_shown_grows_with_the_number_asked_and_the_power() -> None:
    x = spread(20, 0.08)

    def could(**more: float) -> float:
        return smallest_detectable_difference(x, test_train_ratio=RATIO, rope=0.01, **more)  # type: ignore[arg-type]

    assert could() <= could(asked=1) < could(asked=8) < could(asked=8, power=0.8)
    error = 0.08 * np.sqrt(1 / 20 + RATIO)
    assert could(asked=31) == pytest.approx(stats.t.isf(0.025 / 31, 19) * error)


@pytest.mark.parametrize("rope", [0.01, 0.05])
def test_equivalence_is_reached_where_it_says(rope: float) -> None:
    needs = equivalence(spread(20, 0.05), test_train_ratio=RATIO, rope=rope)
    assert needs.needed == pytest.approx(rope / stats.t.isf(0.025, 19))
    for factor, word in ((0.999, "equivalent"), (1.001, "undecided")):
        x = spread(20, 0.05 * factor * needs.needed / needs.error)
        assert verdict(bayesian_correlated_t(x, test_train_ratio=RATIO, rope=rope)) == word
    # A standard error falls with the root of the images.
    assert needs.times == pytest.approx((needs.error / needs.needed) ** 2)


def test_more_splits_help_up_to_a_point() -> None:
    # As √(1/n + ¼) · s falls to s/2, there is a number of splits that does, or none.
    some = equivalence(spread(20, 0.0095), test_train_ratio=RATIO, rope=0.01)
    assert 20 < some.splits < np.inf
    for n, word in ((some.splits - 1, "undecided"), (some.splits, "equivalent")):
        x = spread(int(n), 0.0095)
        assert verdict(bayesian_correlated_t(x, test_train_ratio=RATIO, rope=0.01)) == word
    assert equivalence(spread(20, 0.05), test_train_ratio=RATIO, rope=0.01).splits == np.inf
