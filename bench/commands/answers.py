"""The answer to a query, on the screen or in a file."""

import csv
import io
import json
import math
import os
import sys
import uuid
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.printing import escaped
from bench.errors import BenchError

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

SHOWN = 1000


def show(console: "Console", answer: "pa.Table") -> None:
    """Print an answer as a table that lines up; numbers to the right, at most 1,000 rows."""
    import pyarrow as pa
    from rich import box
    from rich.table import Table

    rows = [{name: _text(value) for name, value in row.items()} for row in answer.slice(0, SHOWN).to_pylist()]
    wide = sum(max([len(name), *(min(len(row[name]), 24) for row in rows)]) + 3 for name in answer.column_names)
    if wide > console.width:
        # A table that does not fit is unreadable: a block for each row is not.
        longest = max(map(len, answer.column_names), default=0)
        for number, row in enumerate(rows, 1):
            console.print(f"row {number}", style="bold")
            for name, text in row.items():
                console.print(f"  {escaped(name):<{longest}}  {escaped(text)}", soft_wrap=True)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for field in answer.schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)
        table.add_column(escaped(field.name), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(escaped, row.values()))
    console.print(table)
    if answer.num_rows > SHOWN:
        console.print(f"{SHOWN:,} of {answer.num_rows:,} rows; --format csv -o FILE writes all")


def write(answer: "pa.Table", kind: str, output: Path | None) -> None:
    """Write an answer as `csv`, `json`, `parquet`, or `table` (as csv) to a file, or to standard output.

    Raises:
        BenchError: the file cannot be written; one of that name stays as it was. Or standard output has not the signs
            for it.
    """
    if output is None:
        written = io.StringIO()
        _dump(answer, kind, written)
        try:
            written.getvalue().encode(sys.stdout.encoding or "utf-8")
        except UnicodeEncodeError as error:  # a sentence may be said in other signs, data may not
            sign, encoding = error.object[error.start], sys.stdout.encoding
            raise BenchError(f"the output is {encoding}, which has no {sign!a}; write a file with -o FILE") from None
        sys.stdout.write(written.getvalue())
        return
    part = None
    try:
        part = output.with_name(f".{output.name}-{uuid.uuid4().hex[:8]}.part")
        with part.open("x", newline="", encoding="utf-8") as file:  # readable to whom the user's files are
            if kind == "parquet":
                import pyarrow.parquet as pq

                pq.write_table(answer, part)
            else:
                _dump(answer, kind, file)
        part.replace(output)
    except OSError as error:
        if part is not None:
            with suppress(OSError):
                part.unlink()
        reason = os.strerror(error.errno) if error.errno else error
        raise BenchError(f"{output} cannot be written ({reason}); choose another -o FILE") from None


def _dump(answer: "pa.Table", kind: str, file: Any) -> None:
    rows = answer.to_pylist()
    if kind == "json":
        json.dump([{name: _json(value) for name, value in row.items()} for row in rows], file, indent=1, default=str)
        file.write("\n")
    else:
        writer = csv.DictWriter(file, answer.column_names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _json(value: object) -> object:
    """A value as JSON has it: numbers are numbers, and what is no number, or has no end, is null."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _json(inner) for name, inner in value.items()}
    return [_json(inner) for inner in value] if isinstance(value, list | tuple) else value


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, list):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    return "" if value is None else str(value)
