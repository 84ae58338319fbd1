"""From the bytes of an image file to RGB pixels: what every reader of images shares, so that all agree on what is one.

Every image is turned into RGB and resized, not cropped, so that no model sees its file type or shape.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]
MAX_PIXELS = 100_000_000


@contextmanager
def opened(path: Path, content: bytes | None = None) -> Iterator["Image"]:
    """An image file, its header read; `content` holds its bytes where they are in memory already.

    Raises:
        BenchError: here or while the pixels are read: it is no whole image, or larger than 100 million pixels.
    """
    from PIL import Image

    # Odd metadata is no concern of ours, and a picture that is too large is refused below.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        with Image.open(path if content is None else BytesIO(content)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BenchError(f"{path}: {image.width}×{image.height} pixels are too many; remove or shrink it")
            yield image
    except BenchError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).replace(str(path), "the file").split())
        if "cannot identify" in reason:  # Pillow names the path, or the object that it reads from
            reason = "cannot identify its kind"
        raise BenchError(f"{path} cannot be read as an image ({reason}); mend or remove it") from None


def rgb(image: "Image") -> "Image":
    """An image in RGB: palettes and grey values too, 16-bit values scaled to 8, transparency dropped."""
    if image.mode.startswith(("I", "F")):
        image = _eight_bit(np.asarray(image))
    if image.mode == "P":
        image = image.convert("RGBA")
    return image.convert("RGB")


def decode(path: Path, size: int) -> Pixels:
    """One image file as (size, size, 3) uint8 RGB.

    Raises:
        BenchError: the file is no readable image, or larger than 100 million pixels.
    """
    from PIL.Image import Resampling

    with opened(path) as image:
        return np.asarray(rgb(image).resize((size, size), Resampling.BILINEAR), dtype=np.uint8)


def _eight_bit(values: NDArray[Any]) -> "Image":
    from PIL import Image

    # Microscope cameras give 16 bits; other integer and float images carry no scale, so their range is one.
    low, high = (
        (0.0, 65535.0)
        if values.dtype.kind == "u" and values.dtype.itemsize == 2
        else (float(values.min()), float(values.max()))
    )
    scaled = (values.astype(np.float64) - low) * (255 / max(high - low, 1e-12))
    return Image.fromarray(scaled.round().clip(0, 255).astype(np.uint8))
