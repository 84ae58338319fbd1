"""Answers as a table: CSV for people, Parquet for programs."""

import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from bench.errors import BenchError
from bench.predicting.judging import UNREADABLE, Judged

CSV, PARQUET = "predictions.csv", "predictions.parquet"


def table(judged: Sequence[Judged], classes: Sequence[str]) -> pa.Table:
    """A row a file: its name, status, class, probability, agreement, unlike, warnings, and what each class has."""

    def number(value: float, row: Judged) -> float | None:
        return None if row.status == UNREADABLE else value

    columns: dict[str, pa.Array] = {
        "file": pa.array([text(row.name) for row in judged], pa.string()),
        "status": pa.array([row.status for row in judged], pa.string()),
        "class": pa.array([row.label or None for row in judged], pa.string()),
        "probability": pa.array([number(row.probability, row) for row in judged], pa.float64()),
        "agreement": pa.array([number(row.agreement, row) for row in judged], pa.float64()),
        "unlike": pa.array([number(row.unlike, row) for row in judged], pa.float64()),
        "warnings": pa.array(["; ".join(map(text, row.warnings)) for row in judged], pa.string()),
    }
    for place, name in enumerate(classes):
        values = [row.probabilities[place] if row.probabilities else None for row in judged]
        columns[f"p({name})"] = pa.array(values, pa.float64())
    return pa.table(columns)


def write(judged: Sequence[Judged], classes: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """Write both files into a folder, each whole or not at all.

    Raises:
        BenchError: they cannot be written; what was there stays.
    """
    made = table(judged, classes)
    return (
        _written(folder / CSV, lambda path: csv.write_csv(made, path)),
        _written(folder / PARQUET, lambda path: pq.write_table(made, path)),
    )


def text(name: str) -> str:
    """A file's name as text that every table can hold: bytes that are none are told by their numbers."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def shown(name: str) -> str:
    """A file's name in a line of its own: signs that move the cursor are told by their numbers."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text(name))


def _written(path: Path, write_to: Callable[[Path], None]) -> Path:
    part = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to(part)
        part.replace(path)
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror or error}); choose another -o DIR") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path
