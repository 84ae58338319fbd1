"""Trials wanted − trials in the store = trials to run: pure functions over values, no files and no devices."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from bench.datasets import Dataset
from bench.models import Model
from bench.study import Protocol, Recipe, Split, Study, protocol
from store import PlanRow


@dataclass(frozen=True)
class Trial:
    """One training run: a cell and a split. `id` is what determines its result, hashed."""

    id: str
    split: Split


@dataclass(frozen=True)
class Cell:
    """All trials of a dataset × model × recipe.

    `scheme` names the images and how they are split: models are compared within one scheme alone. `unavailable` says
    why the cell cannot run here, if so.
    """

    dataset: Dataset
    model: Model
    recipe: Recipe
    protocol: Protocol
    weights: str
    scheme: str
    id: str
    trials: tuple[Trial, ...]
    unavailable: str | None = None

    @property
    def name(self) -> str:
        """For people: dataset, model and recipe."""
        return f"{self.dataset.name} · {self.model.name} · {self.recipe_name}"

    @property
    def recipe_name(self) -> str:
        """What the store calls the recipe: its name, and how the protocol splits where that is not the usual way."""
        return self.recipe.name + self.protocol.mark

    @property
    def groups(self) -> list[str]:
        """(N,) what must stay together, within training images as well; each image alone where the protocol says so."""
        return self.dataset.ids if self.protocol.groups == "ignored" else self.dataset.groups

    def only(self, trials: Sequence[Trial]) -> "Cell":
        """The cell with some of its trials."""
        return replace(self, trials=tuple(trials))

    @property
    def passes(self) -> tuple[object, ...] | None:
        """Names the passes of images through a frozen backbone, if there is one; cells of one name share them."""
        if self.model.kind not in ("transfer", "probe"):
            return None
        recipe = self.recipe
        return self.dataset.order_hash, self.model.family, self.weights, recipe.image_size, recipe.preprocessing

    def cost(self, *, passed: bool = False) -> float:
        """Seconds that the trials take on two quiet CPU cores, roughly; good for proportions rather than for promises.

        `passed` says that another cell makes the passes which this one needs.
        """
        scale = (self.recipe.image_size / 224) ** 2 * self.model.cost / 1000
        if self.model.kind == "floor":
            return 0.01 * len(self.trials) + scale * len(self.dataset.images)
        trained = sum(len(t.split.train) for t in self.trials) * self.recipe.epochs
        if self.model.kind == "network":
            return 3 * scale * trained
        passes = 0.0 if passed else scale * len(self.dataset.images) * (1 + self.recipe.view_count)
        if self.model.kind == "probe":
            return passes + 5e-4 * len(self.dataset.images) * len(self.trials)
        return passes + (0.003 * trained if self.model.name == "vgg19" else 2e-4 * trained)


def make_cell(
    dataset: Dataset,
    model: Model,
    recipe: Recipe,
    wanted: Protocol,
    splits: Sequence[Split],
    weights: str,
    unavailable: str | None = None,
) -> Cell:
    """A cell with all its trials, each named by what determines its result.

    Of the splits, which are those of the protocol, each trial has the share that the recipe trains on.
    """
    ids = dataset.ids
    # One repeat's folds stand for all: groups, the holdout and a parent's images show in them.
    folds = sorted(protocol.split_hash(split, ids) for split in splits if split.repeat == 0)
    scheme = protocol.fingerprint([dataset.name, dataset.content_hash, folds])
    identity = {
        "scheme": scheme,
        "dataset": dataset.name,
        "content": dataset.content_hash,
        "model": model.name,
        "model_version": model.version,
        "weights": weights,
        "recipe": recipe.identity(),
        "protocol": wanted.identity(),
    }
    cell_id = protocol.fingerprint(identity)
    trained = [protocol.subset(s, dataset.labels, ids, recipe.train_fraction, wanted.seed) for s in splits]
    trials = tuple(Trial(protocol.trial_id(cell_id, split, ids), split) for split in trained)
    return Cell(dataset, model, recipe, wanted, weights, scheme, cell_id, trials, unavailable)


def to_run(
    cells: Sequence[Cell], done: Collection[str], failed: Collection[str], *, force: bool, retry_failed: bool
) -> Iterator[Cell]:
    """The cells with the trials that are still to run, quick cells first so that there is soon something to see."""
    skipped = set() if force else (set(done) | (set() if retry_failed else set(failed)))
    left = [cell.only([t for t in cell.trials if t.id not in skipped]) for cell in cells if not cell.unavailable]
    yield from sorted((cell for cell in left if cell.trials), key=lambda cell: (cell.cost(), cell.name))


def limited(cells: Sequence[Cell], limit: int | None) -> list[Cell]:
    """The first `limit` trials of the cells, in their order."""
    if limit is None:
        return list(cells)
    kept = []
    for cell in cells:
        if limit <= 0:
            break
        kept.append(cell.only(cell.trials[:limit]))
        limit -= len(cell.trials)
    return kept


def rows(study: Study, cells: Sequence[Cell]) -> list[PlanRow]:
    """What the store keeps of a plan: a row a trial, with the cards as they were."""
    return [
        {
            "study_title": study.title,
            "dataset": cell.dataset.name,
            "model": cell.model.name,
            "recipe": cell.recipe_name,
            "cell_id": cell.id,
            "scheme": cell.scheme,
            "trial_id": trial.id,
            "repeat": trial.split.repeat,
            "fold": trial.split.fold,
            "recipe_json": json.dumps(cell.recipe.as_dict()),
            "protocol_json": json.dumps(cell.protocol.as_dict()),
            "dataset_hash": cell.dataset.content_hash,
            "model_version": cell.model.version,
            "weights": cell.weights,
            "unavailable": cell.unavailable,
            "dataset_card": json.dumps(
                cell.dataset.card.published() | {"classes": cell.dataset.classes, "at_hand": cell.dataset.counts()}
            ),
            "model_card": json.dumps(cell.model.card()),
        }
        for cell in cells
        for trial in cell.trials
    ]
