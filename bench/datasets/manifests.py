"""A manifest: a table that says where each image lies and which class it has.

Columns `path` and `label`, and if wanted `group` (a patient, a slide) and `holdout`; or those that the card names.
"""

import csv
import math
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import normalize

from bench.datasets import lines
from bench.errors import BenchError

ENDINGS = (".csv", ".tsv", ".parquet")
COLUMNS = ("path", "label", "group", "holdout")
YES, NO = {"true", "t", "yes", "y", "x", "holdout"}, {"false", "f", "no", "n"}
LOOKED_AT = 300
"""Lines from which it is told which column names files."""
NOTHING = {"", "nan", "na", "n/a", "<na>", "null", "none", "nat"}
"""How tables write that there is no value."""


@dataclass(frozen=True)
class Row:
    """One line: `path` leads from the folder of the images to the file, with `/` between its parts."""

    path: str
    label: str
    group: str | None
    held: bool


def find(folder: Path) -> Path | None:
    """The manifest in a folder: `manifest.csv` or `manifest.parquet`, else the only table with a path and a label."""
    found = tables(folder)
    named = [path for path in found if path.stem.lower() == "manifest"]
    fitting = named or [path for path in found if {"path", "label"} <= {_lowered(name) for name in columns(path)}]
    if len(fitting) > 1:
        raise BenchError(
            f"{folder}: {fitting[0].name} and {fitting[1].name} could both be the manifest; move one away, or name "
            "the other with --manifest"
        )
    return fitting[0] if fitting else None


def tables(folder: Path) -> list[Path]:
    """The files in a folder that are tables by their ending."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS and p.is_file() and p.name[0] != ".")


@dataclass(frozen=True)
class Listed:
    """What a manifest lists: the rows, in its order, and what lines name of which there is no file."""

    rows: list[Row]
    missing: list[str]


def read(manifest: Path, folder: Path, endings: frozenset[str], named: Mapping[str, str], skip: bool = False) -> Listed:
    """The rows of a manifest.

    A file is named by its path from `folder`, or from the manifest; or by the end of that path, where no other file's
    ends so. The ending of its name may be left away, and accented letters may be composed otherwise than on the disk.

    Args:
        manifest: the table.
        folder: holds the images.
        endings: those of files that can be read as images.
        named: what the columns `path`, `label`, `group`, `holdout` are called, where not so.
        skip: pass over lines of which there is no file.

    Raises:
        BenchError: a column is missing, or lines name no image inside the folder; the message has the lines.
    """
    rows: list[Row] = []
    seen: dict[str, int] = {}
    missing: list[str] = []
    files, faults = Files(folder, endings), lines.Faults(manifest, folder)
    for line, values in _lines(manifest, named):
        written, label = values["path"], values["label"]
        of_table = os.path.join(os.path.abspath(manifest.parent), written)  # noqa: PTH100, PTH118
        within = [path for path in (_inside(folder, written), _inside(folder, of_table)) if path]
        places = [path for path in within if files.holds(path)][:1] or files.named(written)
        if Path(written).is_absolute() and not within and not os.path.exists(written):  # noqa: PTH110
            within = places  # of another machine
        held = _held(values.get("holdout", ""))
        if not label:
            faults.add(lines.UNLABELLED, line, written)
        elif not written or not within:
            faults.add(lines.OUTSIDE, line, written)
        elif len(places) > 1:
            faults.add(lines.SEVERAL, line, written, f"{places[0]} or {places[1]}")
        elif not places:
            missing.append(written)
            if not skip:
                faults.add(lines.MISSING, line, written)
        elif Path(places[0]).suffix.lower() not in endings:
            faults.add(lines.NO_IMAGE, line, written, ", ".join(sorted(endings)))
        elif places[0] in seen:
            faults.add(lines.AGAIN, line, written, f"line {seen[places[0]]}")
        elif held is None:
            faults.add(lines.UNMARKED, line, values["holdout"])
        else:
            seen[places[0]] = line
            group = values.get("group", "")
            rows.append(Row(places[0], label, None if group.lower() in NOTHING else group, held))
    if not seen:
        _tell_of_another_column(manifest, files, named)
    faults.tell()
    if not rows:
        if missing:
            raise BenchError(f"{manifest}: none of its lines names a file in {folder}, {missing[0]!r} for one")
        raise BenchError(f"{manifest} has no lines below its header; expected path,label and one line for each image")
    return Listed(rows, missing)


def _tell_of_another_column(manifest: Path, files: "Files", named: Mapping[str, str]) -> None:
    """Say which column of a table names files, where it is not the one that should.

    Raises:
        BenchError: there is such a column.
    """
    records_ = [row for _, row in islice(records(manifest), LOOKED_AT)]
    ours = _named(manifest, named)
    path, label = ours["path"], ours["label"]
    hits = {name: sum(files.has(row.get(name, "")) for row in records_) for name in columns(manifest)}
    most = max(hits, key=lambda name: hits[name])
    if most == path or 2 * hits[most] <= len(records_):
        return
    swapped = most == label
    what = "the two are swapped, it seems" if swapped else "that is the one of paths, it seems"
    given = {"path": most, "label": path if swapped else label}
    said = " ".join(f"--{role} {shlex.quote(name)}" for role, name in given.items())
    raise BenchError(
        f"{manifest}: no line of its column {path!r} names a file, but {most!r} does; {what}: "
        f"--manifest {shlex.quote(str(manifest))} {said}, or `columns` in the card"
    )


class Files:
    """The images below a folder, found by less than their path."""

    def __init__(self, folder: Path, endings: frozenset[str]) -> None:
        self._folder, self._endings = folder, endings
        self._by_end: dict[str, list[str]] | None = None

    def holds(self, path: str) -> bool:
        """Whether a path from the folder leads to a file; any text may stand in a table, and some is too long."""
        return os.path.isfile(self._folder / path)  # noqa: PTH113

    def has(self, written: str) -> bool:
        """Whether some text names a file of the folder."""
        inside = _inside(self._folder, written)
        return inside is not None and (self.holds(inside) or bool(self.named(written)))

    def named(self, written: str) -> list[str]:
        """The paths from the folder of the images that may be meant; all, where several may be."""
        if self._by_end is None:
            self._by_end = self._ends()
        parts = normalize("NFC", written.replace("\\", "/")).strip("/").split("/")
        if found := self._by_end.get("/".join(parts)):
            return found
        # The table may tell folders above ours too.
        for start in range(1, len(parts)):
            end = "/".join(parts[start:])
            if whole := [path for path in self._by_end.get(end, []) if normalize("NFC", path).startswith(end)]:
                return whole
        return []

    def _ends(self) -> dict[str, list[str]]:
        ends: dict[str, list[str]] = {}
        for place, folders, names in os.walk(self._folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = Path(place, name)
                if path.suffix.lower() not in self._endings or name.startswith("."):
                    continue
                inside = path.relative_to(self._folder)
                parts = normalize("NFC", inside.as_posix()).split("/")
                for start in range(len(parts)):
                    end = "/".join(parts[start:])
                    for key in (end, end[: -len(path.suffix)]):
                        ends.setdefault(key, []).append(inside.as_posix())
        return ends


def columns(table: Path) -> list[str]:
    """The names of the columns of a table; none where it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if table.suffix.lower() == ".parquet":
            return list(pq.read_schema(table).names)
        with table.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file, delimiter=_delimiter(table)), [])
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException):
        return []


def records(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines by number, with their values as text; a Parquet file's first row counts as line 1."""
    if table.suffix.lower() == ".parquet":
        for number, row in enumerate(_parquet(table).to_pylist(), start=1):
            yield number, _texts(row)
        return
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=_delimiter(table), restval="")
            for row in reader:
                yield reader.line_num, _texts(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{table} cannot be read ({error}); a manifest is a CSV file in UTF-8: save it so") from None


def _named(manifest: Path, named: Mapping[str, str]) -> dict[str, str]:
    """What the table calls our columns, as far as it has them."""
    there = columns(manifest) or list(next(records(manifest), (0, {}))[1])  # which says why it cannot be read
    place = {_lowered(name): name for name in there}
    wanted = {**dict(zip(COLUMNS, COLUMNS, strict=True)), **named}
    for ours, theirs in wanted.items():
        if _lowered(theirs) not in place and (ours in ("path", "label") or ours != theirs):
            raise BenchError(
                f"{manifest} has no column {theirs!r}; its columns are: {', '.join(map(str, there)) or 'none'}"
            )
    return {ours: place[_lowered(theirs)] for ours, theirs in wanted.items() if _lowered(theirs) in place}


def _lines(manifest: Path, named: Mapping[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines by number, with the values of our columns under our names for them."""
    wanted = _named(manifest, named)
    for number, row in records(manifest):
        yield number, {ours: row.get(name, "") for ours, name in wanted.items()}


def _texts(row: Mapping[object, object]) -> dict[str, str]:
    def text(value: object) -> str:
        return "" if value is None or value != value else str(value).strip()  # a missing number is not itself

    return {key: text(value) for key, value in row.items() if isinstance(key, str)}


def _held(mark: str) -> bool | None:
    """Whether a line is marked as held out, None where the mark says neither; pandas writes `True` and `1.0`."""
    lowered = mark.lower()
    try:
        number = float(lowered)
    except ValueError:
        number = math.nan
    if lowered in YES or number == 1:
        return True
    return False if lowered in NO | NOTHING or number == 0 else None


def _inside(folder: Path, written: str) -> str | None:
    """A path from the folder, or None where it leads out of it or nowhere."""
    if not written or "\0" in written:
        return None
    path = os.path.normpath(os.path.relpath(written, folder) if Path(written).is_absolute() else written)
    return None if path.startswith("..") or path == "." else path


def _lowered(name: object) -> str:
    return str(name).strip().lower()


def _parquet(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise BenchError(f"{path} cannot be read ({' '.join(str(error).split())}); write it anew") from None


def _delimiter(path: Path) -> str:
    """Spreadsheets of half the world write semicolons."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline()
    return max(",;\t", key=header.count)
