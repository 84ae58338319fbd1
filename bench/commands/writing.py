"""`bench write-up`: a manuscript's paragraphs on a dataset, from the store."""

from pathlib import Path
from typing import Annotated

import typer

from bench.commands import printing
from bench.commands.dataset import DatasetArgument
from bench.commands.store import DEFAULT_STORE, StoreOption
from bench.errors import BenchError, UsageError

KINDS = (".md", ".docx")


def write_up(
    dataset: DatasetArgument,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The file: Markdown (.md), or Word (.docx).")
    ] = Path("write-up.md"),
    model: Annotated[
        str | None, typer.Option("--model", help="The model; default: the one that the answer recommends.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write what a manuscript needs on a dataset: methods, results, a table, leakage, CLAIM and TRIPOD+AI.

    Filled where the store knows, and marked "yours to say" where it does not. Trains nothing, needs no images.
    """
    from bench.commands import advice
    from report.data import Results
    from report.papers import told
    from report.papers import write_up as writing

    if output.suffix.lower() not in KINDS:
        raise UsageError(f"{output} must end in {' or '.join(KINDS)}")
    results = Results(store)
    chosen = advice.choose(results, dataset, model)
    of = told.told(results, chosen.dataset, chosen.model)
    text = writing.markdown(of, writing.crossing(results, of))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.suffix.lower() == ".docx":
            import pypandoc

            pypandoc.convert_text(text, "docx", format="gfm", outputfile=str(output))
        else:
            output.write_text(text, encoding="utf-8")
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        raise BenchError(f"{output} cannot be written ({reason}); choose another -o FILE") from None
    yours = text.count("yours to say |")
    printing.say(f"{output}: {chosen.dataset}, {chosen.model}. {yours} items of the checklists are yours to say.")
