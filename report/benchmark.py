"""How fast the site of a large store is drawn, and how heavy and high its pages are: `make bench-site`.

Ten models on fifty made-up datasets, twenty trials a cell: ten thousand trials, of which a third of all comparisons are
decided. Each figure stands beside its target, and a target that is missed ends the command with 1. The height of pages
is measured where a browser is at hand.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from report import site
from store import Store, schema
from store.synthetic import CLASSES, announce, recipes, tables

DATASETS = 50
HEAVIEST = 1.5
"""Megabytes that a page may weigh before its images."""
MODELS = {
    "efficientnet-lite0": ("EfficientNet-Lite0", "imagenet", 1.9),
    "efficientnet-lite0-lower": ("EfficientNet-Lite0", "imagenet", 1.5),
    "efficientnet-lite0-probe": ("EfficientNet-Lite0", "imagenet", 1.9),
    "efficientnet-lite0-scratch": ("EfficientNet-Lite0", "none", 1.6),
    "efficientnet-lite0-tuned": ("EfficientNet-Lite0", "imagenet", 2.0),
    "resnet18": ("ResNet18", "imagenet", 1.7),
    "cnn": ("CNN", "none", 1.4),
    "cnn-shallow": ("CNN", "none", 1.3),
    "mean-colour": ("Floor", "none", 0.9),
    "pixel-ratio": ("Floor", "none", 0.4),
}
"""Family, weights, and how much a model knows."""


def fill(root: Path, datasets: int = DATASETS) -> Store:
    """Make a store of so many datasets with ten models each, packed as `bench store compact` packs them."""
    names = [f"dataset-{number:02}" for number in range(datasets)]
    cards = {name: _card(name) for name in names}
    told = {
        model: {"name": model, "family": family, "weights": weights, "frozen": "its layers", "trained": "a head"}
        for model, (family, weights, _) in MODELS.items()
    }
    store = Store(root, create=True)
    announce(store, recipes(1), (cards, told))
    for (place, dataset), (model, (*_, skill)) in itertools.product(enumerate(names), MODELS.items()):
        trials, predictions = tables(dataset, model, recipes(1), skill * (1 + place / datasets))
        rows = trials, predictions, schema.ACTIVATIONS.empty_table()
        store.append_attempts({"dataset": dataset, "model": model}, *rows)
    return store


def _card(name: str) -> dict[str, object]:
    return {
        "title": f"Made-up images, {name}",
        "task": "Tell four kinds of made-up images apart.",
        "classes": CLASSES,
        "at_hand": dict(zip(CLASSES, (80, 160, 240, 320), strict=True)),
        "licence": "CC0",
    }


def main() -> int:
    """Measure and print; the exit code."""
    missed = 0
    with tempfile.TemporaryDirectory(prefix="bench-site-") as folder:
        os.environ["BENCH_CACHE"] = str(Path(folder, "cache"))  # the user's notes of sound parts stay the user's
        for what, measured, target, unit in figures(fill(Path(folder, "store")).root, Path(folder, "site")):
            verdict = "" if target is None else "ok" if measured <= target else "too much"
            print(f"{what:<48}{measured:>9.2f} {unit:<3}{'' if target is None else target:>7} {verdict}", flush=True)
            missed += verdict == "too much"
    print(f"{missed} of the targets missed." if missed else "every target is met.")
    return 1 if missed else 0


def figures(store: Path, output: Path) -> Iterator[tuple[str, float, float | None, str]]:
    """What was measured, each with its target (None where there is none) and its unit."""
    status = [sys.executable, "-m", "bench", "status", "--store", str(store)]
    for what, target in (("draw the site of ten thousand trials", 120), ("draw it again, of the same store", None)):
        seconds, busy = _measured(partial(site.render, store, output, engine="preview"))
        yield what, seconds, target, "s"
        yield "  of that on a processor", busy, None, "s"
    seconds, busy = _measured(partial(subprocess.run, status, stdout=subprocess.DEVNULL, check=True))
    yield "bench status, as a process", seconds, None, "s"
    yield "  of that on a processor", busy, None, "s"
    heaviest = max(path.stat().st_size for path in output.rglob("*.html"))
    yield "its heaviest page", heaviest / 1e6, HEAVIEST, "MB"


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of all processors that this process and its children took."""
    began, before = time.perf_counter(), os.times()
    work()
    after = os.times()
    return time.perf_counter() - began, sum(after[:4]) - sum(before[:4])


if __name__ == "__main__":
    sys.exit(main())
