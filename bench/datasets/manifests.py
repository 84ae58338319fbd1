"""A manifest: a table beside the images that says where each lies and which class it has.

Columns `path` (from the manifest's folder) and `label`, and if wanted `group` (a patient, a slide) and `holdout`.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError

ENDINGS = (".csv", ".parquet")
YES, NO = {"1", "true", "yes", "y", "x", "holdout"}, {"", "0", "false", "no", "n"}


@dataclass(frozen=True)
class Row:
    """One line: `path` is relative to the manifest's folder, with `/` between its parts."""

    path: str
    label: str
    group: str | None
    held: bool


def find(folder: Path) -> Path | None:
    """The manifest in a folder: `manifest.csv` or `manifest.parquet`, else the only table with a path and a label."""
    tables = sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS and p.is_file() and p.name[0] != ".")
    named = [path for path in tables if path.stem.lower() == "manifest"]
    fitting = named or [path for path in tables if {"path", "label"} <= _columns(path)]
    if len(fitting) > 1:
        raise BenchError(f"{folder}: {fitting[0].name} and {fitting[1].name} could both be the manifest; move one away")
    return fitting[0] if fitting else None


def read(manifest: Path, endings: frozenset[str]) -> list[Row]:
    """The rows of a manifest, in its order; `endings` are those of files that can be read as images.

    Raises:
        BenchError: a column is missing, or a line names no image inside the folder; the message has the line.
    """
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for line, values in _lines(manifest):
        where = f"{manifest}, line {line}"
        written, label = values["path"], values["label"]
        path = os.path.normpath(os.path.relpath(written, manifest.parent) if Path(written).is_absolute() else written)
        if not label:
            raise BenchError(f"{where}: no label for {written!r}; give it one or strike the line out")
        if not written or path.startswith("..") or "\0" in path:
            raise BenchError(f"{where}: {written!r} is no file inside {manifest.parent}; paths start from there")
        if not (manifest.parent / path).is_file():
            raise BenchError(f"{where}: there is no file {written!r} in {manifest.parent}; mend the path or the line")
        if Path(path).suffix.lower() not in endings:
            known = ", ".join(sorted(endings))
            raise BenchError(f"{where}: {written!r} is no image that can be read ({known}); convert it first")
        if path in seen:
            raise BenchError(f"{where}: {written!r} stands in line {seen[path]} already; strike one of them out")
        mark = values.get("holdout", "").lower()
        if mark not in YES | NO:
            raise BenchError(f"{where}: holdout is {values['holdout']!r}; write 1 for held out, and 0 or nothing")
        seen[path] = line
        rows.append(Row(path, label, values.get("group") or None, mark in YES))
    if not rows:
        raise BenchError(f"{manifest} has no lines below its header; expected path,label and one line for each image")
    return rows


def _lines(manifest: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines by number with their values as text; a Parquet file's first row counts as line 1."""
    if manifest.suffix.lower() == ".parquet":
        table = _parquet(manifest)
        _check(manifest, table.column_names)
        for number, row in enumerate(table.to_pylist(), start=1):
            yield number, _texts(row)
        return
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=_delimiter(manifest), restval="")
            _check(manifest, reader.fieldnames or [])
            for row in reader:
                yield reader.line_num, _texts(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{manifest} cannot be read ({error}); a manifest is a CSV file in UTF-8") from None


def _texts(row: Mapping[Any, Any]) -> dict[str, str]:
    def text(value: Any) -> str:
        return "" if value is None or value != value else str(value).strip()  # a missing number is not itself

    return {key.strip().lower(): text(value) for key, value in row.items() if isinstance(key, str)}


def _check(manifest: Path, columns: Any) -> None:
    lowered = [str(column).strip().lower() for column in columns]
    if missing := [name for name in ("path", "label") if name not in lowered]:
        shown = ", ".join(map(str, columns)) or "none"
        raise BenchError(f"{manifest} has no column {missing[0]!r}; its columns are: {shown}")


def _columns(path: Path) -> set[str]:
    """The columns of a table that may be a manifest; none where it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix.lower() == ".parquet":
            names = list(pq.read_schema(path).names)
        else:
            with path.open(encoding="utf-8-sig", newline="") as file:
                names = next(csv.reader(file, delimiter=_delimiter(path)), [])
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException):
        return set()
    return {name.strip().lower() for name in names}


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
