"""Arrays on disk that can be made again: decoded images and frozen features.

A file is whole or not there, whoever else writes it at the same time. The folder is bounded: what was used longest ago
goes first. Whoever still has it open keeps it, as the system keeps the bytes of a file until the last reader is done.
"""

import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, UsageError

GIGABYTES = 20.0
"""How large the folder may grow, unless `BENCH_CACHE_GB` says otherwise."""


def kept(path: Path, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """The array in a file, memory-mapped and read-only; made and written first if it is not there, or is not whole.

    Args:
        path: a file in a folder of the cache folder.
        make: makes the array.

    Raises:
        BenchError: the disk is full or the folder cannot be written.
    """
    if (found := read(path)) is not None:
        return found
    write(path, make())
    return _open(path)


def read(path: Path) -> NDArray[Any] | None:
    """The array in a file, memory-mapped and read-only, or None where it is not there or not whole."""
    with suppress(OSError, ValueError, EOFError):
        return _open(path)
    return None


def write(path: Path, array: NDArray[Any]) -> None:
    """Put an array into a file, in place of what is there.

    Raises:
        BenchError: the disk is full or the folder cannot be written.
    """
    _make_room(path.parent.parent, array.nbytes)
    with replacing(path) as file:
        np.save(file, array)


def let_go(array: NDArray[Any]) -> None:
    """Let go of the pages in memory of an array that `kept` gave, after a part of it was copied."""
    base = array.base
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def _open(path: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, mmap_mode="r")
    with suppress(OSError):
        os.utime(path)  # so that it is known when it was last used
    return array


def _limit() -> float:
    text = os.environ.get("BENCH_CACHE_GB", "")
    try:
        return float(text) * 1e9 if text else GIGABYTES * 1e9
    except ValueError:
        raise UsageError(f"BENCH_CACHE_GB must be a number of gigabytes, not {text!r}") from None


def _make_room(folder: Path, wanted: int) -> None:
    files = []
    for path in folder.glob("*/*.npy"):
        with suppress(FileNotFoundError):
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    over = sum(size for _, size, _ in files) + wanted - _limit()
    for _, size, path in sorted(files):
        if over <= 0:
            return
        with suppress(OSError):
            path.unlink()
            over -= size


@contextmanager
def replacing(path: Path, otherwise: str = "set BENCH_CACHE") -> Iterator[IO[bytes]]:
    """Write a file under another name, and give it its own when it is whole; all may read it.

    Raises:
        BenchError: it cannot be written; free space is one mend, `otherwise` the other.
    """
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            part = Path(file.name)
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        raise BenchError(f"{path}: cannot be written ({error.strerror or error}); free space or {otherwise}") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
