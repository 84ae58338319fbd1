"""What all training has in common: a trial's seeds and draws, its outcome, and the device.

The models themselves are trained in `heads`, `regressions` and `networks`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.study import Recipe, Split, protocol
from bench.training import asked

Probabilities = NDArray[np.float32]


@dataclass
class Outcome:
    """What a trial gives: class probabilities (n, C) for both subsets, and what the training was like.

    `loss` and `accuracy` are means over each epoch's training batches; `error` tells why a trial failed.
    """

    split: Split
    test: Probabilities
    holdout: Probabilities
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0
    images: int = 0
    parameters_trained: int = 0
    error: str | None = None


def seed_of(split: Split, seed: int, purpose: str) -> int:
    """A trial's seed for one purpose. It knows no model, so all models of a dataset share their luck."""
    return int(protocol.rng(purpose, seed, split.repeat, split.fold).integers(2**31))


def balanced_draws(labels: NDArray[np.int64], split: Split, recipe: Recipe, seed: int) -> Iterator[NDArray[np.int64]]:
    """For each epoch the images that a trial trains on: (steps, batch) positions in the dataset.

    Drawn with replacement, each class alike, as many as there are training images; an incomplete last batch
    is dropped.
    """
    by_class = [split.train[labels[split.train] == c] for c in np.unique(labels[split.train])]
    count = len(split.train)
    batch = min(recipe.batch_size, count)
    generator = protocol.rng("sampling", seed, split.repeat, split.fold)
    for _ in range(recipe.epochs):
        chosen = generator.integers(len(by_class), size=count)
        places = generator.random(count)
        drawn = np.array([by_class[c][int(p * len(by_class[c]))] for c, p in zip(chosen, places, strict=True)])
        yield drawn[: count // batch * batch].reshape(-1, batch)


def failure(losses: Sequence[float], *probabilities: Probabilities) -> str | None:
    """Why a trial's numbers are no result, if so."""
    broken = next((number for number, loss in enumerate(losses, 1) if not math.isfinite(loss)), None)
    if broken is not None:
        return f"the loss became {losses[broken - 1]} in epoch {broken}; a lower learning rate may help"
    if not all(np.isfinite(each).all() for each in probabilities):
        return "the probabilities are no numbers; a lower learning rate may help"
    return None


def choose_devices(wanted: str) -> list[torch.device]:
    """`auto` (all GPUs, else the CPU), `cpu`, `cuda`, or some GPUs, such as `cuda:0` or `cuda:0,1`.

    Raises:
        UsageError: that is no name of a device.
        BenchError: a device is not there.
    """
    chosen = asked.gpus(wanted)
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted in ("auto", "cuda") and there:
        return [torch.device("cuda", number) for number in range(there)]
    if chosen is None:
        return [torch.device("cpu")]
    if any(number >= there for number in chosen):
        raise BenchError(f"--device {wanted}: no such GPU here; use --device cpu")
    return [torch.device("cuda", number) for number in chosen]
