"""Networks trained whole: one by one on a thread of the CPU, several at once on a GPU.

A batch of eight small images keeps a part of a GPU busy, and for less time than Python needs to ask for the next step.
So a step is recorded once for each network and then repeated as it is (a CUDA graph), and several networks train side
by side, each with a stream and random numbers of its own: no trial meets its neighbours.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice, zip_longest

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from bench.images import Pixels
from bench.models import Network
from bench.planning import Trial
from bench.study import Recipe, Split
from bench.training import augmentation, common, precision, threads
from bench.training.common import Outcome, Probabilities
from bench.training.features import filled
from bench.training.material import Capture, Explained, Material, Progress, Trained
from bench.training.recorded import Recorded

AT_ONCE = {"cpu": 1, "cuda": 5}
"""Networks that train side by side on one device."""
ASKED = 32
"""Images of which a network is asked at once."""


def train(
    material: Material, taken: Iterator[Trial], capture: Capture, progress: Progress
) -> Iterator[Sequence[Trained]]:
    """Train the networks of a cell, as many side by side as the device takes, each taken when its turn comes."""
    cell, splits_of = material.cell, [trial.split for trial in material.cell.trials]
    work = sum(len(split.train) for split in splits_of) * cell.recipe.epochs

    def build(split: Split) -> Network:
        network = cell.model.seeded(material.classes, common.seed_of(split, material.seed, "init"))
        assert isinstance(network, Network)
        return network

    def random() -> Explained:
        bare = cell.model.with_weights("none").seeded(material.classes, material.seed + 1)
        assert isinstance(bare, Network)
        return explained(bare)

    while trials := list(islice(taken, AT_ONCE[material.device.type])):
        trained = train_networks(
            build,
            material.pixels,
            material.labels,
            material.mean,
            material.std,
            [trial.split for trial in trials],
            cell.recipe,
            material.seed,
            material.device,
            lambda count: progress(count / work),
        )
        for trial, (outcome, network) in zip(trials, trained, strict=True):
            if outcome.error is None:
                material.keep(material, trial, network.module.state_dict)
        yield [
            Trained(trial, outcome, 0, () if outcome.error else capture(trial, lambda n=network: explained(n), random))  # type: ignore[misc]
            for trial, (outcome, network) in zip(trials, trained, strict=True)
        ]


def explained(network: Network) -> Explained:
    """A network as the activation figures take it."""
    return Explained(network.module, network.middle, network.deepest or network.middle)


def train_networks(
    build: Callable[[Split], Network],
    pixels: Pixels,
    labels: NDArray[np.int64],
    mean: Sequence[float],
    std: Sequence[float],
    splits: Sequence[Split],
    recipe: Recipe,
    seed: int,
    device: torch.device,
    progress: Callable[[int], None] = lambda _: None,
) -> list[tuple[Outcome, Network]]:
    """Train a network for each split on (N, H, W, 3) uint8 images, at once as far as memory allows.

    Args:
        build: makes the network of a split, with its first weights.
        pixels: all images of the dataset.
        labels: (N,) class numbers.
        mean: of each channel, as fractions.
        std: likewise.
        splits: one for each trial.
        recipe: how to train.
        seed: the protocol's.
        device: where.
        progress: told of each batch's images.

    Raises:
        torch.OutOfMemoryError: one network alone does not fit the device.
    """
    images = _Images(pixels, labels, mean, std, device)
    try:
        with threads.one(device), torch.random.fork_rng(devices=[]):
            return _side_by_side(build, images, splits, recipe, seed, progress)
    except torch.OutOfMemoryError:
        if len(splits) == 1:
            raise
    # Fewer at once, with the same recipe: a smaller batch would be another training.
    torch.cuda.empty_cache()
    half = len(splits) // 2
    return [
        each
        for part in (splits[:half], splits[half:])
        for each in train_networks(build, pixels, labels, mean, std, part, recipe, seed, device, progress)
    ]


class _Images:
    """The images and labels of a dataset, as training asks for them: on a GPU they lie there."""

    def __init__(
        self,
        pixels: Pixels,
        labels: NDArray[np.int64],
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
    ) -> None:
        self.pixels, self.mean, self.std, self.device = pixels, mean, std, device
        self.labels = torch.from_numpy(labels).to(device)
        self.statistics = torch.tensor(mean, device=device), torch.tensor(std, device=device)
        self.there = None if device.type == "cpu" else torch.from_numpy(np.array(pixels)).to(device)

    def batch(self, rows: Tensor) -> Tensor:
        """(B, 3, H, W), normalised."""
        if self.there is None:
            return augmentation.normalise(self.pixels[rows.numpy()], self.mean, self.std, self.device)
        return augmentation.normalised(self.there[rows], *self.statistics)

    def predict(self, module: nn.Module, rows: NDArray[np.int64]) -> Probabilities:
        """Class probabilities (n, C) of some images."""
        return predict(module, self.pixels[rows], self.mean, self.std, self.device)


def _side_by_side(
    build: Callable[[Split], Network],
    images: _Images,
    splits: Sequence[Split],
    recipe: Recipe,
    seed: int,
    progress: Callable[[int], None],
) -> list[tuple[Outcome, Network]]:
    began = time.perf_counter()
    if images.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(images.device)
    networks = [build(split) for split in splits]
    going = [
        _Training(network.module, split, images, recipe, seed, progress)
        for network, split in zip(networks, splits, strict=True)
    ]
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)  # what they start from was put there on another stream
    for _ in range(recipe.epochs):
        for _ in zip_longest(*(each.epoch() for each in going if each.sound)):
            pass
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
    answers = [
        (images.predict(each.module, each.split.test), images.predict(each.module, each.split.holdout))
        for each in going
    ]
    for network in networks:
        network.module.cpu()  # what has been trained leaves room for what comes next
    seconds = (time.perf_counter() - began) / len(splits)
    outcomes = [
        Outcome(
            each.split,
            test,
            holdout,
            each.loss,
            each.accuracy,
            seconds,
            each.seen,
            sum(p.numel() for p in each.module.parameters()),
            common.failure(each.loss, test, holdout),
        )
        for each, (test, holdout) in zip(going, answers, strict=True)
    ]
    return list(zip(outcomes, networks, strict=True))


class _Training:
    """One network on its way: `loss` and `accuracy` of each epoch so far, and how many images it has `seen`."""

    def __init__(
        self,
        module: nn.Module,
        split: Split,
        images: _Images,
        recipe: Recipe,
        seed: int,
        progress: Callable[[int], None],
    ) -> None:
        self.split, self.images, self.progress = split, images, progress
        self.loss: list[float] = []
        self.accuracy: list[float] = []
        self.seen = 0
        self.device = device = images.device
        self.module = module.to(device).to(memory_format=torch.channels_last)
        on_gpu = device.type == "cuda"
        self.optimizer = torch.optim.Adam(module.parameters(), lr=recipe.learning_rate, fused=True, capturable=on_gpu)
        self.draws = common.balanced_draws(images.labels.cpu().numpy(), split, recipe, seed)
        self.augmented = recipe.augmentation == "rotate-flip"
        self.angles = torch.Generator().manual_seed(common.seed_of(split, seed, "augmentation"))
        self.sums = torch.zeros(2, device=device)  # of the loss and of the share that was right, over an epoch's steps
        dropout = common.seed_of(split, seed, "dropout")
        torch.manual_seed(dropout)
        self.recorded = Recorded(device, dropout) if on_gpu else None

    @property
    def sound(self) -> bool:
        """Whether the loss is still a number."""
        return not self.loss or math.isfinite(self.loss[-1])

    def epoch(self) -> Iterator[None]:
        """Train for one epoch, a step at a time."""
        self.module.train()
        draws = next(self.draws)  # (steps, batch)
        turns = torch.stack([augmentation.draw_turns(len(rows), self.angles) for rows in draws])
        with self._own():
            self.sums.zero_()
            inputs = torch.from_numpy(draws).to(self.device), turns.to(self.device)
        for rows, turn in zip(*inputs, strict=True):
            with self._own():
                if self.recorded:
                    self.recorded.run(self._step, rows, turn)
                else:
                    self._step(rows, turn)
            self.seen += len(rows)
            self.progress(len(rows))
            yield
        with self._own():
            loss, right = (self.sums / len(draws)).tolist()
        self.loss.append(loss)
        self.accuracy.append(right)

    def _own(self) -> AbstractContextManager[None]:
        return self.recorded.own() if self.recorded else nullcontext()

    def _step(self, rows: Tensor, turns: Tensor) -> None:
        batch, target = self.images.batch(rows), self.images.labels[rows]
        if self.augmented:
            batch = augmentation.turned(batch, turns)
        with precision.mixed(self.device):
            logits = self.module(batch)
        loss = F.cross_entropy(logits.float(), target)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        right = (logits.detach().argmax(1) == target).float().mean()
        self.sums += torch.stack([loss.detach(), right])


@torch.inference_mode()
def predict(
    module: nn.Module, pixels: Pixels, mean: Sequence[float], std: Sequence[float], device: torch.device
) -> Probabilities:
    """Class probabilities (n, C) of (n, H, W, 3) uint8 images."""
    module.eval()
    parts = []
    for start in range(0, len(pixels), ASKED):
        batch = augmentation.normalise(pixels[start : start + ASKED], mean, std, device)
        parts.append(module(filled(batch, ASKED))[: len(batch)].softmax(1).cpu().numpy())
    return np.concatenate(parts)
