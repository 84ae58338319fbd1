"""A run: what a study wants, less what the store has, trained and appended. Screens and options stay outside."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import datasets, models, plan
from bench.datasets import Dataset, Library
from bench.errors import BenchError, UsageError
from bench.models import WeightsUnavailableError
from bench.plan import Cell, Trial
from bench.protocol import Split
from bench.sharing import Work
from bench.study import Study
from store import Claims, Store

if TYPE_CHECKING:
    from bench.cells import Finished

POLL = 2.0
"""Seconds between two looks at what other runs on the store have done."""


@dataclass(frozen=True)
class Prepared:
    """A study laid out over the images at hand. `absent` are the datasets that are left out, with the reason."""

    study: Study
    cells: tuple[Cell, ...]
    absent: dict[str, str]


@dataclass
class Result:
    """What a run did: trials finished, and those that failed with their reasons."""

    finished: int
    failures: list[tuple[Cell, Trial, str]]


class Watch:
    """Told of a run's progress; does nothing itself. A screen overrides what it shows."""

    def preparing(self, dataset: str, image_size: int, images: int) -> None:
        """A dataset's images are about to be decoded."""

    def decoded(self) -> None:
        """One more image is decoded."""

    def started(self, cells: Sequence[Cell]) -> None:
        """Training begins with these cells, in this order."""

    def cell(self, cell: Cell) -> None:
        """This cell is next: the first of its trials has been taken."""

    def advanced(self, share: float) -> None:
        """So much more of the current cell's work is done; the shares of a cell sum to 1."""

    def trial(self, cell: Cell, row: dict[str, Any], predictions: Sequence[dict[str, Any]]) -> None:
        """A trial has ended and is in the store."""

    def waiting(self, trials: int) -> None:
        """Nothing is left but so many trials that other runs on this store are training."""


def prepare(study: Study, library: Library) -> Prepared:
    """Find the datasets, draw the splits, and name every trial; nothing is decoded or downloaded.

    Raises:
        UsageError: an unknown dataset or model.
        BenchError: no images at all, a folder that does not fit its card, a class too small to be split.
    """
    chosen = [_model(name, study) for name in study.models]
    for name in study.weights:
        models.get(name)
    names = study.datasets if study.datasets is not None else tuple(library.at_hand())
    loaded: list[tuple[Dataset, list[Split]]] = []
    absent: dict[str, str] = {}
    for name in names:
        if library.image_folder(library.card(name)) is None:
            absent[name] = "no images here"
            continue
        try:
            dataset = library.load(name, images_per_class=study.images_per_class)
            loaded.append((dataset, datasets.splits(library, dataset, study.protocol)))
        except UsageError:
            raise
        except BenchError as error:
            if study.datasets is not None:
                raise
            absent[name] = str(error)  # one folder that does not fit must not stop all the others
    if not loaded and any(reason != "no images here" for reason in absent.values()):
        raise BenchError(next(reason for reason in absent.values() if reason != "no images here"))
    if not loaded:
        folders = " or ".join(map(str, library.folders))
        listed = f" of {', '.join(absent)}" if absent else ""
        raise BenchError(
            f"no images{listed} in {folders}; put them into <folder>/<dataset>/<class>/, "
            "name the folder with --data, or try the built-in dataset with `bench run demo`"
        )
    cells = []
    for dataset, splits in loaded:
        recipe = study.recipe_for(dataset.card.recipe, dataset.name)
        for model in chosen:
            try:
                weights, unavailable = model.weights.identity(), None
            except WeightsUnavailableError as error:
                weights, unavailable = f"{model.weights.published()}, not here", str(error)
            cells.append(plan.make_cell(dataset, model, recipe, study.protocol, splits, weights, unavailable))
    return Prepared(study, tuple(cells), absent)


def run(
    prepared: Prepared,
    store: Store,
    cache: Path,
    device: str,
    *,
    force: bool = False,
    retry_failed: bool = False,
    limit: int | None = None,
    watch: Watch | None = None,
) -> Result:
    """Train what is missing and append it, trial by trial; what is in the store is never trained again.

    A trial that fails is kept as a row with its reason and the run goes on. Runs that share a store share the work:
    each trains what no other is training, then waits for the others, and takes over from those that die.

    Raises:
        BenchError: an image cannot be read, a disk is full. What was finished before stays.
    """
    from bench import images, memory, training

    watch = watch or Watch()
    where = training.choose_device(device)
    memory.keep_what_was_freed()
    done, failed = store.finished()
    left = list(plan.to_run(prepared.cells, done, failed, force=force, retry_failed=retry_failed))
    unusable = _unusable({cell.model.name: cell for cell in left}.values())
    cells = [replace(c, unavailable=c.unavailable or unusable.get(c.model.name)) for c in prepared.cells]
    left = plan.limited([cell for cell in left if cell.model.name not in unusable], limit)
    for dataset, size in {
        (c.dataset.name, c.recipe.image_size): (c.dataset, c.recipe.image_size) for c in left
    }.values():
        watch.preparing(dataset.name, size, len(dataset.images))
        images.load(dataset, size, cache, watch.decoded)
    for dataset in {c.dataset.name: c.dataset for c in cells}.values():
        store.append_images(dataset.name, dataset.content_hash, _image_rows(dataset))
    store.append_plan(prepared.study.name, plan.rows(prepared.study, cells))
    watch.started(left)
    result = Result(0, [])
    with Claims(store.root) as claims:
        work = Work(store, claims, skip_done=not force, skip_failed=not retry_failed and not force)
        while left:
            for cell in left:
                for finished in _train(cell, work, cache, where, watch):
                    result.finished += finished.row["status"] == "done"
                    if finished.row["status"] == "failed":
                        result.failures.append((cell, finished.trial, finished.row["error"]))
                    watch.trial(cell, finished.row, finished.predictions)
            left = [open_cell for cell in left if (open_cell := work.open(cell)).trials]
            if left:
                watch.waiting(sum(len(cell.trials) for cell in left))
                time.sleep(POLL)
    return result


def _train(cell: Cell, work: Work, cache: Path, device: Any, watch: Watch) -> Iterator["Finished"]:
    from bench import cells

    taken: list[Trial] = []

    def take(trial: Trial) -> bool:
        if not work.take(cell, trial):
            return False
        if not taken:
            watch.cell(cell)
        taken.append(trial)
        return True

    try:
        for together in cells.run(cell, cache, device, watch.advanced, take):
            work.append(together)
            yield from together
    except (RuntimeError, ArithmeticError, ValueError) as error:
        # torch's own failures (memory, kernels) belong to the trial; ours and the disk's end the run.
        reason = " ".join(str(error).split())[:500] or type(error).__name__
        rest = filter(take, (trial for trial in cell.trials if trial not in taken))
        left = [*(trial for trial in taken if trial.id not in work.ended), *rest]
        failed = [cells.Finished(trial, cells.failed_row(cell, trial, reason, device), [], []) for trial in left]
        if failed:
            work.append(failed)
            yield from failed


def _model(name: str, study: Study) -> models.Model:
    model = models.get(name)
    return model.with_weights(study.weights[name]) if name in study.weights else model


def _unusable(cells: Any) -> dict[str, str]:
    """Models whose weights cannot be had or do not fit, with the reason. Weights are downloaded here."""
    reasons = {}
    for cell in cells:
        if cell.model.pretrained:
            try:
                cell.model.make(len(cell.dataset.classes))
            except WeightsUnavailableError as error:
                reasons[cell.model.name] = str(error)
    return reasons


def _image_rows(dataset: Dataset) -> Iterator[dict[str, Any]]:
    from bench import images

    seen: dict[int, int] = {}
    for image, group in zip(dataset.images, dataset.groups, strict=True):
        seen[image.label] = seen.get(image.label, 0) + 1
        shown = dataset.card.show_images and seen[image.label] <= 4
        yield {
            "image_id": image.id, "label": dataset.classes[image.label], "sha256": image.sha256,
            "image_group": group, "thumbnail": images.thumbnail(image.path) if shown else None,
        }  # fmt: skip
