"""Charts of scores: a row a model, as boxes of trials with their mean or vote, or as means alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from report.charts import rows
from report.charts.drawing import (
    EMPTY,
    Chart,
    Scale,
    bar,
    dot,
    glyph,
    line,
    mark,
    percent,
    quartiles,
    rule,
    scores_scale,
    tip,
)
from report.charts.rows import Axis, Row
from report.palette import Style
from report.show.door import Html

Styles = Mapping[str, Style]
NAME = "balanced accuracy"


@dataclass(frozen=True)
class Trials:
    """What the rows of a box plot show.

    Attributes:
        scores: model, repeat, fold, balanced_accuracy; a row a trial.
        points: model, balanced_accuracy, low, high; the vote or the mean below each box.
        what: what the points are, in words.
        wanted: planned trials by model; a cell with fewer is drawn hollow.
        chance: one over the number of classes.
        address: where a trial's own panel is: the address before `/model/repeat/fold`; empty for none.
    """

    scores: pd.DataFrame
    points: pd.DataFrame
    what: str
    wanted: Mapping[str, int]
    chance: float
    address: str = ""

    @cached_property
    def alike(self) -> bool:
        """Whether every model has as many trials as any other, and all that were planned: no row need say it."""
        done = self.scores["model"].value_counts()
        return done.nunique() == 1 and all(self.wanted.get(str(m), n) == n for m, n in done.items())


def boxes(trials: Trials, models: Sequence[str], styles: Styles) -> Chart:
    """Trials of each model as a box with a dot a trial, and below it their vote or mean with its interval."""
    points = {row["model"]: row for row in trials.points.to_dict("records")}
    scale = scores_scale([*trials.scores["balanced_accuracy"], *trials.points["low"]], trials.chance)
    drawn = [_box(trials, model, points.get(model), styles[model], scale) for model in models]
    axis = Axis(scale, NAME, lines=((trials.chance, "guessing"),))
    numbers = trials.scores[["model", "repeat", "fold", "balanced_accuracy"]].merge(
        trials.points.rename(columns={"balanced_accuracy": trials.what}), on="model", how="left"
    )
    return Chart(rows.draw(drawn, axis, "boxes"), numbers)


def _box(trials: Trials, model: str, point: dict[Any, Any] | None, style: Style, scale: Scale) -> Row:
    own = trials.scores[trials.scores["model"] == model]
    values = own["balanced_accuracy"].tolist()
    wanted = trials.wanted.get(model, len(values))
    whole = len(values) >= wanted
    low, first, middle, third, high = (scale(v) for v in quartiles(values))
    colour = Html(' style="--c:{}"').format(style.colour)
    kind = "box" if whole else "box missing"
    parts = [
        line(low, high, 13, "whisker", colour),
        bar(first, third, 7, 12, kind, colour),
        rule(middle, "median", 12, 7, colour),
        *(
            _trial(trials, row, x, y, colour)
            for row, (x, y) in zip(own.to_dict("records"), _swarm([scale(v) for v in values]), strict=True)
        ),
    ]
    count = EMPTY if trials.alike else Html("<small>{}</small>").format(_count(len(values), wanted))
    value = EMPTY
    said = f"{model}: {len(values)} trials, median {percent(quartiles(values)[2])}"
    if point is not None:
        words = written(point)
        hint = tip(model, f"{trials.what} {words}", *(["95 % interval"] if known(point) else []))
        parts += [line(scale(point["low"]), scale(point["high"]), 28, "interval", colour + hint)]
        parts += [mark(scale(point["balanced_accuracy"]), 28, style, hint)]
        value, said = _value(point), f"{said}; {trials.what} {words}"
    label = Html('{}<span class="name">{}</span>{}').format(glyph(style), model, count)
    more = Html(' data-model="{}"').format(model)
    return Row(label, Html("").join(parts), value, said, 35, more)


def _swarm(places: Sequence[float]) -> list[tuple[float, float]]:
    """Where the dots of a row are drawn: those that would hide each other lie above, below and at last beside."""
    taken: dict[int, int] = {}
    made = []
    for place in places:
        near = round(place / 1.2)
        count = taken[near] = taken.get(near, -1) + 1
        step, beside = (count % 5 + 1) // 2, count // 5
        made.append((place + 0.7 * beside, 13 + 3.5 * step * (1 if count % 2 else -1)))
    return made


def _trial(trials: Trials, row: Mapping[Any, Any], x: float, y: float, colour: Html) -> Html:
    hint = tip(
        row["model"],
        f"{percent1(row['balanced_accuracy'])} in repeat {row['repeat'] + 1}, fold {row['fold'] + 1}",
        *(["click for this trial and what it got wrong"] if trials.address else []),
    )
    if trials.address:
        address = f"{trials.address}/{row['model']}/{row['repeat']}/{row['fold']}"
        hint = hint + Html(' data-trial="{}"').format(address)
    return dot(x, y, 3.2, "trial", colour + hint)


def means(frame: pd.DataFrame, models: Sequence[str], styles: Styles, chance: float) -> Chart:
    """Each model's mean with its interval; frame: model, balanced_accuracy, low, high."""
    scale = scores_scale(frame["low"], chance)
    drawn = []
    for row in frame.set_index("model").loc[list(models)].reset_index().to_dict("records"):
        style = styles[row["model"]]
        label = Html('{}<span class="name">{}</span>').format(glyph(style), row["model"])
        drawn.append(Row(label, _mean(row, style, scale, 15), _value(row), f"{row['model']}: {written(row)}"))
    return Chart(rows.draw(drawn, Axis(scale, NAME, lines=((chance, "guessing"),))), frame)


def by_model(frame: pd.DataFrame, models: Sequence[str], styles: Styles) -> Chart:
    """Each model on every dataset: a row a model, a dot a dataset, a tick at the mean of those run on all of them.

    Args:
        frame: model, dataset, balanced_accuracy, low, high, way (from guessing, 0, to perfect, 1).
        models: the order from top to bottom.
        styles: how each is drawn.
    """
    scale = Scale(min(0.0, *frame["way"]), 1.0)
    counts = frame.groupby("model")["dataset"].nunique()
    most = counts.max()
    comparable = (counts == most).sum() > 1  # one mean alone is beside nothing
    drawn = []
    for model in models:
        own = frame[frame["model"] == model]
        everywhere = comparable and len(own) == most
        parts = [rule(scale(own["way"].mean()), "mean", 22, 4)] if everywhere else []
        for row in own.to_dict("records"):
            hint = tip(model, row["dataset"], f"{way(row['way'])} of the way", written(row))
            parts += [mark(scale(row["way"]), 15, styles[model], hint)]
        label = Html('{}<span class="name">{}</span><small>{} of {} datasets</small>').format(
            glyph(styles[model]), model, len(own), most
        )
        value = Html("{}").format(way(own["way"].mean())) if everywhere else EMPTY
        drawn.append(Row(label, Html("").join(parts), value, f"{model} on {len(own)} datasets"))
    name = "way from guessing to perfect"
    return Chart(rows.draw(drawn, Axis(scale, name, lines=((0.0, "guessing"),))), frame)


def by_preprocessing(frame: pd.DataFrame, steps: Sequence[str], styles: Styles, chance: float) -> Chart:
    """Each model after each preprocessing: a group of rows a preprocessing, its models below each other.

    Args:
        frame: model, preprocessing, balanced_accuracy, low, high; models in the order in which they are drawn.
        steps: the preprocessings from top to bottom.
        styles: how each model is drawn.
        chance: one over the number of classes.
    """
    scale = scores_scale(frame["low"], chance)
    drawn = []
    for step in steps:
        first = True
        for row in frame[frame["preprocessing"] == step].to_dict("records"):
            style = styles[row["model"]]
            head = Html('<strong class="group">{}</strong>').format(step) if first else EMPTY
            label = Html('{}{}<span class="name">{}</span>').format(head, glyph(style), row["model"])
            said = f"{row['model']} after {step}: {written(row)}"
            more = Html(' data-first="1"') if first else EMPTY
            drawn.append(Row(label, _mean(row, style, scale, 11), _value(row), said, 22, more))
            first = False
    return Chart(rows.draw(drawn, Axis(scale, NAME, lines=((chance, "guessing"),)), "grouped"), frame)


def recalls(frame: pd.DataFrame, classes: Sequence[str], styles: Styles) -> Chart:
    """For each class the share of its images that models recognise: a row a class, a lane a model.

    Args:
        frame: model, label, images, share, low, high; models in the order of their lanes.
        classes: the order from top to bottom.
        styles: how each model is drawn.
    """
    scale = Scale(0.0, 1.0)
    drawn = []
    for label in classes:
        own = frame[frame["label"] == label].to_dict("records")
        parts = []
        for lane, row in enumerate(own):
            as_score = {
                "balanced_accuracy": row["share"],
                "low": row["low"],
                "high": row["high"],
                "model": row["model"],
            }
            parts.append(_mean(as_score, styles[row["model"]], scale, 10 + 13 * lane))
        head = Html('<span class="name">{}</span><small>{:.0f} images</small>').format(label, own[0]["images"])
        said = "; ".join(f"{row['model']} {percent(row['share'])}" for row in own)
        drawn.append(Row(head, Html("").join(parts), EMPTY, f"{label}: {said}", 8 + 13 * len(own)))
    return Chart(rows.draw(drawn, Axis(scale, "share of the images of a class that is recognised"), "recalls"), frame)


def _mean(row: Mapping[Any, Any], style: Style, scale: Scale, y: float) -> Html:
    hint = tip(row["model"], written(row), "95 % interval")
    colour = Html(' style="--c:{}"').format(style.colour)
    stroke = line(scale(row["low"]), scale(row["high"]), y, "interval", colour + hint)
    return stroke + mark(scale(row["balanced_accuracy"]), y, style, hint)


def _count(done: int, wanted: int) -> str:
    if done < wanted:
        return f"{done} of {wanted} trials"
    return f"{done} trial{'' if done == 1 else 's'}"


def _value(row: Mapping[Any, Any]) -> Html:
    if not known(row):
        return Html("<strong>{:.1f}</strong>").format(row["balanced_accuracy"] * 100)
    made = Html("<strong>{:.1f}</strong> <small>[{:.1f}, {:.1f}]</small>")
    return made.format(*(row[key] * 100 for key in ("balanced_accuracy", "low", "high")))


def written(row: Mapping[Any, Any]) -> str:
    """A score with its interval, where it has one."""
    if not known(row):
        return percent1(row["balanced_accuracy"])
    return f"{percent1(row['balanced_accuracy'])} [{row['low'] * 100:.1f}, {row['high'] * 100:.1f}]"


def known(row: Mapping[Any, Any]) -> bool:
    """Whether a score has an interval: on too few images it has none."""
    return math.isfinite(row["low"] + row["high"])


def percent1(value: float) -> str:
    """A fraction with one decimal: `90.6 %`."""
    return f"{value * 100:.1f}\u00a0%"


def way(value: float) -> str:
    """A place between guessing and perfect, in percent."""
    return f"{value * 100:.0f}\u00a0%".replace("-", "−").replace("−0\u00a0", "0\u00a0")
