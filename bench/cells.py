"""Running one cell: from a dataset's pixels to the outcomes of its trials, and the rows that the store keeps."""

import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench import activations, features, images, memory, networks, precision, training
from bench import pixels as pixels_
from bench.models import Floor, Network, Transfer
from bench.plan import Cell, Trial
from bench.protocol import Split, split_hash
from bench.training import Outcome


@dataclass(frozen=True)
class Finished:
    """A trial that ran, as the store wants it: its row, its predictions, and activations if it was the cell's first."""

    trial: Trial
    row: dict[str, Any]
    predictions: list[dict[str, Any]]
    activations: list[dict[str, Any]]


def run(
    cell: Cell,
    cache_folder: Path,
    device: torch.device,
    progress: Callable[[float], None],
    take: Callable[[Trial], bool] = lambda trial: True,
    pixels: images.Pixels | None = None,
) -> Iterator[list[Finished]]:
    """Train the trials of a cell, and yield those that finished together.

    `progress` is told shares of the cell's work. `take` is asked right before a trial is trained whether to train it.
    `pixels` are the dataset's images as `images.load` gives them, on a machine that has no image files.

    Raises:
        BenchError: the pixels cannot be read, the weights do not fit, or the cache cannot be written.
    """
    willing = filter(take, cell.trials)
    if (beginning := next(willing, None)) is None:
        return  # before any image is read: another run may train them all
    taken = chain([beginning], willing)
    split = cell.trials[0].split
    if pixels is None:
        pixels = pixels_.load(cell.dataset, cell.recipe, cache_folder)
    mean, std = images.channel_statistics(pixels[_outside(cell)])
    normalised = (mean, std)
    labels = np.array(cell.dataset.labels)
    first = _first_of_each_class(cell)

    def maps(network: Any, middle: Any) -> list[dict[str, Any]]:
        captured = activations.capture(network, middle, pixels[first], mean, std, device)
        for row, place in zip(captured, first, strict=True):
            image = cell.dataset.images[place]
            row |= {"image_id": image.id, "label": cell.dataset.classes[image.label]}
            row["thumbnail"] = pixels_.thumbnail(image, cell.recipe) if cell.dataset.card.show_images else None
        return captured

    starts_cell = split.repeat == 0 and split.fold == 0
    for together in _outcomes(cell, taken, pixels, labels, normalised, cache_folder, device, progress):
        finished = []
        for trial, outcome, frozen, shown in together:
            captured = maps(*shown) if shown and starts_cell and trial is cell.trials[0] and not outcome.error else []
            row = _row(cell, trial, outcome, normalised, frozen, device)
            finished.append(Finished(trial, row, _predictions(cell, outcome), captured))
        yield finished


def _outcomes(
    cell: Cell,
    taken: Iterator[Trial],
    pixels: images.Pixels,
    labels: Any,
    normalised: tuple[list[float], list[float]],
    cache_folder: Path,
    device: torch.device,
    progress: Callable[[float], None],
) -> Iterator[Sequence[tuple[Trial, Outcome, int, tuple[Any, Any] | None]]]:
    """Trials with their outcomes, the number of frozen weights, and the network and layer to show: those that train
    together at once, networks one by one, each taken when its turn comes.
    """
    classes, seed = len(cell.dataset.classes), cell.protocol.seed
    trials = [] if cell.model.kind == "network" else list(taken)
    splits = [trial.split for trial in trials]
    built: Any
    if cell.model.kind == "floor":
        built = cell.model.make(classes)
        assert isinstance(built, Floor)
        numbers = built.describe(pixels)
        together = []
        for trial in trials:
            together.append((trial, training.fit_floor(numbers, labels, trial.split), 0, None))
            progress(1 / len(trials))
        yield together
    elif cell.model.kind == "transfer":
        torch.manual_seed(seed)  # for backbones that start from random weights
        built = cell.model.make(classes)
        assert isinstance(built, Transfer)
        outside = _outside(cell)
        model = (cell.model.name, str(cell.model.version), cell.weights)
        key = (cell.dataset.order_hash, *model, *pixels_.source(cell.recipe))
        source = features.Source(key, pixels, *normalised, outside, cell.recipe.view_count, seed)
        passes = len(pixels) + len(outside) * source.views
        began = time.perf_counter()
        frozen = features.frozen_features(
            built.backbone, source, cache_folder, device, lambda count: progress(0.9 * count / passes)
        )
        share = (time.perf_counter() - began) / len(splits)
        outcomes = training.train_heads(frozen, labels, classes, splits, built.head, cell.recipe, seed, device)
        parameters = sum(p.numel() for p in built.backbone.parameters())
        for outcome in outcomes:
            outcome.seconds += share
        shown = (built.backbone, built.middle)
        yield [(trial, outcome, parameters, shown) for trial, outcome in zip(trials, outcomes, strict=True)]
    else:

        def build(split: Split) -> Network:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(training.seed_of(split, seed, "init"))
                network = cell.model.make(classes)
            assert isinstance(network, Network)
            return network

        work = sum(len(trial.split.train) for trial in cell.trials) * cell.recipe.epochs
        at_once = networks.AT_ONCE[device.type]
        while trials := list(islice(taken, at_once)):
            trained = networks.train_networks(
                build, pixels, labels, *normalised, [trial.split for trial in trials], cell.recipe, seed, device,
                lambda count: progress(count / work),
            )  # fmt: skip
            yield [
                (trial, outcome, 0, (network.module, network.middle))
                for trial, (outcome, network) in zip(trials, trained, strict=True)
            ]


def _outside(cell: Cell) -> NDArray[np.int64]:
    """Positions of the images outside the holdout, also where trials train on a share of them: all shares have one
    normalisation and one file of frozen features.
    """
    return np.setdiff1d(np.arange(len(cell.dataset.images)), cell.trials[0].split.holdout)


def _first_of_each_class(cell: Cell) -> list[int]:
    holdout = cell.trials[0].split.holdout
    labels = np.array(cell.dataset.labels)[holdout]
    return [int(holdout[labels == number][0]) for number in range(len(cell.dataset.classes))]


def _row(
    cell: Cell, trial: Trial, outcome: Outcome, normalised: tuple[list[float], list[float]], frozen: int,
    device: torch.device,
) -> dict[str, Any]:  # fmt: skip
    return _identity(cell, trial, device) | {
        "status": "failed" if outcome.error else "done", "error": outcome.error,
        "mean": normalised[0], "std": normalised[1], "loss": outcome.loss, "accuracy": outcome.accuracy,
        "seconds": outcome.seconds, "images_trained": outcome.images, "peak_memory": memory.peak(device),
        "parameters_trained": outcome.parameters_trained, "parameters_frozen": frozen,
    }  # fmt: skip


def failed_row(cell: Cell, trial: Trial, reason: str, device: torch.device) -> dict[str, Any]:
    """The row of a trial that could not be trained at all."""
    return _identity(cell, trial, device) | {"status": "failed", "error": reason}


def _identity(cell: Cell, trial: Trial, device: torch.device) -> dict[str, Any]:
    return {
        "trial_id": trial.id, "cell_id": cell.id, "dataset": cell.dataset.name, "model": cell.model.name,
        "recipe": cell.recipe.name, "recipe_json": json.dumps(cell.recipe.as_dict()),
        "protocol_json": json.dumps(cell.protocol.as_dict()),
        "repeat": trial.split.repeat, "fold": trial.split.fold,
        "dataset_hash": cell.dataset.content_hash, "split_hash": split_hash(trial.split, cell.dataset.ids),
        "model_version": cell.model.version, "weights": cell.weights, "classes": list(cell.dataset.classes),
        "train_images": len(trial.split.train), "test_images": len(trial.split.test),
        "holdout_images": len(trial.split.holdout), "device": _device_name(cell, device), "versions_json": _versions(),
    }  # fmt: skip


def _predictions(cell: Cell, outcome: Outcome) -> list[dict[str, Any]]:
    if outcome.error:
        return []
    classes, rows = cell.dataset.classes, []
    for subset, places, chances in (
        ("test", outcome.split.test, outcome.test),
        ("holdout", outcome.split.holdout, outcome.holdout),
    ):
        for place, probabilities in zip(places, chances, strict=True):
            image = cell.dataset.images[place]
            rows.append(
                {
                    "subset": subset, "image_id": image.id, "label": classes[image.label],
                    "predicted": classes[int(probabilities.argmax())], "probabilities": probabilities.tolist(),
                }
            )  # fmt: skip
    return rows


def _device_name(cell: Cell, device: torch.device) -> str:
    cuda = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if cuda else f"CPU, {torch.get_num_threads()} threads"
    return f"{name}, bfloat16" if cell.model.kind == "network" and precision.native(device) else name


@cache
def _versions() -> str:
    names = ("torch", "torchvision", "numpy", "scikit-learn", "scikit-image", "pillow")
    return json.dumps({"python": platform.python_version()} | {name: version(name) for name in names})
