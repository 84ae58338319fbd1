"""The commands below `bench store`: they parse, call, and print."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import printing
from bench.errors import BenchError, UsageError

if TYPE_CHECKING:
    from store import Store

app = typer.Typer(no_args_is_help=True, help="Look after the results store: check, compact, merge, drop, export.")
StoreOption = Annotated[Path, typer.Option("--store", envvar="BENCH_STORE", help="The results store.")]
DEFAULT_STORE = Path("results")


def option(store: Path) -> str:
    """What names a store on a command line that is printed, with a space before; nothing where none need be named."""
    return (
        "" if store == Path(os.environ.get("BENCH_STORE") or DEFAULT_STORE) else f" --store {shlex.quote(str(store))}"
    )


@app.command("info")
def info(store: StoreOption = DEFAULT_STORE) -> None:
    """What the store holds."""
    from store import Store, query

    results = Store(store)
    answer = query(
        results,
        "select dataset, count(*) filter (status = 'done') as done, count(*) filter (status = 'failed') as failed, "
        "count(*) filter (not current) as stale, sum(seconds) as seconds, max(finished_at) as newest "
        "from trials group by dataset order by dataset",
    ).to_pylist()
    printing.table(
        ["dataset", "done", "failed", "stale", "trained for", "newest"],
        [
            [
                r["dataset"],
                r["done"],
                r["failed"] or "",
                r["stale"] or "",
                printing.duration(r["seconds"] or 0),
                f"{r['newest']:%Y-%m-%d %H:%M}",
            ]
            for r in answer
        ],
    )
    parts, size = results.size()
    printing.say(f"{store}: {results.fingerprint()}; {parts:,} parts, {printing.size(size)}")
    if parts > MANY_PARTS:
        printing.say(f"many small parts make queries slow; `bench store compact{option(store)}` merges them.")


MANY_PARTS = 500


@app.command("check")
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Move what is damaged to the store's quarantine/.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Read every part and compare it with its SHA-256, and every trial with the parts that it names.

    What is damaged is left out of every answer. With --repair it is moved out of the way, nothing is deleted, and the
    next `bench run` trains what was lost.
    """
    from store import Store, checking, quarantine

    results = Store(store)
    report = checking.repair(results) if repair else checking.check(results)
    for path, fault in {**report.damaged, **report.lost, **report.strays}.items():
        printing.say(f"{path} {fault}")
    if repair and not (report.sound and not report.strays):
        left = checking.check(results)
        printing.say(f"moved to {store / quarantine.QUARANTINE}; {left.parts:,} parts are as they were written.")
        again = option(store)
        printing.say(f"`bench run{again}` trains again what was lost; `bench status{again}` says what that is.")
        if not left.sound:
            raise typer.Exit(1)
        return
    if not report.sound:
        printing.say(
            f"`bench store check --repair{option(store)}` moves it out of the way; what was lost counts as missing."
        )
        raise typer.Exit(1)
    printing.say(f"{store}: {report.parts:,} parts, every one as it was written.")
    if report.strays:
        printing.say("the files named above harm no answer of bench; --repair moves them away.")


@app.command("compact")
def compact(store: StoreOption = DEFAULT_STORE) -> None:
    """Merge many small parts into a few sorted ones. Every answer stays the same.

    Safe to stop at any moment, and safe beside a run or a query.
    """
    from rich.progress import Progress

    from store import Store, compaction

    found = Store.if_made(store)
    before = found.size() if found else None  # opened for writing, parts of an earlier version are packed already
    results = Store(store, create=store.exists())
    console = printing.console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("compacting", total=None)
        done = compaction.compact(results, lambda done, of: bar.update(task, completed=done, total=of))
    for path, fault in done.left_out.items():
        printing.say(f"left as it is: {path} {fault}")
    parts, size = before or (done.parts_before, done.bytes_before)
    printing.say(
        f"{store}: {parts:,} parts became {done.parts_after:,}, "
        f"{printing.size(size)} became {printing.size(done.bytes_after)}."
    )


@app.command("merge")
def merge(
    other: Annotated[Path, typer.Argument(metavar="OTHER", help="The store to take trials from; it stays as it is.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Bring in the trials that ran on another machine. What is here already is not brought twice.

    A trial that both stores have with different results is reported, and the one that is here stays.
    """
    from store import Store, merging

    source = Store(other)
    done = merging.merge(Store(store, create=True), source)
    for path, fault in done.left_out.items():
        printing.say(f"left out: {other / path} {fault}")
    if done.conflicts:
        printing.table(
            ["dataset", "model", "recipe", "repeat", "fold", "difference"],
            [[c.dataset, c.model, c.recipe, c.repeat, c.fold, c.reason] for c in done.conflicts],
        )
    printing.say(f"{done.added} trials added, {done.same} were here already.")
    if done.conflicts:
        printing.say(f"{len(done.conflicts)} trials have another result here; these stay as they are in {store}.")
        printing.say(f"to keep theirs instead: bench store merge {store} --store {other}")
    if done.conflicts or done.left_out:
        raise typer.Exit(1)


@app.command("drop")
def drop(
    dataset: Annotated[str | None, typer.Argument(help="The dataset.")] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Instead: the trials that no study's newest plan wants any more.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what was dropped.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take a dataset, or what is stale, out of the store, and so out of site, queries and status. Nothing is deleted.

    All that the store holds of a dataset goes to its quarantine/dropped/, and stale trials to its quarantine/stale/;
    `--undo` brings it back. The dataset's images and its card stay: `bench dataset remove` forgets the card.
    """
    from store import Store, dropping

    if (dataset is None) != stale:
        raise UsageError("name a dataset, or give --stale for the trials that no plan wants any more; one of the two")
    results, again = Store(store), option(store)
    if dataset is None:
        _drop_stale(results, undo)
    elif undo:
        count = dropping.undo(results, dataset)
        printing.say(f"{dataset}: {count:,} parts are in {store} again. `bench report{again}` draws the website anew.")
    else:
        count = dropping.drop(results, dataset)
        printing.say(f"{dataset}: {count:,} parts moved to {store / dropping.aside(dataset)}.")
        printing.say(
            f"`bench report{again}` draws the website without it; `bench store drop {dataset} --undo{again}` undoes it."
        )


def _drop_stale(results: "Store", undo: bool) -> None:
    from store import dropping

    again = option(results.root)
    if undo:
        count = dropping.undo_stale(results)
        printing.say(f"{count:,} parts with stale trials are in {results.root} again.")
        return
    _, before = results.size()
    count = dropping.drop_stale(results)
    sizes = f"{printing.size(before)} became {printing.size(results.size()[1])}"
    printing.say(f"{count:,} stale trials moved to {results.root / dropping.STALE}; {sizes}.")
    printing.say(f"`bench store drop --stale --undo{again}` undoes it.")


@app.command("export")
def export(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What to write: .duckdb (all tables), .parquet or .csv (one).")
    ],
    table: Annotated[str | None, typer.Option(help="Only this table; without it, `predictions` or all.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write one file for others: a DuckDB database of all tables, or one table as Parquet or CSV."""
    from store import Store
    from store import export as exporting

    results = Store(store)
    if file.is_file() and not force:
        asked = sys.stdin.isatty() and sys.stdout.isatty()
        if not asked or not typer.confirm(f"{file} is there already; write over it?"):
            raise BenchError(f"{file} is there already and stays as it is; --force writes over it")
    names = exporting.export(results, file, table)
    printing.say(f"{file}: {', '.join(names)} ({printing.size(file.stat().st_size)})")


@app.command("statement")
def statement(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; without it, README.md in the store's folder.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write the data statement of a store: sources, licences, what is shipped, and which code trained each cell."""
    from report import statement as statements
    from store import Store

    path = output or store / "README.md"
    statements.write(Store(store), path)
    printing.say(f"{path}: written.")
