"""The one door for words from outside.

What a store or a card says is text (`str`); what a page prints is `Markup`, and what stands inside a figure is `Html`.
Text becomes either here alone: shown letter for letter, and never Markdown, HTML, maths, a cross-reference or a
shortcode. Quarto looks for its shortcodes in all that a cell prints, raw HTML too, and once more in words that Markdown
has made of it. So text goes around Markdown, as raw HTML in which every sign that could begin something is a number.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from numbers import Number
from string import Formatter
from typing import ClassVar, LiteralString, Self
from urllib.parse import quote

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline


class _Safe(ABC):
    """Text that may be printed: written in this project's source, or made from such and escaped words by `format`."""

    __slots__ = ("source",)
    _formatter: ClassVar["_Formatter"]

    def __init__(self, source: LiteralString) -> None:
        self.source: str = source

    def __init_subclass__(cls) -> None:
        cls._formatter = _Formatter(cls)

    @classmethod
    def made(cls, source: str) -> Self:
        """What has been made safe already. For this module alone: a test looks for others that call it."""
        new = cls.__new__(cls)
        new.source = source
        return new

    @classmethod
    @abstractmethod
    def text(cls, words: str) -> Self:
        """Words from outside, letter for letter."""

    def format(self, *values: object, **named: object) -> Self:
        """As `str.format`: what is of this class goes in as it is, numbers as they are written, all else as text."""
        return self.made(self._formatter.written(self.source, values, named))

    def join(self, parts: Iterable["Self | str"]) -> Self:
        """As `str.join`; words among the parts go in as text."""
        return self.made(self.source.join(p.source if isinstance(p, _Safe) else self.text(p).source for p in parts))

    def __add__(self, other: Self) -> Self:
        return self.made(self.source + other.source)

    def __bool__(self) -> bool:
        return bool(self.source)

    def __str__(self) -> str:
        raise TypeError(
            f"{type(self).__name__} goes into {type(self).__name__} by `format`, and onto a page by `write`"
        )


class _Formatter(Formatter):
    def __init__(self, kind: type[_Safe]) -> None:
        self.kind = kind

    def written(self, source: str, values: Sequence[object], named: Mapping[str, object]) -> str:
        """As `vformat`, which reads its template anew each time: charts fill the same few in by the thousand."""
        fields = _fields(source)
        if fields is None or named or sum(spec is not None for _, spec in fields) > len(values):
            return self.vformat(source, values, named)
        given = iter(values)
        parts = []
        for literal, spec in fields:
            parts.append(literal)
            if spec is not None:
                parts.append(self.format_field(next(given), spec))
        return "".join(parts)

    def format_field(self, value: object, format_spec: str) -> str:
        if type(value) is self.kind:
            return value.source
        if type(value) is str and not format_spec:
            return self.kind.text(value).source
        if isinstance(value, _Safe):
            str(value)  # says so
        written = format(value, format_spec)
        return written if isinstance(value, Number) else self.kind.text(written).source


@lru_cache(maxsize=4096)
def _fields(source: str) -> list[tuple[str, str | None]] | None:
    """The words of a template, each with how the value behind it is written; None where a field is more than `{:…}`."""
    found: list[tuple[str, str | None]] = []
    for literal, name, spec, conversion in Formatter().parse(source):
        if name or conversion or (spec and "{" in spec):
            return None
        found.append((literal, None if name is None else spec or ""))
    return found


class Html(_Safe):
    """HTML for the inside of a figure."""

    @classmethod
    def text(cls, words: str) -> Self:
        """Words from outside, for between tags and for attributes in double quotes."""
        return cls.made(_escaped(words))


class Markup(_Safe):
    """Markdown that a page may print."""

    @classmethod
    def text(cls, words: str) -> Self:
        """Words from outside, as raw HTML; letters and digits with single spaces between mean nothing to Markdown."""
        plain = re.fullmatch(r"[^\W_]+( [^\W_]+)*", words)
        return cls.made(words if plain else _inline(Html.text(words)))


class _Reader(MarkdownIt):
    """Markdown-it with nothing but emphasis, code and links; pictures are not links behind a `!`."""

    def __init__(self) -> None:
        super().__init__("zero")
        self.enable(["backticks", "emphasis", "link", "autolink"])
        self.inline.ruler.before("link", "no picture", _no_picture)

    def validateLink(self, url: str) -> bool:  # noqa: N802
        """What is no such address is no link, and stays as it is written."""
        return url.startswith(("http://", "https://"))


def _no_picture(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith("![", state.pos):
        return False
    if not silent:
        state.pending += "!["
    state.pos += 2
    return True


def text(words: str) -> Markup:
    """Words from outside: a name, a message, an answer of a query."""
    return Markup.text(words)


def code(words: str) -> Markup:
    """Words from outside, set as code."""
    return Markup.made(_inline(Html("<code>{}</code>").format(words)))


def prose(words: str, *, links: bool = True) -> Markup:
    """A sentence of a card, as `prose_html` makes it."""
    return Markup.made(_inline(prose_html(words, links=links)))


def prose_html(words: str, *, links: bool = True) -> Html:
    """A sentence of a card, which may hold emphasis, code, and links to http and https; all else is shown as it stands.

    The Markdown is read by markdown-it and what it makes is cleaned by nh3. Without `links` their words alone are kept,
    for titles, which stand in links of their own.
    """
    made = nh3.clean(
        _Reader().renderInline(_shown(" ".join(words.split()))),
        tags={"em", "strong", "code"} | ({"a"} if links else set()),
        attributes={"a": {"href"}, "*": set()},
        url_schemes={"http", "https"},
        link_rel="noopener",
    )
    # What is neither a tag nor a reference by now is a sign of the text, or of an address.
    return Html.made(re.sub(r"&[a-z]+;|[^\w\s<>/=\"&.,-]", lambda m: m[0] if len(m[0]) > 1 else _number(m[0]), made))


def link(words: Markup, address: str) -> Markup:
    """A link within this site.

    Raises:
        ValueError: the address holds more than names by the store's rule, and what `data.slug` makes, are made of.
    """
    _check(address)
    return Markup.made(f"[{words.source}]({address})")


def _check(address: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_./#-]+", address):
        raise ValueError(f"{address!a} is no address of a page of this site")


def file_link(words: str, address: str) -> Markup:
    """A link to a file beside the pages that a reader downloads. Raises as `link`."""
    _check(address)
    return Markup.made(f"[{Markup.text(words).source}]({address}){{download=''}}")


def link_to_image(image: str, more: str = "", page: str = "") -> Markup:
    """A link to what every model said of an image; `more` stands behind its name.

    `page` is the address of its dataset's page, empty on that page itself. Raises as `link`.
    """
    if page:
        _check(page)
    drawn = Html('<a class="image-link" href="{}#image={}">{}</a>{}')
    drawn = drawn.format(Html.made(page), quote(image, safe=""), image, more)
    return Markup.made(_inline(drawn))


def listed(parts: Sequence[Markup | str]) -> Markup:
    """Words as a sentence lists them."""
    ends = [Markup(", ").join(parts[:-1]), *parts[-1:]] if len(parts) > 1 else parts
    return Markup(" and ").join(ends)


def _inline(html: Html) -> str:
    """HTML within Markdown, as it is; no sign in it could end it."""
    return f"`{html.source}`{{=html}}" if html else ""


def _number(sign: str) -> str:
    return f"&#{ord(sign)};"


@lru_cache(maxsize=8192)
def _escaped(words: str) -> str:
    """Every dot of a chart has the same few words in it."""
    return _numbered(_shown(words))


def _numbered(words: str) -> str:
    """Every sign but letters, digits and few others by its number. Spaces at the ends would be cut."""
    inner = re.sub(r"[^\w .,-]", lambda m: _number(m[0]), words)
    return re.sub(r"^ | $", _number(" "), inner)


def written(html: Html) -> str:
    """The text of HTML for a file that is read as it is, where no engine stands between."""
    return html.source


_EMBEDDED, _ISOLATED = "\u202a\u202b\u202d\u202e", "\u2066\u2067\u2068"
_POP, _POP_ISOLATE = "\u202c", "\u2069"


_ODD = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
    + "]"
)
"""What cannot be shown as it is, or changes the direction."""


def _shown(words: str) -> str:
    """What of the words can be shown: a sign that is none is an unknown one; changes of direction end there."""
    if not _ODD.search(words):  # as nearly always
        return words
    shown = "".join(map(_sign, words))
    closing: list[str] = []
    for sign in shown:
        if sign in _EMBEDDED or sign in _ISOLATED:
            closing.append(_POP if sign in _EMBEDDED else _POP_ISOLATE)
        elif sign == _POP and closing[-1:] == [_POP]:
            closing.pop()
        elif sign == _POP_ISOLATE and _POP_ISOLATE in closing:
            while closing.pop() != _POP_ISOLATE:
                pass
    return shown + "".join(reversed(closing))


def _sign(c: str) -> str:
    if c in "\t\n\r\v\f\x85":
        return " "
    if 0xFDD0 <= ord(c) <= 0xFDEF or ord(c) & 0xFFFE == 0xFFFE:  # what Unicode keeps free of any sign
        return "\ufffd"
    return {"Cc": "\ufffd", "Cs": "\ufffd", "Zl": " ", "Zp": " "}.get(unicodedata.category(c), c)
