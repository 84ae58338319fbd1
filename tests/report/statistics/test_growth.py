"""How many more images: what curves that are known give back, and how often the interval holds the truth."""

import numpy as np
import pytest
from scipy import optimize

from report.statistics import growth

IMAGES = np.array([72.0, 180.0, 360.0, 720.0])


def drawn(
    rng: np.random.Generator, curve: tuple[float, float, float], images: np.ndarray, splits: int, sd: float
) -> np.ndarray:
    """Scores of splits that share test and training images: what n_test/n_train = ¼ stands for."""
    a, b, c = curve
    spread = sd * (images / images[-1]) ** -0.25
    shared = rng.normal(0, sd, ()) * 0.5 + rng.normal(0, 1, images.size) * spread * 0.5
    each = rng.normal(0, sd, (splits, 1)) + rng.normal(0, 1, (splits, images.size)) * spread
    return np.asarray(1 - a - b * images**-c + shared + each)


def gained(curve: tuple[float, float, float], images: np.ndarray) -> float:
    _, b, c = curve
    return float(b * (images[-1] ** -c - (2 * images[-1]) ** -c))


def test_a_curve_without_noise_is_found_again() -> None:
    curve = (0.05, 0.9, 0.6)
    scores = np.tile(1 - curve[0] - curve[1] * IMAGES ** -curve[2], (4, 1))
    found = growth(scores, IMAGES, 2.0, test_train_ratio=0.25)
    assert found.gain == pytest.approx(gained(curve, IMAGES), rel=0.05)
    assert found.asymptote == pytest.approx(0.95, abs=0.003)
    assert found.high - found.low < 1e-3


def test_the_nearest_curve_is_scipys() -> None:
    rng = np.random.default_rng(4)
    for _ in range(5):
        scores = drawn(rng, (0.06, 0.8, 0.5), IMAGES, 20, 0.02)
        found = growth(scores, IMAGES, 2.0, test_train_ratio=0.25)
        sigma = scores.std(axis=0, ddof=1)
        (a, b, c), _ = optimize.curve_fit(
            lambda n, a, b, c: a + b * n**-c,
            IMAGES / 720,
            1 - scores.mean(axis=0),
            p0=(0.05, 0.05, 0.5),
            sigma=sigma,
            bounds=([0, 0, 0.05], [1, 1, 2]),
            max_nfev=20_000,
        )
        assert found.gain == pytest.approx(b * (1 - 2**-c), abs=3e-4)
        assert found.asymptote == pytest.approx(1 - a, abs=0.02)


@pytest.mark.parametrize("splits", [20, 5])
@pytest.mark.parametrize("curve", [(0.05, 0.8, 0.5), (0.02, 1.0, 0.35), (0.1, 3.0, 1.0), (0.2, 0.0, 1.0)])
def test_the_interval_holds_the_truth_in_nine_of_ten(curve: tuple[float, float, float], splits: int) -> None:
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(60):
        found = growth(drawn(rng, curve, IMAGES, splits, 0.03), IMAGES, 2.0, test_train_ratio=0.25)
        held += found.low - 1e-9 <= gained(curve, IMAGES) <= found.high
    assert held >= 51  # of 60 at 0.9, fewer than these are one in ten thousand


def test_what_has_ended_is_a_plateau_and_what_goes_on_is_more() -> None:
    rng = np.random.default_rng(2)
    flat = growth(drawn(rng, (0.1, 0.0, 1.0), IMAGES, 20, 0.002), IMAGES, 2.0, test_train_ratio=0.25)
    assert flat.word == "plateau"
    rising = growth(drawn(rng, (0.0, 2.0, 0.35), IMAGES, 20, 0.005), IMAGES, 2.0, test_train_ratio=0.25)
    assert rising.word == "more"
    unclear = growth(drawn(rng, (0.05, 0.8, 0.5), IMAGES, 5, 0.1), IMAGES, 2.0, test_train_ratio=0.25)
    assert unclear.word == "cannot say"


@pytest.mark.parametrize(
    ("scores", "images"),
    [(np.zeros((9, 2)), [1, 2]), (np.zeros((2, 3)), [1, 2, 3]), (np.zeros((9, 3)), [1, 3, 3]), (np.zeros(9), [1])],
)
def test_too_little_is_no_curve(scores: np.ndarray, images: list[int]) -> None:
    with pytest.raises(ValueError, match="three"):
        growth(scores, images, 2.0, test_train_ratio=0.25)
