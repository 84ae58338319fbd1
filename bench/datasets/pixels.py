"""What the models of a recipe are given: a dataset's decoded images after the recipe's preprocessing, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from bench import cache as cache_
from bench.datasets import Dataset, Image, decoded
from bench.datasets.decoded import Pixels
from bench.images import preprocessing
from bench.study import PROCEDURE, Recipe, fingerprint


def load(dataset: Dataset, recipe: Recipe, cache: Path, progress: Callable[[], None] = lambda: None) -> Pixels:
    """All images of a dataset as a recipe wants them, (N, size, size, 3) uint8, read-only.

    Decoded and preprocessed on the first call alone; `progress` is told of each image that has just been preprocessed,
    or decoded where the recipe has no preprocessing.

    Raises:
        BenchError: an image cannot be read, or the cache cannot be written.
    """
    if not recipe.preprocessing:
        return decoded.load(dataset, recipe.image_size, cache, progress)

    def preprocessed() -> Pixels:
        plain = decoded.load(dataset, recipe.image_size, cache)
        made = np.empty(plain.shape, dtype=np.uint8)

        def one(place: int) -> None:
            made[place] = preprocessing.apply(plain[place], recipe.preprocessing)

        with ThreadPoolExecutor() as pool:  # most of the work is compiled, and runs side by side
            for _ in pool.map(one, range(len(plain))):
                progress()
        return made

    key = fingerprint([dataset.name, dataset.order_hash, recipe.image_size, PROCEDURE, *source(recipe)])
    steps = "+".join(recipe.preprocessing)
    return cache_.kept(cache / "images" / f"{dataset.name}-{recipe.image_size}px-{steps[:60]}-{key}.npy", preprocessed)


def thumbnail(image: Image, recipe: Recipe, size: int = 96) -> bytes:
    """A small JPEG of an image after the recipe's preprocessing, for datasets whose card allows showing it."""
    return decoded.jpeg(preprocessing.apply(decoded.decode(image.path, size, image.scale), recipe.preprocessing))


def source(recipe: Recipe) -> tuple[str, ...]:
    """What the preprocessing adds to the key of whatever is computed from the pixels; nothing where there is none."""
    return (*recipe.preprocessing, f"preprocessing {preprocessing.VERSION}") if recipe.preprocessing else ()
