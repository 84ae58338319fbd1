"""Printing figures and tables as Markdown that Quarto and the preview engine draw alike.

A cell that returned a chart as HTML would make Quarto fetch scripts from the network; a fenced block that holds the
chart's specification does not, and is numbered and cross-referenced like any figure.
"""

import json
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import altair as alt


def embed(chart: Any, name: str, label: str) -> str:
    """HTML that draws a chart in place; `name` is unique on the page, `label` says what it shows."""
    spec = json.dumps(chart.to_dict(validate=False), separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    options = '{"actions":false,"renderer":"svg"}'
    return (
        f'<div class="chart" id="vis-{name}" role="img" aria-label="{escape(label, quote=True)}"></div>'
        f'<script>vegaEmbed("#vis-{name}",{spec},{options});</script>'
    )


def figure(html: str, name: str, caption: str) -> None:
    """Print a numbered figure, which `@fig-<name>` refers to."""
    print(f"\n::: {{#fig-{name}}}\n```{{=html}}\n{html}\n```\n\n{caption}\n:::\n")


def chart(chart_: alt.Chart | alt.LayerChart | alt.FacetChart, name: str, caption: str, label: str) -> None:
    """Print a chart as a numbered figure."""
    figure(embed(chart_, name, label), name, caption)


def plain(text: str) -> str:
    """A name as it is, in Markdown: nothing in it is markup, as the names of folders may be anything."""
    return re.sub(r"([\\`*_{}\[\]()#+!<>$~^@&'\"-])", r"\\\1", text)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a pipe table; columns whose values are all numbers or intervals stand to the right."""
    print(f"\n{table_text(headers, rows)}\n")


def table_text(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A pipe table as Markdown.

    Pandoc shares the width of a table with long lines out by the dashes below its head, so they follow the texts.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    right = [bool(cells) and all(_numeric(row[i]) for row in cells) for i in range(len(headers))]
    widths = [
        max(6, *(min(len(row[i]), 40) for row in [list(map(_cell, headers)), *cells])) for i in range(len(headers))
    ]
    rules = ["-" * width + ":" if r else ":" + "-" * width for width, r in zip(widths, right, strict=True)]
    lines = ["| " + " | ".join(map(_cell, headers)) + " |", "|" + "|".join(rules) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in cells])


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _numeric(text: str) -> bool:
    return not text.strip("0123456789.,−-+–…%×±[]() s") or text in ("–", "")
