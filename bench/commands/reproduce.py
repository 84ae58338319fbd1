"""`bench reproduce`: trials of a store trained again, and how far what comes out is from what is stored."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.commands import failing, printing
from bench.commands.dataset import DataOption, DeviceOption, library_of
from bench.commands.store import DEFAULT_STORE, StoreOption
from bench.errors import BenchError, UsageError

if TYPE_CHECKING:
    from bench.reproducing import training as again_
    from store import Store

HEADERS = ("dataset", "model", "recipe", "repeat", "fold", "result", "apart", "tolerated", "classes changed")


def reproduce(
    sample: Annotated[int, typer.Option(min=1, help="So many trials, drawn at random.")] = 5,
    seed: Annotated[int, typer.Option(help="Another number draws others.")] = 0,
    dataset: Annotated[
        list[str], typer.Option("--dataset", help="Only of this dataset; may be given several times.")
    ] = [],
    model: Annotated[list[str], typer.Option("--model", help="Only of this model; may be given several times.")] = [],
    format: Annotated[Literal["table", "json"], typer.Option(help="For people or for programs.")] = "table",
    device: DeviceOption = "auto",
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = [],
) -> None:
    """Train trials of the store again, and say of each: equal, within tolerance, or different. Changes nothing.

    Tolerated is what the store shows of luck: a trial is to be nearer to its own repetition than every second pair of
    its cell's trials is to each other. Exit code 1 where one is different.
    """
    from bench.reproducing import cells, training
    from bench.training import common
    from store import Store

    there, library = Store(store), library_of(store, data)
    drawn = drawn_trials(there, dataset, model, sample, seed)
    on = common.choose_devices(device)[0]
    made: list[tuple[str, str, str, again_.Again, float]] = []
    left_out: dict[str, str] = {}
    try:
        for cell_id, trials in drawn.items():
            try:
                cell = cells.planned(there, library, cell_id)
            except BenchError as error:
                left_out[cell_id] = str(error)
                continue
            stored = cells.stored(there, cell_id)
            luck = cells.luck_of(stored)
            some = cell.only([trial for trial in cell.trials if trial.id in trials])
            for one in training.again(some, stored, luck, library.cache, on):
                made.append((cell.dataset.name, cell.model.name, cell.recipe_name, one, luck.distance))
    except KeyboardInterrupt:
        failing.fail("stopped; nothing was changed", 130)
    for reason in dict.fromkeys(left_out.values()):
        printing.say(f"left out: {reason}")
    if not made:
        raise BenchError(f"no trial of {store} can be trained again here")
    if format == "json":
        print(json.dumps([_row(*each) for each in made], indent=1, allow_nan=False))
    else:
        _table(made)
    words = [one.word for *_, one, _ in made]
    if bad := sum(word in ("different", "failed") for word in words):
        if format == "table":
            printing.say(f"{bad} of {len(words)} trials came out otherwise than {store} has them.")
        raise typer.Exit(1)


def drawn_trials(
    store: "Store", datasets: Sequence[str], models: Sequence[str], sample: int, seed: int
) -> dict[str, set[str]]:
    """Random trials that are done and current: their ids by cell.

    Raises:
        UsageError: there are none.
    """
    import numpy as np

    ask = """
        select cell_id, trial_id from trials where status = 'done' and current
            and (len($datasets) = 0 or list_contains($datasets, dataset))
            and (len($models) = 0 or list_contains($models, model)) order by trial_id
    """
    given = {"datasets": list(datasets), "models": list(models)}
    rows = store.read(lambda connection: connection.execute(ask, given).fetchall(), ask)
    if not rows:
        raise UsageError(f"{store.root} has no finished trials of that dataset and model; `bench status` lists them")
    chosen = np.random.default_rng(seed).permutation(len(rows))[:sample]
    found: dict[str, set[str]] = {}
    for place in sorted(chosen):
        found.setdefault(rows[place][0], set()).add(rows[place][1])
    return found


def _table(made: "Sequence[tuple[str, str, str, again_.Again, float]]") -> None:
    rows = []
    for dataset, model, recipe, one, tolerated in made:
        split = one.trial.split
        compared = one.compared
        apart = f"{compared.distance:.2g}" if compared else one.error
        changed = f"{compared.changed}/{compared.images}" if compared else ""
        rows.append([dataset, model, recipe, split.repeat, split.fold, one.word, apart, f"{tolerated:.2g}", changed])
    printing.table(HEADERS, rows)
    for sentence in dict.fromkeys(_sides(one) for *_, one, _ in made):
        printing.wrapped(sentence)


def _sides(one: "again_.Again") -> str:
    """What a trial ran on then and now, and the versions that differ."""
    then, now = one.stored_versions, one.versions
    differing = [
        f"{name} {then.get(name, '–')} → {now.get(name, '–')}"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]
    versions = ", ".join(differing) or "the same versions"
    device = one.device if one.device == one.stored_device else f"{one.stored_device} → {one.device}"
    return f"Stored and now: {device}; {versions}."


def _row(dataset: str, model: str, recipe: str, one: "again_.Again", tolerated: float) -> dict[str, object]:
    compared = one.compared
    return {
        "dataset": dataset,
        "model": model,
        "recipe": recipe,
        "repeat": one.trial.split.repeat,
        "fold": one.trial.split.fold,
        "trial_id": one.trial.id,
        "result": one.word,
        "error": one.error or None,
        "distance": compared.distance if compared else None,
        "tolerated": tolerated,
        "largest_difference": compared.largest if compared else None,
        "classes_changed": compared.changed if compared else None,
        "images": compared.images if compared else None,
        "stored": {"device": one.stored_device, "versions": dict(one.stored_versions)},
        "now": {"device": one.device, "versions": dict(one.versions)},
    }
