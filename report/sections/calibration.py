"""A part of a dataset's page: whether the probabilities can be believed."""

from typing import Any

import numpy as np
import pandas as pd

from report import show, statistics
from report.data import Results, Section
from report.estimates import counted
from report.show import Html, Markup
from report.statistics import Calibration


def of_models(found: Results, section: Section) -> dict[str, Calibration]:
    """For each model the calibration of all predictions out of fold, each repeat asking about every image.

    A model without a whole repeat has none.
    """
    frame = found.frame(
        """
        select p.model, p.image_id, p.repeat, p.probabilities, list_position(t.classes, p.label) - 1 as label
        from predictions p
        semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id)
        join trials t using (trial_id)
        where p.dataset = $dataset and p.subset = 'test' and p.recipe = $recipe
        order by p.model, p.repeat, p.image_id
        """,
        scheme=section.scheme,
        recipe=section.recipe,
        dataset=section.dataset,
    )
    every = ((str(model), _calibration(own)) for model, own in frame.groupby("model"))
    return {model: made for model, made in every if made is not None}


def _calibration(frame: pd.DataFrame) -> Calibration | None:
    images = frame["image_id"].nunique()
    frame = frame[frame.groupby("repeat")["image_id"].transform("nunique") == images]
    if frame.empty:
        return None
    probabilities = np.stack(frame["probabilities"].to_list()).reshape(frame["repeat"].nunique(), images, -1)
    return statistics.calibration(probabilities, frame["label"].to_numpy()[:images])


def show_section(found: Results, section: Section) -> None:
    """Print the part: log loss and Brier score lead, since a calibration error on few images is mostly noise."""
    scores = found.of(found.scores, section)
    means = scores[scores["subset"] == "test"].groupby("model")[["log_loss", "brier"]].mean()
    rows: list[Any] = []
    calibrations = of_models(found, section)
    for model in found.models(section):
        made = calibrations.get(model)
        said = (
            ["–", "–"] if made is None else [f"{made.error:.3f}", f"{made.calibrated:.3f} ({made.calibrated_high:.3f})"]
        )
        rows.append([show.code(model), f"{means['log_loss'][model]:.3f}", f"{means['brier'][model]:.3f}", *said])
    classes = len(found.dataset_card(section.scheme)["classes"])
    show.folded(
        Html("<strong>Can the probabilities be believed?</strong> log loss, Brier score, calibration of {}").format(
            counted(len(rows), "model")
        ),
        f"sec-calibration-{section.slug}",
    )
    show.table(["model", "log loss", "Brier", "calibration error", "if they were true"], rows)
    show.write(
        Markup(
            "Means over the test folds; lower is better. A guess among the classes has a log loss of {:.3f} and a "
            "Brier score of {:.3f}. The calibration error pools all predictions out of fold in ten bins. On so few "
            "images even true probabilities would show one: the last column gives its mean, and in brackets what one "
            "in twenty would pass."
        ).format(float(np.log(classes)), 1 - 1 / classes)
    )
    show.unfolded()
