"""What the store says when it cannot do what was asked: one sentence, with the mend."""

import os
import re
from pathlib import Path


class StoreError(Exception):
    """The store cannot be read or written, or is none."""


class QueryError(StoreError):
    """A query is not one the store answers."""


class StoreWarning(UserWarning):
    """A part of the store is not as it was written, and is left out of every answer.

    Attributes:
        path: the part, below the store's folder.
        fault: what is wrong with it.
    """

    def __init__(self, root: Path, path: str, fault: str) -> None:
        super().__init__(f"{root / path} {fault}; it is left out, see `bench store check`")
        self.path, self.fault = path, fault


def reason(error: Exception) -> str:
    """What the system refused, in its own words, also where DuckDB wraps them; some of its errors come as JSON."""
    number = re.search(r'"errno":"(\d+)"', str(error))
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return os.strerror(int(number[1])) if number else (str(error).splitlines() or [type(error).__name__])[0]
