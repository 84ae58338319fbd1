"""Printing figures and tables that Quarto and the preview engine draw alike.

A cell that returned a chart as HTML would make Quarto fetch scripts from the network; a fenced block that holds its
drawing does not, and is numbered and cross-referenced like any figure.
"""

import base64
import json
import re
from collections.abc import Callable, Sequence
from html import unescape
from numbers import Number
from typing import TYPE_CHECKING, LiteralString

import pandas as pd

from report.show.door import Html, Markup

if TYPE_CHECKING:
    from report.charts import Chart

NOTHING = Html("")


def write(*parts: Markup) -> None:
    """Print paragraphs, or other blocks, each by itself."""
    print("".join(f"\n{part.source}\n" for part in parts))


def heading(level: int, words: Markup, name: str) -> None:
    """Print a heading; `name`, made by `data.slug` where words from outside are in it, is its address."""
    print(f"\n{'#' * level} {words.source} {{#{name}}}\n")


def block(words: str, language: LiteralString) -> None:
    """Print code of this project's own as a block."""
    print(f"\n```{language}\n{words}\n```\n")


def data(value: object) -> Html:
    """A value as JSON, for the inside of a `<script type="application/json">`.

    Signs that mean something to HTML, to Markdown or to Quarto stand in strings alone, where JSON has them as numbers.
    """
    written = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    for sign in "<>&`;@$":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return Html.made(written)


def numbers(frame: pd.DataFrame, sql: str = "", by: str = "") -> Html:
    """The numbers behind a picture, rounded to six decimals, and what gives them: for the reader's script.

    `sql` is the query; where they are more than a query, `by` names the function.
    """
    columns = [str(name) for name in frame.columns]
    rows = [[_plain(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    script = Html('<script type="application/json" class="numbers">{}</script>')
    source = {key: words for key, words in (("sql", sql), ("by", by)) if words}
    return script.format(data({"columns": columns, "rows": rows} | source))


def _plain(value: object) -> object:
    if isinstance(value, str | bool):
        return value
    if isinstance(value, Number):
        rounded = round(float(value), 6)  # type: ignore[arg-type]
        return None if rounded != rounded or rounded in (float("inf"), float("-inf")) else _whole(rounded)
    return None if value is None else str(value)


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value


def picture(data: bytes, label: str, kind: str = "png") -> Html:
    """An image within the page, so that nothing has to be fetched."""
    address = Html.made(f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}")
    return Html('<img src="{}" alt="{}">').format(address, label)


def figure(html: Html, name: str, caption: Markup) -> None:
    """Print a numbered figure, which `@fig-<name>` refers to."""
    print(f"\n::: {{#fig-{name}}}\n```{{=html}}\n{html.source}\n```\n\n{caption.source}\n:::\n")


def chart(
    chart_: "Chart",
    name: str,
    caption: Markup,
    label: str,
    *,
    title: Html = NOTHING,
    sql: str = "",
    by: Callable[..., object] | None = None,
) -> None:
    """Print a chart as a numbered figure, with what it says as its title and the numbers behind it.

    `label` tells a listener what it shows; `sql` is the query that gives its numbers, and where these are more than a
    query, `by` is the function that makes them.
    """
    made_by = f"{by.__module__}.{by.__qualname__}" if by else ""
    head = Html('<p class="chart-title">{}</p>').format(title) if title else title
    frame = Html('<div class="chart" id="vis-{}"><div class="picture" role="group" aria-label="{}">{}{}</div>{}</div>')
    figure(frame.format(name, label, head, chart_.html, numbers(chart_.numbers, sql, made_by)), name, caption)


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a pipe table; columns whose values are all numbers or intervals stand to the right.

    It stands in a box of its own, which scrolls where the table is wider than the page.
    """
    write(Markup("::: {.table-box}"), table_text(headers, rows), Markup(":::"))


def raw(html: Html) -> None:
    """Print HTML as a block of its own."""
    print(f"\n```{{=html}}\n{html.source}\n```\n")


def folded(words: Html, name: str = "") -> None:
    """Open what a reader unfolds; `unfolded` ends it. No heading stands within; `name` is its address, if any."""
    address = Html(' id="{}"').format(name) if name else NOTHING
    raw(Html('<details class="folded"{}><summary>{}</summary>').format(address, words))


def unfolded() -> None:
    """End what `folded` has opened."""
    raw(Html("</details>"))


def table_text(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    """A pipe table as Markdown; what is not `Markup` goes in as text.

    Pandoc shares the width of a table with long lines out by the dashes below its head, so they follow the texts.
    """
    cells = [[_cell(value) for value in row] for row in [headers, *rows]]
    seen = [[_seen(value) for value in row] for row in [headers, *rows]]
    right = [len(rows) > 0 and all(_numeric(row[i]) for row in seen[1:]) for i in range(len(headers))]
    widths = [max(6, *(min(len(row[i]), 40) for row in seen)) for i in range(len(headers))]
    rules = ["-" * width + ":" if r else ":" + "-" * width for width, r in zip(widths, right, strict=True)]
    head, *body = ["| " + " | ".join(row) + " |" for row in cells]
    return Markup.made("\n".join([head, "|" + "|".join(rules) + "|", *body]))


def _cell(value: object) -> str:
    """A number and its unit, or its sign, stay on one line."""
    if isinstance(value, Markup):
        return value.source
    return Markup.text(str(value).replace(" %", "\u00a0%").replace("< .", "<\u00a0.")).source


def _seen(value: object) -> str:
    """About what a reader sees of a cell."""
    if not isinstance(value, Markup):
        return str(value)
    return unescape(re.sub(r"<[^>]*>|\{=html\}|\]\([^)]*\)|[`*\[]", "", value.source))


def _numeric(words: str) -> bool:
    return not words.strip("0123456789.,−-+–…%×±<[]() s") or words in ("–", "")
