"""How many more images? What twice as many would add, by curves through trials on shares of the training images."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd

from report import estimates, recipes, statistics
from report.data import Results, Section
from report.estimates import interval, points
from report.statistics import Growth

TIMES = 2.0
FEWEST_SPLITS = 3
ALIKE = 1.2
"""Classes whose numbers of images differ by less than this factor are spoken of together."""


@dataclass(frozen=True)
class More:
    """What twice the images would add to a model; None where no three shares were run.

    `hidden` is what the smaller shares alone say of the step to the largest one, beside `seen`, what that step has
    gained, and its standard error.
    """

    section: Section
    model: str
    shares: tuple[float, ...]
    images: int  # that a trial trains on at the largest share
    splits: int
    a_class: int | None  # how many more images a class that is; None where classes differ in size
    growth: Growth
    hidden: Growth | None
    seen: float
    seen_error: float

    @property
    def held(self) -> bool | None:
        """Whether the smaller shares foretold the largest one; None where they are too few to foretell.

        What was seen is itself uncertain, by its standard error to both sides, twice.
        """
        if self.hidden is None:
            return None
        middle, half = (self.hidden.low + self.hidden.high) / 2, (self.hidden.high - self.hidden.low) / 2
        return abs(self.seen - middle) <= float(np.hypot(half, 2 * self.seen_error))

    @property
    def what(self) -> str:
        """The images that are spoken of."""
        return "twice the images" if self.a_class is None else f"twice the images ({self.a_class:,} more a class)"

    @property
    def sentence(self) -> str:
        """What they would add, in words that the interval bears."""
        g = self.growth
        gain = f"{points(g.gain)} points {interval(g.low, g.high, signed=True)}"
        said = {
            "more": f"{self.what} would add {gain} to {self.model}",
            "plateau": f"{self.what} would add less than a point to {self.model}: {gain}, a plateau",
            "cannot say": f"what {self.what} would add to {self.model} these trials cannot say: {gain}",
        }
        return said[g.word]


@lru_cache(maxsize=64)
def of_dataset(results: Results, dataset: str) -> tuple[More, ...]:
    """What more images would add to each model that was run on three shares or more, at the main recipe."""
    section = recipes.main(results, dataset)
    others = [s for s in results.variants(section) if s.steps == section.steps and s.fraction < section.fraction]
    shares = sorted([*others, section], key=lambda s: s.fraction)
    if len(shares) < 3:
        return ()
    counts = results.dataset_card(section.scheme)["at_hand"]
    alike = max(counts.values()) <= ALIKE * min(counts.values())
    a_class = round(sum(counts.values()) / len(counts)) if alike else None
    made = [_of_model(results, shares, model, a_class) for model in results.models(section)]
    return tuple(each for each in made if each is not None)


def of_model(results: Results, dataset: str, model: str) -> More | None:
    """What more images would add to one model; None where that was not asked."""
    return next((more for more in of_dataset(results, dataset) if more.model == model), None)


def everywhere(results: Results) -> list[More]:
    """What more images would add, on every dataset."""
    return [more for name in results.datasets for more in of_dataset(results, name)]


def _of_model(results: Results, shares: list[Section], model: str, a_class: int | None) -> More | None:
    tables = []
    for share in shares:
        scores = results.of(results.scores, share)
        own = scores[(scores["model"] == model) & (scores["subset"] == "test")]
        if not own.empty:
            tables.append((share, own.set_index(["repeat", "fold"])))
    if len(tables) < 3 or tables[-1][0] != shares[-1]:
        return None
    joined = pd.concat([t["balanced_accuracy"] for _, t in tables], axis=1, join="inner")
    if len(joined) < FEWEST_SPLITS:
        return None
    values = joined.to_numpy(np.float64)
    images = [float(t["train_images"].mean()) for _, t in tables]
    if any(b <= a for a, b in pairwise(images)):
        return None
    ratio = estimates.test_train_ratio(tables[-1][1])
    grown = statistics.growth(values, images, TIMES, test_train_ratio=ratio)
    hidden = None
    if len(images) > 3:
        hidden = statistics.growth(values[:, :-1], images[:-1], images[-1] / images[-2], test_train_ratio=ratio)
    steps = values[:, -1] - values[:, -2]
    error = float(steps.std(ddof=1) * np.sqrt(1 / len(steps) + ratio))
    fractions = tuple(s.fraction for s, _ in tables)
    return More(
        shares[-1], model, fractions, round(images[-1]), len(joined), a_class, grown, hidden, float(steps.mean()), error
    )
