"""How fast cells are trained, beside the original study's way: `make bench-training`.

The original way (`reference`) trains for 25 seconds on each cell, and its images a second say how long the whole cell
would take. Ours trains the cell itself, from images to the store, in a process of its own with an empty cache. Of what
trains one by one, networks and VGG19's heads, it trains some trials and multiplies. `--agree` trains by both ways to
the end and compares what they score.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

from bench import models
from bench.datasets import Library
from bench.planning import Cell
from bench.running import runner
from bench.study import study

MODELS = (
    "resnet18",
    "resnet18-lower",
    "efficientnet-lite0",
    "efficientnet-lite0-lower",
    "vgg19",
    "vgg19-lower",
    "cnn",
    "cnn-shallow",
)
TARGETS = {
    "resnet18": 12,
    "resnet18-lower": 12,
    "efficientnet-lite0": 12,
    "vgg19": 8,
    "vgg19-lower": 8,
    "cnn": 1.5,
    "cnn-shallow": 1.5,
}
PAGE = Path(__file__).parents[1] / "README.md"
MARKS = ("<!-- measured by make bench-training -->", "<!-- end -->")


@dataclass(frozen=True)
class Wanted:
    """A cell to measure: dataset and model by name, and where the images lie."""

    data: str
    dataset: str
    model: str
    image_size: int
    repeats: int

    def cell(self, cache: Path) -> tuple[runner.Prepared, Cell]:
        """The cell as a run prepares it. What would have to be downloaded is replaced by random weights, which cost
        the same time.
        """
        library = Library((Path(self.data),), cache)
        one = study.load("blog").narrowed(
            datasets=[self.dataset],
            models=[self.model],
            protocol={"repeats": self.repeats},
            recipe={"image_size": self.image_size},
        )
        if models.get(self.model).weights.torchvision:
            one = replace(one, weights={self.model: "none"})
        prepared = runner.prepare(one, library)
        return prepared, prepared.cells[0]


@dataclass(frozen=True)
class Figures:
    """Seconds that a cell takes by both ways, the parts of each, and of how many of its trials ours was measured."""

    model: str
    original: float
    original_parts: dict[str, float]
    ours: float
    parts: dict[str, float]
    trials: int
    measured: int

    @property
    def ratio(self) -> float:
        """How many times as long the original way takes."""
        return self.original / self.ours


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write down; 1 where a ratio is below its target."""
    parser = argparse.ArgumentParser(prog="python -m bench.benchmark", description=__doc__)
    parser.add_argument("--data", default=os.environ.get("BENCH_DATA") or "data", help="the folder of the datasets")
    parser.add_argument("--dataset", default="wbc-segmented")
    parser.add_argument("--model", action="append", choices=models.names(), help="only these; may be repeated")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=25, help="the original way runs on each cell")
    parser.add_argument("--trials", type=int, default=2, help="of what trains one by one, so many are measured")
    parser.add_argument("--agree", action="store_true", help="train by both ways to the end; compare the scores")
    parser.add_argument("--repeats", type=int, default=4)
    asked = parser.parse_args(arguments)
    if not (Path(asked.data) / asked.dataset).is_dir():
        print(f"no images of {asked.dataset} in {asked.data}; name their folder with --data", file=sys.stderr)
        return 2
    cells = [Wanted(asked.data, asked.dataset, m, asked.image_size, asked.repeats) for m in asked.model or MODELS]
    if asked.agree:
        for wanted in cells:
            print(_apart(agreement, wanted), flush=True)
        return 0
    found = []
    for wanted in cells:
        found.append(_apart(figures, wanted, asked.seconds, asked.trials))
        print(table(found).splitlines()[-1], flush=True)
    if not asked.model:
        write_down(table(found), asked.dataset, asked.image_size)
    missed = [each for each in found if each.ratio < TARGETS.get(each.model, 0)]
    for each in missed:
        print(f"{each.model}: {each.ratio:.1f} times as fast; {TARGETS[each.model]} are wanted")
    return 1 if missed else 0


# --- One cell


def figures(wanted: Wanted, seconds: float, trials: int) -> Figures:
    """Measure one cell by both ways; in a fresh process."""
    from bench.benchmark import reference

    with tempfile.TemporaryDirectory(prefix="bench-training-") as folder:
        cell = wanted.cell(Path(folder))[1]
        _, _, spent = reference.train(cell, cell.trials[0].split, seconds)
        batch = cell.recipe.batch_size
        passed = sum(len(t.split.train) // batch * batch for t in cell.trials) * cell.recipe.epochs
        scale = passed / spent.images
        original = {"decode": spent.decoding, "frozen": spent.frozen, "trained": spent.trained}
        limit = trials if cell.model.kind == "network" or cell.model.family == "VGG19" else len(cell.trials)
        parts, ours = _apart(_ours, wanted, limit)
        # Networks, and heads as large as VGG19's, train one after another: ten times as many take ten times as long.
        more = (len(cell.trials) / limit - 1) * (parts["trained"] + parts["store"])
        parts |= {name: parts[name] * len(cell.trials) / limit for name in ("trained", "store")}
        whole = ours + more
        return Figures(
            wanted.model,
            spent.seconds * scale,
            {name: value * scale for name, value in original.items()},
            whole,
            parts,
            len(cell.trials),
            limit,
        )


def _ours(wanted: Wanted, limit: int) -> tuple[dict[str, float], float]:
    """Seconds of a run from an empty cache to the store by its parts, and in all; the interpreter's start included."""
    import psutil
    import torch

    from bench.datasets import decoded
    from bench.training import features, heads, networks, regressions
    from store import Store, query

    parts = dict.fromkeys(("decode", "frozen", "trained", "store"), 0.0)
    timed = (
        (decoded, "load", "decode"),
        (features, "frozen_features", "frozen"),
        (heads, "train_heads", "trained"),
        (regressions, "fit_probe", "trained"),
        (networks, "train_networks", "trained"),
        (Store, "append_trials", "store"),
    )
    with tempfile.TemporaryDirectory(prefix="bench-training-") as folder, _clocks(timed, parts):
        prepared, cell = wanted.cell(Path(folder, "cache"))
        store = Store(Path(folder, "store"), create=True)
        result = runner.run(prepared, store, Path(folder, "cache"), "cpu", limit=limit)
        if result.finished != limit:
            raise RuntimeError(f"{wanted.model}: {result.finished} of {limit} trials were finished: {result.failures}")
        if cell.model.kind == "network":  # by workers, whose clocks are not here; each takes a core
            (trained,) = query(store, "select sum(seconds) as seconds from trials").to_pylist()
            parts["trained"] = trained["seconds"] / min(torch.get_num_threads(), limit)
        return parts, time.time() - psutil.Process().create_time()


@contextmanager
def _clocks(timed: Sequence[tuple[object, str, str]], parts: dict[str, float]) -> Iterator[None]:
    """Have functions note the seconds they take, so that what is measured is the code as it is."""
    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in timed]
    for (owner, name, function), (_, _, part) in zip(originals, timed, strict=True):
        setattr(owner, name, _clocked(function, parts, part))
    try:
        yield
    finally:
        for owner, name, function in originals:
            setattr(owner, name, function)


def _clocked(function: Callable[..., object], parts: dict[str, float], part: str) -> Callable[..., object]:
    @wraps(function)
    def measured(*arguments: object, **named: object) -> object:
        began = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            parts[part] += time.perf_counter() - began

    return measured


def agreement(wanted: Wanted) -> str:
    """Train a cell by both ways to the end: the difference of their scores, with its corrected 95 % interval."""
    import numpy as np
    from scipy import stats

    from bench.benchmark import reference
    from store import Store, query

    with tempfile.TemporaryDirectory(prefix="bench-training-") as folder:
        prepared, cell = wanted.cell(Path(folder, "cache"))
        store = Store(Path(folder, "store"), create=True)
        runner.run(prepared, store, Path(folder, "cache"), "cpu")
        ask = "select repeat, fold, balanced_accuracy as score from scores where subset = 'test'"
        ours = {(row["repeat"], row["fold"]): row["score"] for row in query(store, ask).to_pylist()}
    labels, pairs = np.array(cell.dataset.labels), []
    for trial in cell.trials:
        test, _, _ = reference.train(cell, trial.split)
        right, own = test.argmax(1) == labels[trial.split.test], labels[trial.split.test]
        theirs = float(np.mean([right[own == c].mean() for c in np.unique(own)]))
        pairs.append((ours[trial.split.repeat, trial.split.fold], theirs))
    scores = np.array(pairs)
    differences, splits = scores[:, 0] - scores[:, 1], [trial.split for trial in cell.trials]
    share = float(np.mean([len(split.test) / len(split.train) for split in splits]))
    # Folds overlap: Nadeau & Bengio 2003.
    error = float(np.sqrt(differences.var(ddof=1) * (1 / len(pairs) + share)))
    half = float(stats.t.ppf(0.975, len(pairs) - 1) * error)
    return (
        f"{wanted.dataset} {wanted.model} {wanted.image_size}px: ours {scores[:, 0].mean():.3f}, the original way "
        f"{scores[:, 1].mean():.3f}, difference {differences.mean():+.3f} ± {half:.3f} over {len(pairs)} trials"
    )


# --- What is shown


def table(found: Sequence[Figures]) -> str:
    """The figures as a Markdown table."""
    rows = [
        "| model | the original way | ours | ratio | its decoding, frozen, trained layers "
        "| our decoding, frozen, trained layers, store |",
        "|---|---|---|---|---|---|",
    ]
    for each in found:
        name = each.model if each.measured == each.trials else f"{each.model} ({each.measured} trials measured)"
        theirs = ", ".join(_time(value) for value in each.original_parts.values())
        own = ", ".join(_time(value) for value in each.parts.values())
        rows.append(f"| {name} | {_time(each.original)} | {_time(each.ours)} | {each.ratio:.1f} | {theirs} | {own} |")
    return "\n".join(rows)


def write_down(text: str, dataset: str, image_size: int) -> None:
    """Put the table between its marks on the page about training."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    head = f"`{dataset}` at {image_size} px, a whole cell of 20 trials, on two CPU cores:"
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{head}\n\n{text}\n\n{MARKS[1]}{after}", encoding="utf-8")


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


def _apart(work: Callable[..., Any], *arguments: object) -> Any:
    """What a function answers in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()
