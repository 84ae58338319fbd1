"""Networks trained whole: one by one on a thread of the CPU, several at once on a GPU.

A batch of eight small images keeps a part of a GPU busy, and for less time than Python needs to ask for the next step.
So a step is recorded once for each network and then repeated as it is (a CUDA graph), and several networks train side
by side, each with a stream and random numbers of its own: no trial meets its neighbours.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice, zip_longest

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from bench.models import Network
from bench.planning import Trial
from bench.study import Recipe, Split
from bench.training import augmentation, common, precision, threads
from bench.training.common import Outcome, Probabilities
from bench.training.features import filled
from bench.training.material import Capture, Explained, Material, Progress, Trained
from bench.training.pictures import Pictures
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
    task = Task(material.pictures, material.labels, cell.recipe, material.seed, material.device)

    def build(split: Split) -> Network:
        network = cell.model.seeded(material.classes, common.seed_of(split, material.seed, "init"))
        assert isinstance(network, Network)
        return network

    def random() -> Explained:
        bare = cell.model.with_weights("none").seeded(material.classes, material.seed + 1)
        assert isinstance(bare, Network)
        return explained(bare)

    while trials := list(islice(taken, AT_ONCE[material.device.type])):
        splits = [trial.split for trial in trials]
        trained = train_networks(build, task, splits, lambda count: progress(count / work))
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


@dataclass(frozen=True, eq=False)
class Task:
    """What networks learn, and how.

    Attributes:
        pictures: all images of the dataset.
        labels: (N,) class numbers.
        recipe: how to train.
        seed: the protocol's.
        device: where.
    """

    pictures: Pictures
    labels: NDArray[np.int64]
    recipe: Recipe
    seed: int
    device: torch.device


def train_networks(
    build: Callable[[Split], Network],
    task: Task,
    splits: Sequence[Split],
    progress: Callable[[int], None] = lambda _: None,
) -> list[tuple[Outcome, Network]]:
    """Train a network for each split, at once as far as memory allows.

    Args:
        build: makes the network of a split, with its first weights.
        task: what they learn, and how.
        splits: one for each trial.
        progress: told of each batch's images.

    Raises:
        torch.OutOfMemoryError: one network alone does not fit the device.
    """
    there = _There(task)
    try:
        with threads.one(task.device), torch.random.fork_rng(devices=[]):
            return _side_by_side(build, there, splits, progress)
    except torch.OutOfMemoryError:
        if len(splits) == 1:
            raise
    # Fewer at once, with the same recipe: a smaller batch would be another training.
    torch.cuda.empty_cache()
    half = len(splits) // 2
    return [each for part in (splits[:half], splits[half:]) for each in train_networks(build, task, part, progress)]


class _There:
    """A task where it is trained: on a GPU its images and labels lie there."""

    def __init__(self, task: Task) -> None:
        self.task, self.pictures, self.device = task, task.pictures, task.device
        self.labels = torch.from_numpy(task.labels).to(self.device)
        self.statistics = (
            torch.tensor(self.pictures.mean, device=self.device),
            torch.tensor(self.pictures.std, device=self.device),
        )
        on_cpu = self.device.type == "cpu"
        self.pixels = None if on_cpu else torch.from_numpy(np.array(self.pictures.pixels)).to(self.device)

    def batch(self, rows: Tensor) -> Tensor:
        """(B, 3, H, W), normalised."""
        if self.pixels is None:
            return self.pictures.batch(rows.numpy(), self.device)
        return augmentation.normalised(self.pixels[rows], *self.statistics)

    def predict(self, module: nn.Module, rows: NDArray[np.int64]) -> Probabilities:
        """Class probabilities (n, C) of some images."""
        return predict(module, self.pictures.some(rows), self.device)


def _side_by_side(
    build: Callable[[Split], Network], there: _There, splits: Sequence[Split], progress: Callable[[int], None]
) -> list[tuple[Outcome, Network]]:
    began = time.perf_counter()
    if there.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(there.device)
    networks = [build(split) for split in splits]
    going = [_Training(network.module, split, there, progress) for network, split in zip(networks, splits, strict=True)]
    if there.device.type == "cuda":
        torch.cuda.synchronize(there.device)  # what they start from was put there on another stream
    for _ in range(there.task.recipe.epochs):
        for _ in zip_longest(*(each.epoch() for each in going if each.sound)):
            pass
    if there.device.type == "cuda":
        torch.cuda.synchronize(there.device)
    answers = [
        (there.predict(each.module, each.split.test), there.predict(each.module, each.split.holdout)) for each in going
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

    def __init__(self, module: nn.Module, split: Split, there: _There, progress: Callable[[int], None]) -> None:
        self.split, self.there, self.progress = split, there, progress
        recipe, seed = there.task.recipe, there.task.seed
        self.loss: list[float] = []
        self.accuracy: list[float] = []
        self.seen = 0
        self.device = device = there.device
        self.module = module.to(device).to(memory_format=torch.channels_last)
        on_gpu = device.type == "cuda"
        self.optimizer = torch.optim.Adam(module.parameters(), lr=recipe.learning_rate, fused=True, capturable=on_gpu)
        self.draws = common.balanced_draws(there.task.labels, split, recipe, seed)
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
        batch, target = self.there.batch(rows), self.there.labels[rows]
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
def predict(module: nn.Module, pictures: Pictures, device: torch.device) -> Probabilities:
    """Class probabilities (n, C) of n images."""
    module.eval()
    parts = []
    for start in range(0, len(pictures), ASKED):
        batch = pictures.batch(slice(start, start + ASKED), device)
        parts.append(module(filled(batch, ASKED))[: len(batch)].softmax(1).cpu().numpy())
    return np.concatenate(parts)
