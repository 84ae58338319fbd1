"""What was answered so far, a line an image, so that a run that was stopped goes on, and one on more images asks only
about the new ones. A line that was cut off by the end of the process is not counted.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.study import fingerprint

NAME = ".answered-{}.jsonl"


class Records:
    """The answers of one model in a folder; those of another one lie beside them.

    Args:
        folder: where results are written.
        model: names the very weights that answer.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self.path, self.model = folder / NAME.format(fingerprint(model)), model
        self.known: dict[str, dict[str, Any]] = {}
        self._whole = 0
        with suppress(OSError):
            self._read()

    def get(self, path: Path) -> dict[str, Any] | None:
        """What is known of a file, if it was not touched since; one that could not be read is tried again."""
        row = self.known.get(os.path.abspath(path))  # noqa: PTH100
        if row is None or "error" in row or row.get("stamp") != stamp(path):
            return None
        return row

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write lines, so that they are there if the process ends.

        Raises:
            BenchError: they cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("r+b" if self._whole else "wb") as file:
                file.seek(self._whole)
                file.truncate()
                if not self._whole:
                    file.write(_line({"model": self.model}))
                for row in rows:
                    file.write(_line(row))
                    self.known[str(row["path"])] = dict(row)
                file.flush()
                os.fsync(file.fileno())
                self._whole = file.tell()
        except OSError as error:
            raise BenchError(
                f"{self.path} cannot be written ({error.strerror or error}); free space or choose another -o DIR"
            ) from None

    def _read(self) -> None:
        with self.path.open("rb") as file:
            for number, line in enumerate(file):
                try:
                    row = json.loads(line)
                except ValueError:
                    return
                if not line.endswith(b"\n") or not isinstance(row, dict):
                    return
                if number == 0 and row.get("model") != self.model:
                    return
                if number:
                    self.known[str(row.get("path"))] = row
                self._whole += len(line)


def stamp(path: Path) -> list[int]:
    """The size of a file and the times of its last changes; an altered file has another one."""
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"
