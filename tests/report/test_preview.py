"""The preview engine: one small site is rendered for real and looked at; then everything that may go wrong, does."""

import functools
import http.server
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from report.preview import PageError, publish, render

CONFIG = """
project:
  type: website
  pre-render: make_pages.py
  resources: ["data/*.csv"]
website:
  title: "Cells & more"
  navbar:
    left:
      - index.qmd
      - text: Datasets
        menu: [datasets/wbc.qmd, {text: "---"}, {text: Made, href: datasets/made.qmd}]
    right: [{text: Source, href: "https://example.org/"}]
  page-footer: "Drawn from `a1b2`."
format:
  html:
    toc: true
    css: own.css
    include-in-header: [{text: '<script src="/lib/chart.js"></script>'}, {file: _head.html}]
execute:
  echo: false
"""

MAKE_PAGES = """
import os, pathlib
folder = pathlib.Path(os.environ["QUARTO_PROJECT_DIR"])
assert folder == pathlib.Path.cwd()
(folder / "datasets" / "made.qmd").write_text("---\\ntitle: Made by a script\\n---\\n\\n[Home](/index.qmd#sec-why)\\n")
"""

INDEX = """\
---
title: Small images
description: 'What "small" means.'
---

```{python}
import os, warnings
warnings.warn("for whoever renders")
best = 0.9312
here = os.environ["QUARTO_DOCUMENT_FILE"], os.getcwd() == os.environ["QUARTO_PROJECT_DIR"]
```

Best is `{python} f"{best:.1%} *plain*"`, see @fig-late, @fig-early, @tbl-scores and @sec-why.

{{< include _note.qmd >}}

```{python}
#| output: asis
print("::: {#fig-early .column-page}\\n```{=html}")
print('<div id="chart"></div><script>draw("#chart", `<a href="index.qmd">`)</script>')
print("```\\n\\nThe *early* caption.\\n:::")
```

## Why {#sec-why}

| model | score | n |
|:------|-------|--:|
| vgg   | 0.93  | 1 |
| cnn   | 0.78  | 2 |

: Scores. {#tbl-scores}

::: {.panel-tabset}
### First tab
one

### Second tab
two

::: {#fig-late}
![](/data/dot.svg){fig-alt="a dot"}

The late caption.
:::
:::

```{python}
#| echo: true
print("printed")
here
```

```{python}
#| include: false
print("never seen")
```

```{python}
#| eval: false
raise SystemExit("never run")
```

```` markdown
```{python}
shown_only
```
````

[A page](datasets/wbc.qmd?x=1#top), [a table](data/scores.csv) and $a < b$.
"""

NOTE = """\
::: {.callout-warning collapse="true" title="What this *cannot* show"}
Two plus two is `{python} 2 + 2`.
:::
"""

FILES = {
    "_quarto.yml": CONFIG,
    "make_pages.py": MAKE_PAGES,
    "index.qmd": INDEX,
    "_note.qmd": NOTE,
    "_head.html": '<meta name="from" content="file">',
    "datasets/wbc.qmd": "---\ntitle: White cells\ntoc: false\n---\n\n[Back](../index.qmd)\n\n## Images\n",
    "datasets/_draft/unfinished.qmd": "# Not a page\n",
    "data/scores.csv": "model,score\n",
    "data/votes.csv": "model,vote\n",
    "data/dot.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="9"/></svg>',
    "lib/chart.js": "window.draw = (at, text) => { document.querySelector(at).textContent = text; };",
    "own.css": ":root { --own: 1; }",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Reader(HTMLParser):
    """The links and the ids of a page, and whether its tags are balanced."""

    VOID = frozenset(["meta", "link", "img", "br", "hr", "input", "col", "circle", "path"])

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preview")
    output = folder / "site"
    with pytest.warns(UserWarning, match="for whoever renders"):  # shown, and no error
        pages = render(write(folder / "project", FILES), output)
    names = ("datasets/made.html", "datasets/wbc.html", "index.html")
    assert pages == [output.resolve() / name for name in names]
    return output


@pytest.fixture(scope="module")
def index(site: Path) -> str:
    return (site / "index.html").read_text(encoding="utf-8")


def test_a_site_holds_its_pages_and_what_they_need(site: Path) -> None:
    assert set(contents(site)) == {
        *("datasets/made.html", "datasets/wbc.html", "index.html"),
        *("data/scores.csv", "data/votes.csv", "data/dot.svg", "lib/chart.js", "own.css"),
        *("site_libs/preview.css", "site_libs/preview.js", ".bench-site"),
    }
    assert [path.name for path in site.parent.iterdir() if path.name.startswith(".")] == []


def test_every_link_is_good_from_where_it_stands(site: Path) -> None:
    pages = {page: Reader(page.read_text(encoding="utf-8")) for page in site.rglob("*.html")}
    checked = 0
    for page, reader in pages.items():
        assert len(set(reader.ids)) == len(reader.ids)
        assert reader.open == []
        for link in map(urlsplit, reader.links):
            if link.scheme:
                assert link.scheme in ("data", "https")
                continue
            target = (page.parent / link.path).resolve() if link.path else page
            assert target.is_file(), (page, link)
            if link.fragment and link.path != "" and not link.query:
                assert link.fragment in pages[target].ids
            checked += 1
    assert checked > 30
    made = (site / "datasets" / "made.html").read_text(encoding="utf-8")
    assert '<script src="../lib/chart.js"></script>' in made
    assert '<a class="nav-link" href="../datasets/made.html" aria-current="page">Made</a>' in made
    assert '<a href="../index.html#sec-why">Home</a>' in made


def test_figures_and_tables_are_numbered_in_the_order_of_the_page(index: str) -> None:
    assert 'Best is 93.1% *plain*, see <a href="#fig-late" class="quarto-xref">Figure\u00a02</a>' in index
    assert '<a href="#fig-early" class="quarto-xref">Figure\u00a01</a>' in index
    assert '<a href="#tbl-scores" class="quarto-xref">Table\u00a01</a>' in index
    assert '<a href="#sec-why" class="quarto-xref">Section\u00a01</a>' in index
    assert '<figure id="fig-early" class="quarto-float quarto-float-fig column-page">' in index
    assert "<figcaption>Figure\u00a01: The <em>early</em> caption.</figcaption>" in index
    assert "<figcaption>Figure\u00a02: The late caption.</figcaption>" in index
    table = index[index.index('<figure id="tbl-scores"') :]
    assert table.index("<figcaption>Table\u00a01: Scores.</figcaption>") < table.index("<table>")
    # Numbers to the right, also where the author has not said so.
    assert '<td style="text-align: left;">vgg</td>\n<td style="text-align: right;">0.93</td>' in table


def test_cells_and_their_options(index: str) -> None:
    assert '<script>draw("#chart", `<a href="index.qmd">`)</script>' in index  # raw HTML as it was printed
    assert '<pre class="cell-output"><code>printed</code></pre>' in index
    assert "<code>(&#39;index.qmd&#39;, True)</code>" in index
    assert index.count("cell-code") == 1  # the one with `echo: true`
    assert "never" not in index
    assert "shown_only" in index
    assert "Two plus two is 4." in index


def test_callouts_tabs_titles_and_the_table_of_contents(site: Path, index: str) -> None:
    assert '<details class="callout callout-warning">' in index
    assert "<span>What this <em>cannot</em> show</span></summary>" in index
    assert index.count('role="tab"') == index.count('role="tabpanel"') == 2
    assert "<title>Small images – Cells &amp; more</title>" in index
    assert '<meta name="description" content="What “small” means.">' in index
    contents_list = index[index.index('<nav id="TOC"') :]
    assert '<a href="#sec-why"' in contents_list
    assert "First tab" not in contents_list
    assert 'id="TOC"' not in (site / "datasets" / "wbc.html").read_text(encoding="utf-8")
    assert 'alt="a dot"' in index


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("# A\n\n```{python}\nx = {}\n\nx['malaria']\n```\n", "bad.qmd, line 6: KeyError: 'malaria'"),
        ("```{python}\ndef f():\n    1 / 0\n```\n\n```{python}\n#| echo: true\nf()\n```\n", "bad.qmd, line 3: ZeroDiv"),
        ("```{python}\n#| echo: true\nx = (\n```\n", "bad.qmd, line 3: SyntaxError: '(' was never closed"),
        ("text\n\n`{python} missing`\n", "bad.qmd, line 3: NameError: name 'missing' is not defined"),
        ("```{python}\nraise SystemExit(2)\n```\n", "bad.qmd, line 2: SystemExit: 2"),
        ("```{python}\n1\n", "bad.qmd, line 1: this cell is never closed"),
        ("{{< include _broken.qmd >}}\n", "_broken.qmd, line 2: ValueError: two lines"),
        ("{{< include _none.qmd >}}\n", "bad.qmd, line 1: there is no file _none.qmd to include"),
        ("---\ntitle: a: b\n---\n", "bad.qmd, line 2: YAML: mapping values are not allowed here"),
        ("a\n\nsee @fig-none\n", "bad.qmd, line 3: there is no @fig-none on this page"),
        ("::: {#fig-a}\nx\n\ny\n:::\n\n::: {#fig-a}\nx\n\ny\n:::\n", "bad.qmd, line 7: @fig-a is defined twice"),
    ],
)
def test_a_page_that_fails_leaves_the_old_site_as_it_was(site: Path, tmp_path: Path, page: str, message: str) -> None:
    output = Path(shutil.copytree(site, tmp_path / "site"))
    before, surroundings = contents(output), (Path.cwd(), dict(os.environ), sys.path.copy(), sys.stdout)
    broken = '```{python}\nraise ValueError("two\\nlines")\n```\n'
    files = {"_quarto.yml": "project: {type: website}\n", "_broken.qmd": broken, "a.qmd": "# Good\n", "bad.qmd": page}
    with pytest.raises(PageError) as failure:
        render(write(tmp_path / "project", files), output)
    assert str(failure.value).startswith(message)
    assert "\n" not in str(failure.value)
    assert contents(output) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project", "site"]
    assert (Path.cwd(), dict(os.environ), sys.path, sys.stdout) == surroundings


def test_a_failing_script_says_its_last_words(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = {
        "_quarto.yml": "project: {pre-render: [make.py]}\n",
        "make.py": "print('working')\nraise RuntimeError('no store')\n",
        "index.qmd": "# A\n",
    }
    with pytest.raises(PageError, match=r"^pre-render make\.py: RuntimeError: no store$"):
        render(write(tmp_path / "project", files), tmp_path / "site")
    assert not (tmp_path / "site").exists()
    assert capfd.readouterr().out == ""


def test_only_a_site_is_ever_replaced(tmp_path: Path) -> None:
    project = write(tmp_path / "project", {"_quarto.yml": "", "index.qmd": "# A\n"})
    write(tmp_path / "thesis", {"chapter1.tex": "years of work"})
    with pytest.raises(PageError, match="left alone"):
        render(project, tmp_path / "thesis")
    assert contents(tmp_path / "thesis") == {"chapter1.tex": b"years of work"}
    with pytest.raises(PageError, match="holds the project itself"):
        render(project, tmp_path)


@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_new_site_takes_the_whole_place_of_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_one_step: bool
) -> None:
    if not in_one_step:
        monkeypatch.setattr(publish, "_exchange", lambda new, old: False)
    project = write(tmp_path / "project", {"_quarto.yml": "", "index.qmd": "# A\n", "gone.qmd": "# B\n"})
    render(project, project / "public")  # inside the project, as with Quarto's own output folder
    (project / "gone.qmd").unlink()
    (project / "public" / "left.qmd").write_text("# Not a page of the project\n")
    assert render(project, project / "public") == [project.resolve() / "public" / "index.html"]
    assert {name.partition("/")[0] for name in contents(project / "public")} == {
        "index.html",
        "left.qmd",
        "site_libs",
        ".bench-site",
    }
    assert sorted(path.name for path in project.iterdir()) == ["_quarto.yml", "index.qmd", "public"]


MINE = {
    "CNAME": "bench.example.org",
    ".git/HEAD": "ref: refs/heads/main",
    ".nojekyll": "",
    "datasets/notes.html": "mine",
    "a b/ü.txt": "mine",
}


@pytest.mark.parametrize("links", [True, False])
def test_what_somebody_put_beside_the_pages_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    pages = {"_quarto.yml": "", "index.qmd": "# A\n", "datasets/x.qmd": "# X\n"}
    project, output = write(tmp_path / "project", pages), tmp_path / "site"
    render(project, output)
    write(output, MINE)
    (output / "empty").mkdir()
    (output / "link").symlink_to("CNAME")
    output.chmod(0o750)
    (project / "datasets" / "x.qmd").rename(project / "datasets" / "y.qmd")
    for _ in range(2):
        render(project, output)
        after = contents(output)
        assert {name: after[name].decode() for name in MINE} == MINE
        assert "datasets/y.html" in after
        assert "datasets/x.html" not in after, "a page of ours that is drawn no more is gone"
        assert (output / "empty").is_dir()
        assert (output / "link").readlink() == Path("CNAME")
        assert output.stat().st_mode & 0o777 == 0o750
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project", "site"]


def test_no_page_takes_the_place_of_somebodys_file(tmp_path: Path) -> None:
    project, output = write(tmp_path / "project", {"_quarto.yml": "", "index.qmd": "# A\n"}), tmp_path / "site"
    render(project, output)
    write(output, {"extra.html": "mine", "more": "mine"})
    before = contents(output)
    for page in ("extra.qmd", "more/page.qmd"):
        write(project, {page: "# B\n"})
        with pytest.raises(PageError, match=r"site/(extra\.html|more) is none of the pages .* move it$"):
            render(project, output)
        assert contents(output) == before
        (project / page).unlink()


def test_a_site_of_an_earlier_version_keeps_what_is_plainly_not_ours(tmp_path: Path) -> None:
    """Its marker is empty: it does not say which files are its own."""
    pages = {"_quarto.yml": "", "index.qmd": "# A\n", "datasets/x.qmd": "# X\n", "datasets/y.qmd": "# Y\n"}
    project, output = write(tmp_path / "project", pages), tmp_path / "site"
    render(project, output)
    (output / ".bench-site").write_text("")
    write(output, {name: MINE[name] for name in ("CNAME", ".git/HEAD")})
    (project / "datasets" / "x.qmd").unlink()
    render(project, output)
    assert {"CNAME", ".git/HEAD", "datasets/y.html"} < contents(output).keys()
    assert "datasets/x.html" not in contents(output)


@pytest.mark.parametrize("place", ["file/site", "file", "/proc/site", "/dev/null/site"])
def test_a_site_that_cannot_be_put_there_is_one_sentence(tmp_path: Path, place: str) -> None:
    project = write(tmp_path / "project", {"_quarto.yml": "", "index.qmd": "# A\n"})
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PageError, match=r"^[^\n]*(cannot be written \(|is left alone)[^\n]*$"):
        render(project, tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_in_a_browser(address: str) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    flags += " --disable-background-networking --disable-component-update --disable-sync"
    wrong: list[str] = []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags.split())
        page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("response", lambda response: wrong.append(response.url) if response.status >= 400 else None)
        page.on("request", lambda r: None if r.url.startswith((address, "data:")) else wrong.append(r.url))
        for name in ("datasets/made.html", "datasets/wbc.html", "index.html"):
            page.goto(address + name)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert (
            page.inner_text("#chart") == '<a href="index.qmd">'
        )  # the script of the header, and that of the figure, have run

        first, second = page.get_by_role("tab").all()
        assert page.get_by_role("tabpanel").inner_text() == "one"
        first.focus()
        page.keyboard.press("ArrowRight")
        assert second.get_attribute("aria-selected") == "true"
        assert second.evaluate("tab => tab === document.activeElement")
        assert page.get_by_role("tabpanel").inner_text().startswith("two")
        page.keyboard.press("ArrowRight")  # around to the first again
        assert first.get_attribute("aria-selected") == "true"
        page.get_by_role("link", name="Figure\u00a02").click()  # a link into the hidden tab opens it
        assert page.get_by_role("tabpanel").inner_text().startswith("two")

        theme = "[document.documentElement.dataset.bsTheme, document.body.className.replace('has-toc ', '')]"
        assert page.evaluate(theme) == ["dark", "quarto-dark"]
        page.get_by_role("button", name="Dark theme").click()
        page.reload()
        assert page.evaluate(theme) == ["light", "quarto-light"]

        page.get_by_role("button", name="Menu").click()
        page.get_by_text("Datasets").click()
        page.get_by_role("link", name="White cells").click()
        assert page.title() == "White cells – Cells & more"
        browser.close()
    assert wrong == []
