"""A manifest: a table that says where each image lies and which class it has.

Columns `path` and `label`, and if wanted `group` (a patient, a slide) and `holdout`; or those that the card names.
"""

import csv
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import normalize

from bench.errors import BenchError

ENDINGS = (".csv", ".tsv", ".parquet")
COLUMNS = ("path", "label", "group", "holdout")
YES, NO = {"true", "t", "yes", "y", "x", "holdout"}, {"false", "f", "no", "n"}
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


def read(manifest: Path, folder: Path, endings: frozenset[str], named: Mapping[str, str] | None = None) -> list[Row]:
    """The rows of a manifest, in its order.

    A file is named by its path from `folder`, or from the manifest; or by the end of that path, where no other file's
    ends so. The ending of its name may be left away, and accented letters may be composed otherwise than on the disk.

    Args:
        manifest: the table.
        folder: holds the images.
        endings: those of files that can be read as images.
        named: what the columns `path`, `label`, `group`, `holdout` are called, where not so.

    Raises:
        BenchError: a column is missing, or a line names no image inside the folder; the message has the line.
    """
    rows: list[Row] = []
    seen: dict[str, int] = {}
    gone: list[str] = []
    files = Files(folder, endings)
    for line, values in _lines(manifest, {**dict(zip(COLUMNS, COLUMNS, strict=True)), **(named or {})}):
        where = f"{manifest}, line {line}"
        written, label = values["path"], values["label"]
        if not label:
            raise BenchError(f"{where}: no label for {written!r}; give it one or strike the line out")
        of_table = os.path.join(os.path.abspath(manifest.parent), written)  # noqa: PTH100, PTH118
        within = [path for path in (_inside(folder, written), _inside(folder, of_table)) if path]
        if not written or not within:
            raise BenchError(f"{where}: {written!r} is no file inside {folder}; paths start from there")
        places = [path for path in within if (folder / path).is_file()][:1] or files.named(written)
        if len(places) > 1:
            raise BenchError(f"{where}: {written!r} may be {places[0]} or {places[1]}; write the path from {folder}")
        if not places:
            gone.append(f"{where}: there is no file {written!r} in {folder}")
            continue
        path = places[0]
        if Path(path).suffix.lower() not in endings:
            known = ", ".join(sorted(endings))
            raise BenchError(f"{where}: {written!r} is no image that can be read ({known}); convert it first")
        if path in seen:
            raise BenchError(f"{where}: {written!r} stands in line {seen[path]} already; strike one of them out")
        seen[path] = line
        group = values.get("group", "")
        held = _held(values.get("holdout", ""), where)
        rows.append(Row(path, label, None if group.lower() in NOTHING else group, held))
    if gone:
        rest = len(gone) - 1
        more = f" ({rest} more line{'s name' if rest > 1 else ' names'} none either)" if rest else ""
        raise BenchError(f"{gone[0]}{more}; mend the path or the line")
    if not rows:
        raise BenchError(f"{manifest} has no lines below its header; expected path,label and one line for each image")
    return rows


class Files:
    """The images below a folder, found by less than their path."""

    def __init__(self, folder: Path, endings: frozenset[str]) -> None:
        self._folder, self._endings = folder, endings
        self._by_end: dict[str, list[str]] | None = None

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
        raise BenchError(f"{table} cannot be read ({error}); a manifest is a CSV file in UTF-8") from None


def _lines(manifest: Path, named: Mapping[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines by number, with the values of our columns under our names for them."""
    there = columns(manifest) or list(next(records(manifest), (0, {}))[1])  # which says why it cannot be read
    place = {_lowered(name): name for name in there}
    for ours, theirs in named.items():
        if _lowered(theirs) not in place and (ours in ("path", "label") or ours != theirs):
            raise BenchError(
                f"{manifest} has no column {theirs!r}; its columns are: {', '.join(map(str, there)) or 'none'}"
            )
    wanted = {ours: place[_lowered(theirs)] for ours, theirs in named.items() if _lowered(theirs) in place}
    for number, row in records(manifest):
        yield number, {ours: row.get(name, "") for ours, name in wanted.items()}


def _texts(row: Mapping[object, object]) -> dict[str, str]:
    def text(value: object) -> str:
        return "" if value is None or value != value else str(value).strip()  # a missing number is not itself

    return {key: text(value) for key, value in row.items() if isinstance(key, str)}


def _held(mark: str, where: str) -> bool:
    """Whether a line is marked as held out; pandas writes `True` and `1.0`."""
    lowered = mark.lower()
    try:
        number = float(lowered)
    except ValueError:
        number = math.nan
    if lowered in YES or number == 1:
        return True
    if lowered in NO | NOTHING or number == 0:
        return False
    raise BenchError(f"{where}: holdout is {mark!r}; write 1 for held out, and 0 or nothing")


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
