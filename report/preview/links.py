"""Makes the links of a page fit the place where it stands."""

import html
import os
import re
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

# What is inside a script, a style or a comment is not ours to change; every other tag may hold a link.
_TAG = re.compile(r"""<!--.*?-->|<(?P<name>[a-zA-Z][-\w]*)(?:[^<>"']|"[^"]*"|'[^']*')*>""", re.DOTALL)
_RAW = re.compile(r"</(script|style)\s*>", re.IGNORECASE)
_LINK = re.compile(r"""(?P<before>\s(?:href|src)=)(?P<quote>["'])(?P<link>.*?)(?P=quote)""", re.DOTALL)
_OUTSIDE = re.compile(r"^(?:[a-zA-Z][-+.\w]*:|//|#|\?|$)")


class Links:
    """The links of a site: `.qmd` becomes `.html`, `/x` is found from every depth, linked files are remembered."""

    def __init__(self, folder: Path, pages: Collection[Path]) -> None:
        self.folder = folder
        self.pages = {page.as_posix() for page in pages}
        self.files: set[Path] = set()
        self.broken: list[tuple[Path, str]] = []

    def fit(self, page: Path, text: str) -> str:
        """The HTML of a page with its links rewritten."""
        parts, at = [], 0
        while tag := _TAG.search(text, at):
            parts.append(text[at : tag.start()])
            at = tag.end()
            if not tag["name"]:
                parts.append(tag[0])
                continue
            parts.append(_LINK.sub(lambda match: self._link(page, match), tag[0]))
            if tag["name"].lower() in ("script", "style"):
                end = _RAW.search(text, at)
                stop = end.start() if end else len(text)
                parts.append(text[at:stop])
                at = stop
        return "".join([*parts, text[at:]])

    def _link(self, page: Path, match: re.Match[str]) -> str:
        link = html.unescape(match["link"])
        if _OUTSIDE.match(link):
            return match[0]
        path, mark, rest = re.fullmatch(r"([^?#]*)([?#]?)(.*)", link, re.DOTALL).groups()  # type: ignore[union-attr]
        base = PurePosixPath() if path.startswith("/") else PurePosixPath(page.as_posix()).parent
        target = os.path.normpath(base / unquote(path).lstrip("/"))
        if target in self.pages:
            path = path.removesuffix(".qmd") + ".html"
        elif (self.folder / target).is_file() and not target.startswith("../"):
            self.files.add(Path(target))
        elif not self._is_known(target):
            self.broken.append((page, link))
        if path.startswith("/"):
            depth = len(page.parts) - 1
            path = ("../" * depth or "./") + (path.lstrip("/") or "index.html")
        return f"{match['before']}{match['quote']}{html.escape(path + mark + rest)}{match['quote']}"

    def _is_known(self, target: str) -> bool:
        """Whether there may be something at a target that is no file of the project: what is outside is not ours."""
        made = target.startswith("site_libs/") or target.removesuffix(".html") + ".qmd" in self.pages
        return made or target.startswith("..") or (self.folder / target).is_dir()
