"""A store that somebody sent: made up, complete, and every word in it wants to be something else than a word."""

import base64
import itertools
import json
import random
import shutil
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq

from store import Store, parts
from store.names import NAME
from store.store import table

SECRET = "s3cr3t-of-this-machine"
"""What a page publishes that evaluates `{{< env BENCH_SECRET >}}`, or includes a file with it."""


def smuggled(shortcode: str) -> str:
    """A shortcode as Quarto keeps it while pandoc reads: it takes such words for its own (`readqmd.lua`)."""
    return f"b58fc729-690b-4000-b19f-365a4093b2ff;{shortcode.encode().hex().upper()};"


PROBE = (
    "<b>it's</b> {{< env BENCH_SECRET >}} $y^2$ @fig-bar `c` *s* [l](javascript:alert(9)) <img src=x onerror=alert(9)>"
)
"""Something of everything, for words that stand alone."""
CLASSES = [
    '"><img src=x onerror=alert(2)>',
    "$x^2$",
    "[x](javascript:alert(1))",
    "```{=html}\n<script>alert(3)</script>\n```",
    "{{< env BENCH_SECRET >}}",
    "{{< var x >}}",
    "@fig-foo",
    "::: {#fig-x}",
    "<b>",
    "`code` and ``more``",
    "a|b",
    "two\nlines",
    "\u202eright to left",
    "very long " + "x" * 300,
    smuggled("{{< env BENCH_SECRET >}}"),
    "&lt;",
    "`{python} open('/tmp/owned', 'w')`",
    "</script><script>alert(4)</script>",
    "*stars* _under_ ~~no~~ ^up^",
    "1. item",
    "{{{< x >}}}",
    "#| label: fig-x",
    "a b",
    "a-b",
]
STUDY, OTHER = f"s/ {PROBE}", "s' another <b>"
MODELS = {"efficientnet-lite0": "EfficientNet-Lite0", "efficientnet-lite0-scratch": PROBE, "cnn-shallow": "CNN"}
RECIPES: dict[str, dict[str, Any]] = {
    f"48px {PROBE}": {"image_size": 48},
    "96px+a": {"image_size": 96},
    "96px-a": {"image_size": 97},
    f"48px {PROBE} steps": {"image_size": 48, "preprocessing": [PROBE, "otsu"]},
    f"48px {PROBE} few": {"image_size": 48, "train_fraction": 0.5},
}
REST = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3}
LINK = "https://example.org/a?b=1&c=2"
CARD: dict[str, Any] = {
    "title": f'<iframe src=https://a.example></iframe> {{{{< include /etc/passwd >}}}} *title* "q": \\ # '
    f"{PROBE} [l]({LINK})",
    "task": f"Tell @fig-task <b> {{{{< env BENCH_SECRET >}}}} ![p](https://evil.example/p.png) {PROBE}",
    "difficulty": f"*Hard*, `code`, [a link]({LINK}), <{LINK}>; ---\n\n# no heading {PROBE}",
    "notes": [
        f"<iframe src='https://evil.example'></iframe> {PROBE}",
        "![p](https://evil.example/p.png)",
        "[r][x] [x]: javascript:alert(1)",
        "- a\n- b\n:::",
    ],
    "source": f"[s](data:text/html,<script>alert(5)</script>) [t](//evil.example) [u](sql.html) <javascript:alert(5)> "
    f"{PROBE}",
    "citation": f'A "quoted" <!-- comment --> {PROBE}',
    "licence": f"</div></details><style>*{{display:none}}</style> {PROBE}",
}
CODE = "x\");open('/tmp/owned', 'w');(\""
"""Python, as the name of a dataset."""
FOLDER = "dataset=` <b> {{< env BENCH_SECRET >}} @fig-up"
"""A folder of a store, called so as it stands."""
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgy"
    "PC4zNDL/wAALCAABAAEBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEG"
    "E1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJip"
    "KTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APn+v//Z"
)


def build(root: Path, secret: Path) -> Store:
    """The store: two datasets with a page each, one of code without, five recipes and a study that splits otherwise.

    `secret` is a file that the card's notes would include.
    """
    store = Store(root, create=True)
    include = f"{{{{< include {secret} >}}}}"
    card = CARD | {"notes": [*CARD["notes"], include, smuggled(include)]}
    for study, dataset, recipes, folds in (
        (STUDY, "hostile", RECIPES, 2),
        (OTHER, "hostile", dict(list(RECIPES.items())[1:2]), 3),
        (STUDY, "second", dict(list(RECIPES.items())[:1]), 2),
    ):
        _cells(store, study, dataset, recipes, folds, card | {"name": dataset})
        places = [
            {"repeat": repeat, "image_id": image, "fold": _fold(number, repeat, folds)}
            for repeat in range(3)
            for number, (image, _) in enumerate(_images())
        ]
        store.append_splits(dataset, "h", f"p{folds}", places)
    for dataset in ("hostile", "second"):
        listed = [{"image_id": i, "label": c, "sha256": i, "image_group": i, "thumbnail": JPEG} for i, c in _images()]
        store.append_images(dataset, "h", listed)
    assert not NAME.fullmatch(CODE)
    (plan,) = [path for path in (root / "plans").rglob("*.parquet") if "another" in path.parent.name]
    rows = [row | {"dataset": CODE} for row in pq.ParquetFile(plan).read().to_pylist()]
    parts.publish(root, "plans", {"study": "code"}, "made by hand", partial(pq.write_table, table("plans", rows)))
    for folder in [path for path in root.rglob("dataset=second") if path.parent.name != "plans"]:
        for name in (f"dataset={quote(CODE, safe=' ')}", FOLDER):
            shutil.copytree(folder, folder.with_name(name))
    return store


def _images() -> list[tuple[str, str]]:
    """Ids and classes: four images of each class, the first of them in the holdout."""
    return [(f"{label}/@fig-{n}.png", label) for label in CLASSES for n in range(4)]


def _fold(number: int, repeat: int, folds: int) -> int | None:
    return None if number % 4 == 0 else (number + repeat * (number // 4)) % folds


def _cells(
    store: Store, study: str, dataset: str, recipes: dict[str, dict[str, Any]], folds: int, card: dict[str, Any]
) -> None:
    card = card | {"classes": CLASSES, "at_hand": dict.fromkeys(CLASSES, 4)}
    planned = []
    for (recipe, fields), (model, family) in itertools.product(recipes.items(), MODELS.items()):
        shared = {
            "dataset": dataset,
            "model": model,
            "recipe": recipe,
            "cell_id": f"{dataset} {folds} {recipe} {model}",
            "recipe_json": json.dumps(REST | fields),
            "dataset_hash": "h",
            "model_version": 1,
            "protocol_json": json.dumps({"folds": folds, "repeats": 3, "holdout": 0.25}),
            "weights": PROBE,
        }
        told = {"family": family, "weights": PROBE, "frozen": PROBE, "trained": PROBE}
        finished = []
        for repeat, fold in itertools.product(range(3), range(folds)):
            trial = {**shared, "trial_id": f"{shared['cell_id']} {repeat} {fold}", "repeat": repeat, "fold": fold}
            planned.append(
                trial
                | {
                    "study_title": PROBE,
                    "scheme": f"{folds}<b> {dataset}",
                    "unavailable": None,
                    "dataset_card": json.dumps(card),
                    "model_card": json.dumps(told),
                }
            )
            predictions = _predictions(random.Random(trial["trial_id"]), repeat, fold, folds)
            outcome = {
                "status": "done",
                "classes": CLASSES,
                "split_hash": f"{folds} {repeat} {fold}",
                "device": PROBE,
                "train_images": 24 if "few" in recipe else 48,
                "test_images": 24,
                "holdout_images": 24,
                "seconds": 1.5,
                "parameters_trained": 10,
                "parameters_frozen": 20,
                "loss": [1.0],
                "accuracy": [0.5],
            }
            first = repeat == fold == 0
            finished.append((trial | outcome, predictions, _maps() if first else []))
        store.append_trials(finished)
    store.append_plan(study, planned)


def _predictions(rng: random.Random, repeat: int, fold: int, folds: int) -> list[dict[str, Any]]:
    rows = []
    for number, (image, label) in enumerate(_images()):
        place = _fold(number, repeat, folds)
        if place not in (None, fold):
            continue
        guess = label if rng.random() < 0.7 else rng.choice(CLASSES)
        chances = [0.7 if name == guess else 0.3 / (len(CLASSES) - 1) for name in CLASSES]
        subset = "holdout" if place is None else "test"
        rows.append({"subset": subset, "image_id": image, "label": label, "predicted": guess, "probabilities": chances})
    return rows


def _maps() -> list[dict[str, Any]]:
    return [
        {
            "image_id": f"{label}/@fig-0.png",
            "label": label,
            "layer": PROBE,
            "maps": 2,
            "height": 2,
            "width": 2,
            "values": bytes(range(8)),
            "low": [0.0, 0.0],
            "high": [1.0, 1.0],
            "thumbnail": JPEG,
        }
        for label in CLASSES
    ]
