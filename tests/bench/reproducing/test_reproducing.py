"""Equal, within tolerance, different: by what a store shows of luck."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reproducing import comparing


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(3), shape)


def test_luck_is_the_middle_distance_of_two_trials() -> None:
    trials = drawn(0, 4, 7)
    apart = sorted(0.5 * np.abs(trials[a] - trials[b]).sum(1).mean() for a in range(4) for b in range(a))
    found = comparing.luck(trials)
    assert found.distance == pytest.approx((apart[2] + apart[3]) / 2)
    assert found.pairs == 6
    assert comparing.luck(trials[:1]) == comparing.Luck(0.0, 0)


@given(st.integers(0, 100), st.floats(0, 1))
def test_a_word_says_how_far_a_trial_is_from_itself(seed: int, share: float) -> None:
    one, other = drawn(seed, 2, 9)
    now = (1 - share) * one + share * other
    tolerated = comparing.Luck(comparing.distance(one, other) / 2, 1)
    found = comparing.compare(one, now, tolerated)
    assert found.distance == pytest.approx(share * comparing.distance(one, other), abs=1e-9)
    if np.abs(one - now).max() <= comparing.EQUAL:
        assert found.word == "equal"
    elif abs(share - 0.5) > 1e-6:
        assert found.word == ("within tolerance" if share < 0.5 else "different")
    assert found.changed == (one.argmax(1) != now.argmax(1)).sum()


def test_numbers_that_are_none_are_different_and_other_images_are_refused() -> None:
    one = drawn(1, 5)
    assert comparing.compare(one, one * np.nan, comparing.Luck(1.0, 1)).word == "different"
    with pytest.raises(ValueError, match="not probabilities of the same images"):
        comparing.compare(one, one[:4], comparing.Luck(1.0, 1))
