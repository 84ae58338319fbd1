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
"""Tells a site of ours, which may be replaced, from anything else. It lists the site's files, a path a line: what else
lies in the folder, a `CNAME` or a `.git`, is its owner's."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextlib.contextmanager
def replacing(output: Path) -> Iterator[Path]:
    """A folder to build in; it becomes `output` when the block ends well, and is removed when it does not.

    The old site is complete until the new one is. On Linux the two are exchanged in one step; elsewhere there is an
    instant between two renames in which neither is there. What somebody put beside the pages of the old site is there
    in the new one too.

    Raises:
        PageError: `output` holds something that is no site, for nothing but a site is ever replaced; or a page would
            take the place of somebody's file; or the folder cannot be written.
    """
    output = output.resolve()
    # Beside the output, so that both are on one file system; the name says whose it is.
    building = output.parent / f".{output.name}.{os.getpid()}"
    with _said(output):
        if output.exists() and not _replaceable(output):
            raise PageError(f"{output} holds no site of ours and is left alone; empty it or name another folder")
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
    try:
        yield building
        with _said(output):
            ours = sorted(path.relative_to(building).as_posix() for path in _files(building))
            (building / MARKER).write_text("".join(f"{name}\n" for name in ours), encoding="utf-8")
            _keep(output, building)
            _swap(building, output)
    finally:
        # By now the old site, or what there is of a new one that failed.
        shutil.rmtree(building, ignore_errors=True)


@contextlib.contextmanager
def _said(output: Path) -> Iterator[None]:
    """What the system says of a folder that cannot be written, in a sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise PageError(f"{output} cannot be written ({reason}); free space or choose another folder with -o") from None


def _replaceable(output: Path) -> bool:
    if not output.is_dir():
        return False
    return not any(output.iterdir()) or (output / MARKER).is_file()


def _files(folder: Path) -> Iterator[Path]:
    """All that is no folder with something in it: files, links, empty folders."""
    for here, folders, files in os.walk(folder):
        inside = [Path(here, name) for name in folders]
        yield from (Path(here, name) for name in files)
        yield from (path for path in inside if path.is_symlink() or not any(path.iterdir()))


def _keep(old: Path, new: Path) -> None:
    """Have what is not ours of an old site in the new one too: as links to the same bytes where that is possible."""
    if not old.exists():
        return
    listed = (
        set((old / MARKER).read_text(encoding="utf-8", errors="replace").splitlines())
        if (old / MARKER).exists()
        else set()
    )
    folders = {path.name for path in new.iterdir() if path.is_dir()}
    for path in _files(old):
        name = path.relative_to(old)
        place = new / name
        if name.as_posix() in (MARKER, *listed):
            continue
        # A site of an earlier version lists nothing: what has the place of a new page was one, and folders are ours.
        if not listed and (os.path.lexists(place) or name.parts[0] in folders):
            continue
        if os.path.lexists(place) or any((new / above).is_file() for above in name.parents):
            if path.is_dir() and place.is_dir():
                continue
            raise PageError(f"{path} is none of the pages that were drawn before, and a new one is called so; move it")
        place.parent.mkdir(parents=True, exist_ok=True)
        _copy(path, place)
    shutil.copymode(old, new)


def _copy(path: Path, place: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        place.mkdir()
        return
    try:
        os.link(path, place, follow_symlinks=False)
    except (OSError, RuntimeError):  # a file system without links, or a system that cannot link a link
        shutil.copy2(path, place, follow_symlinks=False)


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
