"""The cells of a store as this machine would train them now, and what the store holds of their trials."""

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.datasets import Library
from bench.errors import BenchError
from bench.planning import Cell, changes, status
from bench.reproducing.comparing import Luck, luck
from bench.running import runner
from bench.study import Protocol, Recipe, Study
from store import Store

if TYPE_CHECKING:
    import duckdb

PLANNED = """
    select study, dataset, model, recipe, recipe_json, protocol_json, dataset_hash, model_version, weights, dataset_card
    from plans where cell_id = ? order by planned_at desc limit 1
"""


@dataclass(frozen=True, eq=False)
class Stored:
    """A trial as the store holds it.

    Attributes:
        ids: (subset, image) of each row, sorted.
        probabilities: (n, C).
        device: what it was trained on; `versions` are those of the libraries.
    """

    ids: tuple[tuple[str, str], ...]
    probabilities: NDArray[np.float64]
    device: str
    versions: dict[str, str]


def planned(store: Store, library: Library, cell_id: str, weights: str | None = None) -> Cell:
    """The cell of a store as it would be planned from the images and the code at hand: the same one.

    Args:
        store: has it in a plan.
        library: has its images.
        cell_id: its identity.
        weights: `file:PATH`, where its weights came from a file, which the store knows by its content alone.

    Raises:
        BenchError: the images are not at hand, or these images or this code would make other trials.
    """
    row = store.read(lambda connection: connection.execute(PLANNED, [cell_id]).df().to_dict("records"), PLANNED)
    if not row:
        raise BenchError(f"{store.root} has no plan of the cell {cell_id}")
    then = row[0]
    recipe, protocol = (json.loads(then[key]) for key in ("recipe_json", "protocol_json"))
    known = {field.name for field in fields(Recipe)}
    study = Study(
        then["study"],
        then["study"],
        (then["dataset"],),
        (then["model"],),
        Protocol(**{field.name: protocol[field.name] for field in fields(Protocol) if field.name in protocol}),
        images_per_class=_drawn(then["dataset_card"], library, then["dataset"]),
        weights={then["model"]: _source(then["weights"], weights)},
        overrides={key: value for key, value in recipe.items() if key in known},
    )
    (cell,) = runner.prepare(study, library, store).cells
    if cell.id != cell_id:
        now: status.Inputs = {
            "new_images": cell.dataset.content_hash,
            "new_version": cell.model.version,
            "new_weights": cell.weights,
            "new_recipe": json.dumps(cell.recipe.as_dict()),
            "new_protocol": json.dumps(cell.protocol.as_dict()),
            "old_images": then["dataset_hash"],
            "old_version": then["model_version"],
            "old_weights": then["weights"],
            "old_recipe": then["recipe_json"],
            "old_protocol": then["protocol_json"],
        }
        old = changes.of_version(store, cell.dataset.name, then["dataset_hash"])
        causes = ", ".join(status.causes_of(now, old, changes.digests(cell.dataset)))
        raise BenchError(
            f"{cell.dataset.name} · {cell.model.name} cannot be trained again as {store.root} has it: {causes}; "
            f"`bench run --dataset {cell.dataset.name}` trains it anew"
        )
    return cell


def stored(store: Store, cell_id: str) -> dict[str, Stored]:
    """The finished trials of a cell, by id."""

    def ask(connection: "duckdb.DuckDBPyConnection") -> list[tuple[str, str, str, str, str, list[float]]]:
        return connection.execute(
            """
            select t.trial_id, t.device, t.versions_json, p.subset, p.image_id, p.probabilities
            from trials t join predictions p using (trial_id, dataset, model)
            where t.cell_id = ? and t.status = 'done' order by t.repeat, t.fold, p.subset, p.image_id
            """,
            [cell_id],
        ).fetchall()

    rows: dict[str, list[tuple[str, str, str, str, str, list[float]]]] = {}
    for row in store.read(ask):
        rows.setdefault(row[0], []).append(row)
    return {
        trial: Stored(
            tuple((row[3], row[4]) for row in own),
            np.array([row[5] for row in own], dtype=np.float64),
            own[0][1],
            json.loads(own[0][2]),
        )
        for trial, own in rows.items()
    }


def luck_of(trials: dict[str, Stored]) -> Luck:
    """How far the trials of a cell are apart on the holdout, which all of them were asked about."""
    held = [
        np.stack([p for (subset, _), p in zip(one.ids, one.probabilities, strict=True) if subset == "holdout"])
        for one in trials.values()
    ]
    return luck(np.stack(held)) if held else Luck(0.0, 0)


def _drawn(card: str, library: Library, dataset: str) -> int | None:
    """How many images of each class a study had drawn, if it had; the plan says what there were."""
    most = max(json.loads(card).get("at_hand", {}).values(), default=0)
    there = max(library.load(dataset).counts().values(), default=0)
    return most if there > most > 1 else None


def _source(weights: str, given: str | None) -> str:
    if given is not None:
        return given
    if weights.startswith("file:"):
        raise BenchError(
            "its weights came from a file, which the store knows by its content alone; name it with --weights file:PATH"
        )
    return weights.partition(":")[0]
