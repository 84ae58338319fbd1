"""Charts of what may be believed: scores beside chance, what careless splits claim, recalls from group to group."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from report.charts import rows
from report.charts.drawing import EMPTY, Chart, Scale, arrow, bar, dot, line, mark, percent, points_scale, tip
from report.charts.rows import Axis, Row
from report.charts.scores import Styles, percent1
from report.show.door import Html


def beside_chance(frame: pd.DataFrame, styles: Styles) -> Chart:
    """Each model's score on each dataset, and the band within which guessing scores: a row a dataset.

    Args:
        frame: dataset, model, score, low, high (of the null), verdict; those of a dataset one after another.
        styles: how each model is drawn.
    """
    scale = Scale(0.0, 1.0)
    drawn = []
    for dataset, own in frame.groupby("dataset", sort=False):
        low, high = float(own["low"].min()), float(own["high"].max())
        hint = tip(dataset, f"guessing scores {percent1(low)} to {percent1(high)}")
        parts = [bar(scale(low), scale(high), 2, 26, "band guess", hint)]
        for row in own.to_dict("records"):
            null = f"guessing scores {percent1(row['low'])} to {percent1(row['high'])}"
            words = tip(row["model"], percent1(row["score"]), null, row["verdict"])
            parts.append(mark(scale(row["score"]), 15, styles[row["model"]], words))
        poor = int((own["verdict"] != "above chance").sum())
        value = Html("<strong>{}</strong> <small>of {} at chance</small>").format(poor, len(own))
        label = Html('<span class="name">{}</span>').format(dataset)
        drawn.append(Row(label, Html("").join(parts), value, f"{dataset}: {poor} of {len(own)} models at chance"))
    return Chart(rows.draw(drawn, Axis(scale, "balanced accuracy")), frame)


WORDS = {"flatters": "worse", "small": "equivalent"}
"""How the verdicts of the ledger are coloured."""


def claimed(frame: pd.DataFrame) -> Chart:
    """What a careless split would have claimed: an arrow from the honest score to the careless one, a row a cell.

    Args:
        frame: dataset, model, honest, careless, difference, low, high (of the difference), verdict.
    """
    scale = Scale(max(0.0, math.floor(float(frame[["honest", "careless"]].min().min()) * 10 - 0.5) / 10), 1.0)
    drawn = []
    for row in frame.to_dict("records"):
        kind = WORDS.get(row["verdict"], "undecided")
        ends = f"95 % interval {_points(row['low'])} to {_points(row['high'])}" if _known(row) else "no interval"
        hint = tip(
            f"{row['dataset']}: {row['model']}",
            f"{percent1(row['honest'])} → {percent1(row['careless'])}",
            f"{_points(row['difference'])} points, {ends}",
            row["verdict"],
        )
        spread = EMPTY
        if _known(row):
            places = (scale(row["honest"] + row["low"]), scale(row["honest"] + row["high"]))
            spread = bar(*places, 9, 12, "spread", Html(' data-v="{}"').format(kind))
        picture = spread + arrow(scale(row["honest"]), scale(row["careless"]), 15, kind, hint)
        label = Html('<span class="name">{}</span><small>{}</small>').format(row["dataset"], row["model"])
        value = Html('<strong>{}</strong> <em class="verdict {}">{}</em>').format(
            _points(row["difference"]), kind, row["verdict"]
        )
        said = f"{row['dataset']}, {row['model']}: {_points(row['difference'])} points, {row['verdict']}"
        drawn.append(Row(label, picture, value, said))
    return Chart(rows.draw(drawn, Axis(scale, "balanced accuracy out of fold, honest → careless"), "arrows"), frame)


def group_recalls(frame: pd.DataFrame, expected: Mapping[str, tuple[float, float, float]]) -> Chart:
    """How well the images of each group are recognised: a row a class, a dot a group, as large as its images are many.

    Args:
        frame: label, group, images, recall.
        expected: for each label (mean, low, high): nine in ten new groups are expected between the last two.
    """
    scale = Scale(0.0, 1.0)
    drawn = []
    for label, own in frame.groupby("label", sort=False):
        parts = []
        mean, low, high = expected[str(label)]
        if math.isfinite(low + high):
            hint = tip(label, f"nine in ten new groups between {percent(low)} and {percent(high)}")
            parts.append(line(scale(low), scale(high), 34, "interval", Html(' style="--c:var(--open)"') + hint))
        for place, row in enumerate(own.sort_values(["recall", "images"]).to_dict("records")):
            hint = tip(row["group"], f"{row['images']:.0f} images of {label}", f"{percent1(row['recall'])} recognised")
            radius = min(2.5 + math.sqrt(row["images"]) * 0.55, 8.0)
            lane = 14 + (place % 5 - 2) * 4
            parts.append(dot(scale(row["recall"]), lane, radius, "trial", Html(' style="--c:var(--accent)"') + hint))
        head = Html('<span class="name">{}</span><small>{} groups</small>').format(label, len(own))
        value = Html("<strong>{}</strong>").format(percent(mean))
        drawn.append(Row(head, Html("").join(parts), value, f"{label}: {len(own)} groups", 42))
    return Chart(rows.draw(drawn, Axis(scale, "share of a group's images of a class that is recognised")), frame)


def gains(frame: pd.DataFrame) -> Chart:
    """What more images would add: a row a model, the gain in points with its interval.

    Args:
        frame: dataset, model, gain, low, high, verdict.
    """
    scale = points_scale([*frame["low"], *frame["high"]])
    drawn = []
    for row in frame.to_dict("records"):
        kind = {"more": "better", "plateau": "equivalent"}.get(row["verdict"], "undecided")
        words = f"{_points(row['gain'])} points, 95 % interval {_points(row['low'])} to {_points(row['high'])}"
        colour = Html(' style="--c:var(--{})"').format({"better": "better", "equivalent": "same"}.get(kind, "open"))
        hint = tip(f"{row['dataset']}: {row['model']}", words, row["verdict"])
        parts = line(scale(row["low"]), scale(row["high"]), 15, "interval", colour + hint)
        parts += dot(scale(row["gain"]), 15, 5, "trial", colour + hint)
        label = Html('<span class="name">{}</span><small>{}</small>').format(row["dataset"], row["model"])
        value = Html('<strong>{}</strong> <em class="verdict {}">{}</em>').format(
            _points(row["gain"]), kind, row["verdict"]
        )
        drawn.append(Row(label, parts, value, f"{row['dataset']}, {row['model']}: {words}, {row['verdict']}"))
    axis = Axis(scale, "gain in balanced accuracy, points", _points, lines=((0.0, ""),))
    return Chart(rows.draw(drawn, axis, "arrows"), frame)


def _known(row: Mapping[Any, Any]) -> bool:
    return math.isfinite(row["low"] + row["high"])


def _points(value: float) -> str:
    written = f"{value * 100:+.1f}".replace("-", "−")
    return "0.0" if written in ("+0.0", "−0.0") else written
