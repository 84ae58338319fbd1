"""Rendering the site: one function, two engines.

Real Quarto where it is to be had; else the preview engine, which runs the same pages. Either renders beside the old
site and takes its place at the end, so that a failing page leaves the old one standing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from report.data import ROOT, results
from report.preview import PageError, replacing
from report.unchanged import KEYS
from store import Store, StoreError


class ReportError(StoreError):
    """The site cannot be drawn; the message says which page or program is at fault."""


@dataclass(frozen=True)
class Drawn:
    """How many pages a site has, how many of them an earlier one had already, and which engine drew them."""

    pages: int
    engine: str
    kept: int = 0


def render(store: Path, output: Path, *, study: str | None = None, engine: str = "auto") -> Drawn:
    """Draw the site of a store into a folder.

    Args:
        store: the results store.
        output: the folder of the site; an older site there is replaced at the end.
        study: draw this study alone.
        engine: `quarto`, `preview`, or `auto`: Quarto where it is found.

    Returns:
        What was drawn. The preview engine takes pages that were made from the same from the older site.

    Raises:
        StoreError: no such store, nothing in it to draw, or a page fails.
    """
    _require_results(store, study)
    quarto = find_quarto() if engine in ("auto", "quarto") else None
    if engine == "quarto" and quarto is None:
        raise ReportError("Quarto is not here; install it (quarto.org), set QUARTO_PATH, or use --engine preview")
    settings = {"BENCH_STORE": str(store.resolve()), "BENCH_STUDY": study or "", "QUARTO_PYTHON": sys.executable}
    # Pages run in folders of their own, and would not find what npm has put where the command was given.
    modules = os.environ.get("BENCH_NODE_MODULES") or str(Path("node_modules").resolve())
    with _settings(**settings, BENCH_NODE_MODULES=modules, BENCH_OLD_SITE=str(output.resolve())):
        results.cache_clear()
        try:
            if quarto is None:
                return _with_preview(output)
            return Drawn(_with_quarto(quarto, output), "Quarto")
        except PageError as error:
            raise ReportError(str(error)) from None


def find_quarto() -> Path | None:
    """Quarto's program: `QUARTO_PATH` (the program or its folder), on the PATH, or from the package `quarto-cli`."""
    named = os.environ.get("QUARTO_PATH")
    if named:
        path = Path(named)
        found = path / "quarto" if path.is_dir() else path
        if not found.is_file():
            raise ReportError(f"QUARTO_PATH is {named}, but no Quarto is there")
        return found
    beside = shutil.which("quarto", path=str(Path(sys.executable).parent))  # the package puts it there
    program = shutil.which("quarto") or beside
    return Path(program) if program else None


def _require_results(store: Path, study: str | None) -> None:
    with Store(store).connect() as connection:
        rows = connection.execute("select study, sum(done) from progress group by study").fetchall()
    if not any(done for name, done in rows if study in (None, name)):
        raise ReportError(
            f"{store} has no finished trials{f' of {study}' if study else ''} to draw; `bench run` trains some"
        )


MADE = ("data", "wasm", "store", "findings.csv", "findings.json")
"""What is written into the assets for the pages: folders and files."""


@contextmanager
def project() -> Iterator[Path]:
    """A copy of the report's project: what a render generates stays out of the checkout, and two do not meet."""
    with tempfile.TemporaryDirectory(prefix="bench-site-") as folder:
        copy = Path(folder) / "report"
        generated = shutil.ignore_patterns("__pycache__", "_site", ".quarto", "_generated", "datasets", *MADE)
        shutil.copytree(ROOT, copy, ignore=generated)
        yield copy


def _with_preview(output: Path) -> Drawn:
    from report import preview
    from report.prepare import prepare

    with project() as copy:
        kept = preview.Kept.of(output, lambda: _keys(copy))
        pages = preview.render(copy, output, kept, lambda: prepare(copy, results()))
        return Drawn(len(pages), "the preview engine", len(kept.taken))


def _keys(project: Path) -> dict[str, str]:
    """What `prepare` says that each file is made from."""
    keys: dict[str, str] = json.loads((project / KEYS).read_text(encoding="utf-8"))
    return keys


def _with_quarto(quarto: Path, output: Path) -> int:
    with project() as copy, replacing(output) as building:
        # Kernels take the project's settings: a user's own might change a page, and theirs warn on each of them.
        surroundings = os.environ | {"IPYTHONDIR": str(copy / "ipython")}
        done = subprocess.run([str(quarto), "render", str(copy)], check=False, env=surroundings)
        site = copy / "_site"
        if done.returncode != 0 or not (site / "index.html").is_file():
            raise ReportError(f"Quarto failed (exit code {done.returncode}); what it said stands above")
        shutil.copytree(site, building, dirs_exist_ok=True)
    return len(list(output.rglob("*.html")))


@contextmanager
def _settings(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
