"""The commands below `bench model`: they parse, call, and print."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands import printing
from bench.commands.dataset import DataOption, DatasetArgument, DeviceOption, library_of
from bench.commands.store import DEFAULT_STORE, StoreOption, option

if TYPE_CHECKING:
    pass

app = typer.Typer(
    no_args_is_help=True, help="List the models, and say what each one is; keep a trained one, export it."
)
ModelArgument = Annotated[
    str | None, typer.Argument(metavar="MODEL", help="The model; default: the one that the answer recommends.")
]


@app.command("list")
def list_all() -> None:
    """Every model, what of it is frozen and what is trained."""
    from bench import models

    rows = [[m.name, m.weights.source, m.frozen, m.trained] for m in map(models.get, models.names())]
    printing.table(["model", "weights", "frozen", "trained"], rows)


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="The model.")]) -> None:
    """What a model is, and where its weights come from."""
    from bench import models

    model = models.get(name)
    rows: list[list[Any]] = [[key, value] for key, value in model.card().items()]
    if model.weights.file:
        rows.append(["weights file", model.weights.file])
    rows.append(["about", (model.build.__doc__ or "").strip().splitlines()[0]])
    printing.table(["", ""], rows)


@app.command("keep")
def keep(
    dataset: DatasetArgument,
    model: ModelArgument = None,
    force: Annotated[bool, typer.Option("--force", help="Train and keep again what is kept.")] = False,
    weights: Annotated[
        str | None, typer.Option(metavar="file:PATH", help="Its first weights, where they came from a file of yours.")
    ] = None,
    device: DeviceOption = "auto",
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = [],
) -> None:
    """Train the trials of a model again, and keep those that come out as the store has them.

    `bench predict` and `bench model export` need kept models; `bench run --keep-models` keeps them from the start.
    """
    from bench.commands import advice, keeping
    from report.data import Results
    from store import Store

    results = Store(store)
    chosen = advice.choose(Results(store), dataset, model)
    kept = keeping.keep(results, library_of(store, data), chosen, device, force=force, weights=weights)
    printing.say(
        f"{chosen.dataset} · {chosen.model}: {len(kept.trials)} trials are kept in {kept.folder} "
        f"({printing.size(kept.size)})."
    )
    printing.say(f"`bench predict {chosen.dataset} IMAGES{option(store)}` classifies new images.")


@app.command("export")
def export(
    dataset: DatasetArgument,
    model: ModelArgument = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The ONNX file.")] = Path("model.onnx"),
    error: Annotated[str, typer.Option("--error", help="How many of the trusted answers may be wrong: 5% or 0.05.")] = (
        "5%"
    ),
    html: Annotated[
        bool, typer.Option("--html", help="Write a page too that runs the model in a browser; needs onnxruntime-web.")
    ] = False,
    bioimage: Annotated[
        bool, typer.Option("--bioimage", help="Write a package for the BioImage Model Zoo too: Fiji, ilastik, QuPath.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = [],
) -> None:
    """Write a kept model as one ONNX file, with a model card beside it: from pixels to calibrated probabilities.

    All trials and their vote are in it. It is run before it is written, and held against the kept model on the holdout.
    """
    from bench.commands import advice, exporting, keeping
    from report.data import Results
    from store import Store

    results = Results(store)
    chosen = advice.choose(results, dataset, model)
    source = keeping.kept(Store(store), chosen)
    beside = {name for name, wanted in (("html", html), ("bioimage", bioimage)) if wanted}
    exporting.export(results, chosen, source, library_of(store, data), output, error=error, beside=beside)
