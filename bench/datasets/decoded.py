"""Decoded images, once: files in, one compact array out, kept on disk and memory-mapped.

Where some files of a dataset have changed, only those are decoded again: the others' pixels are taken from the array of
the dataset as it was.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import cache as cache_
from bench.datasets import Dataset, Image
from bench.images import Pixels, decode
from bench.study import PROCEDURE, fingerprint

__all__ = ["Pixels", "channel_statistics", "decode", "kept_thumbnail", "load", "thumbnail"]


def load(dataset: Dataset, size: int, cache: Path, progress: Callable[[], None] = lambda: None) -> Pixels:
    """All images of a dataset, (N, size, size, 3) uint8, read-only; each is decoded on the first call alone.

    Raises:
        BenchError: an image cannot be read; the message names the file.
    """
    contents = [image.key for image in dataset.images]
    path = _place(cache, dataset.name, contents, size)

    def decoded() -> Pixels:
        pixels = np.empty((len(contents), size, size, 3), dtype=np.uint8)
        known = _decoded_before(path, dataset.name, set(contents), size)
        with ThreadPoolExecutor() as pool:
            jobs = [
                None if image.key in known else pool.submit(decode, image.path, size, image.scale)
                for image in dataset.images
            ]
            try:
                for row, (content, job) in enumerate(zip(contents, jobs, strict=True)):
                    pixels[row] = known[content] if job is None else job.result()
                    progress()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        cache_.write(_contents_of(path), _packed(contents))
        return pixels

    return cache_.kept(path, decoded)


def _place(cache: Path, name: str, contents: Sequence[str], size: int) -> Path:
    key = fingerprint([name, fingerprint(list(contents)), size, PROCEDURE])
    return cache / "images" / f"{name}-{size}px-{key}.npy"


def _contents_of(path: Path) -> Path:
    """Where it is noted which image each row of an array shows: (N, 32) uint8, the images' keys."""
    return path.parent.parent / "contents" / path.name


def _packed(contents: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(contents)), dtype=np.uint8).reshape(-1, 32)


def _decoded_before(path: Path, name: str, wanted: set[str], size: int) -> dict[str, Pixels]:
    """Pixels of the wanted images that lie in other arrays of the dataset, by their keys."""
    found: dict[str, Pixels] = {}
    for other in sorted((path.parent).glob(f"{name}-{size}px-*.npy")):
        if len(found) == len(wanted):
            break
        array, packed = cache_.read(other), cache_.read(_contents_of(other))
        if array is None or packed is None:
            continue
        contents = [row.tobytes().hex() for row in packed]
        # Its name tells whether an array is what it seems: of these images, and decoded as images are today.
        if other == _place(path.parent.parent, name, contents, size) and len(array) == len(contents):
            found |= {content: array[row] for row, content in enumerate(contents) if content in wanted}
    return found


def channel_statistics(pixels: Pixels) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel over (N, H, W, 3) images, as fractions of 255."""
    total, squares, count = np.zeros(3), np.zeros(3), 0
    for chunk in np.array_split(pixels, max(1, len(pixels) // 64)):
        values = chunk.reshape(-1, 3).astype(np.float64) / 255
        total += values.sum(0)
        squares += (values**2).sum(0)
        count += len(values)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 1e-12))
    return mean.tolist(), deviation.tolist()


def thumbnail(image: Image, size: int = 96) -> bytes:
    """A small JPEG of an image, for datasets whose card allows showing it."""
    return jpeg(decode(image.path, size, image.scale))


def jpeg(pixels: Pixels) -> bytes:
    """One (H, W, 3) image as a JPEG."""
    from PIL.Image import fromarray

    buffer = BytesIO()
    fromarray(pixels).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def kept_thumbnail(image: Image, cache: Path) -> bytes:
    """The same, kept in the cache: a run that trains nothing opens no image."""
    path = cache / "thumbnails" / f"{image.key}-{PROCEDURE}.npy"
    return cache_.kept(path, lambda: np.frombuffer(thumbnail(image), dtype=np.uint8)).tobytes()
