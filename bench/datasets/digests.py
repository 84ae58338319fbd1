"""The SHA-256 of image files and what their headers say, each read once: a file that has not been touched since is not
read again.

What is known of a file stands in the cache under its path, size, inode, and the times of its last changes. The time of
the last change of its inode is the system's alone to set, so a file that was altered and given its old date is read
again too. Files changed just before they were read are not trusted: a second change could fall into the same tick of
the clock. A file system that keeps no such times (FAT) shows changes of the same size within two seconds only by luck.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench import cache
from bench.errors import BenchError
from bench.images import Reading, headers

TICK = 0.1
"""Seconds; longer than a tick of any clock that stamps files on a disk of this machine."""
ROW = 65
"""Bytes of a row."""


class Digest(NamedTuple):
    """The SHA-256 of a file in hexadecimal digits, and how it is to be read."""

    sha256: str
    reading: Reading


def read(paths: Sequence[Path], index: Path) -> list[Digest]:
    """What is known of each file.

    Args:
        paths: the files.
        index: the file in a folder of the cache folder that keeps what is known: (N, 65) uint8, a row for each file,
            the hash of its path and times, that of its content, and how it is read. Losing it costs time alone.

    Raises:
        BenchError: a file cannot be read; the message names it.
    """
    kept = cache.read(index)
    rows = kept if kept is not None and kept.ndim == 2 and kept.shape[1] == ROW else ()
    known = {row[:32].tobytes(): row[32:].tobytes() for row in rows}
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda path: _read(path, known), paths))
    settled = {state: digest for state, digest, trusted in found if trusted}
    if settled != known:
        packed = np.frombuffer(b"".join(a + b for a, b in sorted(settled.items())), dtype=np.uint8).reshape(-1, ROW)
        with suppress(BenchError):  # a cache that cannot be written costs time alone
            cache.write(index, packed)
    return [Digest(digest[:32].hex(), Reading(digest[32])) for _, digest, _ in found]


def _read(path: Path, known: dict[bytes, bytes]) -> tuple[bytes, bytes, bool]:
    """A file's state, its content's hash with how it is read, and whether the state stands for these from now on."""
    try:
        now, stat = time.time(), path.stat()
        parts = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev, headers.VERSION)
        state = hashlib.sha256(os.fsencode(path.absolute()) + repr(parts).encode()).digest()
        if state in known:
            return state, known[state], True
        content = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error}); mend or remove it") from None
    found = hashlib.sha256(content).digest() + bytes([headers.reading(content)])
    return state, found, max(stat.st_mtime, stat.st_ctime) < now - TICK
