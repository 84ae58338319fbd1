"""Which files are to be asked about: files by name, folders with all below them, and tables that list files."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.datasets import layouts, manifests
from bench.errors import BenchError, UsageError

COLUMNS = ("path", "file", "filename", "image", "image_path")
"""What a table may call the column that names the files."""


@dataclass(frozen=True)
class Candidate:
    """A file to be asked about: where it lies, and `name`, as it was given or found. `fault` says why it cannot be."""

    path: Path
    name: str
    fault: str = ""


@dataclass
class Listed:
    """What was found: the files, each once, and how many other files there are that are no images."""

    files: list[Candidate] = field(default_factory=list)
    others: int = 0


def listed(given: Sequence[Path], but: Sequence[Path] = ()) -> Listed:
    """Every file that is meant by some paths, in their order.

    Args:
        given: files, folders, or tables (CSV, TSV, Parquet) with a column `path`.
        but: folders that are not looked into, since results are written there.

    Raises:
        UsageError: one of the paths is not there, or a table has no such column.
    """
    found = Listed()
    seen = set[str]()
    for path in given:
        for candidate in _of(path, [folder.absolute() for folder in but], found):
            absolute = os.path.abspath(candidate.path)  # noqa: PTH100 - a link is another file
            if absolute not in seen:
                seen.add(absolute)
                found.files.append(candidate)
    return found


def _of(path: Path, but: Sequence[Path], found: Listed) -> Iterator[Candidate]:
    if path.is_dir():
        yield from _below(path, but, found)
    elif path.suffix.lower() in manifests.ENDINGS and path.is_file():
        yield from _in_table(path)
    elif path.exists() or path.is_symlink():
        yield _judged(path)
    else:
        raise UsageError(f"{path} is not there; name image files, folders of them, or a table that lists them")


def _below(folder: Path, but: Sequence[Path], found: Listed) -> Iterator[Candidate]:
    for path in sorted(layouts.walk(folder)):
        if any(path.absolute().is_relative_to(place) for place in but):
            continue
        if path.is_dir():
            found.others += 1  # a linked folder, which may lead round in a circle
        elif layouts.is_image_name(path) or path.suffix.lower() in layouts.PICTURES:
            yield _judged(path)
        else:
            found.others += 1


def _in_table(table: Path) -> Iterator[Candidate]:
    try:
        names = {name.strip().lower(): name for name in manifests.columns(table)}
        column = next((names[name] for name in COLUMNS if name in names), None)
        if column is None:
            raise UsageError(f"{table} has no column that names files; call it {COLUMNS[0]}")
        for line, row in manifests.records(table):
            written = row.get(column, "")
            if not written or "\0" in written:
                yield Candidate(table, f"{table.name}, line {line}", "the line names no file")
                continue
            path = Path(written) if Path(written).is_absolute() else table.parent / written
            yield _judged(path, written)
    except BenchError as error:
        raise UsageError(str(error)) from None


def _judged(path: Path, name: str | None = None) -> Candidate:
    said = str(path) if name is None else name
    try:
        if not path.exists():
            return Candidate(path, said, "there is no such file")
        if not path.is_file():
            return Candidate(path, said, "it is no file")
        if path.suffix.lower() not in layouts.SUFFIXES:
            return Candidate(path, said, "a kind of file that is not read; store it as PNG, JPEG, BMP or TIFF")
    except OSError as error:
        return Candidate(path, said, error.strerror or str(error))
    return Candidate(path, said)
