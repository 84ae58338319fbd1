"""A part of a dataset's page: when to trust a model, by how sure it says it is."""

import numpy as np
import pandas as pd

from report import charts, show, statistics
from report.data import Results, Section
from report.sections import failures
from report.show import Html, Markup

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
GIVEN = 0.8
"""The share of images of which the title speaks."""


def answers(found: Results, section: Section, models: list[str]) -> pd.DataFrame:
    """Every answer out of fold: model, image_id, repeat, sure (the highest probability), hit."""
    return found.frame(
        """
        select model, image_id, repeat, list_max(probabilities)::double as sure, predicted = label as hit
        from predictions semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id)
        where subset = 'test' and recipe = $recipe and list_contains($models, model)
        order by model, image_id, repeat
        """,
        scheme=section.scheme,
        recipe=section.recipe,
        models=models,
    )


def coverage(frame: pd.DataFrame) -> pd.DataFrame:
    """For each model and share of its answers, the surest first, the share of these that is wrong."""
    rows = []
    for model, own in frame.groupby("model", sort=False):
        wrong = 1 - own.sort_values("sure", ascending=False, kind="stable")["hit"].to_numpy(dtype=float)
        for share in SHARES:
            kept = max(1, round(share * len(wrong)))
            rows.append({"model": model, "coverage": share, "error": float(wrong[:kept].mean())})
    return pd.DataFrame(rows, columns=["model", "coverage", "error"])


def bins(frame: pd.DataFrame) -> pd.DataFrame:
    """For each model and tenth of confidence: how sure it was, how often it was right, and the images there.

    Columns: model, confidence, right, low, high, images. An image that was asked in several repeats counts once.
    """
    each = frame.assign(bin=np.minimum((frame["sure"] * 10).astype(int), 9))
    made = each.groupby(["model", "bin"], sort=False).agg(
        confidence=("sure", "mean"), right=("hit", "mean"), asked=("hit", "size")
    )
    repeats = each.groupby("model")["repeat"].nunique()
    made = made.reset_index()
    made["images"] = made["asked"] / made["model"].map(repeats)
    made = made[made["images"] >= 3].copy()
    made["low"], made["high"] = statistics.jeffreys(made["right"] * made["images"], made["images"])
    return made[["model", "confidence", "right", "low", "high", "images"]].sort_values(["model", "confidence"])


def show_section(found: Results, section: Section) -> None:
    """Print the part."""
    models = failures.telling(found, section)
    frame = answers(found, section, models)
    if frame.empty:
        return
    styles = {m: found.style(m) for m in models}
    curve = coverage(frame)
    best = curve[curve["model"] == models[0]].set_index("coverage")["error"]
    show.heading(2, Markup("When to trust it"), "trust")
    show.chart(
        charts.risk_coverage(curve, models, styles),
        f"coverage-{section.slug}",
        Markup(
            "Out of fold, image by image: how many errors are left when a model decides the images that it is surest "
            "of and a person the others."
        ),
        "Errors left over the share of images that a model decides",
        title=Html("{} is wrong on {} of all images, and on {} of the {} that it is surest of").format(
            models[0], *(f"{v * 100:.0f}\u00a0%" for v in (best[1.0], best[GIVEN], GIVEN))
        ),
    )
    made = bins(frame)
    made = made[made["model"].isin([m for m in models if (made["model"] == m).sum() > 1])]
    if made.empty:
        return
    shown = [m for m in models if m in set(made["model"])]
    show.chart(
        charts.reliability(made, shown, styles),
        f"reliability-{section.slug}",
        Markup(
            "How often a model is right, over how sure it said it was, in tenths, with 95 % Jeffreys intervals. On the "
            "dashed line its words can be taken as they are; below it, it says too much."
        ),
        "Reliability of the models' confidence",
        title=Html("Do they mean what they say?"),
    )
