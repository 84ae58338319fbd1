"""One pass over the image files of a dataset: each is read once, and a small record stays of it."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.datasets import Card, Entry
from bench.errors import BenchError
from bench.images import Reading, Scale, Seen, decoding, headers, ranges

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAIL, PICTURE = 32, 64
"""Pixels each way of the two grey pictures that stay of an image."""

LUMINANCE = (0.299, 0.587, 0.114)
"""What red, green and blue weigh in Pillow's grey."""

IN_FLIGHT = 64
"""Files handed out at once, so that a hundred thousand of them do not wait in memory."""


@dataclass(frozen=True, eq=False)
class Scan:
    """What a file turned out to be. Of a file that cannot be read only its size and hash are known.

    `thumbnail` is (32, 32) and `picture` (64, 64) uint8, grey, upright, squeezed to a square; `mode` is Pillow's word
    for the kind of pixels; `frames` counts the pages of a TIFF or the pictures of an animation, of which the first
    alone is used. `turned` marks photos that are upright by their EXIF orientation alone.

    Of values of more than 8 bits `deep` is what was seen, and both pictures are made by `in_range`.
    """

    entry: Entry
    bytes: int
    sha256: str
    unreadable: str = ""
    format: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0
    frames: int = 1
    transparent: bool = False
    thumbnail: NDArray[np.uint8] | None = None
    picture: NDArray[np.uint8] | None = None
    turned: bool = False
    deep: "DeepScan | None" = None

    @property
    def id(self) -> str:
        """The image's id."""
        return self.entry.id

    @property
    def name(self) -> str:
        """What people find it by."""
        return self.entry.name

    @property
    def label(self) -> str:
        """The image's class."""
        return self.entry.label


@dataclass(frozen=True, eq=False)
class DeepScan:
    """What stays of an image of more than 8 bits until its dataset has a range: what was seen of its values, and a
    (64, 64) float32 grey picture of them.
    """

    seen: Seen
    values: NDArray[np.float32]
    white_is_zero: bool


def scan(entries: Sequence[Entry], progress: Callable[[int, int], None] = lambda done, of: None) -> list[Scan]:
    """Read every file: hash it and decode it whole. `progress` is told how many are done, and of how many."""
    scans: list[Scan] = []
    waiting: deque[Future[Scan]] = deque()
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # a large picture takes 300 MB while it is decoded
        for number in range(len(entries) + IN_FLIGHT):
            if number < len(entries):
                waiting.append(pool.submit(_scan, entries[number]))
            if waiting and (number >= IN_FLIGHT or number >= len(entries)):
                scans.append(waiting.popleft().result())
                progress(len(scans), len(entries))
    return scans


def decided(card: Card, scans: Sequence[Scan]) -> Card:
    """The card with a range for its images of more than 8 bits: its own, else the one that these values ask for."""
    seen = [scan.deep.seen for scan in scans if scan.deep]
    return replace(card, range=ranges.decide(seen)) if seen and card.range is None else card


def in_range(scans: Sequence[Scan], scale: Scale) -> list[Scan]:
    """The scans with thumbnails of images of more than 8 bits, by a range."""
    seen = [scan.deep.seen for scan in scans if scan.deep]
    limits = ranges.percentiles(seen) if scale == ranges.PERCENTILES and seen else scale
    return [_shown(scan, scan.deep, limits) if scan.deep else scan for scan in scans]


def _scan(entry: Entry) -> Scan:
    try:
        content = decoding.contents(entry.path)
    except BenchError as error:
        return Scan(entry, 0, "", str(error))
    digest, reading = hashlib.sha256(content).hexdigest(), headers.reading(content)
    try:
        if Reading.DEEP in reading:
            return _deep(entry, content, digest, reading)
        with decoding.opened(entry.path, content) as image:
            kind, mode, size = image.format or "", image.mode, image.size
            frames = getattr(image, "n_frames", 1)
            image.draft(None, (4 * THUMBNAIL, 4 * THUMBNAIL))  # JPEG files alone: decoded smaller, still to the end
            grey = decoding.rgb(image).convert("L")
            if turned := Reading.TURNED in reading:
                grey = decoding.upright(grey, content)
                size = size if headers.orientation(content) < 5 else size[::-1]
            thumbnail, picture = _squeezed(grey, THUMBNAIL), _squeezed(grey, PICTURE)
            transparent = image.mode in ("LA", "RGBA", "PA") and np.asarray(image.getchannel("A")).min() < 255
    except BenchError as error:
        return Scan(entry, len(content), digest, str(error))
    clear = bool(transparent)
    return Scan(entry, len(content), digest, "", kind, mode, *size, frames, clear, thumbnail, picture, turned)


def _deep(entry: Entry, content: bytes, digest: str, reading: Reading) -> Scan:
    from PIL.Image import fromarray

    found = decoding.opened_deep(entry.path, content)
    seen = found.seen()
    with np.errstate(all="ignore"):
        numbers = np.nan_to_num(found.values.astype(np.float32), nan=seen.low, posinf=seen.high, neginf=seen.low)
    grey = numbers @ np.array(LUMINANCE, np.float32) if numbers.ndim == 3 else numbers
    values = _squeezed(fromarray(np.ascontiguousarray(grey)), PICTURE)
    deep = DeepScan(seen, values, found.white_is_zero)
    height, width = found.values.shape[:2]
    kind, frames, turned = found.format, found.frames, Reading.TURNED in reading
    scan = Scan(entry, len(content), digest, "", kind, found.mode, width, height, frames, found.transparent)
    return replace(scan, turned=turned, deep=deep)


def _squeezed(image: "Image", side: int) -> NDArray[Any]:
    from PIL.Image import Resampling

    return np.array(image.resize((side, side), Resampling.BOX))


def _shown(scan: Scan, deep: DeepScan, scale: Scale) -> Scan:
    limits = ranges.limits(deep.seen, scale)
    halves = deep.values.reshape(THUMBNAIL, 2, THUMBNAIL, 2).mean((1, 3))
    made = (ranges.eight_bit(values, limits) for values in (halves, deep.values))
    thumbnail, picture = (255 - values if deep.white_is_zero else values for values in made)
    return replace(scan, thumbnail=thumbnail, picture=picture)
