"""Keeping trained models, from the command line: what is not kept yet is trained again, and held against the store."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench import keeping
from bench.commands import printing
from bench.commands.store import option
from bench.errors import BenchError
from bench.keeping import Kept

if TYPE_CHECKING:
    import torch

    from bench.commands.advice import Chosen
    from bench.datasets import Library
    from bench.planning import Cell
    from store import Store


def keep(
    store: "Store", library: "Library", chosen: "Chosen", device: str, *, force: bool, weights: str | None
) -> Kept:
    """Train again what is not kept of a cell, keep what is not different, and look at its training images.

    Raises:
        BenchError: the images are not at hand, or what came out is not what the store has.
    """
    from bench.reproducing import cells, training
    from bench.training import common

    on, again = common.choose_devices(device)[0], command(store.root, chosen)
    cell = cells.planned(store, library, chosen.cell_id, weights)
    trials = cells.stored(store, cell.id)
    wanted = [trial for trial in cell.trials if trial.id in trials]
    have = set() if force else whole(store, cell, again)
    left = cell.only([trial for trial in wanted if trial.id not in have])
    different = []
    if left.trials:
        tolerated = cells.luck_of(trials)
        with bar("training again", 1.0) as advance:
            for one in training.again(left, trials, tolerated, library.cache, on, advance, store.root):
                if one.word not in ("equal", "within tolerance"):
                    different.append(one)
    if different:
        why = (
            different[0].error or f"as {different[0].compared.changed if different[0].compared else 0} classes changed"
        )
        raise BenchError(
            f"{len(different)} of {len(left.trials)} trials came out otherwise than {store.root} has them ({why}), and "
            f"are not kept; `bench reproduce` says how far, and `bench run --force --keep-models` trains anew"
        )
    describe(store, cell, on, again)
    return kept(store, chosen)


def whole(store: "Store", cell: "Cell", again: str) -> set[str]:
    """The ids of the trials of a cell that are kept as they were written."""
    place = keeping.folder(store.root, cell.dataset.name, cell.model.name, cell.id)
    sound = set[str]()
    for trial in cell.trials:
        try:
            one = keeping.found(place, [trial.id], cell.dataset.classes, again)
        except BenchError:
            continue
        if one.recipe == cell.recipe:
            sound.add(trial.id)
    return sound


def describe(store: "Store", cell: "Cell", device: "torch.device", again: str) -> None:
    """Look at the training images of a kept cell, unless that was done; new images are compared with them."""
    from bench.keeping import restored, surroundings

    place = keeping.folder(store.root, cell.dataset.name, cell.model.name, cell.id)
    kept = keeping.found(place, [trial.id for trial in cell.trials], cell.dataset.classes, again)
    try:
        surroundings.read(kept, again)
        return
    except BenchError:
        # One trial is enough: the others share its frozen layers, and of whole networks the first gives the features.
        first = dict([next(iter(kept.trials.items()))])
        model = restored.restore(replace(kept, trials=first), device, again)
    with bar("looking at the training images", len(cell.dataset.images)) as advance:
        surroundings.write(kept, cell, model, advance)


@contextmanager
def bar(what: str, total: float) -> Iterator[Callable[[float], None]]:
    """A bar on the screen, where there is one; told by how much it advances."""
    from rich.progress import Progress

    console = printing.console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(what, total=total)
        yield lambda step: shown.advance(task, step)


def after_run(store: "Store", cells: "Sequence[Cell]", device: str) -> None:
    """Complete what a run has kept, and say what it could not keep since it was trained before."""
    from bench.training import common

    on = common.choose_devices(device)[0]
    done, _ = store.finished()
    count = 0
    for cell in cells:
        trials = [trial for trial in cell.trials if trial.id in done]
        if not trials:
            continue
        again = f"bench model keep {cell.dataset.name} {cell.model.name}{option(store.root)}"
        kept = whole(store, cell.only(trials), again)
        if len(kept) == len(trials):
            describe(store, cell.only(trials), on, again)
            count += 1
        else:
            left = len(trials) - len(kept)
            printing.say(f"{cell.name}: {left} trials were trained before and are not kept; `{again}` keeps them.")
    if count:
        more = option(store.root)
        printing.say(
            f"{count} models are kept in {store.root / 'models'}; `bench predict DATASET IMAGES{more}` uses them."
        )


def kept(store: "Store", chosen: "Chosen") -> "Kept":
    """The kept trials of a model.

    Raises:
        BenchError: they are not all kept, or were altered.
    """
    folder = keeping.folder(store.root, chosen.dataset, chosen.model, chosen.cell_id)
    return keeping.found(folder, chosen.trials, chosen.classes, command(store.root, chosen))


def command(store: Path, chosen: "Chosen") -> str:
    """The command that keeps a model."""
    return f"bench model keep {shlex.quote(chosen.dataset)} {chosen.model}{option(store)}"
