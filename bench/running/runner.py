"""A run: what a study wants, less what the store has, trained and appended. Screens and options stay outside."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench import models
from bench.datasets import Dataset, Drawn, Library, curating, draw
from bench.errors import BenchError, UsageError
from bench.models import WeightsUnavailableError
from bench.planning import Cell, plan
from bench.running.loop import Errand, Result, Since, Watch
from bench.study import Study, places
from bench.training import asked
from store import ImageRow, PlaceRow, Store


@dataclass(frozen=True)
class Prepared:
    """A study laid out over the images at hand.

    `absent` are the datasets that are left out, with the reason; `remarks` are sentences about what changed in the
    others since their cards were written.
    """

    study: Study
    drawn: tuple[Drawn, ...]
    cells: tuple[Cell, ...]
    absent: dict[str, str]
    remarks: tuple[str, ...] = ()


def prepare(study: Study, library: Library, store: Store | None = None) -> Prepared:
    """Find the datasets, draw the splits that the store does not keep, and name every trial; nothing is decoded.

    Raises:
        UsageError: an unknown dataset or model.
        BenchError: no images at all, a folder that does not fit its card, what `add` would refuse, a class too small
            to be split.
    """
    chosen = [_model(name, study) for name in study.models]
    for name in study.weights:
        models.get(name)

    def kept(dataset: Dataset, identity: str) -> list[PlaceRow]:
        return store.splits(dataset.name, dataset.content_hash, identity) if store else []

    names = study.datasets if study.datasets is not None else tuple(library.at_hand())
    loaded: list[Drawn] = []
    absent: dict[str, str] = {}
    remarks: list[str] = []
    for name in names:
        try:
            if library.image_folder(library.card(name)) is None:
                absent[name] = "no images here"
                continue
            dataset = library.load(name, images_per_class=study.images_per_class)
            seen = curating.look(library, dataset, study.images_per_class)
            if seen.refused:
                raise BenchError(f"dataset {name!r}: {seen.refused[0]}")
            loaded.append(draw(library, dataset, study.protocol, kept))
            remarks += [f"{name}: {remark}" for remark in seen.all()]
        except BenchError as error:
            if study.datasets is not None:
                raise
            absent[name] = str(error)  # one folder or card that does not fit must not stop all the others
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
    for drawn in loaded:
        recipes = study.recipes_for(drawn.dataset.card.recipe, drawn.dataset.name)
        for model in chosen:
            try:
                weights, unavailable = model.weights.identity(), None
            except WeightsUnavailableError as error:
                weights, unavailable = f"{model.weights.published()}, not here", str(error)
            cells += [
                plan.make_cell(drawn.dataset, model, recipe, study.protocol, drawn.splits, weights, unavailable)
                for recipe in recipes
            ]
    return Prepared(study, tuple(loaded), tuple(cells), absent, tuple(remarks))


def reachable(prepared: Prepared) -> Prepared:
    """The same, with the cells whose weights cannot be had here marked as unavailable; nothing is downloaded."""
    reasons: dict[str, str] = {}
    for name, model in {cell.model.name: cell.model for cell in prepared.cells}.items():
        try:
            model.weights.require_reachable()
        except WeightsUnavailableError as error:
            reasons[name] = str(error)
    cells = [replace(c, unavailable=c.unavailable or reasons.get(c.model.name)) for c in prepared.cells]
    return replace(prepared, cells=tuple(cells))


def run(
    prepared: Prepared,
    store: Store,
    cache: Path,
    device: str,
    *,
    force: bool = False,
    retry_failed: bool = False,
    limit: int | None = None,
    count: int | None = None,
    executor: str = "local",
    watch: Watch | None = None,
    keep: bool = False,
) -> Result:
    """Train what is missing and append it, trial by trial; what is in the store is never trained again.

    A trial that fails is kept as a row with its reason and the run goes on. Runs that share a store share the work,
    and so do the workers of one run.

    Args:
        prepared: the study, laid out.
        store: where results go.
        cache: the folder of decoded images and frozen features.
        device: `auto`, `cpu`, `cuda:0`, or several as `cuda:0,1`.
        force: train again what is done.
        retry_failed: train again what has failed.
        limit: stop after so many trials.
        count: worker processes; None for one on each GPU, or as many as keep the CPU's cores busy.
        executor: `local`, or `ray` for all nodes of a Ray cluster.
        watch: told of the progress.
        keep: keep what was trained, beside the store.

    Raises:
        BenchError: an image cannot be read, a disk is full. What was finished before stays.
    """
    from bench.training import memory

    watch, now = watch or Watch(), datetime.now(UTC).replace(tzinfo=None)
    memory.keep_what_was_freed()
    with _executor(executor, device, cache, count, store.root if keep else None) as train:
        done, failed = store.finished()
        left = list(plan.to_run(prepared.cells, done, failed, force=force, retry_failed=retry_failed))
        unusable = _unusable({cell.model.name: cell for cell in left}.values())
        cells = [replace(c, unavailable=c.unavailable or unusable.get(c.model.name)) for c in prepared.cells]
        left = plan.limited([cell for cell in left if cell.model.name not in unusable], limit)
        _make_pixels(left, cache, watch)
        for dataset in {c.dataset.name: c.dataset for c in cells}.values():
            store.append_images(dataset.name, dataset.content_hash, _image_rows(dataset, cache))
        for each in (member for drawn in prepared.drawn for member in drawn.family()):
            stand = places(each.splits, each.dataset.ids)
            store.append_splits(each.dataset.name, each.dataset.content_hash, each.identity, stand)
        store.append_plan(prepared.study.name, plan.rows(prepared.study, cells))
        watch.started(left)
        since = Since(now if force else None, now if force or retry_failed else None)
        return train(Errand(left, store, since, watch))


def require(executor: str, device: str, *, keep: bool = False) -> None:
    """See that trials can be trained as that is asked for, before anything is planned. Whether a GPU is here is seen
    when it is used: a plan may be made on another machine.

    Raises:
        UsageError: that is no name of a device, or none that this executor takes; models cannot be kept there, or Ray
            is not installed.
    """
    if executor != "ray":
        asked.gpus(device)
        return
    if keep:
        raise UsageError(
            "--keep-models with --executor ray: nodes hand back predictions alone; keep them with `bench model keep`"
        )
    try:
        from bench.running import cluster
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise UsageError('--executor ray needs the package ray; run: pip install -e ".[ray]"') from None
    cluster.require(device)


@contextmanager
def _executor(
    name: str, device: str, cache: Path, count: int | None, kept: Path | None
) -> Iterator[Callable[[Errand], Result]]:
    """What does an errand: processes of this machine, or a cluster."""
    require(name, device, keep=kept is not None)
    if name == "ray":
        from bench.running import cluster

        with cluster.joined(device) as gpus:
            yield partial(cluster.train, cache=cache, gpus=gpus, limit=count)
    else:
        from bench.running import workers
        from bench.training import common

        devices = common.choose_devices(device)
        yield partial(workers.train, cache=cache, devices=devices, count=count, kept=kept)


def _make_pixels(cells: Sequence[Cell], cache: Path, watch: Watch) -> None:
    """Decode and preprocess what these cells need, before they are handed to workers."""
    from bench.datasets import decoded, pixels

    for dataset, size in {
        (c.dataset.name, c.recipe.image_size): (c.dataset, c.recipe.image_size) for c in cells
    }.values():
        watch.preparing(dataset.name, size, len(dataset.images))
        decoded.load(dataset, size, cache, watch.decoded)
    for dataset, recipe in {
        (c.dataset.name, c.recipe.image_size, c.recipe.preprocessing): (c.dataset, c.recipe)
        for c in cells
        if c.recipe.preprocessing
    }.values():
        watch.preprocessing(dataset.name, recipe.preprocessing, len(dataset.images))
        pixels.load(dataset, recipe, cache, watch.decoded)


def _model(name: str, study: Study) -> models.Model:
    model = models.get(name)
    return model.with_weights(study.weights[name]) if name in study.weights else model


def _unusable(cells: Iterable[Cell]) -> dict[str, str]:
    """Models whose weights cannot be had or do not fit, with the reason. Weights are downloaded here."""
    reasons = {}
    for cell in cells:
        if cell.model.pretrained:
            try:
                cell.model.make(len(cell.dataset.classes))
            except WeightsUnavailableError as error:
                reasons[cell.model.name] = str(error)
    return reasons


def _image_rows(dataset: Dataset, cache: Path) -> Iterator[ImageRow]:
    from bench.datasets import decoded

    seen: dict[int, int] = {}
    for image, group in zip(dataset.images, dataset.groups, strict=True):
        seen[image.label] = seen.get(image.label, 0) + 1
        shown = dataset.card.show_images and seen[image.label] <= 4
        yield {
            "image_id": image.id,
            "label": dataset.classes[image.label],
            "sha256": image.sha256,
            "image_group": group,
            "thumbnail": decoded.kept_thumbnail(image, cache) if shown else None,
        }
