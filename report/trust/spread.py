"""What a new donor, slide or paper may expect: how recall varies from group to group, from the ordinary folds."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from report import estimates, recipes, statistics
from report.data import Results, Section
from report.statistics import GroupSpread
from report.trust import asked

LEAST = 1.5
"""Where groups have fewer images than this on average, they are copies and not donors."""
FEWEST = 3
"""A group with fewer images of a class is no dot of its own; it counts for the range all the same."""


@dataclass(frozen=True)
class Spread:
    """How well one model recognises the images of each group.

    `dots` has label, group, images, recall: a row a group and class, those with three images or more. `expected` has
    for each class the mean recall of groups and the range of nine in ten new ones.
    """

    section: Section
    model: str
    dots: pd.DataFrame
    expected: dict[str, GroupSpread]

    @property
    def sentence(self) -> str:
        """What a new group may expect, class by class."""
        known = {label: e for label, e in self.expected.items() if np.isfinite(e.low)}
        if not known:
            return f"So few groups do not show how {self.model} would do on a new one."
        parts = [f"{e.low * 100:.0f} to {e.high * 100:.0f} % of {label}" for label, e in known.items()]
        return f"Of the images of a new group, in nine of ten groups, {self.model} recognises {', '.join(parts)}."


@lru_cache(maxsize=32)
def of_dataset(results: Results, dataset: str) -> Spread | None:
    """The spread of the model that the dataset's answer names; None where images do not come in groups."""
    section = recipes.main(results, dataset)
    row = estimates.highest(estimates.fold_means(results, section), results.complete(section))
    found = asked.of_section(results, section)
    if row is None or str(row["model"]) not in found.said:
        return None
    if len(found.images) < LEAST * np.unique(found.groups).size:
        return None
    model = str(row["model"])
    hits = (found.said[model].argmax(axis=2) == found.labels).mean(axis=0)
    frame = pd.DataFrame(
        {"label": np.array(found.classes)[found.labels], "group": np.array(found.named)[found.groups], "hit": hits}
    )
    each = frame.groupby(["label", "group"])["hit"].agg(["sum", "size", "mean"]).reset_index()
    each.columns = ["label", "group", "hits", "images", "recall"]
    expected = {str(label): statistics.group_spread(own["hits"], own["images"]) for label, own in each.groupby("label")}
    dots = each[each["images"] >= FEWEST][["label", "group", "images", "recall"]]
    order = {label: place for place, label in enumerate(found.classes)}
    dots = dots.sort_values(["label", "recall", "group"], key=lambda c: c.map(order) if c.name == "label" else c)
    return Spread(section, model, dots.reset_index(drop=True), expected)
