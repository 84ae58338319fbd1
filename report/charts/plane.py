"""A chart with two axes: curves over x, each named at its end.

Curves are stretched with the plot and keep their width; points, rules and words keep their size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from report.charts.drawing import EMPTY, Scale, dot, glyph, mark, percent
from report.palette import Style
from report.show.door import Html

HEIGHT = 240
LETTERS, LINE = 30, 14.0
"""About how many letters of a name fit beside the plot, and the pixels of a line of it."""
_CURVE = Html('<polyline class="curve" style="--c:{}" points="{}" vector-effect="non-scaling-stroke"/>')


@dataclass(frozen=True)
class Curve:
    """A named line through (x, y) points; with `marks` each point is drawn, with its own words and interval."""

    name: str
    style: Style
    points: Sequence[tuple[float, float]]
    tips: Sequence[Html] = ()
    intervals: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Plane:
    """The two scales, their names, and which values are written at them."""

    x: Scale
    y: Scale
    x_name: str
    y_name: str
    x_ticks: Sequence[float] | None = None
    x_written: Callable[[float], str] = percent
    y_written: Callable[[float], str] = percent
    lines: Sequence[tuple[tuple[float, float], tuple[float, float], str]] = field(default_factory=tuple)


def draw(curves: Sequence[Curve], plane: Plane, label: str) -> Html:
    """The plot with its axes, and the curves' names at the right."""
    y_ticks, x_ticks = plane.y.ticks(5), plane.x_ticks if plane.x_ticks is not None else plane.x.ticks(5)
    grid = Html("").join(
        Html('<line class="gridline" x1="0%" x2="100%" y1="{:.2f}%" y2="{:.2f}%"/>').format(
            _up(plane, v), _up(plane, v)
        )
        for v in y_ticks
    )
    rules = Html("").join(_reference(plane, *each) for each in plane.lines)
    stretched = Html('<svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="100%">{}</svg>')
    lines = stretched.format(Html("").join(_CURVE.format(c.style.colour, _points(c, plane)) for c in curves))
    points = Html("").join(_marks(c, plane) for c in curves)
    plot = Html('<svg class="plane-plot" width="100%" height="{}" role="img" aria-label="{}">{}{}{}{}</svg>').format(
        HEIGHT, label, grid, rules, lines, points
    )
    return Html(
        '<div class="plane"><div class="axis-name y-name">{}</div><div class="y-ticks" aria-hidden="true">{}</div>'
        '<div class="plane-box">{}</div><div class="names" aria-hidden="true">{}</div>'
        '<div class="axis below"><div class="ticks" aria-hidden="true">{}</div><div class="axis-name">{}</div></div>'
        "</div>"
    ).format(
        plane.y_name,
        Html("").join(
            Html('<span style="top:{:.2f}%">{}</span>').format(_up(plane, v), plane.y_written(v)) for v in y_ticks
        ),
        plot,
        _names(curves, plane),
        Html("").join(
            Html('<span style="left:{:.2f}%">{}</span>').format(plane.x(v), plane.x_written(v)) for v in x_ticks
        ),
        plane.x_name,
    )


def _up(plane: Plane, value: float) -> float:
    return 100 - plane.y(value)


def _points(curve: Curve, plane: Plane) -> Html:
    return Html(" ").join(Html("{:.2f},{:.2f}").format(plane.x(x), _up(plane, y)) for x, y in curve.points)


def _reference(plane: Plane, one: tuple[float, float], other: tuple[float, float], word: str) -> Html:
    places = [plane.x(one[0]), plane.x(other[0]), _up(plane, one[1]), _up(plane, other[1])]
    drawn = Html('<line class="reference" x1="{:.2f}%" x2="{:.2f}%" y1="{:.2f}%" y2="{:.2f}%"/>').format(*places)
    if not word:
        return drawn
    return drawn + Html('<text class="word" x="{:.2f}%" y="{:.2f}%" dx="4" dy="-5">{}</text>').format(
        places[0], places[2], word
    )


def _marks(curve: Curve, plane: Plane) -> Html:
    parts = []
    for place, (x, y) in enumerate(curve.points if curve.tips else ()):
        at, up = plane.x(x), _up(plane, y) * HEIGHT / 100
        if curve.intervals:
            low, high = (_up(plane, v) * HEIGHT / 100 for v in curve.intervals[place])
            drawn = Html('<line class="interval" style="--c:{}" x1="{:.2f}%" x2="{:.2f}%" y1="{:.1f}" y2="{:.1f}"/>')
            parts.append(drawn.format(curve.style.colour, at, at, low, high))
        parts.append(mark(at, up, curve.style))
        parts.append(dot(at, up, 12, "touch", curve.tips[place]))
    return Html("").join(parts) if parts else EMPTY


def _names(curves: Sequence[Curve], plane: Plane) -> Html:
    """The names beside the curves' ends, moved apart where they would lie on each other."""
    wanted = sorted((_up(plane, c.points[-1][1]) * HEIGHT / 100, place) for place, c in enumerate(curves) if c.points)
    halves = [LINE / 2 * -(-len(curves[place].name) // LETTERS) + 1.5 for _, place in wanted]
    places: list[float] = []
    for k, (at, _) in enumerate(wanted):
        places.append(max(at, places[-1] + halves[k - 1] + halves[k]) if places else at)
    over = (places[-1] + halves[-1] - HEIGHT) if places else 0.0
    for k in range(len(places) - 1, -1, -1):  # back up, where the last ones fell out below
        limit = places[k + 1] - halves[k + 1] - halves[k] if k + 1 < len(places) else HEIGHT - halves[k]
        places[k] = min(places[k], limit) if over > 0 else places[k]
    return Html("").join(
        Html('<span style="top:{:.1f}px">{}{}</span>').format(top, glyph(curves[place].style), curves[place].name)
        for top, (_, place) in zip(places, wanted, strict=True)
    )
