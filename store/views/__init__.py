"""The public tables: one SQL file each, whose first comment is the documentation of every column.

Most are views. A table that is given something, such as `vote`, is a macro; its comment says how it is called.
The site's SQL page and `bench query --schema` print the same comments.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from store.schema import KINDS

ORDER = (
    "plans",
    "current_plans",
    "trials",
    "predictions",
    "scores",
    "auroc",
    "confusion",
    "curves",
    "images",
    "splits",
    "activations",
    "neighbours",
    "tally",
    "votes",
    "vote",
    "progress",
    "cells",
)
"""Each view stands behind those that it is made from."""

HIDDEN = frozenset({"current_plans", "tally"})


@dataclass(frozen=True)
class View:
    """A public table: its SQL, what a row is, what each column holds, and how a query calls it.

    `call` is what stands behind `from`: the name, or for a macro the call that its comment shows.
    """

    name: str
    sql: str
    about: str
    columns: dict[str, str]
    call: str

    @property
    def code(self) -> str:
        """The SQL without its comments."""
        return "\n".join(line.partition("--")[0] for line in self.sql.splitlines())


@cache
def views() -> tuple[View, ...]:
    """All views and macros, in an order in which they can be created."""
    return tuple(_parse(name, (files("store.views") / f"{name}.sql").read_text(encoding="utf-8")) for name in ORDER)


def mentioned(sql: str | None) -> tuple[tuple[View, ...], list[str]]:
    """The views that a statement needs, in an order in which they can be created, and the kinds of raw tables: those
    whose names stand anywhere in it, and what these are made from.

    All of them where there is no statement, or one that may ask what there is. One that calls a table by a name put
    together elsewhere is not seen through: DuckDB then says that there is no such table.
    """
    if sql is None or _ASKS_WHAT_THERE_IS.search(sql.lower()):
        return views(), [*KINDS]
    words, made = _words(sql), list[View]()
    for view in reversed(views()):
        if view.name in words:
            words |= _words(view.code)
            made.append(view)
    return tuple(reversed(made)), [kind for kind in KINDS if f"raw_{kind}" in words]


_ASKS_WHAT_THERE_IS = re.compile(
    r"""(?:^|[('"/;])\s*(?:show|desc|describe|summarize)\b|\b(?:duckdb_|information_schema\b|pragma|pg_|sqlite_)"""
    r"""|\bquery(?:_table)?\s*\((?!\s*'(?:[^']|'')*'\s*[,)])""",
    re.MULTILINE,
)
"""What lists tables or describes them, and a query whose text is put together."""


def _words(sql: str) -> set[str]:
    return set(re.findall(r"\w+", sql.lower()))


def public() -> tuple[View, ...]:
    """The views and macros that are documented for users."""
    return tuple(view for view in views() if view.name not in HIDDEN)


def _parse(name: str, sql: str) -> View:
    comments = [line.removeprefix("--").strip() for line in sql.splitlines() if line.startswith("--")]
    gap = comments.index("")
    about = " ".join(comments[:gap])
    columns = dict(line.split(": ", 1) for line in comments[gap + 1 :] if ": " in line)
    called = re.search(rf"`({name}\([^`]+)`", about)
    return View(name, sql, about, columns, called[1] if called else name)
