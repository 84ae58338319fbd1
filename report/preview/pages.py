"""Turns the Markdown of a page into HTML, with pandoc and the filter beside this file."""

import html
import json
import logging
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pypandoc

from report.preview import frame
from report.preview.documents import Document
from report.preview.project import PageError, Project, section

HERE = Path(__file__).parent
_SHOWN = ("title", "subtitle", "description", "author", "date")
_PROBLEM = re.compile(r"^crossref: (?P<says>.*?@(?P<label>\S+).*)$", re.MULTILINE)


def to_html(project: Project, document: Document, markdown: str, titles: Mapping[str, str]) -> str:
    """A whole HTML page from the Markdown of its text. Raises `PageError` at a reference to what is not there."""
    metadata = {key: document.metadata[key] for key in _SHOWN if document.metadata.get(key)}
    site = project.section("website").get("title") or ""
    metadata |= {"site-title": str(site), "page-footer": frame.footer(project) or None}
    # JSON is YAML; as front matter, its strings are read as Markdown.
    source = f"---\n{json.dumps(metadata, default=str)}\n---\n\n{markdown}\n"
    with tempfile.TemporaryDirectory() as folder:
        defaults = Path(folder) / "defaults.yaml"
        defaults.write_text(json.dumps(options(project, document, titles)), encoding="utf-8")
        done = subprocess.run(
            [pypandoc.get_pandoc_path(), f"--defaults={defaults}"],
            input=source,
            cwd=(project.folder / document.page).parent,
            # A copy of its own: the cells of the next page change the environment while this call starts.
            env=os.environ.copy(),
            capture_output=True,
            encoding="utf-8",
        )
    if done.returncode:
        raise PageError(_problem(document, done.stderr))
    for line in done.stderr.splitlines():
        logging.getLogger(__name__).warning("%s: %s", document.page, line)
    return done.stdout


def options(project: Project, document: Document, titles: Mapping[str, str]) -> dict[str, Any]:
    """The options of the call to pandoc; `variables` go into the template as they are."""
    favicon, site = (project.section("website").get(key) for key in ("favicon", "title"))
    variables = {
        "navbar": frame.navbar(project, titles, document.page),
        "navbar-title": html.escape(str(project.section("website", "navbar").get("title") or site or "")),
        "favicon": f"/{favicon}" if favicon else None,
        "css": [f"/{file.as_posix()}" for file in frame.stylesheets(project)],
        "include-in-header": frame.includes(project, "include-in-header"),
        "include-before-body": frame.includes(project, "include-before-body"),
        "include-after-body": frame.includes(project, "include-after-body"),
        "toc-title": _option(project, document, "toc-title", "On this page"),
    }
    return {
        "from": "markdown",
        "to": "html5",
        "standalone": True,
        "template": str(HERE / "template.html"),
        "filters": [str(HERE / "quarto.lua")],
        "table-of-contents": bool(_option(project, document, "toc", False)),
        "toc-depth": int(_option(project, document, "toc-depth", 3)),
        "number-sections": bool(_option(project, document, "number-sections", False)),
        "html-math-method": {"method": "mathml"},  # the only one that needs no script
        "section-divs": True,
        "email-obfuscation": "none",
        "wrap": "none",
        "eol": "lf",
        "variables": {key: value for key, value in variables.items() if value},
    }


def _option(project: Project, document: Document, key: str, default: Any) -> Any:
    """An option of the HTML format: the page's word before the project's, `format: html` before the top level."""
    for config in (document.metadata, project.config):
        for where in (section(config, "format", "html"), config):
            if key in where:
                return where[key]
    return default


def _problem(document: Document, stderr: str) -> str:
    """What pandoc, or the filter, stopped at."""
    found = _PROBLEM.search(stderr)
    if not found:
        return f"{document.page}: pandoc: {' '.join(stderr.split())}"
    label = re.compile(rf"[@#]{re.escape(found['label'])}(?![\w-])")
    # The last line that has the label: of two that define it, the second is the one too many.
    line = next((line for line in reversed(document.lines) if label.search(line.text)), None)
    place = f"{line.file}, line {line.number}" if line else str(document.page)
    return f"{place}: {found['says']}"
