"""Errors left under triage: against counts by hand, and what the intervals cover in simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from report import statistics
from store import certainty


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40), st.randoms())
def test_errors_among_the_surest_are_what_a_count_says(rows: list[tuple[int, bool]], random: object) -> None:
    sure, wrong = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.full((1, len(rows)), 1 / len(rows))
    for value in np.unique(sure):
        kept = sure >= value
        (found,) = statistics.risks(sure, wrong, weights, [kept.mean()])
        assert found[0] == pytest.approx(wrong[kept].mean())
    # Images that are equally sure have no order.
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    shares = [0.1, 0.5, 0.77, 1.0]
    turned = statistics.risks(sure[order], wrong[order], weights, shares)
    assert turned == pytest.approx(statistics.risks(sure, wrong, weights, shares))


def answers(
    rng: np.random.Generator, groups: NDArray[np.intp], labels: NDArray[np.intp], alike: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How sure, and whether wrong, of images whose groups differ in how hard they are."""
    hard = rng.normal(0, alike, groups.max() + 1)[groups] + rng.normal(0, 1, groups.size)
    chance = 1 / (1 + np.exp(-(1.5 - hard - 0.5 * labels)))
    return chance, rng.random(groups.size) > chance


@pytest.mark.parametrize(("count", "alike"), [(200, 0.0), (60, 0.8), (12, 0.8)])
def test_intervals_cover_what_new_groups_would_show(count: int, alike: float) -> None:
    """Of groups drawn anew, at full coverage, at four fifths, and the drop between them; also with twelve groups."""
    rng = np.random.default_rng(3)
    big = rng.integers(0, 20_000, 300_000)
    truth = rng.integers(0, 2, 300_000)
    sure, wrong = answers(rng, big, truth, alike)
    (true,) = statistics.risks(sure, wrong, certainty.balanced_weights(truth)[None], [1.0, 0.8])
    held = np.zeros(3)
    for _ in range(150):
        groups = rng.integers(0, count, 300)
        labels = rng.integers(0, 2, 300)
        sure, wrong = answers(rng, groups, labels, alike)
        (at,) = statistics.risks(sure, wrong, certainty.balanced_weights(labels)[None], [1.0, 0.8])
        drawn = statistics.risks(sure, wrong, statistics.drawn_weights(labels, groups, draws=200), [1.0, 0.8])
        units = np.unique(groups).size
        drop = (at[0] - at[1], drawn[:, 0] - drawn[:, 1], true[0] - true[1])
        asked = ((at[0], drawn[:, 0], true[0]), (at[1], drawn[:, 1], true[1]), drop)
        for place, (now, draws, is_) in enumerate(asked):
            found = statistics.span(float(now), draws, units, low=-1.0)
            held[place] += found.low <= is_ <= found.high
    assert (held / 150 > 0.88).all(), held / 150


def test_a_fold_has_no_say_in_its_own_threshold_or_temperature() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 300)
    folds = rng.permutation(300) % 5
    p = rng.dirichlet([1, 1], 300)
    wrong = p.argmax(axis=1) != labels
    before = statistics.crossfitted(p.max(axis=1), wrong, labels, folds[None], 0.5)
    other = np.where(folds == 2, ~wrong, wrong)
    after = statistics.crossfitted(p.max(axis=1), other, labels, folds[None], 0.5)
    assert (before.decided[folds == 2] == after.decided[folds == 2]).all()
    assert 0 < before.decided.mean() < 1
    turned = np.where(folds == 2, 1 - labels, labels)
    tempered = [statistics.tempered_out_of_fold(p, each, folds)[0] for each in (labels, turned)]
    assert (tempered[0][folds == 2] == tempered[1][folds == 2]).all()
    assert (tempered[0][folds != 2] != tempered[1][folds != 2]).any()


def test_a_share_of_few_images_counts_a_group_as_one() -> None:
    hits, alone = np.array([1, 0, 0, 1, 0, 0.0]), np.arange(6)
    found = statistics.weighted_share(hits, np.ones(6), alone)
    assert (found.low, found.high) == pytest.approx([float(v) for v in statistics.jeffreys(2, 6)])
    together = statistics.weighted_share(hits, np.ones(6), [0, 0, 0, 1, 1, 1])
    assert together.estimate == found.estimate
    assert together.high - together.low > found.high - found.low
    assert not statistics.weighted_share(hits, np.zeros(6), alone).known


def test_where_draws_say_nothing_there_is_no_interval() -> None:
    assert statistics.drawn_weights([0, 0, 1], [0, 1, 2]).shape == (0, 3)
    weights = statistics.drawn_weights([0, 0, 1, 1], [0, 1, 2, 2 + 1])
    assert weights.sum(axis=1) == pytest.approx(np.ones(len(weights)))
    assert not statistics.span(0.5, np.array([0.4, 0.6] * 40), 2).known
    assert statistics.span(0.5, np.array([0.4, 0.6] * 40), 3).known
    with pytest.raises(ValueError, match="one-dimensional"):
        statistics.drawn_weights([0, 1], [0])
