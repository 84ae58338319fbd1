"""A chart of rows: a label, a plot on a scale that all rows share, and a value in words.

On a phone a row's label and value stand above its plot; the style sheet decides by the chart's own width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from report.charts.drawing import EMPTY, Scale, bar, percent, rule
from report.show.door import Html

_ROW = Html(
    '<div class="chart-row"{}><div class="row-label">{}</div><svg class="row-plot" height="{}" width="100%" role="img" '
    'aria-label="{}">{}</svg><div class="row-value">{}</div></div>'
)


@dataclass(frozen=True)
class Row:
    """One row: what stands to its left and right, what is drawn, how high it is in pixels, what a listener hears."""

    label: Html
    drawn: Html
    value: Html
    said: str
    height: int = 30
    more: Html = EMPTY


@dataclass(frozen=True)
class Axis:
    """What the rows share: the scale, how its values are written, its name, lines across all rows, a grey band."""

    scale: Scale
    name: str
    written: Callable[[float], str] = percent
    lines: tuple[tuple[float, str], ...] = ()
    band: tuple[float, float] | None = None


def draw(rows: Sequence[Row], axis: Axis, kind: str = "") -> Html:
    """All rows, with the axis above and below; `kind` is a class for the style sheet."""
    scale = axis.scale
    ticks = scale.ticks()
    top, bottom = (_ticks(axis, ticks, place) for place in ("above", "below"))
    drawn = [
        _ROW.format(row.more, row.label, row.height, row.said, _grid(axis, ticks, row.height) + row.drawn, row.value)
        for row in rows
    ]
    whole = Html('<div class="rows {}">{}{}{}</div>')
    return whole.format(kind, top if len(rows) > 8 or axis.lines else EMPTY, Html("").join(drawn), bottom)


def _grid(axis: Axis, ticks: Sequence[float], height: int) -> Html:
    scale = axis.scale
    parts = [rule(scale(tick), "gridline", height) for tick in ticks]
    if axis.band:
        parts.insert(0, bar(scale(axis.band[0]), scale(axis.band[1]), 0, height, "band"))
    parts += [rule(scale(value), "reference", height) for value, _ in axis.lines]
    return Html("").join(parts)


def _ticks(axis: Axis, ticks: Sequence[float], place: str) -> Html:
    scale = axis.scale
    if place == "above":
        words = [Html('<span style="left:{:.2f}%">{}</span>').format(scale(v), word) for v, word in axis.lines]
        return Html('<div class="axis above"><div class="ticks" aria-hidden="true">{}</div></div>').format(
            Html("").join(words)
        )
    words = [Html('<span style="left:{:.2f}%">{}</span>').format(scale(v), axis.written(v)) for v in ticks]
    below = Html(
        '<div class="axis below"><div class="ticks" aria-hidden="true">{}</div><div class="axis-name">{}</div></div>'
    )
    return below.format(Html("").join(words), axis.name)
