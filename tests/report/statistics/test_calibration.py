"""The pooled calibration error against the store's, and against probabilities that are true."""

from pathlib import Path

import numpy as np
import pytest

from report.statistics import calibration
from store import Store


def test_one_trial_is_what_the_view_says(trained: Path) -> None:
    with Store(trained).connect() as connection:
        trials = connection.execute(
            "select s.trial_id, s.calibration_error, t.classes from scores s join trials t using (trial_id) "
            "where s.subset = 'test' order by s.trial_id"
        ).fetchall()
        assert len(trials) == 24
        for trial, error, classes in trials:
            rows = connection.execute(
                "select label, probabilities from predictions where subset = 'test' and trial_id = ?", [trial]
            ).fetchall()
            labels = [classes.index(label) for label, _ in rows]
            ours = calibration([[p for _, p in rows]], labels, draws=1)
            assert ours.error == pytest.approx(error, abs=1e-6)


@pytest.mark.parametrize("share", [[1, 1, 1], [8, 3, 1]])
def test_true_probabilities_show_the_error_that_is_foretold(share: list[float]) -> None:
    rng = np.random.default_rng(2)
    errors, foretold = [], []
    for _ in range(40):
        # Probabilities for classes that are equally frequent; labels by how frequent these are here.
        p = rng.dirichlet([0.6] * 3, size=60)
        chances = p * share / (p * share).sum(axis=1, keepdims=True)
        labels = (rng.random((60, 1)) > chances.cumsum(axis=1)).sum(axis=1)
        found = calibration(p[None], labels, draws=40)
        errors.append(found.error)
        foretold.append(found.calibrated)
        assert found.calibrated <= found.calibrated_high
    assert np.mean(errors) == pytest.approx(np.mean(foretold), rel=0.15)
    assert np.mean(foretold) > 0.05, "sixty images in ten bins are noise"


def test_more_images_need_less_excuse_and_boasting_shows() -> None:
    rng = np.random.default_rng(4)
    p = rng.dirichlet([1, 1], size=4000)
    labels = (rng.random(4000) > p[:, 0]).astype(int)
    honest = calibration(p[None], labels, draws=20)
    assert honest.error < 2 * honest.calibrated_high < 0.1
    boasting = np.where(p > 0.5, 0.99, 0.01)
    assert calibration(boasting[None], labels, draws=20).error > 5 * honest.calibrated_high
