"""The charts, one small function each: data frames in, an Altair chart out. They know no store and no page.

Colours and shapes come in as a mapping from model to `Style`, so that a model looks the same everywhere.
Scores are fractions; `chance` is one over the number of classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from report.palette import Style

Styles = Mapping[str, Style]
GREY = "#808080"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
POINTS = ".0%"


def holdout_box(
    scores: pd.DataFrame,
    votes: pd.DataFrame,
    models: Sequence[str],
    styles: Styles,
    chance: float,
    beside: pd.DataFrame | None = None,
) -> Any:
    """Holdout scores of a cell's trials as boxes, and below each the trials' vote with its interval.

    Args:
        scores: model, repeat, fold, balanced_accuracy.
        votes: model, balanced_accuracy, low, high (NaN where there is no interval).
        models: the order from top to bottom.
        beside: the votes out of fold, where those on the holdout have no interval.
    """
    kinds = {"vote": votes} if beside is None else {"vote": votes, "out of fold": beside}
    lanes = alt.YOffset("lane:N", scale=alt.Scale(domain=["trials", *kinds]))
    layers = _boxes(scores.assign(lane="trials"), models, styles, lanes)
    for kind, frame in kinds.items():
        what = "vote of all trials" if kind == "vote" else "vote out of fold"
        layers += _marks(frame.assign(lane=kind), models, styles, lanes, what)
    seen = [scores["balanced_accuracy"], *(f[end] for f in kinds.values() for end in ("balanced_accuracy", "low"))]
    return _score_chart(layers, seen, chance, rows=len(models), step=23 * (1 + len(kinds)))


def folds_box(scores: pd.DataFrame, means: pd.DataFrame, models: Sequence[str], styles: Styles, chance: float) -> Any:
    """Test-fold scores of a cell's trials as boxes, and below each their mean with its corrected interval.

    Args:
        scores: model, repeat, fold, balanced_accuracy.
        means: model, balanced_accuracy, low, high.
        models: the order from top to bottom.
    """
    lanes = alt.YOffset("lane:N", scale=alt.Scale(domain=["trials", "mean"]))
    return _score_chart(
        [
            *_boxes(scores.assign(lane="trials"), models, styles, lanes),
            *_marks(means.assign(lane="mean"), models, styles, lanes, "mean of the folds"),
        ],
        [scores["balanced_accuracy"], means["low"]],
        chance,
        rows=len(models),
        step=46,
    )


def overview(means: pd.DataFrame, models: Sequence[str], styles: Styles, chance: float) -> Any:
    """One dataset in the picture of all: each model's mean test score with its interval.

    Args:
        means: model, balanced_accuracy, low, high.
        models: the order from top to bottom, the same for every dataset.
    """
    return _score_chart(
        _marks(means, models, styles, None, "mean of the test folds"),
        [means["low"]],
        chance,
        len(models),
        22,
        wide=True,
    )


def by_model(means: pd.DataFrame, models: Sequence[str], styles: Styles) -> Any:
    """Each model's mean test score on every dataset: a dot a dataset, a tick at the mean over datasets.

    Args:
        means: model, dataset, balanced_accuracy, low, high.
    """
    base = alt.Chart(means)
    y = alt.Y("model:N", sort=list(models), title=None)
    dots = base.mark_point(filled=True, size=70, opacity=0.8).encode(
        y=y,
        x=_x(domain=[0, 1]),
        color=_colour(models, styles),
        shape=_shape(models, styles),
        tooltip=["model", "dataset", *_score_tooltip()],
    )
    lines = base.mark_rule(opacity=0.45).encode(y=y, x=_x("low"), x2="high:Q", color=_colour(models, styles))
    # A mean over datasets is comparable only between models that were run on the same ones.
    counts = means.groupby("model")["dataset"].nunique()
    everywhere = means[means["model"].isin(counts[counts == counts.max()].index)]
    ticks = (
        alt.Chart(everywhere)
        .mark_tick(thickness=3, size=20, color=GREY)
        .encode(y=y, x=alt.X("mean(balanced_accuracy):Q"))
    )
    return _finished(alt.layer(lines, ticks, dots), len(models), 30)


def confusion(shares: pd.DataFrame, classes: Sequence[str], models: Sequence[str]) -> Any:
    """Which class is taken for which, out of fold; a menu chooses the model.

    Args:
        shares: model, label, predicted, share (of the label's images), images (mean number over repeats), low, high.
        models: the menu, the first one shown.
    """
    chosen = alt.selection_point(
        fields=["model"], bind=alt.binding_select(options=list(models), name="model "), value=models[0], name="chosen"
    )
    base = (
        alt.Chart(shares)
        .transform_filter(chosen)
        .encode(
            x=alt.X("predicted:N", sort=list(classes), title="predicted", axis=alt.Axis(orient="top", labelAngle=-30)),
            y=alt.Y("label:N", sort=list(classes), title="true class"),
        )
    )
    squares = base.mark_rect(cornerRadius=3).encode(
        color=alt.Color("share:Q", scale=alt.Scale(scheme="blues", domain=[0, 1]), legend=None),
        tooltip=[
            alt.Tooltip("label:N", title="true class"),
            "predicted:N",
            alt.Tooltip("share:Q", format=".1%"),
            alt.Tooltip("images:Q", format=".1f", title="images a repeat"),
            alt.Tooltip("low:Q", format=".1%"),
            alt.Tooltip("high:Q", format=".1%"),
        ],
    )
    text = base.mark_text(fontSize=13, font=FONT, aria=False).encode(
        text=alt.Text("share:Q", format=POINTS),
        color=alt.condition(alt.datum.share > 0.55, alt.value("#ffffff"), alt.value("#12263a")),
    )
    return _finished(alt.layer(squares, text).add_params(chosen), len(classes), 44)


def differences(findings: pd.DataFrame, rope: float) -> Any:
    """Differences between two models with their intervals, in points, around the band that counts as equal.

    Args:
        findings: pair, where, difference, low, high (in points), verdict.
        rope: half the band's width, in points.
    """
    words = ["better", "equivalent", "worse", "undecided", "incomplete"]
    colour = alt.Color(
        "verdict:N",
        title="verdict",
        scale=alt.Scale(domain=words, range=["#009E73", "#0072B2", "#D55E00", GREY, "#CC79A7"]),
        legend=alt.Legend(orient="top"),
    )
    base = alt.Chart(findings).encode(y=alt.Y("pair:N", sort=None, title=None, axis=alt.Axis(labelLimit=420)))
    band = (
        alt.Chart(pd.DataFrame({"low": [-rope], "high": [rope]}))
        .mark_rect(color=GREY, opacity=0.2)
        .encode(x="low:Q", x2="high:Q")
    )
    shown = ["pair", "verdict", *(alt.Tooltip(f"{c}:Q", format="+.1f") for c in ("difference", "low", "high"))]
    x = alt.X("low:Q", title="difference in balanced accuracy, points")
    known = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    lines = known.mark_rule(strokeWidth=2.5).encode(x=x, x2="high:Q", color=colour, tooltip=shown)
    dots = base.mark_point(filled=True, size=80).encode(
        x="difference:Q", color=colour, shape=alt.Shape("verdict:N", scale=alt.Scale(domain=words)), tooltip=shown
    )
    return _finished(alt.layer(band, lines, dots), findings["pair"].nunique(), 26)


def by_preprocessing(
    means: pd.DataFrame, steps: Sequence[str], models: Sequence[str], styles: Styles, chance: float
) -> Any:
    """Each model's mean test score after each preprocessing, with its interval: a band of rows for each one.

    Args:
        means: model, preprocessing, balanced_accuracy, low, high.
        steps: the preprocessings from top to bottom.
        models: their order within each.
    """
    keys = _keys(models, styles, columns=1)  # beside the long names to the left there is little room on a phone
    lanes = alt.YOffset("model:N", scale=alt.Scale(domain=list(models), paddingInner=0.2, paddingOuter=1))
    y = alt.Y("preprocessing:N", sort=list(steps), title=None, scale=alt.Scale(domain=list(steps)))
    base = alt.Chart(means).encode(y=y, yOffset=lanes, tooltip=["preprocessing", "model", *_score_tooltip()])
    lines = base.mark_rule(strokeWidth=2).encode(x=_x("low"), x2="high:Q", color=keys["color"])
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(x=_x(), **keys)
    return _score_chart([lines, dots], [means["low"]], chance, len(steps), 13 * len(models) + 16)


def sample_efficiency(means: pd.DataFrame, models: Sequence[str], styles: Styles, chance: float) -> Any:
    """Each model's mean test score over the number of its training images, with intervals, on a logarithmic axis.

    Args:
        means: model, images, share (of all training images), balanced_accuracy, low, high.
        models: the order in the legend.
    """
    keys = _keys(models, styles)
    counts = sorted(means["images"].unique())
    # A little to the left or right of the true place, or the models' intervals would hide each other.
    beside = {model: 1.025 ** (place - (len(models) - 1) / 2) for place, model in enumerate(models)}
    points = means.assign(place=means["images"] * means["model"].map(beside))
    x = alt.X(
        "place:Q",
        title="training images (logarithmic)",
        scale=alt.Scale(type="log", domain=[counts[0] / 1.15, counts[-1] * 1.15], nice=False),
        axis=alt.Axis(values=[float(count) for count in counts], format=",.0f", grid=False),
    )
    low = max(0.0, int((min(means["low"].min(), chance) - 0.03) * 10) / 10)
    axis = alt.Axis(format=POINTS, tickCount=6)
    y = alt.Y("balanced_accuracy:Q", title="balanced accuracy", scale=alt.Scale(domain=[low, 1]), axis=axis)
    sizes = [
        alt.Tooltip("images:Q", format=",.0f", title="training images"),
        alt.Tooltip("share:Q", format=POINTS, title="of all"),
    ]
    shown: list[Any] = ["model", *sizes, *_score_tooltip()]
    base = alt.Chart(points).encode(x=x, color=keys["color"], tooltip=shown)
    rule = alt.Chart(pd.DataFrame({"y": [chance], "what": ["chance"]}))
    line = rule.mark_rule(strokeDash=[5, 4], color=GREY, strokeWidth=1.5).encode(y="y:Q", tooltip="what:N")
    word = rule.mark_text(text="chance", align="left", dx=4, dy=-6, fontSize=11, font=FONT, color=GREY).encode(
        x=alt.value(0), y="y:Q"
    )
    curves = base.mark_line(strokeWidth=2, opacity=0.7).encode(y=y)
    bars = base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q")
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(y=y, shape=keys["shape"])
    return _finished(alt.layer(line, word, curves, bars, dots), 1, 340)


def _keys(models: Sequence[str], styles: Styles, columns: int = 2) -> dict[str, Any]:
    """Colour and shape of the models, explained above the chart."""
    legend = alt.Legend(orient="top", title=None, columns=columns, symbolSize=80)
    return {"color": _colour(models, styles, legend), "shape": _shape(models, styles, legend)}


def _boxes(scores: pd.DataFrame, models: Sequence[str], styles: Styles, lanes: Any) -> list[Any]:
    base = alt.Chart(scores).encode(y=_y(models), yOffset=lanes, color=_colour(models, styles))
    box = base.mark_boxplot(extent="min-max", size=15, opacity=0.55, median={"color": "white", "strokeWidth": 2})
    dots = base.mark_circle(size=16, opacity=0.8).encode(
        x=_x(), tooltip=["model", "repeat", "fold", alt.Tooltip("balanced_accuracy:Q", format=".3f", title="score")]
    )
    return [box.encode(x=_x()), dots]


def _marks(points: pd.DataFrame, models: Sequence[str], styles: Styles, lanes: Any, what: str) -> list[Any]:
    base = alt.Chart(points.assign(shows=what)).encode(y=_y(models), color=_colour(models, styles))
    if lanes is not None:
        base = base.encode(yOffset=lanes)
    shown = ["model", alt.Tooltip("shows:N", title="shows"), *_score_tooltip()]
    known = "isValid(datum.low) && isValid(datum.high)"
    line = base.transform_filter(known).mark_rule(strokeWidth=2.5).encode(x=_x("low"), x2="high:Q", tooltip=shown)
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(x=_x(), shape=_shape(models, styles), tooltip=shown)
    return [line, dot]


def _score_chart(
    layers: Sequence[Any], seen: Sequence[Any], chance: float, rows: int, step: int, *, wide: bool = False
) -> Any:
    values = [float(s.min()) for s in seen if s.notna().any()]
    low = 0.0 if wide else max(0.0, int((min([*values, chance]) - 0.03) * 10) / 10)
    rule = alt.Chart(pd.DataFrame({"x": [chance], "what": ["chance"]}))
    line = rule.mark_rule(strokeDash=[5, 4], color=GREY, strokeWidth=1.5).encode(x=_x("x", [low, 1]), tooltip="what:N")
    word = rule.mark_text(text="chance", align="left", dx=4, dy=-5, fontSize=11, font=FONT, color=GREY).encode(
        x=_x("x", [low, 1]), y=alt.value(0)
    )
    return _finished(alt.layer(line, word, *layers), rows, step)


def _finished(chart: Any, rows: int, step: int) -> Any:
    return (
        chart.properties(
            width="container",
            height=rows * step,
            background="transparent",
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelFont=FONT,
            titleFont=FONT,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=GREY,
            gridOpacity=0.25,
            domainColor=GREY,
            tickColor=GREY,
            labelLimit=260,
        )
        .configure_legend(labelFont=FONT, titleFont=FONT, labelFontSize=12)
    )


def _x(field: str = "balanced_accuracy", domain: Sequence[float] | None = None) -> alt.X:
    """The one score axis; the layer that knows the domain sets it for all."""
    scale = alt.Scale(domain=list(domain), clamp=True) if domain else alt.Undefined
    axis = alt.Axis(format=POINTS, tickCount=6)
    return alt.X(f"{field}:Q", title="balanced accuracy", scale=scale, axis=axis)


def _y(models: Sequence[str]) -> alt.Y:
    return alt.Y("model:N", sort=list(models), title=None, scale=alt.Scale(domain=list(models)))


def _colour(models: Sequence[str], styles: Styles, legend: alt.Legend | None = None) -> alt.Color:
    return alt.Color(
        "model:N", legend=legend, scale=alt.Scale(domain=list(models), range=[styles[m].colour for m in models])
    )


def _shape(models: Sequence[str], styles: Styles, legend: alt.Legend | None = None) -> alt.Shape:
    return alt.Shape(
        "model:N", legend=legend, scale=alt.Scale(domain=list(models), range=[styles[m].shape for m in models])
    )


def _score_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("balanced_accuracy:Q", format=".3f", title="balanced accuracy"),
        alt.Tooltip("low:Q", format=".3f", title="95 % interval from"),
        alt.Tooltip("high:Q", format=".3f", title="to"),
    ]
