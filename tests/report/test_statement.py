"""The data statement says what a store holds, and the published one is that of the published store."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from paths import ROOT

from report.statement import plain, statement
from store import Store, query


def test_the_published_statement_is_that_of_the_published_store() -> None:
    """If this fails: `bench store statement`."""
    published = ROOT / "results"
    text = (published / "README.md").read_text(encoding="utf-8")
    assert text == statement(Store(published))
    cells = query(Store(published), "select distinct dataset, model, recipe from cells where done > 0").to_pylist()
    rows = set(re.findall(r"^\| ([a-z0-9-]+) \| ([a-z0-9-]+) \| (\S+) \|", text, re.M))
    assert rows >= {(c["dataset"], c["model"], c["recipe"]) for c in cells}
    for dataset in {cell["dataset"] for cell in cells}:
        assert f"### {dataset}\n" in text


def test_a_trial_says_which_code_trained_it(trained: Path) -> None:
    (row,) = query(Store(trained), "select any_value(versions_json) as versions from trials").to_pylist()
    said = json.loads(row["versions"])
    assert {"python", "torch", "numpy"} <= said.keys()
    if (ROOT / ".git").exists():
        assert re.fullmatch(r"[0-9a-f]{12}\+?", said["commit"])


@given(st.text())
def test_words_from_outside_mean_nothing(words: str) -> None:
    from html.parser import HTMLParser

    rendered = MarkdownIt("commonmark", {"html": True}).renderInline(plain(words))
    tags: list[str] = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    reader.feed(rendered)
    assert tags == []


@pytest.mark.parametrize("words", ["[a](javascript:b)", "<img src=x onerror=y>", "*a*", "`a`", "|", "{{< env HOME >}}"])
def test_words_are_shown_letter_for_letter(words: str) -> None:
    import html

    assert html.unescape(MarkdownIt().renderInline(plain(words))) == words
