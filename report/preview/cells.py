"""Runs the Python of a page, and puts what it prints in the place of the code."""

import ast
import contextlib
import io
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from report.preview.documents import Cell, Document, Prose
from report.preview.project import PageError, Project, section

_INLINE = re.compile(r"(?<!`)`\{python\}[ \t]+([^`]+)`")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|$^~@])")
_QUIET = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


def execute(project: Project, document: Document) -> str:
    """The Markdown of a page once its cells have run.

    The cells of a page share a namespace that no other page sees. They run in this process, in the page's folder, with
    Quarto's environment variables; folder, environment and import path are put back afterwards. Raises `PageError` at
    the first cell or inline expression that fails.
    """
    defaults = project.section("execute") | section(document.metadata, "execute")
    namespace: dict[str, object] = {"__name__": "__main__"}
    parts = []
    with _surroundings(project, document):
        for piece in document.pieces:
            if isinstance(piece, Cell):
                # Blank lines keep what a cell prints apart from the paragraphs around it.
                parts.append(f"\n{_cell(piece, defaults | piece.options, namespace)}\n")
            else:
                parts.append(piece.text if piece.literal else _inline(piece, namespace))
    return "\n".join(parts)


@contextlib.contextmanager
def _surroundings(project: Project, document: Document) -> Iterator[None]:
    folder = (project.folder / document.page).parent
    environment, path = dict(os.environ), sys.path.copy()
    with contextlib.chdir(folder), warnings.catch_warnings():
        # A warning in a cell is for whoever renders, as in Jupyter: on stderr, and never an error.
        warnings.simplefilter("default")
        for category in _QUIET:
            warnings.simplefilter("ignore", category)
        os.environ["QUARTO_PROJECT_DIR"] = os.environ["QUARTO_PROJECT_ROOT"] = str(project.folder)
        os.environ["QUARTO_DOCUMENT_PATH"] = str(folder)
        os.environ["QUARTO_DOCUMENT_FILE"] = document.page.name
        # Last, so that a module beside the page never hides one of the standard library.
        sys.path.append(str(folder))
        try:
            yield
        finally:
            # Never empty in between: pandoc may be starting in another thread.
            for name in os.environ.keys() - environment.keys():
                del os.environ[name]
            os.environ.update(environment)
            sys.path[:] = path


def _cell(cell: Cell, options: dict[str, object], namespace: dict[str, object]) -> str:
    """The Markdown that stands in the place of a cell."""
    printed, shown = _run(cell, namespace) if options.get("eval", True) else ("", "")
    if not options.get("include", True):
        return ""
    code = _fenced(cell.source, "{.python .cell-code}") if options.get("echo", True) and cell.source else ""
    output = []
    wanted = options.get("output", True)
    if wanted and printed.strip():
        output.append(printed if wanted == "asis" else _fenced(printed, "{.cell-output}"))
    if wanted and shown:
        output.append(shown)
    return "\n\n".join(part for part in (code, _labelled("\n\n".join(output), cell.options)) if part)


def _labelled(output: str, options: dict[str, object]) -> str:
    """The output under its label: a numbered figure or table where there is a caption, else a place to link to."""
    label = str(options.get("label") or "")
    kind = label[:3] if label.startswith(("fig-", "tbl-")) else ""
    caption = options.get(f"{kind}-cap") if kind else None
    if not output or not label or (kind and caption is None):
        return output
    return f"::: {{#{label} .cell}}\n{output}\n\n{caption or ''}\n:::"


def _run(cell: Cell, namespace: dict[str, object]) -> tuple[str, str]:
    """What a cell prints, and the Markdown that shows the value of its last line where that is an expression."""
    printed, shown = io.StringIO(), ""
    with _failures(cell.file, cell.line), contextlib.redirect_stdout(printed):
        tree = ast.parse(_at_line(cell.source, cell.line), str(cell.file))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, str(cell.file), "exec", dont_inherit=True), namespace)
        if isinstance(last, ast.Expr):
            value = _evaluate(ast.Expression(last.value), cell.file, namespace)
            # As in Jupyter, a semicolon at the end says that the value is not to be shown.
            if value is not None and not cell.source.rstrip().endswith(";"):
                markdown = _markdown(value)
                shown = _fenced(repr(value), "{.cell-output}") if markdown is None else markdown
    return printed.getvalue(), shown


def _inline(prose: Prose, namespace: dict[str, object]) -> str:
    """The prose with its inline expressions worked out; their text is text, not Markdown, as in Quarto."""

    def shown(match: re.Match[str]) -> str:
        line = prose.line + prose.text.count("\n", 0, match.start())
        with _failures(prose.file, line), contextlib.redirect_stdout(io.StringIO()):
            tree = ast.parse(_at_line(match[1].strip(), line), str(prose.file), "eval")
            value = _evaluate(tree, prose.file, namespace)
            text, markdown = str(value), _markdown(value)
        return _MARKUP.sub(r"\\\1", text) if markdown is None else markdown

    return _INLINE.sub(shown, prose.text)


def _evaluate(expression: ast.Expression, file: Path, namespace: dict[str, object]) -> object:
    return eval(compile(expression, str(file), "eval", dont_inherit=True), namespace)


@contextlib.contextmanager
def _failures(file: Path, line: int) -> Iterator[None]:
    """Turn any failure of a page's code into a `PageError` with the line of the page that failed."""
    try:
        yield
    except (Exception, SystemExit) as error:
        text, name = str(error), type(error).__name__
        inside = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        if inside:
            line = inside[-1] or line
        elif isinstance(error, SyntaxError) and error.filename == str(file):
            line, text = error.lineno or line, error.msg
        reason = " ".join(text.split())
        raise PageError(f"{file}, line {line}: {name}{': ' if reason else ''}{reason}") from error


def _at_line(source: str, line: int) -> str:
    """Code moved down to where it stands on its page, so that Python's own line numbers are the page's."""
    return "\n" * (line - 1) + source


def _markdown(value: object) -> str | None:
    """How an object wants to be shown in Markdown (`IPython.display.Markdown`), where it says so."""
    show = getattr(value, "_repr_markdown_", None)
    return str(show()) if callable(show) and not isinstance(value, type) else None


def _fenced(text: str, attributes: str) -> str:
    """A fenced block, its fence longer than any row of backticks in the text."""
    marks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{marks} {attributes}\n{text.rstrip()}\n{marks}"
