"""A mark in every chart: a model whose trials are not all done says so in its name there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from report.data import Results, Section
from report.palette import Style


@dataclass(frozen=True)
class Labels:
    """What the models of some sections are called in a chart."""

    names: Mapping[str, str]
    styles: Mapping[str, Style]

    def of(self, models: Iterable[str]) -> list[str]:
        """The labels of some models, in their order."""
        return [self.names[model] for model in models]

    def on(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame with labels in place of the models' names."""
        return frame.assign(model=frame["model"].map(dict(self.names)))


def labels(found: Results, sections: Iterable[Section]) -> Labels:
    """The labels of all models in some sections: `cnn`, or `cnn (4 of 20)` where that is all that is done."""
    names: dict[str, str] = {}
    styles: dict[str, Style] = {}
    cells = pd.concat([found.of(found.cells, section) for section in sections])
    for model, rows in cells.groupby("model", sort=False):
        done, wanted = int(rows["done"].sum()), int(rows["wanted"].sum())
        name = str(model)
        names[name] = name if done == wanted else f"{name} ({done} of {wanted})"
        styles[names[name]] = found.style(name)
    return Labels(names, styles)
