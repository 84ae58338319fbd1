"""Charts with two axes: learning curves, how many images, when to trust a model."""

import math
from collections.abc import Sequence

import pandas as pd

from report.charts import plane
from report.charts.drawing import Chart, Scale, scores_scale, tip
from report.charts.plane import Curve, Plane
from report.charts.scores import Styles, percent1, written
from report.show.door import Html


def sample_efficiency(frame: pd.DataFrame, models: Sequence[str], styles: Styles, chance: float) -> Chart:
    """Each model's mean test score over the number of its training images, with intervals, on a logarithmic axis.

    Args:
        frame: model, images, share (of all training images), balanced_accuracy, low, high.
        models: which of them.
        styles: how each is drawn.
        chance: one over the number of classes.
    """
    counts = sorted(frame["images"].unique())
    # A little to the left or right of the true place, or the models' intervals would hide each other.
    beside = {model: 1.03 ** (place - (len(models) - 1) / 2) for place, model in enumerate(models)}
    lines = []
    for model in models:
        own = frame[frame["model"] == model].sort_values("images").to_dict("records")
        lines.append(
            Curve(
                model,
                styles[model],
                [(row["images"] * beside[model], row["balanced_accuracy"]) for row in own],
                [tip(model, f"{row['images']:,.0f} training images", written(row)) for row in own],
                [(row["low"], row["high"]) for row in own],
            )
        )
    scale = scores_scale(frame["low"], chance)
    x = Scale(counts[0] / 1.15, counts[-1] * 1.15, logarithmic=True)
    frame_of = Plane(
        x,
        scale,
        "training images, logarithmic",
        "balanced accuracy",
        x_ticks=counts,
        x_written=lambda v: f"{v:,.0f}",
        lines=[((x.low, chance), (x.high, chance), "guessing")],
    )
    return Chart(plane.draw(lines, frame_of, f"Scores of {len(models)} models over training images"), frame)


def learning(frame: pd.DataFrame, models: Sequence[str], styles: Styles, chance: float) -> Chart:
    """Mean training accuracy of each model over the epochs; frame: model, epoch, accuracy, loss."""
    lines = []
    for model in models:
        own = frame[frame["model"] == model].sort_values("epoch").to_dict("records")
        hints = [
            tip(model, f"epoch {row['epoch']}", f"{percent1(row['accuracy'])}, loss {row['loss']:.2f}") for row in own
        ]
        lines.append(Curve(model, styles[model], [(row["epoch"], row["accuracy"]) for row in own], hints))
    last = int(frame["epoch"].max())
    x = Scale(0.8, max(last, 2) + 0.2)
    every = range(1, last + 1, max(1, last // 8))
    low = scores_scale(frame["accuracy"], chance).low
    frame_of = Plane(
        x,
        Scale(low, 1.0),
        "epoch",
        "accuracy in training",
        x_ticks=[float(epoch) for epoch in every],
        x_written=lambda v: f"{v:.0f}",
        lines=[((x.low, chance), (x.high, chance), "guessing")],
    )
    return Chart(plane.draw(lines, frame_of, f"Training accuracy of {len(models)} models over the epochs"), frame)


def risk_coverage(frame: pd.DataFrame, models: Sequence[str], styles: Styles) -> Chart:
    """How many errors are left when the images that a model is least sure of go to a person.

    Args:
        frame: model, coverage, error, low, high: for each share of the images kept, the share of these that is wrong,
            with its interval; NaN where none is drawn.
        models: which of them.
        styles: how each is drawn.
    """
    lines = []
    for model in models:
        own = frame[frame["model"] == model].sort_values("coverage").to_dict("records")
        spans = [(row["low"], row["high"]) for row in own]
        known = all(math.isfinite(low + high) for low, high in spans)
        hints: list[Html] = [
            tip(
                model,
                f"the surest {row['coverage'] * 100:.0f} %",
                f"{percent1(row['error'])} of them wrong",
                *([f"95 % interval {percent1(row['low'])} to {percent1(row['high'])}"] if known else []),
            )
            for row in own
        ]
        points = [(row["coverage"], row["error"]) for row in own]
        lines.append(Curve(model, styles[model], points, hints, spans if known else ()))
    top = max(0.05, float(frame[["error", "high"]].max().max()) * 1.05)
    frame_of = Plane(
        Scale(0.08, 1.02),
        Scale(0.0, min(top, 1.0)),
        "share of images that the model decides, the surest first",
        "of these wrong",
    )
    return Chart(plane.draw(lines, frame_of, f"Errors left of {len(models)} models"), frame)


def reliability(frame: pd.DataFrame, models: Sequence[str], styles: Styles) -> Chart:
    """How often a model is right when it says how sure it is.

    Args:
        frame: model, confidence, right, low, high, images; a row for each bin of confidence.
        models: which of them.
        styles: how each is drawn.
    """
    lines = []
    for model in models:
        own = frame[frame["model"] == model].sort_values("confidence").to_dict("records")
        hints = [
            tip(
                model,
                f"says {percent1(row['confidence'])}",
                f"is right in {percent1(row['right'])} of {row['images']:.0f} images",
            )
            for row in own
        ]
        spans = [(row["low"], row["high"]) for row in own]
        lines.append(Curve(model, styles[model], [(row["confidence"], row["right"]) for row in own], hints, spans))
    low = max(0.0, float(frame["confidence"].min()) - 0.05)
    frame_of = Plane(
        Scale(low, 1.02),
        Scale(0.0, 1.0),
        "how sure it says it is",
        "how often it is right",
        lines=[((low, low), (1, 1), "")],
    )
    return Chart(plane.draw(lines, frame_of, f"Reliability of {len(models)} models"), frame)
