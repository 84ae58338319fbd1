"""What every chart is drawn with: scales in percent, and marks of SVG whose colours the style sheet gives.

Places along x are percentages of the plot's width, so that one drawing fits a phone and a desk without a script. Places
along y, sizes and widths are pixels. Nothing here carries a text colour: charts read in light and in dark.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from report.palette import Style
from report.show.door import Html

EMPTY = Html("")
_PATHS = {
    "square": Html("M-4.6-4.6H4.6V4.6H-4.6Z"),
    "diamond": Html("M0-6.2L6.2 0 0 6.2-6.2 0Z"),
    "triangle-up": Html("M0-6L5.8 4.6H-5.8Z"),
    "triangle-down": Html("M0 6L5.8-4.6H-5.8Z"),
    "triangle-right": Html("M6 0L-4.6 5.8V-5.8Z"),
    "triangle-left": Html("M-6 0L4.6 5.8V-5.8Z"),
    "cross": Html("M-4.4-4.4L4.4 4.4M4.4-4.4L-4.4 4.4"),
    "plus": Html("M-5.6 0H5.6M0-5.6V5.6"),
    "circle": Html("M-5.2 0A5.2 5.2 0 1 1 5.2 0A5.2 5.2 0 1 1-5.2 0Z"),
}


@dataclass(frozen=True)
class Chart:
    """A picture, and the numbers behind it as a reader may take them away."""

    html: Html
    numbers: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, as percentages of a plot's width or height; logarithmic if wanted. Values are cut there."""

    low: float
    high: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value."""
        low, high, at = (math.log(v) if self.logarithmic else v for v in (self.low, self.high, max(value, 1e-9)))
        at = at if self.logarithmic else value
        return min(max((at - low) / (high - low), 0.0), 1.0) * 100

    def ticks(self, most: int = 6) -> list[float]:
        """Round values to write at the axis."""
        span = self.high - self.low
        step = next(s for s in _steps() if span / s <= most)
        first = math.ceil(self.low / step - 1e-9)
        return [round(k * step, 6) + 0.0 for k in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _steps() -> Iterable[float]:
    for exponent in range(-4, 9):
        yield from (base * 10.0**exponent for base in (1, 2, 5))


def scores_scale(values: Iterable[float], chance: float) -> Scale:
    """From the ten percent below the lowest value (or chance) to 1."""
    lowest = min([chance, *(v for v in values if math.isfinite(v))])
    return Scale(max(0.0, math.floor((lowest - 0.02) * 10) / 10), 1.0)


def points_scale(values: Iterable[float], least: float = 0.05) -> Scale:
    """Around 0, wide enough for all values, at least ± `least` to the side that has any, in steps of five points."""
    finite = [v for v in values if math.isfinite(v)]
    low, high = min([-least, *finite]), max([least, *finite])
    return Scale(math.floor(low * 20 - 1e-9) / 20, math.ceil(high * 20 + 1e-9) / 20)


def percent(value: float) -> str:
    """A fraction for an axis: `40 %`."""
    return f"{value * 100:.0f}\u00a0%"


def signed_points(value: float) -> str:
    """A fraction as points for an axis: `+10`."""
    written = f"{value * 100:+.0f}".replace("-", "−")
    return "0" if written in ("+0", "−0") else written


def tip(*parts: object) -> Html:
    """The attributes of a mark that tells something when it is pointed at; parts stand below each other."""
    return Html(' data-tip="{}"').format(" · ".join(str(part) for part in parts))


def line(x1: float, x2: float, y: float, kind: str, more: Html = EMPTY) -> Html:
    """A horizontal line, none where an end is no number; `kind` is its class in the style sheet."""
    if not math.isfinite(x1 + x2):
        return EMPTY
    return Html('<line class="{}" x1="{:.2f}%" x2="{:.2f}%" y1="{:.1f}" y2="{:.1f}"{}/>').format(
        kind, x1, x2, y, y, more
    )


def rule(x: float, kind: str, height: float, top: float = 0.0, more: Html = EMPTY) -> Html:
    """A vertical line."""
    drawn = Html('<line class="{}" x1="{:.2f}%" x2="{:.2f}%" y1="{:.1f}" y2="{:.1f}"{}/>')
    return drawn.format(kind, x, x, top, top + height, more)


def bar(x1: float, x2: float, y: float, height: float, kind: str, more: Html = EMPTY) -> Html:
    """A rectangle."""
    drawn = Html('<rect class="{}" x="{:.2f}%" width="{:.2f}%" y="{:.1f}" height="{:.1f}"{}/>')
    return drawn.format(kind, min(x1, x2), abs(x2 - x1), y, height, more)


def dot(x: float, y: float, radius: float, kind: str, more: Html = EMPTY) -> Html:
    """A circle."""
    return Html('<circle class="{}" cx="{:.2f}%" cy="{:.1f}" r="{:.1f}"{}/>').format(kind, x, y, radius, more)


def mark(x: float, y: float, style: Style, more: Html = EMPTY) -> Html:
    """A model's own mark."""
    drawn = Html('<svg x="{:.2f}%" y="{:.1f}" class="at"><path class="mark {}" style="--c:{}" d="{}"{}/></svg>')
    return drawn.format(x, y, fill(style), style.colour, _PATHS[style.shape], more)


def fill(style: Style) -> str:
    """The class of a mark: filled, hollow, or nothing but strokes."""
    return "strokes" if style.shape in ("cross", "plus") else "filled" if style.filled else "hollow"


def glyph(style: Style) -> Html:
    """A model's mark beside its name."""
    drawn = Html('<svg class="glyph" width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true">{}</svg>')
    return drawn.format(
        Html('<path class="mark {}" style="--c:{}" d="{}"/>').format(fill(style), style.colour, _PATHS[style.shape])
    )


def arrow(x1: float, x2: float, y: float, kind: str, more: Html = EMPTY) -> Html:
    """An arrow from x1 to x2; its head lies within it."""
    head = Html("M0 0L-9 5.5V-5.5Z") if x2 >= x1 else Html("M0 0L9 5.5V-5.5Z")
    drawn = Html('<g class="arrow {}"{}>{}<svg x="{:.2f}%" y="{:.1f}" class="at"><path d="{}"/></svg></g>')
    return drawn.format(kind, more, line(x1, x2, y, "shaft"), x2, y, head)


def quartiles(values: Sequence[float]) -> tuple[float, float, float, float, float]:
    """Lowest, first quartile, median, third quartile, highest."""
    return tuple(float(v) for v in np.percentile(values, [0, 25, 50, 75, 100]))  # type: ignore[return-value]
