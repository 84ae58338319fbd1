"""Puts a whole new site in the place of the old one, or leaves the old one as it was."""

import contextlib
import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from report.preview.project import PageError

MARKER = ".bench-site"
"""An empty file that tells a site of ours, which may be replaced, from anything else."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextlib.contextmanager
def replacing(output: Path) -> Iterator[Path]:
    """A folder to build in; it becomes `output` when the block ends well, and is removed when it does not.

    The old site is complete until the new one is. On Linux the two are exchanged in one step; elsewhere there is an
    instant between two renames in which neither is there. Raises `PageError` where `output` holds something that is no
    site: nothing but a site is ever replaced.
    """
    if output.exists() and not _replaceable(output):
        raise PageError(f"{output} holds no site of ours and is left alone; empty it or name another folder")
    output.parent.mkdir(parents=True, exist_ok=True)
    # Beside the output, so that both are on one file system; the name says whose it is.
    building = output.parent / f".{output.name}.{os.getpid()}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        yield building
        (building / MARKER).touch()
        _swap(building, output)
    finally:
        # By now the old site, or what there is of a new one that failed.
        shutil.rmtree(building, ignore_errors=True)


def _replaceable(output: Path) -> bool:
    if not output.is_dir():
        return False
    return not any(output.iterdir()) or (output / MARKER).is_file()


def _swap(new: Path, old: Path) -> None:
    if not old.exists():
        new.rename(old)
    elif not _exchange(new, old):
        aside = new.with_name(new.name + ".old")
        old.rename(aside)
        try:
            new.rename(old)
        except BaseException:
            aside.rename(old)
            raise
        aside.rename(new)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, where the system can (Linux 3.15, glibc 2.28; not every file system)."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return bool(done == 0)
