"""The `bench` command: it parses, calls, and prints; the work is done elsewhere."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.commands import DEFAULT_STORE, DataOption, StoreOption, cells, failing, option, printing, writing
from bench.commands import dataset as dataset_commands
from bench.commands import model as model_commands
from bench.commands import predict as predict_command
from bench.commands import reproduce as reproduce_command
from bench.commands import site as site_commands
from bench.commands import store as store_commands
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.datasets import Library
    from bench.study import Study

app = typer.Typer(
    cls=failing.PlainGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(dataset_commands.app, name="dataset")
app.add_typer(model_commands.app, name="model")
app.add_typer(store_commands.app, name="store")


@app.callback()
def bench() -> None:
    """Should I use a pre-trained model for my few hundred images, and how sure can I be?

    `bench run demo` trains a few models on built-in images in minutes; `bench report demo` draws the website.
    For images of your own: `bench dataset add NAME DIR`, then `bench run`, then `bench report`.
    """


StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="A study's name (blog, cpu, …) or a TOML file.")]
DatasetsOption = Annotated[list[str], typer.Option("--dataset", help="Only this dataset; may be given several times.")]
ModelsOption = Annotated[list[str], typer.Option("--model", help="Only this model; may be given several times.")]


@app.command()
def run(
    study: StudyArgument = "cpu",
    dataset: DatasetsOption = [],
    model: ModelsOption = [],
    repeats: Annotated[
        int | None, typer.Option(help="Repeats of the cross-validation, instead of the study's.")
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Folds, instead of the study's.")] = None,
    holdout: Annotated[
        float | None, typer.Option(help="The share of each class that is held out, instead of the study's.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs, instead of the study's.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Image size in pixels, instead of the study's.")] = None,
    device: Annotated[str, typer.Option(help="auto (every GPU, else the CPU), cpu, or cuda:0,1.")] = "auto",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that train at once; default: what keeps the devices busy.")
    ] = None,
    executor: Annotated[
        Literal["local", "ray"], typer.Option(help="This machine, or all nodes of a Ray cluster (RAY_ADDRESS).")
    ] = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be trained, and train nothing.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Train failed trials again.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Train again what is done.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many trials.")] = None,
    keep_models: Annotated[
        bool, typer.Option("--keep-models", help="Keep what is trained, for `bench predict` and `bench model export`.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = [],
) -> None:
    """Train what a study wants and the store does not have yet.

    Safe to stop at any moment, with Ctrl-C or worse: the next run goes on from the trials that are in the store.
    """
    from bench.commands import advice, progress
    from bench.datasets import places
    from bench.planning import plan
    from bench.planning import status as status_
    from bench.running import runner
    from store import Store, require_store_or_empty

    library = dataset_commands.library(data)
    chosen = _study(
        study,
        library,
        dataset,
        model,
        {"repeats": repeats, "folds": folds, "holdout": holdout},
        {"epochs": epochs, "image_size": image_size},
    )
    runner.require(executor, device, keep=keep_models)
    require_store_or_empty(store)
    if dataset:
        for name in dataset:
            library.load(name, images_per_class=chosen.images_per_class)
    there = Store.if_made(store)
    prepared = runner.prepare(chosen, library, there)
    for name, reason in prepared.absent.items():
        printing.say(f"{name} is left out: {reason}")
    for remark in prepared.remarks:
        printing.wrapped(remark)
    if there:
        cells.reasons(status_.trained_anew(there, chosen.name, prepared.cells), "trained anew, since ")
    if dry_run:
        done, failed = there.finished() if there else (set[str](), set[str]())
        asked = runner.reachable(prepared).cells
        left = plan.to_run(asked, done, failed, force=force, retry_failed=retry_failed)
        cells.plan(asked, plan.limited(list(left), limit), done)
        return
    results = Store(store, create=True)
    places.remember(store, library)
    console = printing.console()
    try:
        with progress.Screen(console) as screen:
            result = runner.run(
                prepared,
                results,
                library.cache,
                device,
                force=force,
                retry_failed=retry_failed,
                limit=limit,
                count=workers,
                executor=executor,
                watch=screen,
                keep=keep_models,
            )
    except KeyboardInterrupt:
        failing.fail(f"stopped; finished trials are in {store}, and the same command goes on from there", 130)
    cells.fewer_splits(prepared.cells)
    for reason, names in status_.unavailable(results, chosen.name).items():
        printing.say(f"unavailable: {', '.join(names)}: {reason}")
    wanted = sum(len(cell.trials) for cell in prepared.cells)
    if result.failures:
        cells.failures(result.failures)
        printing.say(f"{result.finished} trials trained, {len(result.failures)} failed.")
        again = shlex.join(argument for argument in sys.argv[1:] if argument != "--retry-failed")
        printing.say(f"`bench {again} --retry-failed` trains the failed ones again.")
        raise typer.Exit(1)
    if result.finished:
        printing.say(
            f"{result.finished} trials trained; {store} has them. `bench report{option(store)}` draws the website."
        )
    else:
        printing.say(f"nothing to train: {store} has what can be had of the {wanted} trials.")
    if keep_models:
        from bench.commands import keeping

        keeping.after_run(results, prepared.cells, device)
    advice.after_run(results, list(dict.fromkeys(cell.dataset.name for cell in prepared.cells)))


@app.command()
def status(
    study: Annotated[str | None, typer.Argument(metavar="STUDY", help="Only this study.")] = None,
    format: Annotated[Literal["table", "json"], typer.Option(help="For people or for programs.")] = "table",
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = [],
) -> None:
    """Every cell of the store: done, missing, stale, failed, and why. Needs no images; of those at hand it says
    whether they still are what the trials saw.
    """
    from bench.planning import status as status_
    from store import Store

    found = status_.cells(Store(store), study, dataset_commands.library_of(store, data))
    if format == "json":
        print(json.dumps(found, indent=2, default=str))
        return
    if not found:
        printing.say(f"{store} has no trials planned yet; `bench run{option(store)}` plans and trains them.")
        return
    cells.status(found)


@app.command()
def query(
    sql: Annotated[str | None, typer.Argument(help="One SELECT over the store's tables.")] = None,
    format: Annotated[
        Literal["table", "csv", "json", "parquet"], typer.Option(help="How the answer is written.")
    ] = "table",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the answer to a file.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="List the tables and what each column holds.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds after which the query is given up.")] = 120,
    memory: Annotated[float, typer.Option(min=0.1, help="Gigabytes of memory that the query may take.")] = 2,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Ask the store anything in SQL (DuckDB's). Read-only. Columns that share a name become `model`, `model_1`.

    For example: bench query "select model, avg(balanced_accuracy) from scores where subset = 'test' group by model"
    """
    from bench.commands import answers
    from store import Store
    from store import query as ask

    if schema:
        printing.schema()
        return
    if not sql:
        raise UsageError('no query given; try: bench query "select * from cells" or bench query --schema')
    if format == "parquet" and output is None:
        raise UsageError("--format parquet needs a file: -o FILE")
    answer = ask(Store(store), sql, timeout=timeout, memory=memory)
    if output is None and format == "table":
        answers.show(printing.console(), answer)
    else:
        answers.write(answer, format, output)


@app.command()
def answer(
    dataset: Annotated[str | None, typer.Argument(metavar="DATASET", help="Only this dataset; default: all.")] = None,
    format: Annotated[Literal["text", "json"], typer.Option(help="Sentences, or every finding.")] = "text",
    suspects: Annotated[
        Path | None, typer.Option(help="Write the dataset's labels, the most doubted first, to a CSV file.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """What to use, how sure that is, what would make it surer, when to trust it. Trains nothing, needs no images."""
    from bench.commands import advice
    from store import Store

    advice.give(Store(store), dataset, format, suspects)


app.command()(site_commands.report)


app.command("predict")(predict_command.predict)
app.command("reproduce")(reproduce_command.reproduce)
app.command("write-up")(writing.write_up)


def main() -> None:
    """Run the command, and turn what goes wrong into one sentence and an exit code."""
    with failing.explained():
        app()


def _study(
    name: str,
    library: "Library",
    datasets: list[str],
    models: list[str],
    protocol: dict[str, object],
    recipe: dict[str, object],
) -> "Study":
    from bench import models as registry
    from bench.study import study as study_

    for model in models:
        registry.get(model)
    if name in library.known() and name not in study_.shipped():
        raise UsageError(f"{name} is a dataset, not a study; `bench run --dataset {name}` trains on it")
    return study_.load(name).narrowed(
        datasets=datasets,
        models=models,
        protocol={k: v for k, v in protocol.items() if v is not None},
        recipe={k: v for k, v in recipe.items() if v is not None},
    )
