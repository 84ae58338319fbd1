"""The commands below `bench dataset`: they parse, call, and print."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench import printing
from bench.store_commands import DEFAULT_STORE, StoreOption

if TYPE_CHECKING:
    from bench.datasets import Library

app = typer.Typer(no_args_is_help=True, help="List, add, fetch, check and remove datasets.")
DataOption = Annotated[
    list[str],
    typer.Option(
        "--data",
        help="A folder that holds DATASET/CLASS/FILE or DATASET.toml cards; may be given several times. "
        "Default: BENCH_DATA (folders joined as in PATH), else `data`.",
    ),
]


class Duplicates(StrEnum):
    """What `add` does about a picture that stands in several classes."""

    refuse = "refuse"
    leave_out = "leave-out"
    keep = "keep"


@app.command("list")
def list_all(data: DataOption = []) -> None:
    """Every dataset that is known, and whether its images are at hand."""
    known = library(data)
    rows = []
    for name in known.known():
        card = known.card(name)
        folder = known.image_folder(card)
        place = "built in" if card.generator else (str(folder) if folder else "no images here")
        rows.append([name, card.title, len(card.classes) or "", sum(card.counts.values()) or "", place])
    printing.table(["name", "title", "classes", "images", "where"], rows)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it: lower-case letters, digits, '-'.")],
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Class folders of images; or these in train, test and holdout folders; or images and a CSV or Parquet "
            "manifest with the columns path, label and if wanted group and holdout.",
        ),
    ],
    data: DataOption = [],
    groups: Annotated[
        str | None,
        typer.Option(help="A regular expression; what it captures in a file's name is the image's group (a patient)."),
    ] = None,
    duplicates: Annotated[
        Duplicates, typer.Option(help="What to do about a picture that stands in several classes.")
    ] = Duplicates.refuse,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the images into the data folder.")] = False,
) -> None:
    """Make a folder of images known: read them all, say what was found, write a card. Changes none of them."""
    from bench import datasets

    with printing.counting("reading", "images") as progress:
        path, dataset = datasets.add(
            library(data), name, folder, groups=groups, duplicates=duplicates.value, copy=copy,
            tell=printing.audit, progress=progress,
        )  # fmt: skip
    printing.wrapped(datasets.balance(library(data), dataset))
    printing.say(f"card written: {path} (source, licence and more can be added there)")
    printing.say(f"next: bench run --dataset {name}, then bench report")


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="The dataset.")],
    count: Annotated[
        list[str],
        typer.Option(
            "--count",
            help="For reticulocytes: sort by how many objects of this name the annotations have, instead of as in the "
            "published results ('aggregate reticulocyte' and 'punctate reticulocyte'); may be given several times.",
        ),
    ] = [],
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = [],
) -> None:
    """Download a dataset of the study into the first data folder, and check it.

    A transfer that broke off goes on where it was. Images that are there already are checked, never overwritten. Where
    a login is needed, the steps are printed. Archives are kept in `archives/` of the data folder, and may be put there
    by hand. The store tells which images the published results are of, and their classes where the source does not.
    """
    from bench.datasets import checking, fetching

    known = library(data)
    published = checking.published(known.card(name), store)
    with printing.transfers() as progress:
        folder, new = fetching.fetch(known, name, published, count=count, progress=progress)
    printing.say(f"{name}: images written to {folder}" if new else f"{name}: already in {folder}, nothing was fetched")
    check(name, store, data)
    printing.say(f"next: bench run --dataset {name}")


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="The dataset.")],
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = [],
) -> None:
    """Compare the images at hand with the card and with the published results, and look at every one of them."""
    from bench import datasets
    from bench.datasets import checking

    known = library(data)
    dataset = known.load(name)
    with printing.counting("reading", "images") as progress:
        audit = datasets.examine(known, dataset, progress)
    printing.audit(audit)
    printing.wrapped(datasets.balance(known, dataset))
    compared = checking.compare(dataset, checking.published(dataset.card, store))
    kept = datasets.look(known, dataset)
    different = [*kept.refused, *kept.changed, *compared.problems]
    for sentence in [*different, *compared.notes]:
        printing.say(sentence)
    if different or audit.faulty:
        raise typer.Exit(1)
    printing.say(f"{name}: {len(dataset.images)} images read, {len(set(dataset.groups))} groups, all as the card says.")


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="The dataset.")], data: DataOption = []) -> None:
    """Delete the card of a dataset that was added. Its images and results stay."""
    from bench import datasets

    printing.say(f"removed {datasets.remove(library(data), name)}; images and results are untouched.")


def library(data: list[str]) -> "Library":
    """The datasets within reach of the command."""
    from bench.datasets import Library
    from store import cache_folder

    chosen = data or [part for part in os.environ.get("BENCH_DATA", "").split(os.pathsep) if part] or ["data"]
    folders = tuple(Path(part).expanduser() for part in chosen)
    return Library(folders, cache_folder(), printing.say)
