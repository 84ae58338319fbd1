"""What a careless split would have claimed: trials that let groups stand on both sides, beside their honest twins.

Both asked about the same images out of fold. The difference is taken image by image, and groups of images are drawn
again for its interval.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from report import statistics
from report.data import Results
from report.estimates import interval, percent, points
from report.statistics import SIGNIFICANT, Span
from store import certainty

Word = Literal["flatters", "small", "undecided", "the other way"]
SMALL = 0.05
"""A difference that surely lies within so much to either side is called small."""

LEDGER = """
with ignored as (
    select distinct trial_id, dataset, model, recipe, cell_id from current_plans
    where cell_id in (select cell_id from plans where protocol_json->>'groups' = 'ignored')
), careless as (
    select i.dataset, i.model, i.recipe, p.image_id, any_value(p.label) as label, any_value(t.dataset_hash) as content,
        avg((p.predicted = p.label)::int) as right
    from predictions p join ignored i using (trial_id) join trials t using (trial_id)
    where p.subset = 'test' group by all
), honest as (
    select p.dataset, p.model, p.recipe, p.image_id, avg((p.predicted = p.label)::int) as right
    from predictions p semi join chosen_trials using (trial_id) where p.subset = 'test' group by all
)
select c.dataset, c.model, h.recipe, c.image_id, c.label, c.right as careless, h.right as honest,
    coalesce(g.image_group, c.image_id) as image_group
from careless c
join honest h on h.dataset = c.dataset and h.model = c.model and h.image_id = c.image_id
    and c.recipe = h.recipe || '-groups-ignored'
left join images g on g.dataset = c.dataset and g.dataset_hash = c.content and g.image_id = c.image_id
order by c.dataset, c.model, c.image_id
"""


@dataclass(frozen=True)
class Leak:
    """Balanced accuracy out of fold of the careless split and of the honest one, on the images that both asked about.

    `claimed` is the difference careless − honest. `holm` is adjusted for the rows of the ledger.
    """

    dataset: str
    model: str
    recipe: str
    images: int
    groups: int
    careless: float
    honest: float
    claimed: Span
    p: float
    holm: float = 1.0

    @property
    def word(self) -> Word:
        """The verdict."""
        if not self.claimed.known:
            return "undecided"
        if self.holm <= SIGNIFICANT and not self.claimed.low <= 0 <= self.claimed.high:
            return "flatters" if self.claimed.low > 0 else "the other way"
        return "small" if max(-self.claimed.low, self.claimed.high) < SMALL else "undecided"


@lru_cache(maxsize=4)
def ledger(results: Results) -> tuple[Leak, ...]:
    """Every careless cell that has an honest twin."""
    frame = results.frame(LEDGER)
    made = [
        _leak(str(dataset), str(model), str(recipe), rows)
        for (dataset, model, recipe), rows in frame.groupby(["dataset", "model", "recipe"], sort=False)
    ]
    adjusted = statistics.holm([leak.p for leak in made]).tolist()
    return tuple(replace(leak, holm=holm) for leak, holm in zip(made, adjusted, strict=True))


def of_dataset(results: Results, dataset: str) -> list[Leak]:
    """The rows of one dataset; their Holm values still count the whole ledger."""
    return [leak for leak in ledger(results) if leak.dataset == dataset]


def _leak(dataset: str, model: str, recipe: str, rows: pd.DataFrame) -> Leak:
    labels, groups = rows["label"].to_numpy(str), pd.factorize(rows["image_group"])[0]
    sides = [rows[side].to_numpy(np.float64) for side in ("careless", "honest")]
    own = certainty.balanced_weights(labels)
    drawn = statistics.drawn_weights(labels, groups)
    units = int(np.unique(groups).size)
    careless, honest = (float(own @ side) for side in sides)
    draws = drawn @ (sides[0] - sides[1])
    spread = float(np.std(draws)) if draws.size > 1 else 0.0
    # Answers that are all alike do not show how they would differ.
    claimed = statistics.span(careless - honest, draws if spread > 0 else draws[:0], units, low=-1.0)
    p = 2 * float(special.stdtr(units - 1, -abs(careless - honest) / spread)) if spread > 0 and units > 2 else 1.0
    return Leak(dataset, model, recipe, len(rows), units, careless, honest, claimed, p)


def sentence(leak: Leak) -> str:
    """One row in words."""
    difference = f"{points(leak.claimed.estimate)} points"
    if leak.claimed.known:
        difference = f"{difference} {interval(leak.claimed.low, leak.claimed.high, signed=True)}"
    start = (
        f"Of {leak.model}, over all images, split one by one as if no images belonged together, "
        f"{percent(leak.careless)} would have been claimed; split honestly it is {percent(leak.honest)}: {difference}"
    )
    said = {
        "flatters": "the careless split flatters",
        "the other way": "the careless split says less",
        "small": "the difference is small",
        "undecided": "these groups are too few to tell by how much",
    }
    return f"{start}; {said[leak.word]}."
