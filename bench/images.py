"""Decoded images, once: files in, one compact array out, kept on disk and memory-mapped.

Every image is turned into RGB and resized, not cropped, so that no model sees its file type or shape.
"""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import cache as cache_
from bench.datasets import Dataset
from bench.errors import BenchError
from bench.protocol import fingerprint
from bench.recipe import PROCEDURE

Pixels = NDArray[np.uint8]
MAX_PIXELS = 100_000_000


def decode(path: Path, size: int) -> Pixels:
    """One image file as (size, size, 3) uint8 RGB.

    Palettes and grey values become RGB, 16-bit values are scaled to 8, transparency is dropped.

    Raises:
        BenchError: the file is no readable image, or larger than 100 million pixels.
    """
    from PIL import Image

    # Odd metadata is no concern of ours, and a picture that is too large is refused below.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    image: Image.Image
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BenchError(f"{path}: {image.width}×{image.height} pixels are too many; remove or shrink it")
            if image.mode.startswith(("I", "F")):
                image = _eight_bit(np.asarray(image))
            if image.mode == "P":
                image = image.convert("RGBA")
            rgb = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    except BenchError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).replace(str(path), "the file").split())
        raise BenchError(f"{path} cannot be read as an image ({reason}); mend or remove it") from None
    return np.asarray(rgb, dtype=np.uint8)


def _eight_bit(values: NDArray[Any]) -> Any:
    from PIL import Image

    # Microscope cameras give 16 bits; other integer and float images carry no scale, so their range is one.
    low, high = (
        (0.0, 65535.0)
        if values.dtype.kind == "u" and values.dtype.itemsize == 2
        else (float(values.min()), float(values.max()))
    )
    scaled = (values.astype(np.float64) - low) * (255 / max(high - low, 1e-12))
    return Image.fromarray(scaled.round().clip(0, 255).astype(np.uint8))


def load(dataset: Dataset, size: int, cache: Path, progress: Callable[[], None] = lambda: None) -> Pixels:
    """All images of a dataset, (N, size, size, 3) uint8, read-only; decoded on the first call alone.

    Raises:
        BenchError: an image cannot be read; the message names the file.
    """
    key = fingerprint([dataset.name, dataset.order_hash, size, PROCEDURE])
    path = cache / "images" / f"{dataset.name}-{size}px-{key}.npy"

    def decoded() -> Pixels:
        with ThreadPoolExecutor() as pool:
            jobs = [pool.submit(decode, image.path, size) for image in dataset.images]
            arrays = []
            for job in jobs:
                arrays.append(job.result())
                progress()
        return np.stack(arrays)

    return cache_.kept(path, decoded)


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


def thumbnail(path: Path, size: int = 96) -> bytes:
    """A small JPEG of an image, for datasets whose card allows showing it."""
    return jpeg(decode(path, size))


def jpeg(pixels: Pixels) -> bytes:
    """One (H, W, 3) image as a JPEG."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
