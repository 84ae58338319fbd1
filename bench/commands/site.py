"""The command `bench report`: it draws the site, shows it, and starts a repository that publishes one."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.commands import printing
from bench.commands.store import DEFAULT_STORE, StoreOption
from bench.errors import UsageError

Engine = Literal["auto", "quarto", "preview"]


def report(
    study: Annotated[
        str | None, typer.Argument(metavar="STUDY", help="Draw this study alone; default: all in the store.")
    ] = None,
    engine: Annotated[Engine, typer.Option(help="Quarto, or the built-in preview.")] = "auto",
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder of the site.")] = Path("build/site"),
    serve: Annotated[
        bool, typer.Option("--serve", help="Show the site on this machine, drawn again as it changes, until Ctrl-C.")
    ] = False,
    init: Annotated[
        Path | None,
        typer.Option("--init", metavar="DIR", help="Write what a repository needs to publish its own site, and end."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Draw the website from the store. Trains nothing, and needs no images and no torch.

    Pages whose data have not changed since the last time are taken from there.
    """
    if init is not None:
        start(init)
        return
    from bench.planning import status as status_
    from report import site, watching
    from store import Store

    status_.cells(Store(store), study)  # says so where the store has no such study
    drawn = site.render(store, output, study=study, engine=engine)
    pages = f"{drawn.pages} pages drawn with {drawn.engine}"
    if drawn.kept:
        anew = drawn.pages - drawn.kept
        pages = f"{drawn.pages} pages, {drawn.kept} as they were and {anew} drawn with {drawn.engine}"
    printing.say(f"{pages}: {output / 'index.html'}")
    if serve:
        words = [*([study] if study else []), "--engine", engine, "-o", str(output), "--store", str(store)]
        watching.serve(output, store, lambda: _draw(words), printing.say)


def _draw(words: list[str]) -> bool:
    """Draw in a process of its own, which sees the code as it is by now."""
    return subprocess.run([sys.executable, "-m", "bench", "report", *words], check=False).returncode == 0


def start(folder: Path) -> None:
    """Write what a repository needs to have its site drawn and published by GitHub.

    Raises:
        UsageError: the folder is none, or one of the files is there and says something else.
    """
    from report import own

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--init {folder} is a file; name the folder of your repository")
    try:
        files, software = own.start(folder)
    except own.ExistsError as there:
        sentence = f"{there} is there already and says something else; move it away, or add to it by hand"
        raise UsageError(sentence) from None
    for path in files:
        printing.say(f"{path} is written.")
    if software is None:
        printing.say(f"Where {files[0]} says OWNER/REPOSITORY, write the name of this software's repository on GitHub.")
    results = shlex.quote(str(folder / "results"))
    printing.say(f"Next: `bench run --store {results}`, commit, push; under Settings, Pages choose GitHub Actions.")
