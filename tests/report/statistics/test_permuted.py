"""What guessing scores: labels permuted within folds, whole groups together, and how often it cries wolf."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from report import statistics


@given(st.integers(0, 1000), st.booleans())
def test_within_a_fold_labels_change_places_and_groups_stay_whole(seed: int, grouped: bool) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 12, 40) if grouped else np.arange(40)
    labels = rng.integers(0, 3, groups.max() + 1)[groups]
    labels = np.unique(labels, return_inverse=True)[1]
    folds = np.stack([rng.integers(0, 3, groups.max() + 1)[groups] for _ in range(2)])
    made = statistics.permuted_labels(labels, folds, groups, draws=5)
    for row, folding in zip(made.transpose(1, 0, 2), folds, strict=True):
        for fold in np.unique(folding):
            own = folding == fold
            classes = np.sort([labels[groups == g][0] for g in np.unique(groups[own])])
            for drawn in row[:, own]:
                each = [set(drawn[groups[own] == g].tolist()) for g in np.unique(groups[own])]
                assert all(len(kinds) == 1 for kinds in each)
                assert sorted(kinds.pop() for kinds in each) == classes.tolist()


def test_every_image_gets_every_label_by_its_share() -> None:
    labels = np.repeat([0, 1], [30, 10])
    folds = np.arange(40)[None] % 2
    made = statistics.permuted_labels(labels, folds, np.arange(40), draws=4000)
    assert made.mean(axis=(0, 1)) == pytest.approx(np.full(40, 0.25), abs=0.04)
    # Groups with several classes cannot be permuted whole.
    assert not statistics.one_class_groups([0, 1], [7, 7])
    assert statistics.permuted_labels([0, 1, 0, 1], [[0, 0, 0, 0]], [0, 0, 1, 1], draws=9).std() > 0


def test_the_score_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, folds = rng.integers(0, 3, 90), np.stack([rng.permutation(90) % 3 for _ in range(2)])
    said = rng.integers(0, 3, (1, 2, 90))
    permuted = statistics.permuted_labels(labels, folds, np.arange(90), draws=50)
    (found,) = statistics.against_chance(said, labels, folds, permuted)
    each = [
        balanced_accuracy_score(labels[folds[r] == f], said[0, r, folds[r] == f]) for r in range(2) for f in range(3)
    ]
    assert found.score == pytest.approx(np.mean(each))


def test_guessing_is_rarely_called_better_even_if_repeats_say_the_same() -> None:
    """Answers that have nothing to do with labels, alike in all repeats: one in twenty passes, as the p-value says.

    With labels permuted anew in each repeat many more would.
    """
    rng = np.random.default_rng(5)
    below = wrong_way = 0
    for seed in range(200):
        labels = rng.permutation(np.repeat([0, 1], 40))
        folds = np.stack([rng.permutation(80) % 4 for _ in range(4)])
        said = np.tile(rng.integers(0, 2, 80), (4, 1))[None]
        one = statistics.permuted_labels(labels, folds, np.arange(80), draws=200, seed=seed)
        anew = np.stack(
            [
                statistics.permuted_labels(labels, folds[[r]], np.arange(80), draws=200, seed=4 * seed + r)[:, 0]
                for r in range(4)
            ],
            axis=1,
        )
        below += statistics.against_chance(said, labels, folds, one)[0].p <= 0.05
        wrong_way += statistics.against_chance(said, labels, folds, anew)[0].p <= 0.05
    assert below / 200 < 0.09
    assert wrong_way / 200 > 0.15


def test_what_is_known_is_seen() -> None:
    rng = np.random.default_rng(2)
    labels, folds = rng.integers(0, 2, 100), rng.integers(0, 5, (1, 100))
    said = np.where(rng.random((1, 1, 100)) < 0.7, labels, 1 - labels)
    (found,) = statistics.against_chance(said, labels, folds, statistics.permuted_labels(labels, folds, np.arange(100)))
    assert found.p < 0.01
    assert found.low < 0.5 < found.high < found.score
    with pytest.raises(ValueError, match="labels and groups"):
        statistics.permuted_labels([0, 1], [[0, 0, 0]], [0, 1])
