"""How fast a large store is written and asked: `make bench-store`.

A store of made-up results (`store.synthetic`) is written to a temporary folder through the functions that a run calls,
and asked what people and pages ask. Each figure stands beside its target, and a target that is missed ends the command
with 1: so that nobody has to guess whether a new view or a new check is quick enough for a study that has grown.

A time is the median of five after a first one, which is told too. Each part of the work runs in a process of its own,
so that its memory is its own.
"""

import itertools
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import duckdb

from store import schema
from store.compaction import compact
from store.store import Store
from store.synthetic import DATASETS, HOLDOUT, MODELS, announce, cell, recipes, tables

RECIPES, MANY_RECIPES = 6, 149
LOOSE = 500
TIMES = 5
ACCURACY = "select trial_id, subset, balanced_accuracy from scores"
USAGE = "usage: python -m store.benchmark [--quick]   (--quick leaves out the fifty million predictions)"
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Figure:
    """What was measured.

    Attributes:
        what: in words.
        measured: the median, or the only one.
        target: what it must stay below; None where there is none.
        first: what the first time took, where there were several.
        unit: of all three.
    """

    what: str
    measured: float
    target: float | None = None
    first: float | None = None
    unit: str = "s"

    @property
    def missed(self) -> bool:
        """Whether it is more than its target."""
        return self.target is not None and self.measured > self.target

    @property
    def line(self) -> str:
        """A line of the table."""
        target = "" if self.target is None else f"{self.target:g}"
        first = "" if self.first is None else f"{self.first:.4f}"
        verdict = "" if self.target is None else "too much" if self.missed else "ok"
        return _line(self.what, target, f"{self.measured:.4f}", first, self.unit, verdict)


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the exit code."""
    if set(arguments) - {"--quick"}:
        print(USAGE, file=sys.stderr)
        return 2
    print(_line("", "target", "measured", "first time", "", ""))
    missed = 0
    for measure in [_writing, _middling] if arguments else [_writing, _middling, _large]:
        with tempfile.TemporaryDirectory(prefix="bench-store-") as folder:
            os.environ["BENCH_CACHE"] = str(Path(folder, "cache"))  # the user's notes of sound parts stay the user's
            for figure in measure(Path(folder, "store")):
                print(figure.line, flush=True)
                missed += figure.missed
    print(f"{missed} of the targets missed." if missed else "every target is met.")
    return 1 if missed else 0


# --- What a run waits for when trials end


def _writing(root: Path) -> Iterator[Figure]:
    yield from _apart(_write_some, root)


def _write_some(root: Path) -> list[Figure]:
    store, finished = Store(root, create=True), cell(DATASETS[0], MODELS[0], "made-up", tests=400 - HOLDOUT)
    return [
        _figure("write a trial of 400 predictions", None, partial(store.append_trials, finished[:1])),
        _figure("write 20 trials of 400 predictions together", None, partial(store.append_trials, finished)),
    ]


# --- Ten thousand trials with two million predictions, packed; then a thousand loose parts beside them


def _middling(root: Path) -> Iterator[Figure]:
    trials, seconds, trial = _apart(_write_middling, root)
    yield Figure(f"write {trials:,} trials in batches of 20: each trial", seconds / trials)
    yield Figure("compact them", _apart(_compact, root))
    yield from _apart(_ask_middling, root, trial)
    status = [sys.executable, "-m", "bench", "status", "--store", str(root)]
    yield _figure("bench status, as a process", 1, partial(subprocess.run, status, stdout=subprocess.PIPE, check=True))
    _apart(_write_loose, root)
    yield from _apart(_ask_loose, root)


def _write_middling(root: Path) -> tuple[int, float, str]:
    store, trials, seconds, trial = Store(root, create=True), 0, 0.0, ""
    announce(store, recipes(RECIPES))
    for which in itertools.product(DATASETS, MODELS, recipes(RECIPES)):
        finished = cell(*which)
        seconds += _seconds(partial(store.append_trials, finished))
        trials, trial = trials + len(finished), str(finished[-1][0]["trial_id"])
    return trials, seconds, trial


def _compact(root: Path) -> float:
    return _seconds(partial(compact, Store(root)))


def _ask_middling(root: Path, trial: str) -> list[Figure]:
    opened = _figure("open the store", None, lambda: Store(root).connect().close())
    one = f"select * from scores where trial_id = '{trial}'"
    with Store(root).connect() as connection:
        return [
            opened,
            _figure("balanced accuracy of every trial", 0.5, partial(_ask, connection, ACCURACY)),
            _figure("every score of every trial", 3, partial(_ask, connection, "select * from scores")),
            _figure("every score of one trial", 0.02, partial(_ask, connection, one)),
        ]


def _write_loose(root: Path) -> None:
    cells = (cell(DATASETS[0], model, f"loose-{number}") for number, model in itertools.product(range(LOOSE), MODELS))
    for finished in itertools.islice(itertools.chain.from_iterable(cells), LOOSE):
        Store(root).append_trials([finished])


def _ask_loose(root: Path) -> list[Figure]:
    def anew() -> None:
        with Store(root).connect() as connection:
            _ask(connection, ACCURACY)

    what = f"and {2 * LOOSE:,} loose parts: balanced accuracy"
    with Store(root).connect() as connection:
        asked = _figure(what, 1, partial(_ask, connection, ACCURACY))
    return [asked, _figure(f"{what}, with opening", 1, anew)]


# --- Fifty million predictions, within two gigabytes


def _large(root: Path) -> Iterator[Figure]:
    trials, seconds = _apart(_write_large, root)
    yield Figure(f"write {trials:,} trials, packed: each trial", seconds / trials)
    yield Figure("their parts", sum(part.stat().st_size for part in root.rglob("*.parquet")) / 1e9, unit="GB")
    yield from _apart(_ask_large, root)


def _write_large(root: Path) -> tuple[int, float]:
    store, count, seconds = Store(root, create=True), 0, 0.0
    announce(store, recipes(MANY_RECIPES))
    for dataset, model in itertools.product(DATASETS, MODELS):
        trials, predictions = tables(dataset, model, recipes(MANY_RECIPES))
        rows, keys = (trials, predictions, schema.ACTIVATIONS.empty_table()), {"dataset": dataset, "model": model}
        seconds += _seconds(partial(store.append_attempts, keys, *rows))
        count += trials.num_rows
    return count, seconds


def _ask_large(root: Path) -> list[Figure]:
    began = time.perf_counter()
    with Store(root).connect() as connection:
        opened = Figure("open the store, which reads every part once", time.perf_counter() - began)
        connection.execute("set memory_limit = '2GB'")
        asked = _figure("balanced accuracy of every trial, in 2 GB", 10, partial(_ask, connection, ACCURACY))
    # The first process is small, so that what its children inherit of this number does not count.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
    return [opened, asked, Figure("the memory that this process took", peak, 2, unit="GB")]


# --- How it is measured


def _figure(what: str, target: float | None, work: Callable[[], object]) -> Figure:
    first, *rest = [_seconds(work) for _ in range(1 + TIMES)]
    return Figure(what, statistics.median(rest), target, first)


def _ask(connection: duckdb.DuckDBPyConnection, sql: str) -> object:
    return connection.sql(sql).to_arrow_table()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _apart(work: Callable[..., Answer], *arguments: object) -> Answer:
    """What a function answers in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _line(what: str, target: str, measured: str, first: str, unit: str, verdict: str) -> str:
    return f"{what:<56}{target:>8}{measured:>10}{first:>12} {unit:<3}{verdict}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
