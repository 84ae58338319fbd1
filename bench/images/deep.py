"""Images of more than 8 bits a channel, or of signed or float values: from bytes to numbers, and to RGB by a range.

Pillow keeps the high byte of coloured ones and knows few kinds of the rest; tifffile and imagecodecs know them.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, UsageError
from bench.images import headers, ranges
from bench.images.ranges import Scale, Seen

if TYPE_CHECKING:
    from tifffile import TiffPage

Check = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Deep:
    """An image: `values` are (H, W) grey or (H, W, 3), upright, as the file holds them; `bits` is how many it gives
    each. `white_is_zero` where the greatest value is black; `frames` counts the pages of a TIFF.
    """

    values: NDArray[Any]
    bits: int
    format: str
    white_is_zero: bool = False
    transparent: bool = False
    frames: int = 1

    @property
    def mode(self) -> str:
        """A word for the kind of pixels."""
        letter = {"u": "uint", "i": "int"}.get(self.values.dtype.kind, "float")
        return f"{letter}{self.bits} {'RGB' if self.values.ndim == 3 else 'grey'}"

    def seen(self) -> Seen:
        """What decides on a range."""
        return ranges.summary(self.values, self.bits)

    def eight_bit(self, scale: Scale) -> NDArray[np.uint8]:
        """(H, W) or (H, W, 3), 0 to 255."""
        limits = scale if isinstance(scale, tuple) else ranges.limits(self.seen(), scale)
        made = ranges.eight_bit(self.values, limits)
        return 255 - made if self.white_is_zero else made


def read(path: Path, content: bytes, check: Check) -> Deep:
    """The image in a file's bytes; `check` is told width and height before it is decoded, and may raise.

    Raises:
        BenchError: it is no whole image, or of a kind that is not read.
    """
    try:
        with np.errstate(all="ignore"):
            found = _png(content, check) if content.startswith(headers.PNG) else _tiff(content, check)
    except BenchError:
        raise
    except ModuleNotFoundError as error:
        raise UsageError(
            f'{path} has more than 8 bits a pixel; to read it run: pip install -e ".[train]" (needs {error.name})'
        ) from None
    except Exception as error:  # whatever a codec says of broken bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BenchError(f"{path} cannot be read as an image ({reason}); mend or remove it") from None
    if not np.isfinite(found.values).any():
        raise BenchError(f"{path} cannot be read as an image (no pixel of it is a number); mend or remove it")
    return found


def _png(content: bytes, check: Check) -> Deep:
    from imagecodecs import png_decode

    check(int.from_bytes(content[16:20]), int.from_bytes(content[20:24]))
    values, transparent = _colours(np.asarray(png_decode(content)))
    return Deep(upright(values, headers.orientation(content)), 16, "PNG", transparent=transparent)


def _tiff(content: bytes, check: Check) -> Deep:
    import logging

    from tifffile import TiffFile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # odd metadata is no concern of ours
    with TiffFile(BytesIO(content)) as file:
        page = file.pages[0].aspage()
        check(page.imagewidth, page.imagelength)
        values, transparent = _colours(_interleaved(page))
        values = upright(values, headers.orientation(content))
        frames = 1
        with suppress(Exception):  # the first page is whole; what comes after it is not needed
            frames = len(file.pages)
        zero = headers.white_is_zero(headers.directory(content))
        return Deep(values, page.bitspersample, "TIFF", zero, transparent, frames)


def _interleaved(page: "TiffPage") -> NDArray[Any]:
    """(H, W) or (H, W, channels), whether the file keeps channels pixel by pixel or plane by plane."""
    values = page.asarray()
    shape = (page.imagelength, page.imagewidth)
    if page.planarconfig == 2 and values.ndim == 3 and values.shape[1:] == shape:
        return np.moveaxis(values, 0, 2)
    if values.shape[:2] != shape:
        raise ValueError(f"{' × '.join(map(str, values.shape))} values are no picture")
    return values


def _colours(values: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    """Grey or three channels without the one that tells how transparent they are, and whether any pixel is so."""
    channels = values.shape[2] if values.ndim == 3 else 1
    if channels > 4 or values.ndim > 3:
        raise ValueError(f"it has {channels} channels; store one, or three as RGB")
    kept = values[..., :3] if channels > 2 else values.reshape(*values.shape[:2], -1)[..., 0]
    clear = channels in (2, 4) and values[..., -1].min() < values[..., -1].max()
    return kept, bool(clear)


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """A picture, rows first, as its EXIF orientation says: from 5 on rows stand for columns, too."""
    if orientation >= 5:
        values = np.swapaxes(values, 0, 1)
    across = orientation in (2, 3, 6, 7)
    down = orientation in (3, 4, 7, 8)
    return values[:: -1 if down else 1, :: -1 if across else 1]
