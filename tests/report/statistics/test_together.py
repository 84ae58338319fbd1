"""Ensembles, false claims and groups: oracles by brute force, and simulations whose truth is known."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from report import statistics


def test_every_step_of_the_greedy_choice_is_the_best_one() -> None:
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 3, 120)
    p = rng.dirichlet([1, 1, 1], (5, 120))
    p[:, np.arange(120), labels] += rng.uniform(0.1, 0.6, (5, 1))
    p /= p.sum(axis=2, keepdims=True)
    chosen = statistics.chosen_together(p, labels)

    def score(places: list[int]) -> float:
        return float(balanced_accuracy_score(labels, p[places].mean(axis=0).argmax(axis=1)))

    assert score(chosen[:1]) == max(score([m]) for m in range(5))
    for size in range(1, len(chosen)):
        assert score(chosen[: size + 1]) == max(score([*chosen[:size], m]) for m in range(5))
        assert score(chosen[: size + 1]) >= score(chosen[:size])
    best = max(score(list(three)) for three in combinations_with_replacement(range(5), 3))
    assert score(chosen) >= best - 0.05
    assert statistics.together(p, chosen) == pytest.approx(p[chosen].mean(axis=0))
    with pytest.raises(ValueError, match="a model"):
        statistics.chosen_together(p[:0], labels)


def test_models_that_fail_on_other_images_are_better_together_and_copies_are_not() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 600)
    each = []
    for _ in range(3):
        wrong = rng.random(600) < 0.2
        sure = np.where(wrong, 0.4, 0.9) * 0.5 + 0.25
        each.append(np.stack([np.where(labels == 0, sure, 1 - sure), np.where(labels == 1, sure, 1 - sure)], axis=1))
    assert set(statistics.chosen_together(np.stack(each), labels)) == {0, 1, 2}
    assert statistics.chosen_together(np.stack([each[0]] * 3), labels) == [0]


def test_a_false_claim_is_as_probable_as_it_says() -> None:
    """Of claims that are said to be false with five percent or less, so many are; models fail on the same images."""
    rng = np.random.default_rng(1)
    false, made, leaning = 0, 0, []
    for _ in range(400):
        labels = rng.integers(0, 2, 150)
        common = rng.random(150) < 0.6  # images that both get right
        true = rng.uniform(0.3, 0.7, 2)
        one, other = (common | (rng.random(150) < q) for q in true)
        scores = [balanced_accuracy_score(labels, np.where(x, labels, 1 - labels)) for x in (one, other)]
        first, second = (one, other) if scores[0] >= scores[1] else (other, one)
        really = true[0] > true[1] if scores[0] >= scores[1] else true[1] > true[0]
        p = statistics.false_claim(labels, first, second)
        leaning.append(p)
        if p <= 0.05:
            made += 1
            false += not really
    assert made > 100
    assert false / made < 0.05
    assert max(leaning) < 0.65


def test_what_groups_share_counts_once() -> None:
    rng = np.random.default_rng(3)
    labels = np.tile([0, 1], 60)
    one, other = rng.random(120) < 0.85, rng.random(120) < 0.75
    alone = statistics.false_claim(labels, one, other)
    together = statistics.false_claim(labels, one, other, groups=np.arange(120) // 12)
    assert alone < together < 0.6
    assert statistics.false_claim(labels, one, one) == pytest.approx(0.5, abs=0.05)
    assert statistics.false_claim(labels, np.ones(120), np.zeros(120)) == 0
    with pytest.raises(ValueError, match="alike in length"):
        statistics.false_claim([0, 1], [1], [0])


@pytest.mark.parametrize(("alike", "groups"), [(0.02, 40), (0.2, 40), (0.2, 8)])
def test_nine_of_ten_new_groups_lie_where_they_are_expected(alike: float, groups: int) -> None:
    rng = np.random.default_rng(9)
    a, b = 0.8 * (1 - alike) / alike, 0.2 * (1 - alike) / alike
    inside = []
    for _ in range(40):
        images = rng.integers(3, 20, groups)
        found = statistics.group_spread(rng.binomial(images, rng.beta(a, b, groups)), images)
        inside.append(np.mean((found.low <= (new := rng.beta(a, b, 400))) & (new <= found.high)))
        assert found.low < found.mean < found.high
    assert np.mean(inside) > 0.86


def test_few_groups_have_no_range() -> None:
    found = statistics.group_spread([3, 4, 5, 1], [5, 5, 5, 5])
    assert found.mean == pytest.approx(13 / 20)
    assert np.isnan(found.low)
    with pytest.raises(ValueError, match="between 0 and images"):
        statistics.group_spread([6], [5])
