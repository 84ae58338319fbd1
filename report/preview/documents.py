"""Takes the source of a page apart: front matter, prose, cells. Every piece knows the line that it came from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from report.preview.project import PageError, Project, parse_yaml

_FENCE = re.compile(r"^(?P<indent>\s*)(?P<marks>`{3,}|~{3,})(?P<info>[^`]*)$")
_INCLUDE = re.compile(r"^\s*\{\{<\s+include\s+(?P<file>\S+)\s+>\}\}\s*$")


@dataclass(frozen=True)
class Line:
    """A line of source, with the file (relative to the project) and the number that it has there."""

    text: str
    file: Path
    number: int


@dataclass(frozen=True)
class Prose:
    """Markdown. `literal` is a fenced block, in which no inline expression is looked for."""

    text: str
    file: Path
    line: int
    literal: bool


@dataclass(frozen=True)
class Cell:
    """A `{python}` cell: its `#|` options, and the code below them, whose first line is `line`."""

    source: str
    options: dict[str, object]
    file: Path
    line: int


@dataclass(frozen=True)
class Document:
    """A page: its path relative to the project, its front matter, its pieces in order, its lines."""

    page: Path
    metadata: dict[str, object]
    pieces: list[Prose | Cell]
    lines: list[Line]

    @property
    def title(self) -> str:
        """What links to this page are called: the title, or the file's name where there is none."""
        return str(self.metadata.get("title") or self.page.stem)


def read_document(project: Project, page: Path) -> Document:
    """The page, taken apart. Raises `PageError` at YAML that is none, a missing include, a cell left open."""
    lines = list(_lines(project, page, ()))
    metadata: dict[str, object] = {}
    if lines and lines[0].text.rstrip() == "---":
        end = next((at for at, line in enumerate(lines[1:], 1) if line.text.rstrip() in ("---", "...")), None)
        if end is None:
            raise PageError(f"{page}, line 1: the front matter has no end")
        metadata = parse_yaml("\n".join(line.text for line in lines[1:end]), str(page), 2)
        lines = lines[end + 1 :]
    return Document(page, metadata, list(_pieces(lines)), lines)


def _lines(project: Project, file: Path, parents: tuple[Path, ...]) -> Iterator[Line]:
    """The lines of a file, with those of the files that it includes in their place."""
    for number, text in enumerate((project.folder / file).read_text(encoding="utf-8").splitlines(), 1):
        include = _INCLUDE.match(text)
        if not include:
            yield Line(text, file, number)
            continue
        base = project.folder if include["file"].startswith("/") else (project.folder / file).parent
        target = (base / include["file"].lstrip("/")).resolve()
        if not target.is_file() or not target.is_relative_to(project.folder):
            raise PageError(f"{file}, line {number}: there is no file {include['file']} to include")
        inner = target.relative_to(project.folder)
        if inner in (file, *parents):
            raise PageError(f"{file}, line {number}: {include['file']} includes itself")
        yield from _lines(project, inner, (file, *parents))


def _pieces(lines: list[Line]) -> Iterator[Prose | Cell]:
    prose: list[Line] = []
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at].text)
        end = _closing(lines, at, fence["marks"]) if fence else None
        is_cell = fence is not None and fence["info"].strip() == "{python}" and len(fence["indent"]) < 4
        if is_cell and end is None:
            raise PageError(f"{lines[at].file}, line {lines[at].number}: this cell is never closed")
        # A piece lies in one file, so that its lines count up from its first.
        if prose and (end is not None or prose[-1].file != lines[at].file):
            yield _prose(prose, literal=False)
            prose = []
        if end is None:
            prose.append(lines[at])
            at += 1
            continue
        yield _cell(lines[at], lines[at + 1 : end]) if is_cell else _prose(lines[at : end + 1], literal=True)
        at = end + 1
    if prose:
        yield _prose(prose, literal=False)


def _closing(lines: list[Line], at: int, marks: str) -> int | None:
    closing = re.compile(rf"^\s*{re.escape(marks[0])}{{{len(marks)},}}\s*$")
    return next((k for k in range(at + 1, len(lines)) if closing.match(lines[k].text)), None)


def _prose(lines: list[Line], literal: bool) -> Prose:
    return Prose("\n".join(line.text for line in lines), lines[0].file, lines[0].number, literal)


def _cell(fence: Line, body: list[Line]) -> Cell:
    count = next((k for k, line in enumerate(body) if not line.text.startswith("#|")), len(body))
    text = "\n".join(line.text[2:].removeprefix(" ") for line in body[:count])
    options = parse_yaml(text, str(fence.file), fence.number + 1)
    return Cell("\n".join(line.text for line in body[count:]), options, fence.file, fence.number + 1 + count)
