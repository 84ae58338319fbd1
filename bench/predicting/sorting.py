"""Files sorted into `trust/<class>` and `inspect`: links to them, or copies where there can be no links."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.predicting.judging import TRUST, UNREADABLE, Judged

LIST = ".sorted"
"""Names what was put there, so that it alone is taken away when files are sorted anew."""


def sort(judged: Sequence[Judged], folder: Path, *, copies: bool) -> int:
    """Put every file that was read into a folder by its answer; what an earlier run put there goes first.

    Returns:
        How many files are there now.

    Raises:
        BenchError: the folder holds other files, or cannot be written.
    """
    try:
        _clear(folder)
        targets = _targets(judged, folder)
        # Listed before any is there, so that a run that is killed leaves none behind that nobody knows.
        (folder / LIST).write_bytes(b"\0".join(os.fsencode(path.relative_to(folder)) for path, _ in targets))
        for target, source in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
            _put(source, target, copies=copies)
        return len(targets)
    except OSError as error:
        raise BenchError(
            f"{error.filename or folder} cannot be written ({error.strerror or error}); choose another --sort DIR"
        ) from None


def _targets(judged: Sequence[Judged], folder: Path) -> list[tuple[Path, Path]]:
    """Where each file goes; files of several folders may be called alike, and then take a number."""
    taken, targets = set[str](), list[tuple[Path, Path]]()
    for row in judged:
        if row.status == UNREADABLE:
            continue
        place = folder / "trust" / named(row.label) if row.status == TRUST else folder / "inspect"
        source, number = Path(row.path), 2
        target = place / source.name
        while str(target).lower() in taken or target.exists() or target.is_symlink():
            target, number = place / f"{source.stem} ({number}){source.suffix}", number + 1
        taken.add(str(target).lower())
        targets.append((target, source))
    return targets


def named(label: str) -> str:
    """A class as the name of a folder; signs that a disk may not take are replaced."""
    name = re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", label).strip(" .")[:100]
    return name or "_"


def _clear(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / LIST
    if not note.is_file():
        if any(folder.iterdir()):
            raise BenchError(f"{folder} holds other files; name an empty folder with --sort")
        note.touch()
        return
    for name in note.read_bytes().split(b"\0"):
        path = folder / os.fsdecode(name)
        if name and os.path.normpath(path).startswith(f"{os.path.normpath(folder)}{os.sep}"):
            path.unlink(missing_ok=True)


def _put(source: Path, target: Path, *, copies: bool) -> None:
    if not copies:
        try:
            target.symlink_to(source)
            return
        except OSError:  # no links on this disk
            pass
    shutil.copyfile(source, target)
