"""Training the trials of a cell: heads on frozen features, and the floors; `networks` has those trained whole.

Each function takes arrays and gives an `Outcome` for each trial; it knows neither files nor the store.
"""

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from bench import cache, memory, precision, protocol
from bench.errors import BenchError
from bench.features import Features
from bench.heads import StackedHead
from bench.models import Head
from bench.protocol import Split
from bench.recipe import Recipe

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


def train_heads(
    features: Features,
    labels: NDArray[np.int64],
    classes: int,
    splits: Sequence[Split],
    head: Head,
    recipe: Recipe,
    seed: int,
    device: torch.device,
) -> list[Outcome]:
    """Train one head for each split on (1 + views, N, D) features, all at once where their steps agree."""
    outcomes: dict[int, Outcome] = {}
    lengths = [len(s.train) // min(recipe.batch_size, len(s.train)) for s in splits]
    for length in sorted(set(lengths)):
        members = [i for i, steps in enumerate(lengths) if steps == length]
        group = min(len(members), _together(features.shape[2], head, classes))
        while members:
            chosen = [splits[i] for i in members[:group]]
            try:
                trained = _train_stack(features, labels, classes, chosen, head, recipe, seed, device)
            except torch.OutOfMemoryError:
                if group == 1:
                    raise
                # Fewer at once, with the same recipe: a smaller batch would be another training.
                group //= 2
                torch.cuda.empty_cache()
                continue
            outcomes |= dict(zip(members, trained, strict=False))
            members = members[len(chosen) :]
    return [outcomes[i] for i in range(len(splits))]


def _together(inputs: int, head: Head, classes: int) -> int:
    # 32 million parameters with gradients and Adam's two moments are half a gigabyte.
    widths = (inputs, *head.hidden, classes)
    parameters = sum(a * b for a, b in itertools.pairwise(widths))
    return max(1, 32_000_000 // parameters)


def _train_stack(
    features: Features,
    labels: NDArray[np.int64],
    classes: int,
    splits: Sequence[Split],
    head: Head,
    recipe: Recipe,
    seed: int,
    device: torch.device,
) -> list[Outcome]:
    began = time.perf_counter()
    stack = StackedHead([seed_of(s, seed, "init") for s in splits], features.shape[2], head, classes).to(device)
    optimizer = torch.optim.Adam(stack.parameters(), lr=recipe.learning_rate, fused=True)
    target = torch.from_numpy(labels).to(device)
    views = features.shape[0] - 1
    place = np.empty(features.shape[1:], dtype=features.dtype)  # one for all views: a new one each would crumble memory
    history: list[tuple[Tensor, Tensor]] = []
    drawn = 0
    epochs = zip(*(balanced_draws(labels, s, recipe, seed) for s in splits), strict=True)
    alone = _together(features.shape[2], head, classes) == 1
    if alone:
        memory.give_back()
    # Heads so large that each trains by itself spend their time in products of matrices.
    with precision.coarse_products() if alone else nullcontext():
        for epoch, draws in enumerate(epochs):
            rows = np.stack(draws)  # (T, steps, B)
            cache.copy(features[1 + epoch % views if views else 0], place)
            view = torch.from_numpy(place).to(device)
            losses, hits = torch.zeros(len(splits), device=device), torch.zeros(len(splits), device=device)
            for step in range(rows.shape[1]):
                index = torch.from_numpy(rows[:, step]).to(device)
                optimizer.zero_grad(set_to_none=True)
                if alone and step == 1:
                    memory.give_back()  # what the first gradients left, in front of Adam's means, fits no others
                logits = stack(view[index].float())
                loss = F.cross_entropy(logits.transpose(1, 2), target[index], reduction="none").mean(1)
                loss.sum().backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                losses += loss.detach()
                hits += (logits.detach().argmax(2) == target[index]).float().mean(1)
            drawn = rows.shape[1] * rows.shape[2]
            history.append((losses.cpu() / rows.shape[1], hits.cpu() / rows.shape[1]))
    stack.eval()
    cache.copy(features[0], place)
    plain = torch.from_numpy(place).to(device)
    parameters = sum(p[0].numel() for p in stack.parameters())
    test, holdout = (_ask(stack, plain, [getattr(s, name) for s in splits]) for name in ("test", "holdout"))
    seconds = (time.perf_counter() - began) / len(splits)
    outcomes = []
    for i, split in enumerate(splits):
        curve = [float(each[i]) for each, _ in history]
        accuracy = [float(each[i]) for _, each in history]
        error = failure(curve, test[i], holdout[i])
        images = len(history) * drawn
        outcomes.append(Outcome(split, test[i], holdout[i], curve, accuracy, seconds, images, parameters, error))
    return outcomes


@torch.inference_mode()
def _ask(stack: StackedHead, features: Tensor, wanted: Sequence[NDArray[np.int64]]) -> list[Probabilities]:
    """Each head's probabilities for images of its own; shorter lists are filled up, as all are asked together."""
    longest = max(map(len, wanted))
    index = torch.from_numpy(np.stack([np.resize(w, longest) for w in wanted])).to(features.device)
    chances = stack(features[index].float()).softmax(2).cpu().numpy()
    return [chances[i, : len(w)] for i, w in enumerate(wanted)]


def fit_floor(numbers: NDArray[np.float64], labels: NDArray[np.int64], split: Split) -> Outcome:
    """Fit a class-balanced logistic regression to (N, D) numbers, standardised on the training images."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    began = time.perf_counter()
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=5000))
    model.fit(numbers[split.train], labels[split.train])
    test, holdout = (model.predict_proba(numbers[part]).astype(np.float32) for part in (split.test, split.holdout))
    parameters = int(np.unique(labels).size * (numbers.shape[1] + 1))
    seconds = time.perf_counter() - began
    return Outcome(split, test, holdout, seconds=seconds, images=len(split.train), parameters_trained=parameters)


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
        BenchError: a device is not there.
    """
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted in ("auto", "cuda") and there:
        return [torch.device("cuda", number) for number in range(there)]
    if wanted in ("auto", "cpu"):
        return [torch.device("cpu")]
    kind, _, numbers = wanted.partition(":")
    chosen = numbers.split(",") if numbers else ["0"]
    if kind != "cuda" or not all(number.isdecimal() for number in chosen):
        raise BenchError(f"--device {wanted}: expected auto, cpu, cuda:0, or several as cuda:0,1")
    if any(int(number) >= there for number in chosen):
        raise BenchError(f"--device {wanted}: no such GPU here; use --device cpu")
    return [torch.device("cuda", int(number)) for number in dict.fromkeys(chosen)]
