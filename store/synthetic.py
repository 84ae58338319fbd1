"""Made-up results of any size, for the benchmark of the store.

They look like real ones where it matters: five folds of four repeats, four classes of which one is rare, softmax
probabilities that Parquet cannot compress better than those of a network, names and JSON of the usual length.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import numpy as np
import pyarrow as pa

from store import schema
from store.rows import ImageRow, PlanRow, PredictionRow, TrialRow
from store.store import Ended, Store

DATASETS = [f"dataset-{number}" for number in range(7)]
MODELS = [f"model-{number:02}" for number in range(12)]
CLASSES = ["debris", "er", "golgi", "nucleus"]
SPLITS = list(itertools.product(range(4), range(5)))
"""Repeats and folds: the trials of a cell."""
HOLDOUT, TEST = 50, 150
IMAGES = HOLDOUT + 5 * TEST
SKILL = 1.5
"""How much the true class stands out of the noise, where nothing else is asked for."""
_CONTENT = "d" * 20
_COMMON = {
    "dataset_hash": _CONTENT,
    "model_version": 1,
    "weights": "imagenet:weights-57934424.pth",
    "protocol_json": json.dumps({"holdout": 0.1, "folds": 5, "repeats": 4, "seed": 0}),
}
_RECIPE = {"image_size": 96, "epochs": 8, "batch_size": 8, "learning_rate": 1e-3, "views": 0}
_OUTCOME = {
    "status": "done",
    "classes": CLASSES,
    "train_images": IMAGES - HOLDOUT - TEST,
    "test_images": TEST,
    "holdout_images": HOLDOUT,
    "mean": [0.5] * 3,
    "std": [0.25] * 3,
    "seconds": 2.5,
    "images_trained": 4800,
    "parameters_trained": 328962,
    "parameters_frozen": 3371008,
    "device": "CPU, 2 threads",
    "versions_json": json.dumps({"python": "3.11.7", "torch": "2.9.0", "torchvision": "0.24.0", "numpy": "2.3.1"}),
}


def recipes(count: int) -> list[str]:
    """The names of so many recipes."""
    return [f"recipe-{number:03}" for number in range(count)]


Cards = Mapping[str, object]
"""By a dataset's or a model's name, what its card says."""
LONG_CARDS: tuple[Cards, Cards] = (
    {name: {"notes": "word " * 300} for name in DATASETS},
    {name: {"name": "word " * 40} for name in MODELS},
)


def announce(store: Store, names: Sequence[str], cards: tuple[Cards, Cards] = LONG_CARDS) -> None:
    """Write the lists of images, and a plan of all trials of these datasets and models with these recipes."""
    datasets, models = cards
    for dataset in datasets:
        images = zip(_images(), _labels(), strict=True)
        listed: list[ImageRow] = [
            {"image_id": i, "label": CLASSES[c], "sha256": _id(dataset, i), "image_group": i, "thumbnail": None}
            for i, c in images
        ]
        store.append_images(dataset, _CONTENT, listed)
    rows = []
    for dataset, model, name in itertools.product(datasets, models, names):
        told = {"dataset_card": json.dumps(datasets[dataset]), "model_card": json.dumps(models[model])}
        told |= {"study_title": "A study", "scheme": _id(dataset)}
        rows += [_trial(dataset, model, name, *split) | told for split in SPLITS]
    plan = [cast(PlanRow, {name: row.get(name) for name in schema.PLANS.names}) for row in rows]
    store.append_plan("made-up", plan)


def cell(dataset: str, model: str, recipe: str, tests: int = TEST) -> list[Ended]:
    """The trials of a cell as a run hands them to the store; `tests` is the size of a test fold."""
    rng = np.random.default_rng(int(_id(dataset, model, recipe)[:8], 16))
    finished: list[Ended] = []
    for split in SPLITS:
        asked = _asked(*split) if tests == TEST else rng.permutation(IMAGES)[: tests + HOLDOUT]
        labels = _labels()[asked]
        chances = _chances(rng, labels)
        places = zip(range(len(asked)), asked, labels, chances.argmax(axis=1), chances.tolist(), strict=True)
        predictions: list[PredictionRow] = [
            {
                "subset": "test" if place < tests else "holdout",
                "image_id": _images()[image],
                "label": CLASSES[label],
                "predicted": CLASSES[guess],
                "probabilities": probabilities,
            }
            for place, image, label, guess, probabilities in places
        ]
        finished.append((cast(TrialRow, _trial(dataset, model, recipe, *split) | _OUTCOME), predictions, []))
    return finished


def tables(dataset: str, model: str, names: Sequence[str], skill: float = SKILL) -> tuple[pa.Table, pa.Table]:
    """The trials of many cells and their predictions as Arrow tables, sorted as a compaction sorts them.

    `skill` says how much the true class stands out of the noise in what the model answers.
    """
    trials = [_trial(dataset, model, name, *split) | _OUTCOME for name in names for split in SPLITS]
    for trial in trials:
        trial["attempt_id"] = trial["trial_id"][:16]
    rng = np.random.default_rng(int(_id(dataset, model)[:8], 16))
    of_trial = np.repeat(np.arange(len(trials)), TEST + HOLDOUT)
    asked = np.tile(np.concatenate([_asked(*split) for split in SPLITS]), len(names))
    labels = _labels()[asked]
    chances = _chances(rng, labels, skill)
    ends = np.arange(len(asked) + 1, dtype=np.int32) * len(CLASSES)
    columns = {name: _column([trial[name] for trial in trials], of_trial) for name in schema.PREDICTIONS.names[:5]} | {
        "subset": _column(["test", "holdout"], np.tile([0] * TEST + [1] * HOLDOUT, len(trials))),
        "image_id": _column(_images(), asked),
        "label": _column(CLASSES, labels),
        "predicted": _column(CLASSES, chances.argmax(axis=1)),
        "probabilities": pa.ListArray.from_arrays(pa.array(ends), pa.array(chances.ravel())),
    }
    rows = [{name: trial.get(name) for name in schema.TRIALS.names} for trial in trials]
    return pa.Table.from_pylist(rows, schema.TRIALS), pa.table(columns).cast(schema.PREDICTIONS)


def _trial(dataset: str, model: str, recipe: str, repeat: int, fold: int) -> dict[str, Any]:
    curve = [1 / (epoch + 1 + repeat / 7 + fold / 11) for epoch in range(8)]
    return _COMMON | {
        "trial_id": _id(dataset, model, recipe, repeat, fold),
        "cell_id": _id(dataset, model, recipe),
        "dataset": dataset,
        "model": model,
        "recipe": recipe,
        "repeat": repeat,
        "fold": fold,
        "split_hash": _id(dataset, repeat, fold),
        "recipe_json": json.dumps(_RECIPE | {"name": recipe}),
        "loss": curve,
        "accuracy": [1 - value / 2 for value in curve],
    }


@cache
def _images() -> list[str]:
    return [f"{CLASSES[label]}/2020.02.11.{number:05}.png" for number, label in enumerate(_labels())]


@cache
def _labels() -> Any:
    return np.random.default_rng(1).choice(len(CLASSES), IMAGES, p=[0.4, 0.3, 0.2, 0.1])


def _asked(repeat: int, fold: int) -> Any:
    """The images of a test fold, then those of the holdout."""
    outside = HOLDOUT + np.random.default_rng(repeat).permutation(IMAGES - HOLDOUT)
    return np.concatenate([np.sort(outside[fold::5]), np.arange(HOLDOUT)])


def _chances(rng: np.random.Generator, labels: Any, skill: float = SKILL) -> Any:
    """Probabilities `(N, classes) float32` of a model that is mostly right."""
    logits = rng.standard_normal((len(labels), len(CLASSES)), np.float32)
    logits[np.arange(len(labels)), labels] += skill
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def _column(values: Sequence[Any], places: Any) -> pa.Array:
    return pa.array(values).take(pa.array(places))


def _id(*words: object) -> str:
    return hashlib.sha256("\n".join(map(str, words)).encode()).hexdigest()[:20]
