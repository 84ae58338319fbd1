"""What a dataset and a model may be called.

Their names become folders, files, addresses of pages and values of SQL, so the rule is narrow, and what breaks it in a
store was not written by this project. Names of recipes, studies and classes are free text.
"""

import re
from collections.abc import Iterable, Mapping

from store.errors import StoreError

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
NAMED = ("dataset", "model")
RULE = "lower-case letters, digits, '-', '_' and '.', beginning with a letter or digit, 64 at most"


def columns(of: Iterable[str]) -> list[str]:
    """Those of some columns that hold names."""
    return [column for column in of if column in NAMED]


def fault(rows: Iterable[Mapping[str, object]]) -> str | None:
    """What is wrong with the first row whose dataset or model is no name, as part of a sentence; None if none is."""
    for row in rows:
        for key in NAMED:
            value = row.get(key, "a")
            if not isinstance(value, str) or not NAME.fullmatch(value):
                return f"is of the {key} {str(value)[:80]!a}, which is no name ({RULE})"
    return None


def require(rows: Iterable[Mapping[str, object]]) -> None:
    """Refuse to write what a reader would leave out.

    Raises:
        StoreError: a row's dataset or model is no name.
    """
    if wrong := fault(rows):
        raise StoreError(f"what is to be written {wrong}; call it otherwise")
