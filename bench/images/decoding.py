"""From the bytes of an image file to RGB pixels: what every reader of images shares, so that all agree on what is one.

Every image is turned into RGB and resized, not cropped, so that no model sees its file type or shape. Photos are turned
as their EXIF orientation says; values of more than 8 bits become 0 to 255 by a range (`ranges`).
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.images import deep, headers, ranges
from bench.images.deep import Deep
from bench.images.headers import Reading
from bench.images.ranges import Scale

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
            _check(path, image.width, image.height)
            yield image
    except BenchError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).replace(str(path), "the file").split())
        if "cannot identify" in reason:  # Pillow names the path, or the object that it reads from
            reason = "cannot identify its kind"
        raise BenchError(f"{path} cannot be read as an image ({reason}); mend or remove it") from None


def opened_deep(path: Path, content: bytes) -> Deep:
    """An image whose values are more than 8 bits, signed or float (`Reading.DEEP`).

    Raises:
        BenchError: it is no whole image, or larger than 100 million pixels.
    """
    return deep.read(path, content, lambda width, height: _check(path, width, height))


def rgb(image: "Image") -> "Image":
    """An image in RGB: palettes and grey values too, transparency dropped."""
    if image.mode.startswith(("I", "F")):  # of a kind that its header does not show
        image = _eight_bit(np.asarray(image))
    if image.mode == "P":
        image = image.convert("RGBA")
    return image.convert("RGB")


@dataclass(frozen=True, eq=False)
class Decoded:
    """An image file as a model sees it, and what it was before: `pixels` are (size, size, 3) uint8 RGB; `format` and
    `mode` are Pillow's words for the kind of file and of pixels; width and height are those of the upright picture.
    """

    pixels: Pixels
    format: str
    mode: str
    width: int
    height: int


def decode(path: Path, size: int, scale: Scale = None) -> Pixels:
    """One image file as (size, size, 3) uint8 RGB; `scale` says which values become black and white if it is deep.

    Raises:
        BenchError: the file is no readable image, or larger than 100 million pixels.
    """
    return decoded(path, size, scale).pixels


def decoded(path: Path, size: int, scale: Scale = None) -> Decoded:
    """The same, with what the file was; arguments and errors are those of `decode`."""
    from PIL.Image import Resampling

    content = contents(path)
    reading = headers.reading(content)
    if Reading.DEEP in reading:
        deep_one = opened_deep(path, content)
        picture, kind, mode = rgb_of(deep_one.eight_bit(scale)), deep_one.format, deep_one.mode
    else:
        with opened(path, content) as image:
            kind, mode = image.format or "", image.mode
            picture = upright(rgb(image), content) if Reading.TURNED in reading else rgb(image)
    resized = picture.resize((size, size), Resampling.BILINEAR)
    return Decoded(np.asarray(resized, dtype=np.uint8), kind, mode, picture.width, picture.height)


def beyond_bytes(reading: Reading, scale: Scale) -> str:
    """What an image's pixels depend on besides its bytes, where they differ from those before there were ranges.

    Nothing else may be told here: it is part of a trial's identity, and older trials do not have it.

    Args:
        reading: what the file's header says.
        scale: the range of its values, if they are deep; None where its card has none.
    """
    how = ["turned"] if Reading.TURNED in reading else []
    if Reading.DEEP in reading:
        unscaled, anew = Reading.UNSCALED in reading, Reading.ANEW in reading
        scale = ranges.FULL if scale is None and not unscaled else scale
        before = scale is None if unscaled else not anew and scale in (ranges.FULL, ranges.full("u", 16))
        how += [] if before else [f"range {scale}"]
    return ", ".join(how)


def contents(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        BenchError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error}); mend or remove it") from None


def upright(image: "Image", content: bytes) -> "Image":
    """A photo turned as the EXIF orientation in its file's bytes says."""
    from PIL.Image import fromarray

    return fromarray(np.ascontiguousarray(deep.upright(np.asarray(image), headers.orientation(content))))


def rgb_of(values: NDArray[np.uint8]) -> "Image":
    """(H, W) or (H, W, 3) values as an image."""
    from PIL.Image import fromarray

    return fromarray(np.ascontiguousarray(values)).convert("RGB")


def _check(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise BenchError(f"{path}: {width}×{height} pixels are too many; remove or shrink it")


def _eight_bit(values: NDArray[Any]) -> "Image":
    sixteen = values.dtype.kind == "u" and values.dtype.itemsize == 2
    limits = ranges.full("u", 16) if sixteen else (float(values.min()), float(values.max()))
    return rgb_of(ranges.eight_bit(values, limits))
