"""One pass over the image files of a dataset: each is read once, and a small record stays of it."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.datasets import Entry
from bench.errors import BenchError
from bench.images import decoding

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAIL = 32
"""Pixels each way of the grey picture that stays of an image."""

IN_FLIGHT = 64
"""Files handed out at once, so that a hundred thousand of them do not wait in memory."""


@dataclass(frozen=True, eq=False)
class Scan:
    """What a file turned out to be. Of a file that cannot be read only its size and hash are known.

    `thumbnail` is (32, 32) uint8, grey, squeezed to a square; `mode` is Pillow's word for the kind of pixels; `frames`
    counts the pages of a TIFF or the pictures of an animation, of which the first alone is used.
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

    @property
    def id(self) -> str:
        """The image's id."""
        return self.entry.id

    @property
    def label(self) -> str:
        """The image's class."""
        return self.entry.label


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


def _scan(entry: Entry) -> Scan:
    try:
        content = entry.path.read_bytes()
    except OSError as error:
        return Scan(entry, 0, "", f"{entry.path} cannot be read ({error.strerror or error}); mend or remove it")
    digest = hashlib.sha256(content).hexdigest()
    try:
        with decoding.opened(entry.path, content) as image:
            kind, mode, (width, height) = image.format or "", image.mode, image.size
            frames = getattr(image, "n_frames", 1)
            image.draft(None, (4 * THUMBNAIL, 4 * THUMBNAIL))  # JPEG files alone: decoded smaller, still to the end
            thumbnail = _grey(image)
            transparent = image.mode in ("LA", "RGBA", "PA") and np.asarray(image.getchannel("A")).min() < 255
    except BenchError as error:
        return Scan(entry, len(content), digest, str(error))
    return Scan(entry, len(content), digest, "", kind, mode, width, height, frames, bool(transparent), thumbnail)


def _grey(image: "Image") -> NDArray[np.uint8]:
    from PIL.Image import Resampling

    small = decoding.rgb(image).convert("L").resize((THUMBNAIL, THUMBNAIL), Resampling.BOX)
    return np.array(small, dtype=np.uint8)
