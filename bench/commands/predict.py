"""`bench predict`: new images in, a class, a probability and whether to trust it out."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import failing, printing
from bench.commands.dataset import DataOption, DatasetArgument, DeviceOption, library_of
from bench.commands.store import DEFAULT_STORE, StoreOption
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.predicting import Judged, Rule

SHOWN = 10


def predict(
    dataset: DatasetArgument,
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGES", help="Image files, folders, or tables (CSV, Parquet) with a column `path`."),
    ],
    model: Annotated[
        str | None, typer.Option("--model", help="The model; default: the one that the answer recommends.")
    ] = None,
    error: Annotated[str, typer.Option("--error", help="How many of the trusted answers may be wrong: 5% or 0.05.")] = (
        "5%"
    ),
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the tables go.")] = Path(
        "predictions"
    ),
    sort: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Sort the files into trust/CLASS and inspect there; links, no copies."),
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the files that --sort sorts.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Write a page with the images and what speaks for them.")] = (
        False
    ),
    device: DeviceOption = "auto",
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = [],
) -> None:
    """Classify new images by the vote of a model's trials, and say which answers to trust and which to inspect.

    Needs a kept model: `bench run --keep-models`, or `bench model keep`. Safe to stop: the same command goes on. A file
    that cannot be read costs a line, never the run.
    """
    from bench.commands import advice, keeping
    from bench.keeping import restored, surroundings
    from bench.predicting import asking, judging, listing, records, sorting, tables
    from bench.training import common
    from report.data import Results
    from store import Store

    wanted = rate(error)
    found = listing.listed(images, [output, *([sort] if sort else [])])
    results = Results(store)
    chosen = advice.choose(results, dataset, model)
    again = keeping.command(store, chosen)
    kept = keeping.kept(Store(store), chosen)
    answering = restored.restore(kept, common.choose_devices(device)[0], again)
    around = surroundings.read(kept, again)
    rule = judging.learn(Store(store), chosen.cell_id, chosen.classes, wanted)
    voting = f"{chosen.dataset} · {chosen.model} ({chosen.recipe}): the vote of {len(kept.trials)} trials."
    sentences = (voting, said(rule))
    for sentence in sentences:
        printing.wrapped(sentence)
    known = records.Records(output, f"{kept.fingerprint} {kept.surroundings}")
    judged: list[Judged] = []
    new = 0
    try:
        with keeping.bar("classifying", len(found.files)) as advance:
            for one in asking.ask(found.files, answering, around, known):
                judged.append(judging.judge(one.candidate.name, one.row, chosen.classes, rule))
                new += one.new
                advance(1)
    except KeyboardInterrupt:
        failing.fail(f"stopped; answers so far are in {output}, and the same command goes on from there", 130)
    csv, parquet = tables.write(judged, chosen.classes, output)
    _tell(judged, found.others, new)
    printing.say(f"{csv} and {parquet.name} have a line for each.")
    if sort:
        number = sorting.sort(judged, sort, copies=copy)
        printing.say(f"{number} files are sorted in {sort}.")
    if report:
        from bench.commands import pictures

        shown = pictures.Pictures(answering, around, library_of(store, data))
        page = pictures.write(judged, shown, f"{chosen.dataset} · {chosen.model}", sentences, output)
        printing.say(f"{page} shows them.")


def rate(text: str) -> float:
    """A share of errors as it may be written: `5%`, `0.05`.

    Raises:
        UsageError: it is none.
    """
    percent = text.strip().endswith("%")
    try:
        value = float(text.strip().rstrip("%").strip()) / (100 if percent else 1)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise UsageError(f"--error must be a share such as 5% or 0.05, not {text!r}")
    return value


def said(rule: "Rule") -> str:
    """What is trusted, and how that fared, in a sentence or two."""
    from report import statistics

    wanted = f"{100 * rule.wanted:g} %"
    if math.isinf(rule.threshold):
        return (
            f"No answer is trusted: the votes out of fold do not show of any part of the answers that at most {wanted} "
            "of them are wrong. They may with more images, or of a larger share of errors."
        )
    sentence = (
        f"Trusted is what is at least {100 * rule.threshold:.1f} % sure, for at most {wanted} errors: out of fold that "
        f"is {100 * rule.coverage:.0f} % of the answers, {100 * rule.error:.1f} % of them wrong."
    )
    if not rule.trusted:
        return f"{sentence} Of the {rule.held} images of the holdout none is that sure."
    # Images of one group are wrong together, so that each group counts as one.
    low, high = statistics.jeffreys([rule.wrong * rule.units / rule.trusted], [rule.units])
    return (
        f"{sentence} Of the {rule.held} images of the holdout {rule.trusted} are that sure, {rule.wrong} of them wrong "
        f"({100 * rule.wrong / rule.trusted:.1f} % [{100 * low[0]:.1f}, {100 * high[0]:.1f}])."
    )


def _tell(judged: "Sequence[Judged]", others: int, new: int) -> None:
    from bench.predicting import tables

    counts = {status: sum(row.status == status for row in judged) for status in ("trust", "inspect", "unreadable")}
    before = f", {len(judged) - new} of them answered before" if new < len(judged) else ""
    printing.say(
        f"{len(judged)} files{before}: {counts['trust']} to trust, {counts['inspect']} to inspect, "
        f"{counts['unreadable']} that cannot be read."
    )
    for row in [row for row in judged if row.status == "unreadable"][:SHOWN]:
        printing.say(f"  {tables.shown(row.name)}: {row.warnings[0]}")
    if counts["unreadable"] > SHOWN:
        printing.say(f"  and {counts['unreadable'] - SHOWN} more, in the table")
    warned: dict[str, int] = {}
    for row in judged:
        for warning in row.warnings if row.status != "unreadable" else ():
            warned[warning] = warned.get(warning, 0) + 1
    for warning, number in sorted(warned.items(), key=lambda item: -item[1])[:SHOWN]:
        printing.say(f"warning, {number} of {len(judged)} files: {warning}")
    if others:
        printing.say(f"Other files in the folders, which are no images: {others}.")
