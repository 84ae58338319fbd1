"""The commands below `bench dataset`: they parse, call, and print."""

import os
import shlex
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import printing
from bench.commands.store import DEFAULT_STORE, StoreOption, option
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.datasets import Dataset, Library
    from bench.datasets.audit import Audit

app = typer.Typer(no_args_is_help=True, help="List, add, fetch, check and remove datasets.")
DataOption = Annotated[
    list[str],
    typer.Option(
        "--data",
        help="A folder that holds DATASET/CLASS/FILE or DATASET.toml cards; may be given several times. "
        "Default: BENCH_DATA (folders joined as in PATH), else `data`.",
    ),
]

DatasetArgument = Annotated[str, typer.Argument(metavar="DATASET", help="The dataset.")]
DeviceOption = Annotated[str, typer.Option(help="auto (a GPU, else the CPU), cpu, or cuda:0.")]


class Doubtful(StrEnum):
    """What `add` does about what can hardly be right: a picture that stands in several classes, a mask."""

    refuse = "refuse"
    leave_out = "leave-out"
    keep = "keep"


class Missing(StrEnum):
    """What `add` does about lines of a table of which there is no file."""

    refuse = "refuse"
    leave_out = "leave-out"


class Subfolders(StrEnum):
    """What folders in class folders are."""

    groups = "groups"
    plain = "plain"


@app.command("list")
def list_all(data: DataOption = []) -> None:
    """Every dataset that is known, and whether its images are at hand."""
    known = library(data)
    rows = []
    for name in known.known():
        try:
            card = known.card(name)
        except UsageError as error:
            printing.say(f"{name} is left out: {error}")
            continue
        folder = known.image_folder(card)
        place = "built in" if card.generator else (str(folder) if folder else "no images here")
        rows.append([name, card.title, len(card.classes) or "", sum(card.counts.values()) or "", place])
    printing.table(["name", "title", "classes", "images", "where"], rows)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it: lower-case letters, digits, '-', '_', '.'.")],
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="Class folders of images; or these in train, test and holdout folders; or images and a CSV or Parquet "
            "manifest with the columns path, label and if wanted group and holdout.",
            show_default=False,
        ),
    ] = None,
    data: DataOption = [],
    groups: Annotated[
        str | None,
        typer.Option(help="A regular expression; what it captures in a file's name is the image's group (a patient)."),
    ] = None,
    duplicates: Annotated[
        Doubtful, typer.Option(help="What to do about a picture that stands in several classes.")
    ] = Doubtful.refuse,
    masks: Annotated[
        Doubtful, typer.Option(help="What to do about files that are named as masks of others are: 7_mask.png.")
    ] = Doubtful.refuse,
    missing: Annotated[
        Missing, typer.Option(help="What to do about lines of the table of which there is no file.")
    ] = Missing.refuse,
    subfolders: Annotated[
        Subfolders | None,
        typer.Option(help="What folders in class folders are: groups (patients, slides), or plain, of no meaning."),
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The table that lists the images: CSV, TSV or Parquet.")
    ] = None,
    path: Annotated[str | None, typer.Option(metavar="COLUMN", help="Its column that names the files.")] = None,
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="Its column that has the classes.")] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Its column of what belongs together (a patient, a slide).")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the images into the data folder.")] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="Bring the card of a dataset that was added up to date with its images; what you wrote in it stays. "
            "DIR is needed only if they moved.",
        ),
    ] = False,
) -> None:
    """Make a folder of images known: read them all, say what was found, write a card. Changes none of them."""
    from bench.datasets import curating

    known = library(data)
    told: list[Audit] = []

    def tell(audit: "Audit") -> None:
        printing.audit(audit)
        told.append(audit)

    columns = {name: column for name, column in (("path", path), ("label", label), ("group", group)) if column}
    if update:
        if columns or manifest or subfolders or copy:
            raise UsageError("--update keeps where the images are listed; mend that in the card, or add them anew")
        with printing.counting("reading", "images") as progress:
            card, dataset, changed = curating.update(
                known,
                name,
                folder,
                groups=groups,
                duplicates=duplicates.value,
                masked=masks.value,
                missing=missing.value,
                tell=tell,
                progress=progress,
            )
        _cut(known, dataset, told[0])
        for sentence in changed:
            printing.wrapped(f"{name}: {sentence}")
        printing.say(f"card brought up to date: {card}" if changed else f"nothing to change in {card}")
        _next(known, dataset)
        return
    if folder is None:
        raise UsageError(f"name the folder of the images too: bench dataset add {name} DIR")
    with printing.counting("reading", "images") as progress:
        card, dataset = curating.add(
            known,
            name,
            folder,
            groups=groups,
            duplicates=duplicates.value,
            masked=masks.value,
            missing=missing.value,
            subfolders=subfolders.value if subfolders else None,
            manifest=manifest,
            columns=columns,
            copy=copy,
            tell=tell,
            progress=progress,
        )
    _cut(known, dataset, told[0])
    printing.say(f"card written: {card} (source, licence and more can be added there)")
    _next(known, dataset)


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
    from bench.datasets.fetch import checking, fetching

    known = library(data)
    published = checking.published(known.card(name), store)
    with printing.transfers() as progress:
        folder, new = fetching.fetch(known, name, published, count=count, progress=progress)
    printing.say(f"{name}: images written to {folder}" if new else f"{name}: already in {folder}, nothing was fetched")
    check(name, store, data)
    printing.say(f"next: bench run --dataset {name}{known.options}{option(store)}")


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="The dataset.")],
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = [],
) -> None:
    """Compare the images at hand with the card and with the published results, and look at every one of them."""
    from bench.datasets import curating
    from bench.datasets.audit import examine
    from bench.datasets.fetch import checking

    known = library(data)
    dataset = known.load(name)
    with printing.counting("reading", "images") as progress:
        audit = examine(known, dataset, progress)
    printing.audit(audit)
    _cut(known, dataset, audit)
    compared = checking.compare(dataset, checking.published(dataset.card, store))
    kept = curating.look(known, dataset)
    different = [*kept.refused, *kept.changed, *compared.problems]
    for sentence in [*different, *kept.slips, *compared.notes]:
        printing.say(sentence)
    for sentence in _of_other_images(dataset, known, store) if not different else ():
        printing.say(sentence)
    if different or audit.faulty:
        raise typer.Exit(1)
    printing.say(f"{name}: {len(dataset.images)} images read, {len(set(dataset.groups))} groups, all as the card says.")


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="The dataset.")], data: DataOption = []) -> None:
    """Delete the card of a dataset that was added. Its images and results stay."""
    from bench.datasets import curating

    printing.say(f"removed {curating.remove(library(data), name)}; images and results are untouched.")


def _of_other_images(dataset: "Dataset", known: "Library", store: Path) -> list[str]:
    """Sentences about trials of the store that saw other images of the dataset than those at hand."""
    from bench.planning import changes
    from store import Store

    there = Store.if_made(store)
    if there is None or dataset.card.content is not None:  # those that are published are compared by their list
        return []
    found = changes.since_planned(there, known, [dataset.name]).values()
    again = f"`bench run --dataset {dataset.name}{known.options}{option(store)}` trains anew"
    return [f"{store}: {sentence}; they count as stale, and {again}" for sentence in dict.fromkeys(found)]


def _cut(known: "Library", dataset: "Dataset", audit: "Audit") -> None:
    """Print how the dataset is split by default, or that it cannot be, unless the audit has said so."""
    from bench.datasets import feasible
    from bench.datasets.audit import balance
    from bench.study import Protocol

    found = feasible.of(dataset, Protocol()) if audit.uncut else None
    if not audit.uncut or (found and not found.options(Protocol())):
        printing.wrapped(balance(known, dataset))


def _next(known: "Library", dataset: "Dataset") -> None:
    """Print the commands that come next, as they can be typed."""
    from bench.datasets import feasible
    from bench.study import Protocol

    found = feasible.of(dataset, Protocol())
    if found is None:
        printing.say(f"next: mend that, then bench dataset check {dataset.name}{known.options}")
    else:
        split = found.options(Protocol())
        printing.say(f"next: bench run --dataset {dataset.name}{split}{known.options}")
        printing.say("then: bench report")


def library_of(store: Path, data: list[str]) -> "Library":
    """The datasets within reach of the command, and those that the last run into a store used."""
    from bench.datasets import places

    known = library(data)
    more = () if data else places.remembered(store, known.cache)
    return replace(known, folders=tuple(dict.fromkeys((*known.folders, *more))))


def library(data: list[str]) -> "Library":
    """The datasets within reach of the command."""
    from bench.datasets import Library
    from store import cache_folder

    chosen = data or [part for part in os.environ.get("BENCH_DATA", "").split(os.pathsep) if part] or ["data"]
    folders = tuple(Path(part).expanduser() for part in chosen)
    return Library(folders, cache_folder(), printing.say, "".join(f" --data {shlex.quote(part)}" for part in data))
