"""Frozen features, once: each image passes through a frozen backbone as it is, and once for each augmented view.

All trials of all models of a backbone draw on the same views. That wastes nothing, and makes the comparison of two
models on the same splits sharper. The arrays live on disk beside the decoded images, at half precision.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from bench import cache as cache_
from bench.datasets import pixels
from bench.models import Backbone
from bench.study import PROCEDURE, fingerprint
from bench.training import augmentation, threads
from bench.training.folding import folded
from bench.training.material import Material, Progress
from bench.training.pictures import Pictures

BATCH = {"cpu": 4, "cuda": 128}
"""Images that pass at once. On a CPU few do: the maps of more leave its cache, and it waits for memory five times as
long as it computes.
"""
DRAWN = 32
"""Angles that are drawn together; another number would be other angles."""

Features = NDArray[np.float16]


@dataclass(frozen=True)
class Source:
    """What frozen features depend on.

    `key` names the dataset's content, the backbone and its weights; `augmented` are the positions of the images outside
    the holdout.
    """

    key: tuple[str, ...]
    pictures: Pictures
    augmented: NDArray[np.int64]
    views: int
    seed: int

    def path(self, cache: Path) -> Path:
        """Where the features are kept."""
        pixels, mean, std = self.pictures.pixels, list(self.pictures.mean), list(self.pictures.std)
        parts = [*self.key, pixels.shape[1], mean, std, self.augmented.tolist()]
        name = fingerprint([*parts, self.views, self.seed, PROCEDURE])
        return cache / "features" / f"{name}.npy"


class Views:
    """Images as the training of heads asks for them: some columns of (1 + views, N, D) features, on its device.

    What is asked for lies in one place, which is used again for the next answer of that size: a new one each time would
    crumble memory. Of the file no page is kept.
    """

    def __init__(self, found: Features, columns: slice, device: torch.device) -> None:
        self.found, self.columns, self.device = found, columns, device
        self.width: int = columns.stop - columns.start
        self._place = np.empty((0, found.shape[2]), dtype=found.dtype)

    def take(self, views: NDArray[np.int64], rows: NDArray[np.int64]) -> Tensor:
        """(…, d) of so many images, each in its view."""
        images, width = self.found.shape[1:]
        if len(self._place) != rows.size:
            self._place = np.empty((rows.size, width), dtype=self.found.dtype)
        flat = self.found.reshape(-1, width)
        np.take(flat, (views * images + rows).ravel(), axis=0, out=self._place, mode="clip")
        cache_.let_go(self.found)
        return torch.from_numpy(self._place).to(self.device)[:, self.columns].reshape(*rows.shape, self.width)

    def plain(self, rows: NDArray[np.int64]) -> Tensor:
        """(…, d) of so many images as they are."""
        return self.take(np.zeros_like(rows), rows)


class Columns(nn.Module):
    """Some of the features, (N, D) to (N, d): those that a model of a shared backbone uses."""

    def __init__(self, columns: slice) -> None:
        super().__init__()
        self.columns = columns

    def forward(self, x: Tensor) -> Tensor:
        """(N, D) to (N, d)."""
        return x[:, self.columns]


def of_material(material: Material, backbone: Backbone, views: int, progress: Progress) -> Features:
    """(1 + views, N, D) what a cell's backbone makes of its images; the passes are nine tenths of the cell's work."""
    cell = material.cell
    key = (cell.dataset.order_hash, backbone.name, cell.weights, *pixels.source(cell.recipe))
    source = Source(key, material.pictures, material.outside, views, material.seed)
    passes = len(source.pictures) + len(source.augmented) * views

    def passed(count: int) -> None:
        progress(0.9 * count / passes)

    return frozen_features(backbone.module, source, material.cache, material.device, passed)


def frozen_features(
    backbone: nn.Module,
    source: Source,
    cache: Path,
    device: torch.device,
    progress: Callable[[int], None] = lambda _: None,
) -> Features:
    """(1 + views, N, D) float16, memory-mapped: first the images as they are, then the augmented views.

    `progress` is told how many images have just passed through the backbone. Images of the holdout have no
    augmented views; their rows there are 0.

    Raises:
        BenchError: the cache cannot be written.
    """
    return cache_.kept(source.path(cache), lambda: _computed(backbone, source, device, progress))


def _computed(backbone: nn.Module, source: Source, device: torch.device, progress: Callable[[int], None]) -> Features:
    passing = Ready(backbone, source.pictures, device)
    plain = passing.forward(source.pictures, np.arange(len(source.pictures)), progress=progress)
    features = np.zeros((1 + source.views, *plain.shape), dtype=np.float16)
    features[0] = plain
    for view in range(source.views):
        generator = torch.Generator().manual_seed(source.seed * 1000 + view)
        features[1 + view, source.augmented] = passing.forward(source.pictures, source.augmented, generator, progress)
    return features


class Ready:
    """A frozen backbone as images pass it: in evaluation, its batch norms folded, on a device.

    Args:
        backbone: stays as it is.
        pictures: two of them show what passes.
        device: where they pass.
    """

    def __init__(self, backbone: nn.Module, pictures: Pictures, device: torch.device) -> None:
        backbone = backbone.eval().cpu().to(memory_format=torch.channels_last)
        self.device = device
        self.module = folded(backbone, pictures.batch(slice(2), torch.device("cpu"))).to(device)

    def forward(
        self,
        pictures: Pictures,
        rows: NDArray[np.int64],
        generator: torch.Generator | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Features:
        """(n, D) what it makes of some images, turned as the generator draws if there is one."""
        size, turns = BATCH[self.device.type], None
        if generator is not None:
            # Drawn in portions of their own, so that an image's angle does not depend on how many pass at once.
            portions = [min(DRAWN, len(rows) - start) for start in range(0, len(rows), DRAWN)]
            turns = torch.cat([augmentation.draw_turns(count, generator) for count in portions])

        @torch.inference_mode()
        def passed(start: int) -> Features:
            own = rows[start : start + size]
            batch = pictures.batch(own, self.device)
            if turns is not None:
                batch = augmentation.turned(batch, turns[start : start + size])
            features: Features = self.module(filled(batch, size))[: len(own)].half().cpu().numpy()
            return features

        parts = []
        with threads.several(self.device) as mapped:
            for part in mapped(passed, range(0, len(rows), size)):
                parts.append(part)
                progress(len(part))
        return np.concatenate(parts)


def filled(batch: torch.Tensor, size: int) -> torch.Tensor:
    """On a GPU, a batch with so many rows, the last ones 0: for another size its libraries would choose all kernels
    anew. Networks that are only asked answer for each row by itself.
    """
    return F.pad(batch, (0, 0, 0, 0, 0, 0, 0, size - len(batch))) if batch.is_cuda else batch
