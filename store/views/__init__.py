"""The public tables: one SQL file each, whose first comment is the documentation of every column.

The site's SQL page and `bench query --schema` print the same comments.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ORDER = (
    "plans", "current_plans", "trials", "predictions", "scores", "images", "activations", "votes", "cells",
)  # fmt: skip
"""Each view stands behind those that it is made from."""

HIDDEN = frozenset({"current_plans"})


@dataclass(frozen=True)
class View:
    """A public table: its SQL, what a row is, and what each column holds."""

    name: str
    sql: str
    about: str
    columns: dict[str, str]


@cache
def views() -> tuple[View, ...]:
    """All views, in an order in which they can be created."""
    return tuple(_parse(name, (files("store.views") / f"{name}.sql").read_text(encoding="utf-8")) for name in ORDER)


def public() -> tuple[View, ...]:
    """The views that are documented for users."""
    return tuple(view for view in views() if view.name not in HIDDEN)


def _parse(name: str, sql: str) -> View:
    comments = [line.removeprefix("--").strip() for line in sql.splitlines() if line.startswith("--")]
    gap = comments.index("")
    columns = dict(line.split(": ", 1) for line in comments[gap + 1 :] if ": " in line)
    return View(name, sql, " ".join(comments[:gap]), columns)
