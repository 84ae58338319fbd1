"""Printing figures and tables as Markdown that Quarto and the preview engine draw alike.

A cell that returned a chart as HTML would make Quarto fetch scripts from the network; a fenced block that holds the
chart's specification does not, and is numbered and cross-referenced like any figure.
"""

import json
from collections.abc import Sequence
from html import escape
from typing import Any

import altair as alt


def embed(chart: Any, name: str, label: str) -> str:
    """HTML that draws a chart in place; `name` is unique on the page, `label` says what it shows."""
    spec = json.dumps(chart.to_dict(), separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
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


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "", name: str = "") -> None:
    """Print a pipe table; columns whose values are all numbers or intervals stand to the right."""
    print("\n" + table_text(headers, rows))
    if caption:
        print(f"\n: {caption} {{#tbl-{name}}}" if name else f"\n: {caption}")
    print()


def table_text(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A pipe table as Markdown."""
    cells = [[_cell(value) for value in row] for row in rows]
    right = [bool(cells) and all(_numeric(row[i]) for row in cells) for i in range(len(headers))]
    lines = ["| " + " | ".join(map(_cell, headers)) + " |", "|" + "|".join("--:" if r else ":--" for r in right) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in cells])


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _numeric(text: str) -> bool:
    return not text.strip("0123456789.,−-+–…%×±[]() s") or text in ("–", "")
