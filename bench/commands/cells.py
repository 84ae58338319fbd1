"""What commands print of a study's cells: what is planned, what is done, and why the rest is missing."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.commands import printing

if TYPE_CHECKING:
    from bench.planning import Cell, CellRow, Trial


def plan(cells: Sequence["Cell"], left: Sequence["Cell"], done: set[str]) -> None:
    """Print what a run would train: each cell with what is done and what is left, and about how long that takes."""
    to_run, seconds, passed = {cell.id: cell for cell in left}, {}, set[object]()
    for cell in left:
        seconds[cell.id] = cell.cost(passed=cell.passes in passed)
        passed |= {cell.passes} - {None}
    rows = []
    for cell in cells:
        remaining = to_run.get(cell.id)
        have = sum(trial.id in done for trial in cell.trials)
        planned = [len(remaining.trials), printing.duration(seconds[cell.id])] if remaining else ["", ""]
        missing = cell.unavailable and have < len(cell.trials)
        rows.append([cell.dataset.name, cell.model.name, cell.recipe_name, have, *planned, missing and "unavailable"])
    printing.by_dataset(["dataset", "model", "recipe", "done", "to train", "about", ""], rows)
    reasons: dict[str, list[str]] = {}
    for cell in cells:
        if cell.unavailable and cell.model.name not in reasons.setdefault(cell.unavailable, []):
            reasons[cell.unavailable].append(cell.model.name)
    for reason, models in reasons.items():
        printing.say(f"unavailable: {', '.join(models)}: {reason}")
    fewer_splits(cells)
    trials = sum(len(cell.trials) for cell in left)
    about = printing.duration(sum(seconds.values()))
    quiet = f"about {about} on two quiet CPU cores"
    printing.say(f"{trials} trials to train, {quiet}." if trials else "nothing to train.")


def fewer_splits(cells: Sequence["Cell"]) -> None:
    """Say where groups are too few for as many different splits as the protocol wants."""
    wanted = {c.dataset.name: (len(c.trials), c.protocol.folds * c.protocol.repeats) for c in cells}
    for dataset, (splits, asked) in wanted.items():
        if splits < asked:
            printing.say(f"{dataset}: {splits} trials a model, not {asked}: its groups allow no more different splits.")


def status(cells: "Sequence[CellRow]") -> None:
    """Print the cells of a store, with only the columns that tell something, and the reasons as sentences below."""
    studies = {cell["study"] for cell in cells}
    shown = [
        {
            "study": cell["study"] if len(studies) > 1 else "",
            "dataset": cell["dataset"],
            "model": cell["model"],
            "recipe": cell["recipe"],
            "done": f"{cell['done']}/{cell['wanted']}",
            "missing": cell["missing"] or "",
            "failed": cell["failed"] or "",
            "stale": cell["stale"] or "",
            "test": printing.score(cell["test_balanced_accuracy"]),
        }
        for cell in cells
    ]
    always = ("dataset", "model", "recipe", "done", "test")
    keys = [key for key in shown[0] if key in always or any(row[key] for row in shown)] if shown else list(always)
    printing.by_dataset(keys, [[row[key] for key in keys] for row in shown])
    found: dict[str, list[str]] = {}
    for cell in cells:
        if cell["why"]:
            found.setdefault(cell["why"], []).append(f"{cell['dataset']} {cell['model']} {cell['recipe']}")
    reasons(found)


def reasons(found: Mapping[str, Sequence[str]], before: str = "") -> None:
    """Print reasons, each once, with the names of the cells that it is of."""
    for reason, where in found.items():
        printing.say(f"{'; '.join(where)}: {before}{reason}")


def failures(failed: Sequence[tuple["Cell", "Trial", str]]) -> None:
    """Print the trials that failed, those of a cell that failed alike in one row."""
    alike: dict[tuple[str, str, str, str], list[str]] = {}
    for cell, trial, reason in failed:
        key = (cell.dataset.name, cell.model.name, cell.recipe_name, reason)
        alike.setdefault(key, []).append(f"{trial.split.repeat}.{trial.split.fold}")
    rows = [[*key[:3], " ".join(where), key[3]] for key, where in alike.items()]
    printing.table(["dataset", "model", "recipe", "repeat.fold", "why it failed"], rows)
