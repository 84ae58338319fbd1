"""Class-balanced logistic regressions: on a few numbers of an image (the floors), and on frozen features (the probes).

Both are deterministic, and take no part in augmentation: they see each image as it is.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.models import Backbone, Floor, Probe
from bench.planning import Trial
from bench.study import Split, protocol
from bench.training import features, threads
from bench.training.common import Outcome
from bench.training.material import Capture, Explained, Material, Progress, Trained

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Of a probe's regularisation, scikit-learn's C, one of which is chosen within the training images."""
USUAL = 1e-2
"""What is taken where a class has too few groups of training images for inner folds."""
INNER = 5
"""Inner folds."""
Numbers = NDArray[np.float64]


def train_floors(
    material: Material, taken: Iterator[Trial], capture: Capture, progress: Progress
) -> Iterator[Sequence[Trained]]:
    """Fit the floors of a cell, all at once."""
    trials, model = list(taken), material.cell.model.make(material.classes)
    assert isinstance(model, Floor)
    numbers = model.describe(material.pictures.pixels)
    ended = []
    for trial in trials:
        outcome, linear = fit_floor(numbers, material.labels, trial.split)
        material.keep(material, trial, linear.state_dict)
        ended.append(Trained(trial, outcome))
        progress(1 / len(trials))
    yield ended


def train_probes(
    material: Material, taken: Iterator[Trial], capture: Capture, progress: Progress
) -> Iterator[Sequence[Trained]]:
    """Fit the probes of a cell: frozen features first, those of the plain view, which the heads use too."""
    trials = list(taken)
    model = material.cell.model.seeded(material.classes, material.seed)
    assert isinstance(model, Probe)
    began = time.perf_counter()
    plain = features.of_material(material, model.backbone, material.cell.recipe.view_count, progress)[0]
    found = pooled(plain[:, model.backbone.columns], model.pooled)
    share = (time.perf_counter() - began) / len(trials)
    frozen = sum(p.numel() for p in model.backbone.module.parameters())
    groups = np.array(material.cell.groups)

    def fitted(trial: Trial) -> tuple[Outcome, nn.Linear]:
        outcome, linear = fit_probe(found, material.labels, groups, trial.split, material.seed)
        outcome.seconds += share
        return outcome, linear

    ended = []
    with threads.several(torch.device("cpu")) as mapped:  # whatever made the features
        for trial, (outcome, linear) in zip(trials, mapped(fitted, trials), strict=True):
            material.keep(material, trial, linear.state_dict)
            captured = capture(
                trial,
                lambda linear=linear: explained(model.backbone, model.pooled, linear),  # type: ignore[misc]
                lambda: _random(material),
                plain[:, model.backbone.columns],
            )
            ended.append(Trained(trial, outcome, frozen, captured))
            progress(0.1 / len(trials))
    yield ended


def pooled(found: NDArray[np.float16], size: int) -> Numbers:
    """(N, D) features to (N, D / size) float64, neighbours averaged."""
    averaged: Numbers = found.astype(np.float64).reshape(len(found), -1, size).mean(2)
    return averaged


def explained(backbone: Backbone, size: int, linear: nn.Linear) -> Explained:
    """A frozen backbone and a logistic regression on its features as one network."""
    average = nn.Sequential(nn.Unflatten(1, (1, -1)), nn.AvgPool1d(size), nn.Flatten())
    module = nn.Sequential(backbone.module, features.Columns(backbone.columns), average, linear)
    return Explained(module, backbone.middle, backbone.deepest)


def _random(material: Material) -> Explained:
    """The same network before any training: a random backbone, and random weights on its features."""
    bare = material.cell.model.with_weights("none").seeded(material.classes, material.seed + 1)
    assert isinstance(bare, Probe)
    width = (bare.backbone.columns.stop - bare.backbone.columns.start) // bare.pooled
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(material.seed + 1)
        return explained(bare.backbone, bare.pooled, nn.Linear(width, material.classes))


def fit_floor(numbers: Numbers, labels: NDArray[np.int64], split: Split) -> tuple[Outcome, nn.Linear]:
    """Fit a class-balanced logistic regression to (N, D) numbers, standardised on the training images.

    Returns:
        What came of it, and the same as a layer in float64, (n, D) numbers as they are to (n, C) logits.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    began = time.perf_counter()
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=5000))
    model.fit(numbers[split.train], labels[split.train])
    test, holdout = (model.predict_proba(numbers[part]).astype(np.float32) for part in (split.test, split.holdout))
    parameters = int(np.unique(labels).size * (numbers.shape[1] + 1))
    seconds = time.perf_counter() - began
    scaler, fitted = model[0], model[1]
    (weights,), (bias,) = _two_sided(fitted)
    linear = _layer(weights / scaler.scale_, bias - weights @ (scaler.mean_ / scaler.scale_), torch.float64)
    outcome = Outcome(split, test, holdout, seconds=seconds, images=len(split.train), parameters_trained=parameters)
    return outcome, linear


def fit_probe(
    numbers: Numbers, labels: NDArray[np.int64], groups: NDArray[Any], split: Split, seed: int
) -> tuple[Outcome, nn.Linear]:
    """Fit a class-balanced logistic regression to (N, D) features, standardised on the training images.

    How strongly it is regularised is decided by the class-balanced log loss over inner folds of the training images,
    which keep groups together as the outer ones do.

    Returns:
        What came of it, and the same as a layer, (n, D) features as they are to (n, C) logits.
    """
    began = time.perf_counter()
    own, classes = labels[split.train], int(labels.max()) + 1
    mean, deviation = numbers[split.train].mean(0), numbers[split.train].std(0)
    deviation[deviation < 1e-8] = 1
    standardised = (numbers - mean) / deviation
    # Turned to the axes of the training images: they are fewer than the features, and the penalty knows no axes.
    _, _, axes = np.linalg.svd(standardised[split.train], full_matrices=False)
    turned = standardised @ axes.T
    generator = protocol.rng("inner", seed, split.repeat, split.fold)
    chosen = strength(turned[split.train], own, groups[split.train], generator)
    (weights,), (bias,) = _fits(turned[split.train], own, (chosen,))
    logits = turned @ weights.T + bias
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    chances = (exponents / exponents.sum(1, keepdims=True)).astype(np.float32)
    scaled = weights @ axes / deviation
    linear = _layer(scaled, bias - scaled @ mean, torch.float32)
    outcome = Outcome(
        split,
        chances[split.test],
        chances[split.holdout],
        seconds=time.perf_counter() - began,
        images=len(split.train),
        parameters_trained=classes * (numbers.shape[1] + 1),
    )
    return outcome, linear


def strength(
    numbers: Numbers, labels: NDArray[np.int64], groups: NDArray[Any], generator: np.random.Generator
) -> float:
    """The C of the grid with the least class-balanced log loss over inner folds; `USUAL` where there can be none."""
    present, counts = np.unique(labels, return_counts=True)
    share = 1 / (len(present) * counts[np.searchsorted(present, labels)])
    fold_of = protocol.assign(labels, groups.tolist(), [1 / INNER] * INNER, generator)
    losses = np.zeros(len(STRENGTHS))
    for fold in range(INNER):
        tested = fold_of == fold
        if np.unique(labels[~tested]).size < len(present) or np.unique(labels[tested]).size < len(present):
            return USUAL
        for place, (weights, bias) in enumerate(zip(*_fits(numbers[~tested], labels[~tested], STRENGTHS), strict=True)):
            logits = numbers[tested] @ weights.T + bias
            logits -= logits.max(1, keepdims=True)
            loss = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(logits)), labels[tested]]
            losses[place] += (share[tested] * loss).sum()
    return STRENGTHS[int(losses.argmin())]


def _fits(
    numbers: Numbers, labels: NDArray[np.int64], strengths: Sequence[float]
) -> tuple[list[Numbers], list[Numbers]]:
    """Weights (C, D) and biases (C,) for each strength, each fit beginning where the one before it ended."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", max_iter=2000, warm_start=True)
    weights, biases = [], []
    for each in strengths:
        (weight,), (bias,) = _two_sided(model.set_params(C=each).fit(numbers, labels))
        weights.append(weight)
        biases.append(bias)
    return weights, biases


def _two_sided(model: Any) -> tuple[list[Numbers], list[Numbers]]:
    """Weights (C, D) and bias (C,) of a fit; of two classes scikit-learn tells the second one's odds alone."""
    if len(model.classes_) == 2:
        return [np.concatenate([-model.coef_, model.coef_]) / 2], [
            np.concatenate([-model.intercept_, model.intercept_]) / 2
        ]
    return [model.coef_.copy()], [model.intercept_.copy()]


def _layer(weights: Numbers, bias: Numbers, kind: torch.dtype) -> nn.Linear:
    """A layer with these weights, (n, D) to (n, C).

    It draws none of its own first: other threads draw random networks from the same generator meanwhile.
    """
    linear = nn.Linear(weights.shape[1], weights.shape[0], device="meta")
    linear.weight, linear.bias = (nn.Parameter(torch.from_numpy(each).to(kind)) for each in (weights, bias))
    return linear
