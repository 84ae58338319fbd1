"""What the training images are like, so that a new image that is unlike them is noticed: kept with the models.

How far an image is from the training images is the mean distance to the nearest few of them, in the features by which
the model judges (a distance to neighbours asks for no shape of their cloud; Sun et al. 2022, arXiv:2204.06507). What is
far is said by the training images themselves: each has its distance to the others, those of its own group left out.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.images import Decoded, Pixels, decoding, preprocessing
from bench.keeping import files
from bench.keeping.files import Kept
from bench.keeping.keeper import scale_of
from bench.keeping.restored import Restored
from bench.models import Floor
from bench.planning import Cell

NEIGHBOURS = 5
FAR = 0.99
"""An image that is farther away than this share of the training images is from the others is unlike them."""
SLACK = 1.25
"""Sizes may pass those of the training images by so much before it is said."""
CHUNK = 64
Distances = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The training images as a model sees them.

    Attributes:
        features: (N, D) float32, as `Asked.features` has them.
        ids: of the images, N; `labels` their classes and `groups` what belongs together.
        kinds: how often each kind of file and pixels is among them, as `PNG L`.
        width: the least and the greatest, in pixels; `height` likewise.
        directions: whether features are compared by their direction; else each in units of its own deviation.
    """

    features: Distances
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    kinds: dict[str, int]
    width: tuple[int, int]
    height: tuple[int, int]
    directions: bool

    def compared(self, features: Distances) -> Distances:
        """(n, D) features as they are compared: unit vectors, or in deviations of the training images."""
        if self.directions:
            made: Distances = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
            return made
        mean, deviation = self.features.mean(0), self.features.std(0)
        scaled: Distances = (features - mean) / np.where(deviation < 1e-8, 1, deviation)
        return scaled

    def measure(self) -> "Measure":
        """What compares new images with these."""
        own = self.compared(self.features)
        distances = _distances(own, own)
        group = np.unique(np.array(self.groups), return_inverse=True)[1]
        distances[group[:, None] == group[None, :]] = np.inf
        nearest, _ = _nearest(distances)
        return Measure(self, own, np.sort(nearest[np.isfinite(nearest)]))

    def unlike(self, image: Decoded) -> list[str]:
        """What of a new file no training image's file was, in words."""
        said = []
        kinds = self.kinds
        if f"{image.format} {image.mode}" not in kinds:
            formats, modes = {k.partition(" ")[0] for k in kinds}, {k.partition(" ")[2] for k in kinds}
            if image.format not in formats:
                said.append(f"a {image.format} file, trained on {_listed(formats)}")
            elif image.mode not in modes:
                said.append(f"colours {image.mode}, trained on {_listed(modes)}")
        for name, size, (low, high) in (("wide", image.width, self.width), ("high", image.height, self.height)):
            if not low / SLACK <= size <= high * SLACK:
                there = str(low) if low == high else f"{low} to {high}"
                said.append(f"{size} pixels {name}, trained on {there}")
        return said


@dataclass(frozen=True, eq=False)
class Measure:
    """Compares new images with the training images; `own` are the distances of these from each other, sorted."""

    of: Surroundings
    points: Distances
    own: Distances

    def ask(self, features: Distances) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """For (n, D) features: the share of the training images that are less far from the others than each is from
        them, (n,), and which training images are the nearest to it, (n, k).
        """
        nearest, order = _nearest(_distances(self.of.compared(features), self.points))
        if not len(self.own):
            return np.zeros(len(features)), order
        return np.searchsorted(self.own, nearest, side="left") / len(self.own), order


def write(kept: Kept, cell: Cell, restored: Restored, progress: Callable[[int], None] = lambda _: None) -> None:
    """Look at the training images of a cell once more, and keep what new images are compared with.

    Args:
        kept: the cell's models.
        cell: with its images at hand.
        restored: the models, which give the features.
        progress: told how many images have just been looked at.

    Raises:
        BenchError: an image cannot be read any more.
    """
    outside = np.setdiff1d(np.arange(len(cell.dataset.images)), cell.trials[0].split.holdout)
    images = [cell.dataset.images[place] for place in outside]
    ask, scale = restored.asker(), scale_of(cell)
    parts, seen = [], list[Decoded]()
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(images), CHUNK):
            chunk = images[start : start + CHUNK]
            decoded = list(pool.map(lambda i: decoding.decoded(i.path, kept.recipe.image_size, scale), chunk))
            parts.append(ask(preprocessed(kept, np.stack([each.pixels for each in decoded]))).features)
            seen += decoded
            progress(len(chunk))
    kinds: dict[str, int] = {}
    for one in seen:
        kinds[f"{one.format} {one.mode}"] = kinds.get(f"{one.format} {one.mode}", 0) + 1
    widths, heights = [one.width for one in seen], [one.height for one in seen]
    groups = [cell.dataset.groups[place] for place in outside]
    told = {
        "cell_id": cell.id,
        "ids": [image.id for image in images],
        "labels": [cell.dataset.classes[image.label] for image in images],
        "groups": groups,
        "kinds": kinds,
        "width": [min(widths), max(widths)],
        "height": [min(heights), max(heights)],
        "directions": not isinstance(restored.parts, Floor),
    }
    features = torch.from_numpy(np.concatenate(parts).astype(np.float32))
    files.write(kept.folder, files.SURROUNDINGS, {"features": features}, json.dumps(told))


def read(kept: Kept, again: str) -> Surroundings:
    """What is kept of the training images.

    Raises:
        BenchError: nothing is, or it was altered, or belongs to another cell.
    """
    if kept.surroundings is None:
        raise files.Missing(f"{kept.folder} does not say what the training images are like; `{again}` adds that")
    tensors, text = files.read(kept.surroundings)
    try:
        told = json.loads(text)
        if told.pop("cell_id") != kept.header.cell_id:
            raise ValueError("it is of another cell")
        for name in ("ids", "labels", "groups", "width", "height"):
            told[name] = tuple(told[name])
        features = tensors["features"].float().numpy()
        if features.ndim != 2 or not np.isfinite(features).all():
            raise ValueError("its features are no numbers")
        if not len(features) == len(told["ids"]) == len(told["labels"]) == len(told["groups"]) > 0:
            raise ValueError("it lists other images than it describes")
        return Surroundings(features=features, **told)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BenchError(f"{kept.surroundings} does not fit ({error}); `{again}` makes it anew") from None


def preprocessed(kept: Kept, pixels: Pixels) -> Pixels:
    """(n, H, W, 3) pixels after the steps of the models' recipe."""
    steps = kept.recipe.preprocessing
    return np.stack([preprocessing.apply(each, steps) for each in pixels]) if steps else pixels


def _distances(some: Distances, others: Distances) -> Distances:
    squares = (some**2).sum(1)[:, None] + (others**2).sum(1)[None, :] - 2 * some @ others.T
    made: Distances = np.sqrt(np.maximum(squares, 0))
    return made


def _nearest(distances: Distances) -> tuple[Distances, NDArray[np.int64]]:
    """The mean distance to the nearest few, (n,), infinite where there are none; and which they are, (n, k)."""
    count = min(NEIGHBOURS, distances.shape[1])
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    near = np.take_along_axis(distances, order, 1)
    there = np.isfinite(near)
    total = np.where(there, near, 0).sum(1)
    mean: Distances = np.where(there.any(1), total / np.maximum(there.sum(1), 1), np.inf).astype(np.float32)
    return mean, order


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
