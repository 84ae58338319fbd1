"""What the workflow `train` does on its runner: fetch images, train what is missing, merge it into `results/`, tell.

It works in the current folder: `data/` and `build/` are written; `results/` is added to, once something was trained.
Whatever ended the training, its time or a fault, what was finished is kept; the summary says how it ended.
"""

import argparse
import html
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import models
from bench.datasets import Library
from bench.datasets.cards import NAME
from bench.errors import BenchError
from bench.planning import status
from bench.study import study
from store import Store, StoreError, cache_folder, query

DATA, RESULTS, TRAINED, SUMMARY = Path("data"), Path("results"), Path("build/store"), Path("build/summary.md")
LONGEST = 5.0
"""Hours; a runner is taken away after six, with all that it holds."""
GRACE = 60.0
"""Seconds that a run has to end by itself when its time is up."""
BENCH = (sys.executable, "-m", "bench")


def main(arguments: Sequence[str] | None = None) -> None:
    """Do it all, or say in one line what stands against it and exit with 1."""
    try:
        _train(_wanted(arguments))
    except (BenchError, StoreError) as error:
        first, *rest = str(error).splitlines()
        print("\n".join([f"::error::{first}", *rest]), flush=True)
        _tell("GITHUB_STEP_SUMMARY", f"No pull request: {html.escape(str(error))}\n")
        sys.exit(1)


def _wanted(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for name in ("study", "datasets", "models", "hours"):
        parser.add_argument(f"--{name}", required=True)
    wanted = parser.parse_args(arguments)
    (wanted.study,) = names("study", wanted.study, most=1)
    wanted.datasets, wanted.models = names("dataset", wanted.datasets), names("model", wanted.models)
    if not re.fullmatch(r"\d(\.\d+)?", wanted.hours, re.ASCII) or not 0 < float(wanted.hours) <= LONGEST:
        raise BenchError(f"hours must be a number up to {LONGEST:g}, not {wanted.hours!r}")
    wanted.hours = float(wanted.hours)
    return wanted


def names(kind: str, words: str, most: int = 100) -> list[str]:
    """The names in a list with spaces or commas between them, each once.

    Raises:
        BenchError: there is none, there are too many, or one could be something else: an option, a path, a command.
    """
    found = list(dict.fromkeys(re.split(r"[\s,]+", words.strip(" \t\r\n,"))))
    if wrong := [word for word in found if not NAME.fullmatch(word)]:
        raise BenchError(f"{wrong[0]!r} cannot be the name of a {kind}" if wrong[0] else f"name a {kind}")
    if len(found) > most:
        raise BenchError(f"{len(found)} names where {most} of a {kind} can be: {found[most]!r} is one too many")
    return found


def _train(wanted: argparse.Namespace) -> None:
    chosen = study.load(wanted.study)
    for model in wanted.models:
        models.get(model)
    library = Library((DATA,), cache_folder())
    skipped = [name for name in wanted.datasets if needs_hands(library, name)]
    datasets = [name for name in wanted.datasets if name not in skipped]
    for name in skipped:
        print(f"::notice::{name} is left out: its images have to be fetched by hand", flush=True)
    if not datasets:
        raise BenchError("images of these datasets have to be fetched by hand; `bench dataset fetch` says how")
    for name in datasets:
        fetch(library, name)

    before = trials(RESULTS)
    shutil.rmtree(TRAINED, ignore_errors=True)
    if RESULTS.is_dir():
        shutil.copytree(RESULTS, TRAINED)  # the run trains what this lacks, on the splits that it keeps
    options = [word for name in datasets for word in ("--dataset", name)]
    options += [word for name in wanted.models for word in ("--model", name)]
    command = [*BENCH, "run", wanted.study, *options, "--data", str(DATA), "--store", str(TRAINED)]
    code = within(wanted.hours * 3600, command)
    new = trials(TRAINED) - before
    if not new and code != 0:
        why = "its time was up" if code is None else f"`bench run` ended with code {code}, and says why above"
        raise BenchError(f"nothing was trained: {why}")
    if new:
        bench("store", "merge", str(TRAINED), "--store", str(RESULTS))
        bench("store", "compact", "--store", str(RESULTS))
        bench("store", "check", "--store", str(RESULTS))

    cells = [
        cell
        for cell in status.cells(Store(TRAINED), chosen.name)
        if cell["dataset"] in datasets and cell["model"] in wanted.models
    ]
    ended = f"`bench run` ended with code {code}; the log of this run says why." if code else ""
    if code is None:
        ended = f"The time of {wanted.hours:g} hours was up. The same run, started again, goes on with what is missing."
    text = summary(chosen.name, cells, new, skipped, ended)
    SUMMARY.parent.mkdir(exist_ok=True)
    SUMMARY.write_text(text, encoding="utf-8")
    _tell("GITHUB_STEP_SUMMARY", text)
    _tell("GITHUB_OUTPUT", f"changed={'true' if new else 'false'}\n")


def needs_hands(library: Library, name: str) -> bool:
    """Whether somebody has to log in, or to look, for images that are not here."""
    card = library.card(name)
    if library.image_folder(card) is not None:
        return False
    return card.fetch is None or not card.fetch.archives or not all(archive.urls for archive in card.fetch.archives)


def fetch(library: Library, name: str) -> None:
    """Make a dataset's images be here, and those of the dataset that it takes its splits from.

    Raises:
        BenchError: they cannot be had, or are not those of the published results: beside trials of other images these
            would count as stale, so nothing is trained on them here.
    """
    card = library.card(name)
    if card.splits_from is not None:
        fetch(library, card.splits_from)
    bench("dataset", "fetch", name, "--data", str(DATA), "--store", str(RESULTS))
    # The command lets pixels pass that are packed into other bytes. To the store these are other images all the same.
    if card.content not in (None, library.load(name).content_hash):
        raise BenchError(
            f"the images of {name} are not, byte for byte, those of the published results, which would count as stale "
            "beside new ones; nothing was trained"
        )


def trials(root: Path) -> set[tuple[str, str, str, str, str]]:
    """(trial, dataset, model, recipe, status) of each trial in a store; none where there is no store."""
    store = Store.if_made(root)
    sql = "select trial_id, dataset, model, recipe, status from trials"
    return {tuple(row.values()) for row in query(store, sql).to_pylist()} if store else set()


def within(seconds: float, command: Sequence[str]) -> int | None:
    """Run a command; gives its exit code, or None where its time was up and it was interrupted, as by Ctrl-C."""
    # A child of a process that ignores interrupts ignores them too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
    return None


def bench(*words: str) -> None:
    """Run a command of the benchmark, which prints what it has to say.

    Raises:
        BenchError: it failed.
    """
    code = subprocess.run([*BENCH, *words], check=False).returncode
    if code:
        raise BenchError(f"`bench {' '.join(words[:3])}` failed, and says why above; nothing is published")


def summary(
    study: str,
    cells: Sequence[dict[str, Any]],
    new: set[tuple[str, str, str, str, str]],
    skipped: Sequence[str],
    ended: str,
) -> str:
    """Markdown for the run's page and for the pull request: what was trained now, and what the store has by now."""
    now = Counter(row[1:4] for row in new if row[4] == "done")
    failed = sum(row[4] == "failed" for row in new)
    lines = [f"Study `{study}`: {now.total()} trials trained." if new else f"Study `{study}`: nothing was trained."]
    if failed:
        lines.append(f"**{failed} trials failed.** Once merged, only `bench run --retry-failed` tries them again.")
    lines += [ended] if ended else []
    lines += [f"`{name}` was left out: its images have to be fetched by hand." for name in skipped]
    rows = [["dataset", "model", "recipe", "trained now", "done", "missing", "failed", "balanced accuracy", "why"]]
    rows.append(["---"] * len(rows[0]))
    for c in cells:
        score = c["test_balanced_accuracy"]
        trained = now[c["dataset"], c["model"], c["recipe"]]
        rows.append(
            [
                c["dataset"],
                c["model"],
                c["recipe"],
                str(trained),
                f"{c['done']}/{c['wanted']}",
                str(c["missing"]),
                str(c["failed"]),
                "" if score is None else f"{score:.3f}",
                c["why"],
            ]
        )
    table = "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)
    return "\n\n".join([*lines, table]) + "\n"


def _cell(text: str) -> str:
    """Text of a table's cell: an error message may hold anything, lines and markup too."""
    return html.escape(" ".join(text[:300].split())).replace("|", "&#124;")


def _tell(variable: str, text: str) -> None:
    if name := os.environ.get(variable):
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
