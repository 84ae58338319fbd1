"""How far probabilities can be trusted: against scipy, scikit-learn, a count by hand, and simulations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize
from sklearn.metrics import balanced_accuracy_score, log_loss

from store import certainty


def drawn(seed: int, images: int = 400, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities, and labels drawn by them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, 0.4), images)
    return p, np.array([rng.choice(classes, p=row) for row in p])


@pytest.mark.parametrize("distorted", [0.4, 1.0, 2.5])
def test_a_temperature_is_where_scipy_finds_the_least_log_loss(distorted: float) -> None:
    p, labels = drawn(1)
    said = certainty.tempered(p, distorted)
    weights = certainty.balanced_weights(labels)
    found = optimize.minimize_scalar(
        lambda t: log_loss(labels, certainty.tempered(said, t), sample_weight=weights, labels=[0, 1, 2]),
        bounds=(0.05, 20),
        method="bounded",
        options={"xatol": 1e-7},
    )
    assert certainty.temperature(said, labels) == pytest.approx(found.x, rel=1e-3)


def test_a_temperature_takes_back_what_was_done_to_true_probabilities() -> None:
    p, labels = drawn(2, images=20_000)
    for t in (0.5, 2.0):
        said = certainty.tempered(p, t)
        assert certainty.temperature(said, labels) * t == pytest.approx(1, abs=0.06)
        assert certainty.tempered(said, 1 / t) == pytest.approx(p, abs=1e-6)


def test_ends_of_the_scale_are_reached_and_not_passed() -> None:
    sure = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert certainty.temperature(sure, np.array([0, 1])) == pytest.approx(certainty.COLDEST)
    assert certainty.temperature(sure, np.array([1, 0])) == pytest.approx(certainty.HOTTEST)
    assert np.isfinite(certainty.tempered([[1.0, 0.0]], 0.05)).all()


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 2)), min_size=1, max_size=60),
    st.sampled_from([0.05, 0.1, 0.25, 0.5]),
)
def test_a_threshold_is_the_lowest_that_a_count_by_hand_allows(
    rows: list[tuple[int, bool, int]], wanted: float
) -> None:
    sure, wrong, label = (np.array(column) for column in zip(*rows, strict=True))
    weights = certainty.balanced_weights(label)
    allowed = []
    for value in np.unique(sure):
        kept = sure >= value
        enough = weights[kept].sum() ** 2 / (weights[kept] ** 2).sum() >= 3 / wanted - 1e-6
        if enough and np.average(wrong[kept], weights=weights[kept]) <= wanted + 1e-9:
            allowed.append((value, weights[kept].sum(), np.average(wrong[kept], weights=weights[kept])))
    found = certainty.threshold(sure, wrong, weights, wanted)
    if not allowed:
        assert (found.value, found.coverage) == (np.inf, 0.0)
        assert np.isnan(found.error)
    else:
        assert (found.value, found.coverage, found.error) == pytest.approx(allowed[0], abs=1e-9)


def test_at_full_coverage_the_error_is_what_the_balanced_accuracy_lacks() -> None:
    p, labels = drawn(3)
    wrong = p.argmax(axis=1) != labels
    curve = certainty.risk_coverage(p.max(axis=1), wrong, certainty.balanced_weights(labels))
    assert curve.error[-1] == pytest.approx(1 - balanced_accuracy_score(labels, p.argmax(axis=1)))
    assert curve.coverage[-1] == 1
    assert (np.diff(curve.value) < 0).all()
    assert (np.diff(curve.coverage) > 0).all()


def test_a_threshold_keeps_what_it_promises_on_other_images() -> None:
    """Chosen on a few hundred images, it leaves about the wanted error on new ones, and never three times as much."""
    left = []
    for seed in range(60):
        p, labels = drawn(seed, images=300)
        found = certainty.threshold(p.max(axis=1), p.argmax(axis=1) != labels, certainty.balanced_weights(labels), 0.1)
        new, truth = drawn(1000 + seed, images=4000)
        kept = new.max(axis=1) >= found.value
        left.append(np.mean(new.argmax(axis=1)[kept] != truth[kept]))
    assert np.mean(left) == pytest.approx(0.1, abs=0.02)
    assert np.max(left) < 0.2


def test_few_answers_without_an_error_are_no_reason_to_trust() -> None:
    sure = np.linspace(0, 1, 50)
    assert certainty.threshold(sure, sure < 0.5, None, 0.05).coverage == 0
    assert certainty.threshold(sure, sure < 0.3, None, 0.1).coverage > 0.6


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: certainty.temperature([[0.5, 0.5]], [2]),
        lambda: certainty.temperature([[0.5, 0.5]], [0.0]),
        lambda: certainty.temperature(np.zeros((0, 2)), np.zeros(0, int)),
        lambda: certainty.temperature([[np.nan, 0.5]], [0]),
        lambda: certainty.tempered([[0.5, 0.5]], 0),
        lambda: certainty.tempered([[0.0, 0.0]], 1),
        lambda: certainty.tempered(0.5, 1),
        lambda: certainty.threshold([0.5], [True], None, 1.0),
        lambda: certainty.threshold([np.nan], [True], None, 0.1),
        lambda: certainty.threshold([0.5], [True, False], None, 0.1),
        lambda: certainty.threshold([0.5], [True], [0.0], 0.1),
        lambda: certainty.balanced_weights([]),
    ],
)
def test_what_is_no_probability_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"must|lies"):
        wrong()  # type: ignore[operator]
