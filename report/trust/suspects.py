"""Which labels to look at first: images of which every good model is confident that they are of another class.

Images of the holdout count too: no trial has trained on them.
"""

import csv
import io
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from report import recipes, statistics
from report.data import Results, Section
from report.statistics import Floats
from report.transfer import way
from report.trust import asked
from report.trust.asked import Asked, Ints

GOOD = 0.5
"""Less than half of the way from guessing to perfect, and a model's doubts say more of it than of a label."""
NEAR = 0.75
"""A model is good where it has come so far of the way that the best one has."""


@dataclass(frozen=True)
class Suspect:
    """One image and what is said against its label.

    `margin` is the mean over the good models of the label's probability less the highest other. `against` of `models`
    good models are confident of another class. `nearest` are the images that look most like it to a frozen network,
    `alike` of them have the class that is suggested; none where no such network was run.
    """

    image: str
    label: str
    suggested: str
    margin: float
    probability_label: float
    probability_suggested: float
    against: int
    models: int
    nearest: tuple[str, ...] = ()
    alike: int = 0

    @property
    def flagged(self) -> bool:
        """Whether every good model is confident of another class."""
        return self.against == self.models


@dataclass(frozen=True)
class Suspects:
    """All images of a dataset, those whose label is doubted most first; none where no model is good enough."""

    section: Section
    models: tuple[str, ...]
    listed: tuple[Suspect, ...]

    @property
    def flagged(self) -> tuple[Suspect, ...]:
        """Those that every good model is confident of another class of."""
        return tuple(s for s in self.listed if s.flagged)

    @property
    def sentence(self) -> str:
        """What there is to do about labels."""
        if not self.models:
            return "No model here is good enough for its doubts to tell of labels."
        judges = f"all {len(self.models)} good models are" if len(self.models) > 1 else f"{self.models[0]} is"
        if not self.flagged:
            return f"No label is doubted by {judges.removesuffix(' are').removesuffix(' is')}."
        count = len(self.flagged)
        images = f"{count:,} of {len(self.listed):,} images" if count > 1 else "one image"
        return (
            f"Look at the labels of {images} first: {judges} confident of another class than the label says, "
            "without having been trained on them. Most will be hard images; some may be labelled wrongly."
        )


@lru_cache(maxsize=32)
def of_dataset(results: Results, dataset: str) -> Suspects:
    """The suspects at a dataset's main recipe."""
    section = recipes.main(results, dataset)
    found = asked.of_section(results, section)
    floors = [m for m in found.models if results.model_card(m)["family"] == "Floor"]
    models = good(found, floors)
    ranked = rank(found, models)
    return Suspects(section, tuple(models), tuple(_with_nearest(results, section, ranked)))


def good(found: Asked, floors: list[str]) -> list[str]:
    """The networks whose doubts count: those that have come nearly as far as the best one, and that far enough."""
    chance = 1 / len(found.classes)
    ways = {
        model: way(statistics.balanced_accuracy(found.labels, found.averaged(model).argmax(axis=1)), chance)
        for model in found.models
        if model not in floors
    }
    best = max(ways.values(), default=0.0)
    return [model for model, far in ways.items() if best >= GOOD and far >= NEAR * best]


def rank(found: Asked, models: list[str]) -> list[Suspect]:
    """Every image, the label that the models doubt most first."""
    if not models:
        return []
    names = [*found.images, *found.held]
    labels = np.concatenate([found.labels, found.held_labels])
    said = np.stack([everything(found, model) for model in models])
    doubts = [statistics.doubted(p, labels) for p in said]
    margin = np.mean([d.margin for d in doubts], axis=0)
    against = np.sum([d.against for d in doubts], axis=0)
    mean = said.mean(axis=0)
    suggested = _suggested(mean, labels)
    # Whom every good model contradicts comes first; names decide between equals, so that no order of rows does.
    order = np.lexsort([np.array(names), margin, -(against == len(models)).astype(int)])
    return [
        Suspect(
            names[i],
            found.classes[labels[i]],
            found.classes[suggested[i]],
            float(margin[i]),
            float(mean[i, labels[i]]),
            float(mean[i, suggested[i]]),
            int(against[i]),
            len(models),
        )
        for i in order.tolist()
    ]


def everything(found: Asked, model: str) -> Floats:
    """The mean of what a model said of each image, (N + H, C): out of fold, and on the holdout."""
    held = found.held_said.get(model)
    return np.concatenate([found.averaged(model), held.mean(axis=0)] if held is not None else [found.averaged(model)])


def _suggested(mean: Floats, labels: Ints) -> Ints:
    others = mean.copy()
    others[np.arange(labels.size), labels] = -1.0
    return np.asarray(others.argmax(axis=1))


def _with_nearest(results: Results, section: Section, ranked: list[Suspect]) -> list[Suspect]:
    """The same, with the nearest images, where a frozen network of the section's recipe has them."""
    frame = results.frame(
        """
        select n.image_id, any_value(n.nearest order by n.model, n.trial_id) as nearest
        from neighbours n semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id)
        where n.dataset = $dataset and n.recipe = $recipe
            and n.model = (select min(model) from neighbours semi join chosen_trials using (trial_id)
                where dataset = $dataset and recipe = $recipe)
        group by n.image_id
        """,
        scheme=section.scheme,
        dataset=section.dataset,
        recipe=section.recipe,
    )
    near = {str(row["image_id"]): tuple(map(str, row["nearest"])) for row in frame.to_dict("records")}
    label_of = {s.image: s.label for s in ranked}
    made = []
    for s in ranked:
        nearest = tuple(name for name in near.get(s.image, ()) if name in label_of)
        alike = sum(label_of[name] == s.suggested for name in nearest)
        made.append(replace(s, nearest=nearest, alike=alike))
    return made


COLUMNS = (
    "path",
    "label",
    "suggested",
    "every_good_model_against",
    "margin",
    "probability_of_label",
    "probability_of_suggested",
    "nearest_of_suggested_class",
    "nearest",
)


def as_csv(found: Suspects) -> str:
    """Every image with its label, the most doubted first: correct `label`, and it is a manifest for `dataset add`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for s in found.listed:
        near = (f"{s.alike} of {len(s.nearest)}", s.nearest[0]) if s.nearest else ("", "")
        numbers = (f"{s.margin:.4f}", f"{s.probability_label:.4f}", f"{s.probability_suggested:.4f}")
        writer.writerow([s.image, s.label, s.suggested, "yes" if s.flagged else "no", *numbers, *near])
    return text.getvalue()
