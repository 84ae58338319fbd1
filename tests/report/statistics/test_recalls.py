"""The interval of a vote: what it covers in simulation, and what no interval may say."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from report.statistics import balanced_accuracy, balanced_accuracy_interval

# Images of each group of each class, as they lie in the published holdouts, and of the five donors of the T cells.
COVID = ([1, 5, 5, 6, 4, 14], [2, 2, 1, 3, 4, 4, 8, 16])
MALARIA = ([18, 11, 5, 5, 3, 2, 2, 2, 1, 1], [5, 4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1])
DONORS = ([27, 48, 49, 65, 69], [15, 25, 127, 162, 163])
SINGLE = ([1] * 9, [1] * 5, [1] * 5, [1] * 20)
RETICULOCYTES = ([1] * 23, [1] * 18, [1] * 9, [1] * 5)


def laid_out(sizes: Sequence[Sequence[int]], spanning: bool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The class and the group of each image."""
    truth = np.concatenate([np.full(sum(each), c) for c, each in enumerate(sizes)])
    starts = np.cumsum([0, *(0 if spanning else len(each) for each in sizes[:-1])])
    groups = np.concatenate([np.repeat(np.arange(len(e)) + s, e) for e, s in zip(sizes, starts, strict=True)])
    return truth, groups


def coverage(
    sizes: Sequence[Sequence[int]], recall: Sequence[float], alike: float, spanning: bool, draws: int
) -> float:
    """How often the interval holds the true balanced accuracy, groups having recalls of their own (Beta)."""
    rng = np.random.default_rng(7)
    truth, groups = laid_out(sizes, spanning)
    covered = 0
    for _ in range(draws):
        chance = np.tile(recall, (groups.max() + 1, 1))
        if alike:
            chance = rng.beta(chance * (1 - alike) / alike, (1 - chance) * (1 - alike) / alike)
        right = rng.random(truth.size) < chance[groups, truth]
        found = balanced_accuracy_interval(truth, np.where(right, truth, -1), groups=groups)
        covered += found.low <= np.mean(recall) <= found.high
    return covered / draws


@pytest.mark.slow
@pytest.mark.parametrize("recall", [0.55, 0.75, 0.9, 0.97])
@pytest.mark.parametrize("alike", [0.0, 0.05, 0.1, 0.2, 0.3])
@pytest.mark.parametrize(
    ("sizes", "spanning"),
    [(COVID, False), (MALARIA, False), (MALARIA, True), (DONORS, True)],
    ids=["covid-ct", "malaria", "malaria, slides of both classes", "donors"],
)
def test_it_covers_with_groups(sizes: Sequence[Sequence[int]], spanning: bool, alike: float, recall: float) -> None:
    assert coverage(sizes, [recall] * len(sizes), alike, spanning, draws=400) >= 0.9 - 0.03


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [SINGLE, RETICULOCYTES], ids=["few", "reticulocytes"])
@pytest.mark.parametrize(
    "recall",
    [
        [0.99, 0.97, 0.87, 0.77],
        [0.95, 0.9, 0.9, 0.8],
        [0.97] * 4,
        [0.99] * 4,
        [0.6, 0.9, 0.99, 0.8],
        [0.5, 0.3, 0.2, 0.1],
    ],
    ids=str,
)
def test_it_covers_without_groups(sizes: Sequence[Sequence[int]], recall: Sequence[float]) -> None:
    assert coverage(sizes, recall, 0.0, spanning=False, draws=600) >= 0.9


def test_it_covers_in_the_middle_of_the_road() -> None:
    assert coverage(COVID, [0.85, 0.75], 0.1, spanning=False, draws=100) >= 0.9
    assert coverage(SINGLE, [0.9, 0.8, 0.7, 0.9], 0.0, spanning=False, draws=100) >= 0.9


def test_a_perfect_score_is_not_certain_and_few_images_say_nothing() -> None:
    truth, _ = laid_out(SINGLE, False)
    perfect = balanced_accuracy_interval(truth, truth)
    assert (perfect.estimate, perfect.high) == (1, pytest.approx(1, abs=1e-3))
    assert 0.7 < perfect.low < 0.95
    few = balanced_accuracy_interval(["a"] * 9 + ["b"] * 4, ["a"] * 13)
    assert (few.estimate, few.fewest_units, few.scarcest) == (0.5, 4, "b")
    assert np.isnan([few.low, few.high]).all()
    # A hundred images of one donor are one unit.
    donor = balanced_accuracy_interval(np.repeat([0, 1], 100), np.zeros(200), groups=np.ones(200))
    assert donor.fewest_units == 1
    assert np.isnan(donor.low)


def test_groups_widen_it_and_the_order_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    truth, groups = laid_out(MALARIA, False)
    predicted = np.where(rng.random(truth.size) < 0.8, truth, 1 - truth)
    plain, grouped = (balanced_accuracy_interval(truth, predicted, groups=g) for g in (None, groups))
    assert plain.estimate == grouped.estimate == pytest.approx(balanced_accuracy(truth, predicted))
    assert grouped.high - grouped.low > 1.2 * (plain.high - plain.low)
    assert plain == balanced_accuracy_interval(truth, predicted, groups=[f"image {i}" for i in range(truth.size)])
    order = rng.permutation(truth.size)
    assert grouped == balanced_accuracy_interval(truth[order], predicted[order], groups=groups[order])


def test_many_images_agree_with_the_normal_approximation() -> None:
    rng = np.random.default_rng(5)
    truth = np.repeat([0, 1], 4000)
    right = rng.random(truth.size) < 0.8
    found = balanced_accuracy_interval(truth, np.where(right, truth, -1))
    half = 1.96 * np.sqrt(sum(p * (1 - p) / 4000 for p in (right[:4000].mean(), right[4000:].mean()))) / 2
    assert (found.low, found.high) == pytest.approx((found.estimate - half, found.estimate + half), abs=5e-4)
