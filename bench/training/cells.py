"""Running one cell: from a dataset's pixels to its trials as rows of the store. Each kind of model trains itself."""

import json
from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

from bench.datasets import decoded
from bench.datasets import pixels as pixels_
from bench.models import Kind
from bench.planning import Cell, Trial
from bench.study import split_hash
from bench.training import activations, heads, memory, networks, precision, provenance, regressions
from bench.training.common import Outcome
from bench.training.finished import Finished
from bench.training.material import Material, Place, Progress, Trained, Trainer
from bench.training.pictures import Pictures
from store import PredictionRow, TrialRow

TRAINERS: dict[Kind, Trainer] = {
    "floor": regressions.train_floors,
    "probe": regressions.train_probes,
    "transfer": heads.train,
    "network": networks.train,
}


def run(
    cell: Cell,
    place: Place,
    progress: Progress,
    take: Callable[[Trial], bool] = lambda trial: True,
    pixels: decoded.Pixels | None = None,
) -> Iterator[list[Finished]]:
    """Train the trials of a cell, and yield those that finished together.

    Args:
        cell: with the trials.
        place: where they are trained.
        progress: told shares of the cell's work.
        take: asked right before a trial is trained whether to train it.
        pixels: the dataset's images as `decoded.load` gives them, on a machine that has no image files.

    Raises:
        BenchError: the pixels cannot be read, the weights do not fit, or the cache cannot be written.
    """
    willing = filter(take, cell.trials)
    if (beginning := next(willing, None)) is None:
        return  # before any image is read: another run may train them all
    if pixels is None:
        pixels = pixels_.load(cell.dataset, cell.recipe, place.cache)
    outside = _outside(cell)
    pictures = Pictures(pixels, *decoded.channel_statistics(pixels[outside]))
    material = Material(cell, pictures, np.array(cell.dataset.labels), outside, place.cache, place.device, place.keep)
    capture = activations.capturing(material)
    for together in TRAINERS[cell.model.kind](material, chain([beginning], willing), capture, progress):
        yield [
            Finished(each.trial, _row(material, each), _predictions(cell, each.outcome), list(each.captured))
            for each in together
        ]


def _outside(cell: Cell) -> NDArray[np.int64]:
    """Positions of the images outside the holdout, also where trials train on a share of them: all shares have one
    normalisation and one file of frozen features.
    """
    return np.setdiff1d(np.arange(len(cell.dataset.images)), cell.trials[0].split.holdout)


def _row(material: Material, trained: Trained) -> TrialRow:
    outcome = trained.outcome
    return {
        **_ended(material.cell, trained.trial, material.device, outcome.error),
        "mean": list(material.pictures.mean),
        "std": list(material.pictures.std),
        "loss": outcome.loss,
        "accuracy": outcome.accuracy,
        "seconds": outcome.seconds,
        "images_trained": outcome.images,
        "peak_memory": memory.peak(material.device),
        "parameters_trained": outcome.parameters_trained,
        "parameters_frozen": trained.frozen,
    }


def failed_row(cell: Cell, trial: Trial, reason: str, device: torch.device) -> TrialRow:
    """The row of a trial that could not be trained at all."""
    return _ended(cell, trial, device, reason)


def _ended(cell: Cell, trial: Trial, device: torch.device, error: str | None) -> TrialRow:
    return {
        "trial_id": trial.id,
        "cell_id": cell.id,
        "dataset": cell.dataset.name,
        "model": cell.model.name,
        "recipe": cell.recipe_name,
        "recipe_json": json.dumps(cell.recipe.as_dict()),
        "protocol_json": json.dumps(cell.protocol.as_dict()),
        "repeat": trial.split.repeat,
        "fold": trial.split.fold,
        "dataset_hash": cell.dataset.content_hash,
        "split_hash": split_hash(trial.split, cell.dataset.ids),
        "model_version": cell.model.version,
        "weights": cell.weights,
        "classes": list(cell.dataset.classes),
        "train_images": len(trial.split.train),
        "test_images": len(trial.split.test),
        "holdout_images": len(trial.split.holdout),
        "device": _device_name(cell, device),
        "versions_json": provenance.versions(),
        "status": "failed" if error else "done",
        "error": error,
    }


def _predictions(cell: Cell, outcome: Outcome) -> list[PredictionRow]:
    if outcome.error:
        return []
    classes = cell.dataset.classes
    rows: list[PredictionRow] = []
    for subset, places, chances in (
        ("test", outcome.split.test, outcome.test),
        ("holdout", outcome.split.holdout, outcome.holdout),
    ):
        for place, probabilities in zip(places, chances, strict=True):
            image = cell.dataset.images[place]
            rows.append(
                {
                    "subset": subset,
                    "image_id": image.id,
                    "label": classes[image.label],
                    "predicted": classes[int(probabilities.argmax())],
                    "probabilities": probabilities.tolist(),
                }
            )
    return rows


def _device_name(cell: Cell, device: torch.device) -> str:
    cuda = device.type == "cuda"
    threads = 1 if cell.model.kind == "network" else torch.get_num_threads()  # a network trains on one, always
    name = torch.cuda.get_device_name(device) if cuda else f"CPU, {threads} threads"
    return f"{name}, bfloat16" if cell.model.kind == "network" and precision.native(device) else name
