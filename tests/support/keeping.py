"""A study whose models are kept, and these models as networks again."""

from pathlib import Path

import torch

from bench import keeping
from bench.datasets import Library
from bench.keeping import restored
from bench.reproducing import cells
from bench.reproducing.cells import Stored
from store import Store

STUDY = """
datasets = ["tiny"]
models = ["mean-colour", "efficientnet-lite0", "efficientnet-lite0-probe", "cnn-shallow"]
[protocol]
holdout = 0.2
folds = 2
repeats = 2
[recipe]
image_size = 48
epochs = 2
"""
MODELS = ("mean-colour", "efficientnet-lite0", "efficientnet-lite0-probe", "cnn-shallow")
AGAIN = "bench model keep tiny MODEL"


def cell_of(store: Store, model: str) -> str:
    ask = "select distinct cell_id from trials where model = ?"
    return str(store.read(lambda connection: connection.execute(ask, [model]).fetchone())[0])  # type: ignore[index]


def folder(store: Store, model: str) -> Path:
    return keeping.folder(store.root, "tiny", model, cell_of(store, model))


def back(store: Store, library: Library, model: str) -> tuple[restored.Restored, dict[str, Stored], list[str]]:
    """The kept trials of a cell, what the store has of them, and the images in the dataset's order."""
    cell = cells.planned(store, library, cell_of(store, model))
    trials = cells.stored(store, cell.id)
    kept = keeping.found(folder(store, model), list(trials), cell.dataset.classes, AGAIN)
    return restored.restore(kept, torch.device("cpu"), AGAIN), trials, cell.dataset.ids
