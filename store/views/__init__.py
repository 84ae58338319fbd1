"""The public tables: one SQL file each, whose first comment is the documentation of every column.

Most are views. A table that is given something, such as `vote`, is a macro; its comment says how it is called.
The site's SQL page and `bench query --schema` print the same comments.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

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


@cache
def views() -> tuple[View, ...]:
    """All views and macros, in an order in which they can be created."""
    return tuple(_parse(name, (files("store.views") / f"{name}.sql").read_text(encoding="utf-8")) for name in ORDER)


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
