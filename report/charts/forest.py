"""Charts of differences: intervals around nothing, and arrows from one model to another."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from report.charts import rows
from report.charts.drawing import EMPTY, Chart, Scale, arrow, bar, line, mark, points_scale, rule, signed_points, tip
from report.charts.rows import Axis, Row
from report.palette import Style
from report.show.door import Html

Verdict = str
HUES = {
    "better": Style("var(--better)", "triangle-right"),
    "worse": Style("var(--worse)", "square"),
    "equivalent": Style("var(--same)", "circle"),
    "undecided": Style("var(--open)", "circle", False),
    "incomplete": Style("var(--open)", "diamond", False),
}
"""Colour and shape of a verdict, the same on every page."""


def differences(findings: pd.DataFrame, rope: float) -> Chart:
    """Differences between two models with their intervals, in points, around the band that counts as equal.

    Args:
        findings: pair, difference, low, high (in points), verdict.
        rope: half the band's width, in points.
    """
    frame = findings.assign(**{key: findings[key] / 100 for key in ("difference", "low", "high")})
    scale = points_scale([*frame["low"], *frame["high"]])
    drawn = []
    for row in frame.to_dict("records"):
        value = Html('<strong>{}</strong> <small>{}</small> <em class="verdict {}">{}</em>').format(
            _points(row["difference"]), _interval(row), row["verdict"], row["verdict"]
        )
        label = Html('<span class="name">{}</span>').format(row["pair"])
        drawn.append(Row(label, _difference(row, scale), value, _said(row), 26))
    axis = Axis(scale, "difference in balanced accuracy, points", signed_points, band=(-rope / 100, rope / 100))
    return Chart(rows.draw(drawn, axis, "forest"), findings)


def _difference(row: Mapping[Any, Any], scale: Scale) -> Html:
    style = HUES[row["verdict"]]
    hint = tip(row["pair"], f"{_points(row['difference'])} points", f"95 % interval {_span(row)}", row["verdict"])
    colour = Html(' style="--c:{}"').format(style.colour)
    known = math.isfinite(row["low"]) and math.isfinite(row["high"])
    stroke = line(scale(row["low"]), scale(row["high"]), 13, "interval", colour + hint) if known else EMPTY
    return rule(scale(0), "zero", 26) + stroke + mark(scale(row["difference"]), 13, style, hint)


def arrows(frame: pd.DataFrame) -> Chart:
    """What transfer adds on each dataset, on the way from guessing (0) to perfect (1).

    Args:
        frame: a row an arrow, those of a dataset one after another, the most telling first: dataset, title, model,
            reference, start, end, low, high (places on the way; the interval is that of the end), verdict, splits,
            floor (the place of the best model without a network), same (whether the reference is the model's own twin).
    """
    scale = Scale(min(0.0, float(frame[["start", "end", "floor"]].min().min())), 1.0)
    drawn = [_dataset(own, scale) for _, own in frame.groupby("dataset", sort=False)]
    axis = Axis(scale, "the way from guessing to perfect", lines=((0.0, "guessing"),))
    return Chart(rows.draw(drawn, axis, "arrows"), frame.drop(columns="title"))


def _dataset(own: pd.DataFrame, scale: Scale) -> Row:
    records: list[dict[Any, Any]] = own.to_dict("records")
    first = records[0]
    parts = []
    if first["floor"] == first["floor"]:  # no floor was run where it is no number
        hint = tip(first["dataset"], "the best model without a network", f"{first['floor'] * 100:.0f} % of the way")
        parts.append(rule(scale(first["floor"]), "floor", 14 + 14 * len(records), 4, hint))
    for lane, row in enumerate(records):
        kind = f"{row['verdict']}{'' if lane == 0 else ' lighter'}{'' if row['same'] else ' other'}"
        y = 16 + 15 * lane
        hint = tip(
            f"{row['reference']} → {row['model']}",
            f"{_points(row['end'] - row['start'])} % of the way",
            f"95 % interval {_points(row['low'] - row['start'])} to {_points(row['high'] - row['start'])}",
            f"{row['verdict']}, on {row['splits']} splits",
        )
        band = bar(
            scale(row["low"]), scale(row["high"]), y - 6, 12, "spread", Html(' data-v="{}"').format(row["verdict"])
        )
        parts += [band, arrow(scale(row["start"]), scale(row["end"]), y, kind, hint)]
    value = Html('<strong>{}</strong> <em class="verdict {}">{}</em>').format(
        _points(first["end"] - first["start"]), first["verdict"], first["verdict"]
    )
    label = Html('<a href="datasets/{}.html" class="name">{}</a><small>{}</small>').format(
        first["dataset"], first["title"], f"{first['reference']} → {first['model']}, {first['splits']} splits"
    )
    said = f"{first['dataset']}: {_points(first['end'] - first['start'])}, {first['verdict']}"
    return Row(label, Html("").join(parts) if parts else EMPTY, value, said, 32 + 15 * (len(records) - 1))


def _points(value: float) -> str:
    written = f"{value * 100:+.1f}".replace("-", "−")
    return "0.0" if written in ("+0.0", "−0.0") else written


def _span(row: Mapping[Any, Any]) -> str:
    if not (math.isfinite(row["low"]) and math.isfinite(row["high"])):
        return "not known"
    return f"{_points(row['low'])} to {_points(row['high'])}"


def _interval(row: Mapping[Any, Any]) -> str:
    known = math.isfinite(row["low"]) and math.isfinite(row["high"])
    return f"[{_points(row['low'])}, {_points(row['high'])}]" if known else "[–]"


def _said(row: Mapping[Any, Any]) -> str:
    return f"{row['pair']}: {_points(row['difference'])} points, {_span(row)}, {row['verdict']}"
