"""Small made-up stores whose verdicts are known beforehand: models that are right in so many cases."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from store import Store

CLASSES = ("a", "b")
RATE = 1e-3
RECIPE = {"image_size": 96, "epochs": 8, "batch_size": 8, "learning_rate": RATE, "procedure": 1}


def card(dataset: str, images: int, **more: object) -> dict[str, object]:
    """A dataset's card as a plan has it."""
    counts = {name: images // len(CLASSES) for name in CLASSES}
    return {"name": dataset, "title": dataset, "classes": list(CLASSES), "at_hand": counts, **more}


def write(
    store: Store,
    dataset: str,
    rights: Mapping[str, float],
    *,
    images: int = 120,
    done: Mapping[str, int] | None = None,
    rate: float = RATE,
    **more: object,
) -> None:
    """Plan twenty trials of each model on a dataset, and finish them all, or the first so many of some models.

    `rights` says how often each model is right; `rate` is the learning rate; `more` are further fields of the card.
    """
    labels = np.array([CLASSES[n % len(CLASSES)] for n in range(images)])
    names = np.array([f"{label}/{n:04}.png" for n, label in enumerate(labels)])
    listed = [
        {"image_id": i, "label": label, "sha256": i, "image_group": i} for i, label in zip(names, labels, strict=True)
    ]
    content = f"{dataset}-content"
    store.append_images(dataset, content, listed)
    plan: list[dict[str, Any]] = []
    for model, right in rights.items():
        trials = [_trial(dataset, model, content, repeat, fold) for repeat in range(4) for fold in range(5)]
        if rate != RATE:
            trials = [_at(trial, rate) for trial in trials]
        cards = {
            "study_title": "S",
            "scheme": f"{dataset}-scheme",
            "dataset_card": json.dumps(card(dataset, images, **more)),
            "model_card": json.dumps({"family": "CNN", "weights": "none", "frozen": "–", "trained": "all"}),
        }
        plan += [trial | cards for trial in trials]
        finished = []
        for trial in trials[: (done or {}).get(model, len(trials))]:
            rng = np.random.default_rng([len(model), *model.encode(), trial["repeat"], trial["fold"], len(dataset)])
            order = np.random.default_rng(trial["repeat"]).permutation(np.arange(images // 10, images))
            tested = np.sort(order[trial["fold"] :: 5])
            shown = [*_asked("test", tested, names, labels, right, rng)]
            shown += _asked("holdout", np.arange(images // 10), names, labels, right, rng)
            sizes = {"test_images": len(tested), "holdout_images": images // 10}
            outcome = {
                "status": "done",
                "classes": list(CLASSES),
                "split_hash": f"{dataset} {trial['repeat']} {trial['fold']}",
                "train_images": images - sum(sizes.values()),
                "device": "CPU",
                "seconds": 1.0,
                "parameters_trained": 1,
                "parameters_frozen": 1,
            }
            finished.append((trial | sizes | outcome, shown, []))
        if finished:
            store.append_trials(finished)
    store.append_plan("made-up", plan)


def _trial(dataset: str, model: str, content: str, repeat: int, fold: int) -> dict[str, Any]:
    return {
        "trial_id": f"{dataset} {model} {repeat} {fold}",
        "cell_id": f"{dataset} {model}",
        "dataset": dataset,
        "model": model,
        "recipe": "96px",
        "repeat": repeat,
        "fold": fold,
        "recipe_json": json.dumps(RECIPE),
        "protocol_json": json.dumps({"holdout": 0.1, "folds": 5, "repeats": 4}),
        "dataset_hash": content,
        "model_version": 1,
        "weights": "none",
    }


def _at(trial: dict[str, Any], rate: float) -> dict[str, Any]:
    recipe = f"{trial['recipe']}-lr{rate:g}"
    names = {key: f"{trial[key]} {recipe}" for key in ("trial_id", "cell_id")}
    return trial | names | {"recipe": recipe, "recipe_json": json.dumps(RECIPE | {"learning_rate": rate})}


def _asked(
    subset: str, places: Sequence[int], names: Any, labels: Any, right: float, rng: np.random.Generator
) -> list[dict[str, Any]]:
    hit = rng.random(len(places)) < right
    sure = rng.uniform(0.55, 0.95, len(places))
    rows = []
    for place, hits, p in zip(places, hit.tolist(), sure.tolist(), strict=True):
        predicted = labels[place] if hits else CLASSES[1 - CLASSES.index(labels[place])]
        chances = [p if name == predicted else 1 - p for name in CLASSES]
        row = {"image_id": names[place], "label": labels[place], "predicted": predicted, "probabilities": chances}
        rows.append({"subset": subset, **row})
    return rows
