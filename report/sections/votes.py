"""The votes of a section: on the holdout, and out of fold over all other images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from report import charts, estimates, statistics
from report.data import Results, Section
from report.estimates import percent, with_interval
from report.sections.unfinished import Labels
from report.show import Markup


@dataclass(frozen=True)
class Votes:
    """Each model's vote on the holdout and on the test folds, with what their intervals rest on."""

    holdout: pd.DataFrame
    out_of_fold: pd.DataFrame

    @property
    def scarce(self) -> str:
        """Which class has too few images (or groups) in the holdout for any interval, as `2 monocyte`; else empty."""
        few = self.holdout[self.holdout["fewest_units"] < statistics.FEWEST_UNITS]
        if few.empty:
            return ""
        row = few.sort_values("fewest_units").iloc[0]
        return f"{row['fewest_units']} {row['scarcest']}"

    def chart(self, scores: pd.DataFrame, label: Labels, models: Sequence[str], chance: float) -> Any:
        """The holdout's chart; where its votes have no interval it says why, and shows those out of fold beside them.

        `scores` and `models` have the labels for names.
        """
        beside = label.on(self.out_of_fold) if self.scarce else None
        chart = charts.holdout_box(scores, label.on(self.holdout), models, label.styles, chance, beside)
        if not self.scarce:
            return chart
        note = f"{self.scarce} in the holdout: no interval there"
        return chart.properties(
            title=alt.Title(note, anchor="start", fontSize=12, fontWeight="normal", color=charts.GREY)
        )

    def caption(self) -> Markup:
        """What the marks of the chart are."""
        if not self.scarce:
            return Markup("The mark below is the vote of the trials; its line is the 95 % interval over the images.")
        return Markup(
            "The first mark below is the vote of the trials. It has no interval, since the holdout has too few of one "
            "class: {}, images or groups of them. The second is the vote out of fold over all other images, with its "
            "95 % interval."
        ).format(self.scarce)

    def cells(self, model: str) -> list[str]:
        """A model's two votes for a table."""
        ours, others = (_row(frame, model) for frame in (self.holdout, self.out_of_fold))
        return [percent(ours["balanced_accuracy"]) if self.scarce else with_interval(ours), with_interval(others)]


def of_section(found: Results, section: Section) -> Votes:
    """The votes of a section's models."""
    return Votes(estimates.votes(found, section), estimates.votes(found, section, "test"))


def _row(frame: pd.DataFrame, model: str) -> Any:
    return frame[frame["model"] == model].iloc[0]
