"""Keeping what a run trains: each trial's weights are written as soon as it has ended, whichever process trained it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from bench.images import Reading, Scale
from bench.keeping import files
from bench.keeping.files import Header
from bench.planning import Cell, Trial

if TYPE_CHECKING:
    from bench.training import material


def keeping(root: Path | None) -> "material.Keep":
    """What keeps the weights that it is told of beside the store in `root`; nothing where there is none."""
    from bench.training import material, provenance

    if root is None:
        return material.forget

    def keep(of: "material.Material", trial: Trial, weights: "material.Weights") -> None:
        cell = of.cell
        made = Header(
            cell.id,
            trial.id,
            identity(cell),
            cell.dataset.classes,
            cell.recipe.as_dict(),
            tuple(of.pictures.mean),
            tuple(of.pictures.std),
            scale_of(cell),
            json.loads(provenance.versions()),
        )
        place = files.folder(root, cell.dataset.name, cell.model.name, cell.id)
        files.write(place, trial.id, weights(), made.text())
        own = cell.weights.startswith("file:") and cell.model.kind in ("transfer", "probe")
        if own and not list(place.glob(f"{files.BACKBONE}.*")):
            files.write(place, files.BACKBONE, cell.model.weights.state_dict() or {}, json.dumps(cell.weights))

    return keep


def identity(cell: Cell) -> dict[str, object]:
    """What a cell's identity is made of."""
    return {
        "scheme": cell.scheme,
        "dataset": cell.dataset.name,
        "content": cell.dataset.content_hash,
        "model": cell.model.name,
        "model_version": cell.model.version,
        "weights": cell.weights,
        "recipe_identity": cell.recipe.identity(),
        "protocol": cell.protocol.identity(),
    }


def scale_of(cell: Cell) -> Scale:
    """What of the values of deep images becomes black and white: that of the images at hand, else the card's."""
    deep = (image.scale for image in cell.dataset.images if Reading.DEEP in image.reading)
    return next(deep, cell.dataset.card.range)
