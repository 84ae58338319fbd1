"""Renders a whole site: every page of a project, and what the pages need."""

import logging
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from report.preview import frame
from report.preview.cells import execute
from report.preview.documents import Document, read_document
from report.preview.links import Links
from report.preview.pages import HERE, to_html
from report.preview.project import PageError, Project
from report.preview.publish import replacing

_ASSETS = ("preview.css", "preview.js")


def render(project: Path, output: Path) -> list[Path]:
    """Render the Quarto website in the folder `project` into the folder `output`, without Quarto.

    The pages are all `.qmd` files that are there once the project's `pre-render` scripts have run. Cells run in this
    process, one after the other, each page in a namespace of its own. The old site stays as it is until the new one is
    whole. Returns the HTML files, in the order of their names.

    Raises `PageError` when a cell fails, a reference leads nowhere, a file is missing, or `output` is no site; nothing
    has changed in `output` then.
    """
    source = Project.read(project.resolve())
    output = output.resolve()
    if source.folder.is_relative_to(output):
        raise PageError(f"{output} holds the project itself: the site needs a folder of its own")
    with replacing(output) as building:
        source.pre_render()
        pages = source.pages(output)
        if not pages:
            raise PageError(f"{source.folder} has no pages")
        documents = [read_document(source, page) for page in pages]
        links = Links(source.folder, pages)
        for document, text in zip(documents, _texts(source, documents), strict=True):
            target = building / document.page.with_suffix(".html")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(links.fit(document.page, text), encoding="utf-8")
        for page, link in links.broken:
            logging.getLogger(__name__).warning("%s: the link to %s leads nowhere", page, link)
        for file in {*links.files, *source.resources(), *frame.stylesheets(source)}:
            (building / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source.folder / file, building / file)
        (building / "site_libs").mkdir(exist_ok=True)
        for name in _ASSETS:
            shutil.copy(HERE / name, building / "site_libs" / name)
    return [output / page.with_suffix(".html") for page in pages]


def _texts(project: Project, documents: list[Document]) -> list[str]:
    """The HTML of every page. Cells take turns; pandoc works on two finished pages meanwhile."""
    titles = {document.page.as_posix(): document.title for document in documents}
    pool = ThreadPoolExecutor(2)
    try:
        waiting: list[Future[str]] = []
        for document in documents:
            markdown = execute(project, document)
            waiting.append(pool.submit(to_html, project, document, markdown, titles))
        return [future.result() for future in waiting]
    finally:
        pool.shutdown(cancel_futures=True)
