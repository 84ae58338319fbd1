"""The door for words from outside: what goes through it is shown letter for letter, and nothing goes around it."""

import ast
import html
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pypandoc
import pytest
from hostile import CLASSES, LINK, PROBE, smuggled
from hypothesis import example, given, settings
from hypothesis import strategies as st

from report import show
from report.data import ROOT, slug
from report.show import Html, Markup

OWN = (ROOT / "show", ROOT / "preview")
PAGES = [path for path in sorted(ROOT.rglob("*.py")) if not any(path.is_relative_to(folder) for folder in OWN)]


def drawn(markdown: str) -> str:
    """The HTML that pandoc makes of Markdown."""
    command = [pypandoc.get_pandoc_path(), "--from=markdown", "--to=html", "--wrap=none"]
    return subprocess.run(command, input=markdown, capture_output=True, text=True, check=True).stdout.strip()


def words_of(markup: Markup | Html) -> str:
    """What a reader sees of something that went around Markdown, of which nothing but text may be left."""
    inner = re.sub(r"^`|`\{=html\}$", "", markup.source)
    assert not re.search(r"[<>{}`$@\[\]\\*|\n\"']", inner), inner
    return html.unescape(inner)


@pytest.mark.parametrize("words", [*CLASSES, PROBE, "", " ", "a", "1", "-", "ü日本", "a\u00a0b", "😀"], ids=ascii)
def test_words_come_out_as_they_are(words: str) -> None:
    one_line = re.sub(r"[\n\t]", " ", words)
    assert words_of(Html.text(words)).removesuffix("\u202c") == one_line
    assert words_of(Markup.text(words)).removesuffix("\u202c") == one_line
    paragraph = drawn(f"x{Markup('{}').format(words).source}x")
    assert html.unescape(re.sub(r"^<p>x|x</p>$", "", paragraph)).removesuffix("\u202c").strip() == one_line.strip()


@settings(max_examples=300, deadline=None)
@given(st.text())
@example("\ufdd0")
@example("\U0001fffe")
def test_any_words_come_out_as_they_are(words: str) -> None:
    shown = words_of(Html.text(words))
    assert words_of(Markup.text(words)) == shown
    shown = shown.rstrip("\u202c\u2069") if not words.endswith(("\u202c", "\u2069")) else shown
    for sign, kept in zip(words, shown, strict=True):
        assert kept == sign or (kept in " \ufffd" and not sign.isprintable()), (sign, kept)


def test_what_quarto_takes_for_its_own_is_broken_up() -> None:
    """Quarto keeps a shortcode as such words while pandoc reads, and takes them back from text and raw HTML alike."""
    words = smuggled("{{< env HOME >}}")
    frame = pd.DataFrame({"a": [words, "{{< env HOME >}}"]})
    for source in (Markup.text(words), show.code(words), show.prose(words), show.numbers(frame)):
        assert not re.search(r"[0-9a-f]{12};|\{\{<", source.source)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("a *b* **c** `d`", "a <em>b</em> <strong>c</strong> <code>d</code>"),
        (f"[l *m*]({LINK})", '<a href="https://example.org/a?b=1&c=2" rel="noopener">l <em>m</em></a>'),
        (f"<{LINK}>", f'<a href="{LINK}" rel="noopener">{LINK}</a>'),
        ("`*`, `<b>`", "<code>*</code>, <code><b></code>"),
        ("<b>x</b> &amp; &#65;", None),
        ("[l](javascript:alert(1)) [l](JaVaScRiPt:x) [l](//a.b) [l](a.html)", None),
        ("[l](data:text/html,x) [l](file:///etc) <mailto:a@b.cc> <a@b.cc>", None),
        ("![p](https://a.b/c.png) [r][x] # h $x$ | {{< env A >}} @fig-a ~~s~~ H~2~O x^2^", None),
        ('[l](https://a.b "onclick=x")', '<a href="https://a.b" rel="noopener">l</a>'),
        ('[l](https://a.b/"><img/src=x>)', '<a href="https://a.b/%22%3E%3Cimg/src=x%3E" rel="noopener">l</a>'),
        ("", ""),
    ],
)
def test_the_sentences_of_a_card(words: str, shown: str | None) -> None:
    """Emphasis, code and links to http and https; all else letter for letter."""
    assert html.unescape(show.prose_html(words).source) == (words if shown is None else shown)
    around = show.prose(words).source
    assert drawn(f"x{around}") == (f"<p>x{around[1:-8]}</p>" if words else "<p>x</p>")
    assert "<a" not in show.prose(words, links=False).source


def test_a_change_of_direction_ends_with_the_words() -> None:
    assert words_of(Html.text("\u202ea")) == "\u202ea\u202c"
    assert words_of(Html.text("\u2067\u202ea\u2069b\u202d")) == "\u2067\u202ea\u2069b\u202d\u202c"
    assert words_of(Html.text("\u2067\u202ea")) == "\u2067\u202ea\u202c\u2069"
    assert words_of(Html.text("\u202ea\u202c")) == "\u202ea\u202c"
    assert words_of(Html.text("a\x00\x1b[31m\ud800\u2028b")) == "a\ufffd\ufffd[31m\ufffd b"


def test_markup_and_text_are_never_mistaken_for_each_other() -> None:
    assert Markup("*{}* {:.1f} {:,}").format(Markup("**a**"), 1.25, 2000).source == "***a*** 1.2 2,000"
    assert Markup("{}").format("<b>").source == "`&#60;b&#62;`{=html}"
    assert Markup(", ").join(["a", Markup("*b*"), "<"]).source == "a, *b*, `&#60;`{=html}"
    assert show.listed(["a", "b", "c"]).source == "a, b and c"
    assert show.listed(["a"]).source == "a"
    with pytest.raises(TypeError, match="by `format`"):
        str(Markup("a"))
    with pytest.raises(TypeError, match="by `format`"):
        Html("<p>{}</p>").format(Markup("*a*"))
    for address in ("javascript:x", "a b", "a)b", "ä", "", "?q", "a\n"):
        with pytest.raises(ValueError, match="no address"):
            show.link(Markup("a"), address)


def test_nothing_in_the_numbers_of_a_chart_ends_their_script_or_their_block() -> None:
    words = ["</script>", "<!--", "```", "\n```\n", "a;b", "&lt;", "\u2028", "it's", "@fig-x", "$x$"]
    source = show.numbers(pd.DataFrame({"a": words, "b": [float("nan"), *range(9)]}), "select '</script>'").source
    inside = source[source.index(">") + 1 : -len("</script>")]
    assert not re.search(r"[<>&`;@$\n\u2028]", inside)
    read = json.loads(inside)
    assert [row[0] for row in read["rows"]] == words
    assert [row[1] for row in read["rows"]] == [None, *range(9)]
    assert read["sql"] == "select '</script>'"


def test_a_link_to_an_image_is_a_link_whatever_its_name_is() -> None:
    for name in (*CLASSES, "a/b c%2F.png"):
        shown = drawn(f"x{show.link_to_image(name).source}")
        (address,) = re.findall(r'href="([^"]*)"', html.unescape(shown))
        assert unquote(address.removeprefix("#image=")) == name
        assert re.fullmatch(r"#image=[\w.~%-]*", address)


SLUGS = [
    ("a", "b"),
    ("a-b",),
    ("a--b",),
    ("a", "", "b", "c"),
    ("a b",),
    ("a_b",),
    ("A-b",),
    ("-a",),
    ("a-",),
    ("ä",),
    ("clahe+sobel",),
    ("clahe-sobel",),
    ("clahe sobel",),
    ("x" * 64,),
    ("x" * 65,),
    (slug("a b"),),
    ("a", slug("b c")),
    *((label,) for label in CLASSES if label not in ("a b", "a-b")),
]


def test_no_two_texts_share_an_address() -> None:
    made = [slug(*texts) for texts in SLUGS]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", each) for each in made)
    assert made[:2] == ["a--b", "a-b"]
    assert slug("tiny", "48px-ep2") == "tiny--48px-ep2"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_page_goes_around_the_door(path: Path) -> None:
    """Markup is written in the source as it stands, or comes through the door: mypy tells text from it by the type, and
    that none is made from text is held here.
    """
    source = path.read_text(encoding="utf-8")
    program = '__name__ == "__main__"' in source  # it tells a terminal, and draws no page
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            assert node.attr != "made", f"line {node.lineno}"
            assert node.attr != "source" or path.stem == "prepare" or path.is_relative_to(ROOT / "preview"), (
                f"line {node.lineno}"
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print" or program, f"line {node.lineno}"
            if node.func.id in ("Markup", "Html"):
                (argument,) = node.args
                # A sentence that `prose.say` is given is a LiteralString, which mypy holds.
                literal = isinstance(argument, ast.Constant) or path.stem == "prose"
                assert literal, f"line {node.lineno}: not written as it stands"
