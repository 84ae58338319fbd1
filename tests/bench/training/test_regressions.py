"""Probes against scikit-learn: the fit, the choice of its strength, and the same as a layer of a network."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from bench.models import Backbone, Head
from bench.study import protocol
from bench.study.protocol import Protocol, Split
from bench.training import regressions
from bench.training.stacking import StackedHead

pytestmark = pytest.mark.usefixtures("one_thread")


def task(counts: tuple[int, ...] = (50, 30, 17), width: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of classes that overlap, more of them than a fold has images; labels; and groups of up to three."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts)
    features = random.normal(size=(len(counts), width))[labels] * 0.3 + random.normal(size=(len(labels), width)) * 2
    features[:, 0] = 3.0  # a feature that never moves
    groups = np.array([f"g{label} {number // 3}" for number, label in enumerate(labels)])
    return features, labels, groups


def splits(labels: np.ndarray, groups: np.ndarray) -> list[Split]:
    return protocol.draw_splits(
        labels.tolist(), groups.tolist(), Protocol(holdout=0.2, folds=3, repeats=1), "abc"[: labels.max() + 1]
    )


@pytest.mark.parametrize("counts", [(50, 30, 17), (40, 30)], ids=["three classes", "two"])
def test_a_probe_is_a_balanced_logistic_regression_of_the_chosen_strength(
    counts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, labels, groups = task(counts)
    for strength in regressions.STRENGTHS:
        monkeypatch.setattr(regressions, "strength", lambda *_, chosen=strength: chosen)
        for split in splits(labels, groups):
            outcome, linear = regressions.fit_probe(features, labels, groups, split, 0)
            oracle = make_pipeline(
                StandardScaler(), LogisticRegression(C=strength, class_weight="balanced", tol=1e-8, max_iter=9999)
            ).fit(features[split.train], labels[split.train])
            assert np.abs(outcome.test - oracle.predict_proba(features[split.test])).max() < 1e-2
            assert np.abs(outcome.holdout - oracle.predict_proba(features[split.holdout])).max() < 1e-2
            with torch.no_grad():
                again = linear(torch.from_numpy(features[split.test]).float()).softmax(1).numpy()
            assert np.abs(outcome.test - again).max() < 1e-4
            assert outcome.parameters_trained == len(counts) * 61
            assert outcome.images == len(split.train)


def test_the_strength_is_that_of_the_least_log_loss_over_inner_folds() -> None:
    features, labels, groups = task()
    generator = protocol.rng("inner", 0)
    chosen = regressions.strength(features, labels, groups, protocol.rng("inner", 0))
    fold_of = protocol.assign(labels, groups.tolist(), [0.2] * 5, generator)
    assert all(len({fold for fold, g in zip(fold_of, groups, strict=True) if g == group}) == 1 for group in set(groups))
    weights = 1 / np.bincount(labels)[labels]
    losses = {}
    for strength in regressions.STRENGTHS:
        chances = np.empty((len(labels), 3))
        for fold in range(5):
            own = fold_of != fold
            oracle = LogisticRegression(C=strength, class_weight="balanced", tol=1e-8, max_iter=9999)
            chances[~own] = oracle.fit(features[own], labels[own]).predict_proba(features[~own])
        losses[strength] = log_loss(labels, chances, sample_weight=weights)
    assert chosen == min(losses, key=lambda strength: losses[strength])
    assert len(set(losses.values())) == len(losses)


def test_where_a_class_has_too_few_groups_for_inner_folds_the_strength_is_the_usual_one() -> None:
    features, labels, groups = task((30, 30, 4))
    assert regressions.strength(features, labels, groups, protocol.rng("inner", 0)) == regressions.USUAL


def test_a_probe_is_the_same_every_time() -> None:
    features, labels, groups = task()
    split = splits(labels, groups)[0]
    first, again = (regressions.fit_probe(features, labels, groups, split, 0)[0].test for _ in range(2))
    assert first.tobytes() == again.tobytes()


def test_a_fit_leaves_the_random_numbers_alone_that_other_threads_draw_networks_from() -> None:
    features, labels, groups = task()
    split, before = splits(labels, groups)[0], torch.get_rng_state()
    regressions.fit_probe(features, labels, groups, split, 0)
    regressions.fit_floor(features, labels, split)
    StackedHead([0, 1], 5, Head((4,), 0), 3).one(1)
    assert torch.equal(torch.get_rng_state(), before)


def test_neighbouring_features_are_averaged_as_in_the_network_that_explains_them() -> None:
    found = np.random.default_rng(0).normal(size=(5, 2 + 4 * 9)).astype(np.float16)
    means = regressions.pooled(found[:, 2:], 9)
    assert means == pytest.approx(found[:, 2:].astype(np.float64).reshape(5, 4, 9).mean(2))
    linear, layer = nn.Linear(4, 3), nn.Identity()
    backbone = Backbone("b", nn.Flatten(), slice(2, 38), (layer, "m"), (layer, "d"))
    with torch.no_grad():
        logits = regressions.explained(backbone, 9, linear).module(torch.from_numpy(found).float())
        assert torch.allclose(logits, linear(torch.from_numpy(means).float()), atol=1e-3)
