"""The original study's way of training, written plainly: what ours is measured against.

Images are decoded, turned and mirrored anew in every epoch; every layer runs in every step, frozen or not; one trial
follows another. Nothing here is used by `bench run`. Both ways draw the same images with the same recipe, so what
differs is time and, by a little, the angles.
"""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from bench.datasets import decoded
from bench.models import Head, Network, Transfer
from bench.planning import Cell
from bench.study import Split
from bench.training import common, features


@dataclass
class Spent:
    """Seconds by what they were spent on, over so many images that passed in training."""

    images: int = 0
    decoding: float = 0.0
    frozen: float = 0.0
    trained: float = 0.0

    @property
    def seconds(self) -> float:
        """All of them."""
        return self.decoding + self.frozen + self.trained


def layers(model: Transfer | Network, classes: int, seed: int) -> tuple[nn.Module, nn.Module]:
    """The frozen and the trained part of a model, in torch's own layers."""
    if isinstance(model, Network):
        return nn.Identity(), model.module
    backbone = (
        nn.Sequential(model.backbone.module, features.Columns(model.backbone.columns)).eval().requires_grad_(False)
    )
    with torch.inference_mode():
        inputs = backbone(torch.zeros(1, 3, 64, 64)).shape[1]
    return backbone, head_of(model.head, inputs, classes, seed)


def head_of(head: Head, inputs: int, classes: int, seed: int) -> nn.Sequential:
    """A head as a sequence of torch's layers: linear, ReLU, then batch norm or dropout."""
    torch.manual_seed(seed)
    parts: list[nn.Module] = []
    widths = (inputs, *head.hidden, classes)
    for number, (before, after) in enumerate(itertools.pairwise(widths)):
        linear = nn.Linear(before, after)
        if number < len(head.start):
            linear.weight, linear.bias = (nn.Parameter(start.clone()) for start in head.start[number])
        parts.append(linear)
        if number < len(head.hidden):
            parts += [nn.ReLU(), nn.Dropout(0.5) if number < head.dropped else nn.BatchNorm1d(after)]
    return nn.Sequential(*parts)


def train(
    cell: Cell, split: Split, most: float = float("inf")
) -> tuple[common.Probabilities, common.Probabilities, Spent]:
    """Train one trial on the CPU, step by step, for at most so many seconds (the first step is not counted).

    Returns:
        Class probabilities (n, C) of the test fold and of the holdout (empty where time ran out), and what it took.
    """
    seed, recipe, labels = cell.protocol.seed, cell.recipe, np.array(cell.dataset.labels)
    paths = [image.path for image in cell.dataset.images]
    mean, std = _statistics(paths, np.concatenate([split.train, split.test]), recipe.image_size)
    torch.manual_seed(seed)
    model = cell.model.make(len(cell.dataset.classes))
    assert isinstance(model, Transfer | Network)
    frozen, trained = layers(model, len(cell.dataset.classes), common.seed_of(split, seed, "init"))
    optimizer = torch.optim.Adam(trained.parameters(), lr=recipe.learning_rate)
    target, rng, spent = torch.from_numpy(labels), np.random.default_rng(seed), Spent()
    warm = False
    for draws in common.balanced_draws(labels, split, recipe, seed):
        for rows in draws:
            began = time.perf_counter()
            batch = torch.stack([_augmented(paths[row], recipe.image_size, mean, std, rng) for row in rows])
            ready = time.perf_counter()
            with torch.no_grad():
                features = frozen(batch)
            passed = time.perf_counter()
            loss = F.cross_entropy(trained.train()(features), target[torch.from_numpy(rows)])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()
            ended = time.perf_counter()
            if warm:
                spent.images += len(rows)
                spent.decoding += ready - began
                spent.frozen += passed - ready
                spent.trained += ended - passed
            warm = True
            if spent.seconds > most:
                nothing = np.zeros((0, len(cell.dataset.classes)), np.float32)
                return nothing, nothing, spent
    whole = nn.Sequential(frozen, trained).eval()
    test, holdout = (
        _asked(whole, [paths[row] for row in part], recipe.image_size, mean, std)
        for part in (split.test, split.holdout)
    )
    return test, holdout, spent


@torch.inference_mode()
def _asked(network: nn.Module, paths: Sequence[Path], size: int, mean: Any, std: Any) -> common.Probabilities:
    answers = [network(_tensor(decoded.decode(path, size), mean, std).unsqueeze(0)).softmax(1) for path in paths]
    return torch.cat(answers).numpy()


def _augmented(path: Path, size: int, mean: NDArray[Any], std: NDArray[Any], rng: np.random.Generator) -> Tensor:
    from PIL import Image

    image = Image.fromarray(decoded.decode(path, size))
    colour = tuple(round(value * 255) for value in mean)
    image = image.rotate(rng.uniform(-90, 90), Image.Resampling.BILINEAR, fillcolor=colour)
    for mirror in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM):
        if rng.random() < 0.5:
            image = image.transpose(mirror)
    return _tensor(np.asarray(image), mean, std)


def _tensor(pixels: NDArray[np.uint8], mean: NDArray[Any], std: NDArray[Any]) -> Tensor:
    scaled = (pixels.astype(np.float32) / 255 - mean) / std
    return torch.from_numpy(scaled.astype(np.float32)).permute(2, 0, 1).contiguous()


def _statistics(paths: Sequence[Path], outside: NDArray[np.int64], size: int) -> tuple[NDArray[Any], NDArray[Any]]:
    pixels = np.stack([decoded.decode(paths[row], size) for row in np.sort(outside)])
    mean, std = decoded.channel_statistics(pixels)
    return np.array(mean), np.array(std)
