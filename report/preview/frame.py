"""What stands around the text of every page: navigation, footer, and what `_quarto.yml` includes."""

import html
from collections.abc import Mapping
from pathlib import Path

from report.preview.project import PageError, Project, as_list

_BROKEN = "_quarto.yml: website: navbar: an item is a file, or has `href` or `menu`; this is neither: "


def navbar(project: Project, titles: Mapping[str, str], current: Path) -> str:
    """The links at the top of a page, as HTML. A link without text is called what its page is called."""
    config = project.section("website", "navbar")
    lists = []
    for side in ("left", "right"):
        items = "".join(_item(item, titles, current) for item in as_list(config.get(side)))
        lists.append(f'<ul class="navbar-nav navbar-{side}">{items}</ul>' if items else "")
    return "".join(lists)


def includes(project: Project, place: str) -> str:
    """The raw HTML for one place of a page: `include-in-header`, `include-before-body`, `include-after-body`."""
    return "\n".join(_include(project, entry) for entry in as_list(project.section("format", "html").get(place)))


def stylesheets(project: Project) -> list[Path]:
    """The project's own style sheets, relative to it. Raises `PageError` where one is missing."""
    files = [Path(str(entry).lstrip("/")) for entry in as_list(project.section("format", "html").get("css"))]
    for file in files:
        if not (project.folder / file).is_file():
            raise PageError(f"_quarto.yml: the style sheet {file} does not exist")
    return files


def footer(project: Project) -> dict[str, str]:
    """The Markdown of the footer, by its place: `left`, `center`, `right`."""
    value = project.section("website").get("page-footer")
    parts = value if isinstance(value, dict) else {"center": value}
    return {place: str(parts[place]) for place in ("left", "center", "right") if isinstance(parts.get(place), str)}


def _item(item: object, titles: Mapping[str, str], current: Path, menu: bool = False) -> str:
    if isinstance(item, str):
        item = {"text": item} if set(item) == {"-"} else {"href": item}
    if not isinstance(item, dict):
        raise PageError(f"{_BROKEN}{item!r}")
    if "menu" in item:
        return _menu(item, titles, current)
    href = item.get("href", item.get("file"))
    text = item.get("text") or titles.get(str(href).lstrip("/")) or item.get("aria-label") or item.get("icon") or href
    if text is None:
        raise PageError(f"{_BROKEN}{item!r}")
    if href is None and menu:
        is_line = set(str(text)) == {"-"}
        return "<li><hr></li>" if is_line else f'<li class="dropdown-header">{html.escape(str(text))}</li>'
    if href is None:
        raise PageError(f"{_BROKEN}{item!r}")
    here = ' aria-current="page"' if str(href).lstrip("/") == current.as_posix() else ""
    # From the root of the project, so that the link is good on pages at any depth.
    target = f"/{str(href).lstrip('/')}" if str(href).lstrip("/") in titles else str(href)
    return f'<li><a class="nav-link" href="{html.escape(target)}"{here}>{html.escape(str(text))}</a></li>'


def _menu(item: dict[str, object], titles: Mapping[str, str], current: Path) -> str:
    entries = as_list(item["menu"])
    inside = "".join(_item(entry, titles, current, menu=True) for entry in entries)
    here = ' class="active"' if 'aria-current="page"' in inside else ""
    summary = f"<summary{here}>{html.escape(str(item.get('text', '')))}</summary>"
    return f'<li><details name="navbar-menu">{summary}<ul class="dropdown-menu">{inside}</ul></details></li>'


def _include(project: Project, entry: object) -> str:
    if isinstance(entry, dict) and "text" in entry:
        return str(entry["text"])
    file = entry.get("file") if isinstance(entry, dict) else entry
    path = project.folder / str(file).lstrip("/")
    if not path.is_file():
        raise PageError(f"_quarto.yml: the file {file} that is to be included does not exist")
    return path.read_text(encoding="utf-8")
