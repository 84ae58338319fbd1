"""What the models of a section said of every image that they were not trained on, as arrays: read once, used by all."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from report import statistics
from report.data import Results, Section
from report.statistics import Floats

Ints = NDArray[np.intp]
DRAWS = 400
"""Bootstrap draws over groups of images."""


@dataclass(frozen=True, eq=False)
class Asked:
    """The answers of one section.

    Out of fold each image is asked once in every repeat; repeats of which a fold is missing are left out, and so are
    models without a whole one. The images of the holdout are asked by every trial.

    Attributes:
        section: whose answers these are.
        classes: C names.
        images: N names, of the images outside the holdout.
        labels: (N,) their classes' places.
        groups: (N,) numbers of what belongs together; an image on its own has a number of its own.
        named: what the groups are called, by their numbers.
        folds: (R, N) the fold that tests an image, for the most repeats that a model has.
        said: for each model (R', N, C) probabilities, a row a whole repeat.
        repeats: for each model which repeats these are, as rows of `folds`.
        held, held_labels, held_groups: the same of the H images of the holdout.
        held_said: for each model (T, H, C), a row a trial.
        held_folds: for each model (T,), the trials' folds.
    """

    section: Section
    classes: tuple[str, ...]
    images: tuple[str, ...]
    labels: Ints
    groups: Ints
    named: tuple[str, ...]
    folds: Ints
    said: dict[str, Floats]
    repeats: dict[str, tuple[int, ...]]
    held: tuple[str, ...]
    held_labels: Ints
    held_groups: Ints
    held_said: dict[str, Floats]
    held_folds: dict[str, Ints]

    @property
    def models(self) -> list[str]:
        """Models that have been asked about every image."""
        return list(self.said)

    def averaged(self, model: str) -> Floats:
        """The mean over the repeats of what a model said, (N, C): the vote of its repeats, by their probabilities."""
        return np.asarray(self.said[model].mean(axis=0))


@lru_cache(maxsize=64)
def of_section(results: Results, section: Section) -> Asked:
    """Everything that was said in a section."""
    classes = tuple(results.dataset_card(section.scheme)["classes"])
    table = (
        results.connection.sql(
            """
            select p.model, p.repeat, p.fold, p.subset = 'holdout' as held, p.image_id, p.trial_id,
                list_position(t.classes, p.label) - 1 as label, p.probabilities::double[] as probabilities,
                coalesce(i.image_group, p.image_id) as image_group
            from predictions p
            semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id)
            join trials t using (trial_id, dataset, model)
            left join images i on i.dataset = p.dataset and i.dataset_hash = t.dataset_hash
                and i.image_id = p.image_id
            where p.recipe = $recipe and p.dataset = $dataset
                -- What is no answer to the question leaves its repeat incomplete.
                and list_contains($classes, p.label) and t.classes = $classes
                and len(p.probabilities) = len($classes)
                and list_min(p.probabilities) >= 0 and list_max(p.probabilities) <= 1.001
            order by p.model, p.repeat, p.fold, p.trial_id, p.image_id
            """,
            params={
                "scheme": section.scheme,
                "recipe": section.recipe,
                "dataset": section.dataset,
                "classes": list(classes),
            },
        )
        .to_arrow_table()
        .combine_chunks()
    )
    chances = table.column("probabilities").combine_chunks()
    said = (
        chances.flatten().to_numpy().reshape(len(chances), len(classes))
        if len(chances)
        else np.zeros((0, len(classes)))
    )
    frame = table.drop_columns(["probabilities"]).to_pandas()
    units, called = pd.factorize(frame["image_group"])
    out, held = (_side(frame, said, units, side) for side in (~frame["held"].to_numpy(), frame["held"].to_numpy()))
    return _arranged(section, classes, (out, held), tuple(map(str, called)))


@dataclass(frozen=True)
class _Side:
    """The rows of one subset; `place` is that of each row's image among `images`."""

    frame: pd.DataFrame
    said: Floats
    images: tuple[str, ...]
    place: Ints
    labels: Ints
    groups: Ints


def _side(frame: pd.DataFrame, said: Floats, units: Ints, rows: NDArray[np.bool_]) -> _Side:
    own = frame[rows]
    names, first, place = np.unique(own["image_id"].to_numpy(dtype=str), return_index=True, return_inverse=True)
    labels = own["label"].to_numpy(dtype=np.intp)[first]
    return _Side(own, said[rows], tuple(map(str, names)), place, labels, units[rows][first])


def _arranged(section: Section, classes: tuple[str, ...], sides: tuple[_Side, _Side], named: tuple[str, ...]) -> Asked:
    out, held = sides
    count, repeats = len(out.images), sorted(out.frame["repeat"].unique().tolist())
    folds = np.zeros((len(repeats), count), np.intp)
    said: dict[str, Floats] = {}
    of: dict[str, tuple[int, ...]] = {}
    models = out.frame["model"].to_numpy()
    numbers, fold = out.frame["repeat"].to_numpy(), out.frame["fold"].to_numpy()
    for model in dict.fromkeys(models):
        whole = []
        for row, repeat in enumerate(repeats):
            mine = (models == model) & (numbers == repeat)
            if np.unique(out.place[mine]).size < count:
                continue
            folds[row, out.place[mine]] = fold[mine]
            answers = np.empty((count, len(classes)))
            answers[out.place[mine]] = out.said[mine]
            whole.append((row, answers))
        if whole:
            said[str(model)] = np.stack([answers for _, answers in whole])
            of[str(model)] = tuple(row for row, _ in whole)
    held_said, held_folds = _held(held, len(classes))
    return Asked(
        section,
        classes,
        out.images,
        out.labels,
        out.groups,
        named,
        folds,
        said,
        of,
        held.images,
        held.labels,
        held.groups,
        held_said,
        held_folds,
    )


def _held(held: _Side, classes: int) -> tuple[dict[str, Floats], dict[str, Ints]]:
    said: dict[str, Floats] = {}
    folds: dict[str, Ints] = {}
    for model, rows in held.frame.reset_index(drop=True).groupby("model", sort=False):
        mine = rows.index.to_numpy()
        trials, first, trial = np.unique(rows["trial_id"].to_numpy(dtype=str), return_index=True, return_inverse=True)
        answers = np.full((len(trials), len(held.images), classes), np.nan)
        answers[trial, held.place[mine]] = held.said[mine]
        whole = ~np.isnan(answers).any(axis=(1, 2))
        if whole.any():
            said[str(model)] = answers[whole]
            folds[str(model)] = rows["fold"].to_numpy(dtype=np.intp)[first][whole]
    return said, folds


@lru_cache(maxsize=64)
def drawn(found: Asked) -> Floats:
    """Weights of the images in bootstrap draws over their groups, (B, N), the same for all models of a section."""
    return statistics.drawn_weights(found.labels, found.groups, draws=DRAWS)
