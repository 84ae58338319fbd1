"""Renders a whole site: every page of a project, and what the pages need."""

import hashlib
import json
import logging
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from report.preview import frame
from report.preview.cells import execute
from report.preview.documents import Document, read_document
from report.preview.kept import Kept
from report.preview.links import Links
from report.preview.pages import HERE, options, to_html
from report.preview.project import PageError, Project
from report.preview.publish import replacing

MANY = 24
"""So many pages are drawn by two processes."""
_ASSETS = ("preview.css", "preview.js")


def render(
    project: Path, output: Path, kept: Kept | None = None, prepare: Callable[[], None] | None = None
) -> list[Path]:
    """Render the Quarto website in the folder `project` into the folder `output`, without Quarto.

    The pages are all `.qmd` files that are there once the project's `pre-render` scripts have run. Cells run in this
    process, one after the other, each page in a namespace of its own; those of many pages in two processes. The old
    site stays as it is until the new one is whole. Returns the HTML files, in the order of their names.

    `prepare` does what the scripts do, in their place and in this process: what it has read and computed is at hand for
    the pages then. Where `kept` knows what a page is made from, a page of the old site that was made from the same is
    taken as it is, with the new site's end; `kept.taken` has their names afterwards.

    Raises `PageError` when a cell fails, a reference leads nowhere, a file is missing, or `output` is no site; nothing
    has changed in `output` then.
    """
    source = Project.read(project.resolve())
    output = output.resolve()
    if source.folder.is_relative_to(output):
        raise PageError(f"{output} holds the project itself: the site needs a folder of its own")
    with replacing(output) as building:
        (prepare or source.pre_render)()
        pages = source.pages(output)
        if not pages:
            raise PageError(f"{source.folder} has no pages")
        documents = [read_document(source, page) for page in pages]
        kept = kept or Kept.of(output)
        files = _write_pages(source, documents, building, kept)
        for file in {*files, *source.resources(), *frame.stylesheets(source)}:
            (building / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source.folder / file, building / file)
        for name, key in kept.keys().items():
            if not name.endswith(".html") and (building / name).is_file():
                kept.note(name, key, (building / name).read_bytes())
        kept.write(building, frame.includes(source, "include-after-body"))
        (building / "site_libs").mkdir(exist_ok=True)
        for name in _ASSETS:
            shutil.copy(HERE / name, building / "site_libs" / name)
    return [output / page.with_suffix(".html") for page in pages]


def _write_pages(project: Project, documents: list[Document], building: Path, kept: Kept) -> set[Path]:
    """Write every page, drawn or as the old site has it; gives the files that they link to."""
    titles = {document.page.as_posix(): document.title for document in documents}
    links, after = Links(project.folder, [d.page for d in documents]), frame.includes(project, "include-after-body")
    names = {document.page: document.page.with_suffix(".html").as_posix() for document in documents}
    known = kept.keys()
    keys = {d.page: _key(project, d, titles, known.get(names[d.page], "")) for d in documents}
    # An end with links in it would read otherwise on pages at another depth: such pages are drawn.
    movable = all(links.fit(document.page, after) == after for document in documents)
    texts: dict[Path, str] = {}
    for document in documents:
        old = kept.page(names[document.page], keys[document.page], after) if movable else None
        if old is not None and all((project.folder / file).is_file() for file in old[1]):
            texts[document.page] = old[0]
            links.files |= {Path(file) for file in old[1]}
            kept.note(names[document.page], keys[document.page], old[0].encode(), old[1])
    drawn = [document for document in documents if document.page not in texts]
    for document, text in zip(drawn, _texts(project, drawn, titles), strict=True):
        before, broken = set(links.files), len(links.broken)
        links.files = set()
        texts[document.page] = links.fit(document.page, text)
        own, links.files = links.files, links.files | before
        if len(links.broken) == broken:
            name = names[document.page]
            kept.note(name, keys[document.page], texts[document.page].encode(), [file.as_posix() for file in own])
    for page, text in texts.items():
        target = building / page.with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    for page, link in links.broken:
        logging.getLogger(__name__).warning("%s: the link to %s leads nowhere", page, link)
    return links.files


def _key(project: Project, document: Document, titles: Mapping[str, str], key: str) -> str:
    """What a page is made from, its source and its frame with the rest; empty where the rest is not known."""
    if not key:
        return ""
    asked = options(project, document, titles)
    asked |= {"variables": {k: v for k, v in asked["variables"].items() if k != "include-after-body"}}
    said = [key, [line.text for line in document.lines], document.metadata, asked, project.config]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()[:32]


def _texts(project: Project, documents: list[Document], titles: Mapping[str, str]) -> list[str]:
    """The HTML of every page. Pandoc works on two finished pages while cells of others run."""
    pool = ThreadPoolExecutor(2)
    try:
        waiting: list[Future[str]] = []
        for document, markdown in zip(documents, _executed(project, documents), strict=True):
            waiting.append(pool.submit(to_html, project, document, markdown, titles))
        return [future.result() for future in waiting]
    finally:
        pool.shutdown(cancel_futures=True)


def _executed(project: Project, documents: list[Document]) -> Iterator[str]:
    """The Markdown of every page: of few pages one after the other in this process, of many in two others.

    A process that starts reads the store first, which is as long as some pages take.
    """
    if len(documents) < MANY or (os.cpu_count() or 1) < 2:
        yield from (execute(project, document) for document in documents)
        return
    pool = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), initializer=_mute)
    try:
        yield from pool.map(partial(execute, project), documents)
    except BrokenProcessPool:
        raise PageError("a process that drew pages was ended from outside; was there memory enough?") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _mute() -> None:
    """Have nothing of a process that draws pages on the screen: libraries draw progress where Python has no script."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
