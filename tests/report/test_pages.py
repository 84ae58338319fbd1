"""The pages as readers use them, in a browser: looked at, clicked through, downloaded from, read without scripts."""

import csv
import html
import importlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from axe_playwright_python.sync_playwright import Axe
from pages import pages

from report import downloads, site
from report.data import Results
from store import Store, query

PAGES = pages("tiny")
Draw = Callable[[Path, Path], object]
NARROW = (
    "[...document.querySelectorAll('.row-plot, .plane-plot')].map(e => e.getBoundingClientRect().width).filter(w => w)"
)
SMALL = """
() => [...document.querySelectorAll("main *")]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.getClientRects().length)
  .filter(e => parseFloat(getComputedStyle(e).fontSize) < 11).map(e => e.outerHTML.slice(0, 80))
"""
UNLIKE = """
() => [...document.querySelectorAll("h1, h2, h3, h4")].map(h => Number(h.localName[1]))
  .filter((level, place, all) => place && level > all[place - 1] + 1)
"""
INK = "getComputedStyle(document.querySelector('main')).color.match(/\\d+/g).slice(0, 3).map(Number)"
DARK = """
() => [...document.querySelectorAll(".picture line, .picture rect, .picture path")].map(e => getComputedStyle(e).stroke)
  .filter(colour => colour === "rgb(0, 0, 0)")
"""


@pytest.fixture(scope="module")
def rendered(trained: Path, draw: Draw, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("site") / "site"
    draw(trained, output)
    return output


@pytest.fixture(scope="module")
def address(rendered: Path, serve: Callable[[Path], str]) -> str:
    return serve(rendered)


@pytest.fixture(scope="module")
def slug(trained: Path) -> str:
    found = Results(trained)
    (section,) = found.sections
    found.connection.close()
    return section.slug


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_is_whole(address: str, watched: Any, width: int, scheme: str) -> None:
    """Nothing sticks out, plots have room, words can be read, headings follow each other, nothing is black on black."""
    page = watched(address, width, scheme)
    charts = 0
    for name in PAGES:
        page.goto(address + name)
        charts += page.locator(".chart .picture svg").count()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert all(plot >= 200 for plot in page.evaluate(NARROW)), name
        assert page.evaluate(SMALL) == [], name
        assert page.locator("h1").count() == 1
        assert page.evaluate(UNLIKE) == [], name
        if scheme == "dark":
            assert page.evaluate(DARK) == [], name
    assert charts > 40


@pytest.mark.long
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_reader_is_shut_out(address: str, watched: Any, width: int, scheme: str) -> None:
    """axe-core finds nothing on any page, with every fold open: names for ears, contrast for eyes, keys for hands."""
    page, axe = watched(address, width, scheme), Axe()
    found = []
    for name in PAGES:
        page.goto(address + name)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        for fault in axe.run(page).response["violations"]:
            found += [f"{name}: {fault['id']}, {fault['impact']}: {each['html']}" for each in fault["nodes"]]
    assert found == []


def test_from_a_box_to_its_trial_to_an_image_and_back(address: str, slug: str, watched: Any, trained: Path) -> None:
    """A click on a dot opens its trial without leaving the page; what it says is what the store says."""
    page = watched(address)
    page.goto(address + "datasets/tiny.html")
    trial = f"trial={slug}/cnn-shallow/1/0"
    dot = page.locator(f"#vis-folds-{slug} [data-trial='{trial}']")
    dot.hover()
    assert "repeat 2, fold 1" in page.locator(".tip").inner_text()
    dot.click()
    panel = page.locator(".panel")
    panel.locator("h3", has_text="cnn-shallow, repeat 2, fold 1").wait_for()
    assert page.evaluate("decodeURIComponent(location.hash)") == f"#{trial}"
    found = Results(trained)
    wrong = found.frame(
        "select image_id, label, predicted from predictions where model = 'cnn-shallow' and repeat = 1 and fold = 0 "
        "and subset = 'test' and predicted != label order by list_max(probabilities) desc"
    )
    images = found.frame(
        "select image_id from predictions where model = 'cnn-shallow' and repeat = 1 and fold = 0 and subset = 'test'"
    )
    found.connection.close()
    assert f"{len(wrong)} of {len(images)} images of its test fold wrong" in panel.inner_text()
    table = panel.locator("table").first
    shown = [[cell.inner_text() for cell in row.locator("td").all()[-4:-1]] for row in table.locator("tbody tr").all()]
    assert sorted(map(tuple, shown)) == sorted(
        map(tuple, wrong[["image_id", "label", "predicted"]].to_numpy().tolist())
    )
    first = shown[0][0]
    table.locator("a").first.click()
    panel.locator("h3", has_text=first).wait_for()
    assert {row.locator("td").first.inner_text() for row in panel.locator("tbody tr").all()} == {
        "mean-colour",
        "efficientnet-lite0",
        "efficientnet-lite0-lower",
        "cnn-shallow",
    }
    # The address of the image leads there by itself, and so does the way back.
    other = watched(address, 390)
    other.goto(page.url)
    other.locator(".panel h3", has_text=first).wait_for()
    page.go_back()
    panel.locator("h3", has_text="cnn-shallow, repeat 2, fold 1").wait_for()
    panel.get_by_label("Close").click()
    assert not panel.is_visible()


def test_it_works_without_a_server(rendered: Path, slug: str, watched: Any) -> None:
    base = rendered.as_uri() + "/"
    page = watched(base)
    page.goto(f"{base}datasets/tiny.html#trial={slug}/mean-colour/0/1")
    page.locator(".panel h3", has_text="mean-colour, repeat 1, fold 2").wait_for()
    page.goto(f"{base}compare.html#tiny/cnn-shallow/mean-colour")
    page.locator(".verdict-line").wait_for()


def test_the_keyboard_reaches_every_dot(address: str, slug: str, watched: Any) -> None:
    page = watched(address)
    page.goto(address + "datasets/tiny.html")
    plot = page.locator(f"#vis-folds-{slug} .row-plot").first
    plot.focus()
    page.keyboard.press("Home")
    first = page.locator(".tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator(".tip").inner_text() != first
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.locator(".panel h3").wait_for()


def test_two_models_are_compared(address: str, watched: Any, trained: Path) -> None:
    """The address names what is compared; turned around, the difference turns its sign."""
    page = watched(address)
    page.goto(address + "compare.html#tiny/efficientnet-lite0/mean-colour")
    words = []
    for _ in range(2):
        page.locator(".verdict-line").wait_for()
        assert page.locator(".pairs g.arrow").count() == 6
        words.append(page.locator(".compared > p").first.inner_text())
        page.goto(address + "compare.html#tiny/mean-colour/efficientnet-lite0")
        page.locator(
            ".verdict-line", has_text=re.compile("mean-colour.*efficientnet-lite0|from efficientnet-lite0$")
        ).wait_for()
    found = Results(trained)
    means = found.scores[found.scores["subset"] == "test"].groupby("model")["balanced_accuracy"].mean()
    found.connection.close()
    expected = (means["efficientnet-lite0"] - means["mean-colour"]) * 100
    read = [float(re.search(r"By ([−+][\d.]+)", each)[1].replace("−", "-")) for each in words]  # type: ignore[index]
    assert read == [pytest.approx(expected, abs=0.06), pytest.approx(-expected, abs=0.06)]
    page.locator("select").nth(2).select_option("cnn-shallow")
    page.wait_for_function("location.hash.includes('cnn-shallow')")


def test_every_chart_hands_out_its_numbers_and_its_picture(
    address: str, slug: str, watched: Any, trained: Path
) -> None:
    page = watched(address, accept_downloads=True)
    page.goto(address + "datasets/tiny.html")
    chart = page.locator(f"#vis-folds-{slug}")
    made = {}
    for kind in ("CSV", "JSON", "SVG"):
        with page.expect_download() as waiting:
            chart.get_by_role("button", name=kind).click()
        made[kind] = Path(waiting.value.path()).read_text(encoding="utf-8")
        assert waiting.value.suggested_filename == f"folds-{slug}.{kind.lower()}"
    found = Results(trained)
    scores = found.scores[found.scores["subset"] == "test"]
    found.connection.close()
    wanted = {(r["model"], r["repeat"], r["fold"]): r["balanced_accuracy"] for r in scores.to_dict("records")}
    for rows in (list(csv.DictReader(io.StringIO(made["CSV"]))), json.loads(made["JSON"])):
        read = {(r["model"], int(r["repeat"]), int(r["fold"])): float(r["balanced_accuracy"]) for r in rows}
        assert read == {key: pytest.approx(value, abs=1e-6) for key, value in wanted.items()}
    picture = ElementTree.fromstring(made["SVG"])
    assert len(picture.findall(".//{*}circle")) == len(wanted)
    words = {element.text for element in picture.findall("{*}text")}
    assert {"cnn-shallow", "mean-colour", "balanced accuracy"} <= words
    for bar in page.locator(".chart").all():
        assert bar.locator(".tools button").count() >= 4
    chart.get_by_role("button", name="Table").click()
    assert chart.locator(".behind tbody tr").count() == len(wanted)


def test_what_a_chart_says_of_its_numbers_is_true(address: str, watched: Any, trained: Path) -> None:
    """Each names the query that gives them, which does, or the function that makes them, which is there."""
    page = watched(address)
    asked = 0
    for name in PAGES:
        page.goto(address + name)
        for source in page.locator("script.numbers").all():
            told = json.loads(source.text_content())
            chart = source.locator("xpath=..").get_attribute("id")
            if "sql" in told:
                answer = query(Store(trained), told["sql"])
                rows = [dict(zip(told["columns"], row, strict=True)) for row in told["rows"]]
                shared = [field for field in answer.schema if field.name in told["columns"]]
                keys = [field.name for field in shared if not pa.types.is_floating(field.type)]
                ours = {tuple(row[key] for key in keys): row for row in rows}
                floats = [field.name for field in shared if field.name not in keys]
                assert floats, chart
                assert answer.num_rows > 0
                for row in answer.to_pylist():
                    shown = ours[tuple(row[key] for key in keys)]
                    assert [shown[name] for name in floats] == pytest.approx([row[name] for name in floats], abs=1e-5)
                asked += 1
            else:
                module, _, function = told["by"].rpartition(".")
                assert callable(getattr(importlib.import_module(module), function)), chart
    assert asked >= 4
    page.goto(address)
    chart = page.locator(".chart").first
    chart.get_by_role("button", name="How").click()
    assert "report.transfer.arrows" in chart.locator(".behind").inner_text()


def test_an_address_within_a_fold_unfolds_it(address: str, watched: Any) -> None:
    page = watched(address)
    page.goto(address + "conclusions.html")
    folded = page.locator("details.folded:not([open]) .chart").first
    assert not folded.is_visible()
    name = folded.get_attribute("id").removeprefix("vis-")
    page.goto(f"{address}conclusions.html#fig-{name}")
    page.locator(f"#vis-{name}").wait_for()
    page.goto(address + "index.html")
    page.goto(f"{address}conclusions.html#fig-{name}")
    page.locator(f"#vis-{name}").wait_for()
    assert page.locator(f"#vis-{name}").bounding_box()["y"] < 900


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_on_paper_has_all_that_is_folded_and_nothing_to_click(
    address: str, watched: Any, scheme: str, tmp_path: Path
) -> None:
    """As the browser prints it: dark words on white, no bars, no menus, every chart; and the screen is as before."""
    page = watched(address, 1280, scheme)
    for name in PAGES:
        page.goto(address + name)
        folds = page.locator("main details").count()
        closed = page.locator("main details:not([open])").count()
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print", color_scheme=scheme)
        assert page.locator("main details:not([open])").count() == 0
        assert page.locator("main details").count() == folds
        for hidden in ("#quarto-header", "#TOC", ".tools", ".editor", ".explorer"):
            assert not any(part.is_visible() for part in page.locator(hidden).all()), (name, hidden)
        assert all(chart.is_visible() for chart in page.locator(".chart .picture").all()), name
        assert max(page.evaluate(INK)) < 80, name
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen", color_scheme=scheme)
        assert page.locator("main details:not([open])").count() == closed, name
    page.goto(address + "datasets/tiny.html")
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").stat().st_size > 50_000
    assert page.locator("main details:not([open])").count() > 0


def test_a_menu_chooses_another_model(address: str, slug: str, watched: Any) -> None:
    page = watched(address)
    page.goto(address + "datasets/tiny.html")
    page.locator("summary", has_text="What is taken for what?").click()
    cells = page.locator(f"#vis-confusion-{slug} td[data-l]")
    before = cells.all_inner_texts()
    page.locator(f"#vis-confusion-{slug} select").select_option("mean-colour")
    assert cells.all_inner_texts() != before
    layers = page.locator(".layers")
    layers.scroll_into_view_if_needed()
    layers.locator("select").nth(3).select_option("cam")
    assert "random weights" in layers.inner_text()


def test_the_grid_sorts_and_leads_to_the_model(address: str, watched: Any) -> None:
    page = watched(address)
    page.goto(address)
    head = page.locator("table.cells th[data-sort='cnn-shallow']")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    page.locator("table.cells td[data-model='cnn-shallow'] a").first.click()
    page.locator(".chart-row.chosen[data-model='cnn-shallow']").first.wait_for()


def test_without_scripts_charts_are_there(address: str, watched: Any) -> None:
    page = watched(address, java_script_enabled=False)
    page.goto(address + "datasets/tiny.html")
    assert page.locator(".picture svg").count() > 10
    assert page.locator("table.heat td[data-l]").count() == 9
    assert page.locator(".activations img").count() > 0


def test_two_builds_of_one_store_are_the_same(rendered: Path, trained: Path, draw: Draw, tmp_path: Path) -> None:
    draw(trained, tmp_path / "site")
    ours, theirs = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (rendered, tmp_path / "site")
    )
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_every_link_leads_somewhere(rendered: Path) -> None:
    """Pages, files and places within pages; what scripts make of an address is tried elsewhere."""
    pages = {path: path.read_text() for path in rendered.rglob("*.html")}
    links = 0
    for path, text in pages.items():
        for link in map(html.unescape, re.findall(r'<a [^>]*href="([^"]*)"', text)):
            if link.startswith(("https://", "http://")) or re.search("#(model|image|trial)=", link):
                continue
            file, _, place = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file(), f"{path.name}: {link}"
            assert not place or f'id="{place}"' in pages[target], f"{path.name}: {link}"
            links += 1
    assert links > 100


def test_scripts_weigh_little(rendered: Path) -> None:
    for path in rendered.rglob("*"):
        if path.suffix == ".html":
            assert path.stat().st_size < 1_500_000, path
        elif path.suffix == ".js" and path.parent.name == "assets":
            assert path.stat().st_size < 40_000, path


# --- SQL in the page: DuckDB for browsers comes from npm, and may not be at hand


def test_without_duckdb_the_page_says_how_to_have_it(rendered: Path) -> None:
    page = (rendered / "sql.html").read_text()
    assert "<code>npm install --no-save @duckdb/duckdb-wasm@1.28.0</code>" in page
    assert not (rendered / "assets" / "wasm").exists()


def test_the_tables_are_files_that_say_what_the_store_says(rendered: Path, trained: Path) -> None:
    found = Results(trained)
    for name in downloads.TABLES:
        file = rendered / "assets" / "store" / f"{name}.parquet"
        ours = found.connection.execute(f"select count(*) from '{file}'").fetchone()
        assert ours == found.connection.execute(f"select count(*) from {name}").fetchone(), name
    found.connection.close()
    assert all(f"assets/store/{name}.parquet" in (rendered / "sql.html").read_text() for name in downloads.TABLES)


def test_what_npm_has_is_made_for_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package for bundlers becomes a script that needs none; without one of its files nothing is copied."""
    monkeypatch.setenv("BENCH_NODE_MODULES", str(tmp_path / "node_modules"))
    for name in downloads.FILES:
        assert not downloads.engine(tmp_path / "wasm")
        file = tmp_path / "node_modules" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("exports.arrow = require('apache-arrow');\n//# sourceMappingURL=x.map\n")
    assert downloads.engine(tmp_path / "wasm")
    assert {path.name for path in (tmp_path / "wasm").iterdir()} == set(downloads.FILES.values())
    script = (tmp_path / "wasm" / "duckdb.js").read_text()
    assert "sourceMappingURL" not in script
    assert script.startswith("(function(){")
    assert "window.duckdb=module.exports" in script


@pytest.mark.long
@pytest.mark.skipif(downloads.modules() is None, reason="DuckDB for browsers is not at hand")
def test_a_query_in_the_page(trained: Path, tmp_path: Path, serve: Callable[[Path], str], watched: Any) -> None:
    site.render(trained, tmp_path / "site", engine="preview")
    address = serve(tmp_path / "site")
    page = watched(address)
    page.goto(address + "sql.html")
    for number in range(page.locator(".run.small").count()):
        page.locator(".run.small").nth(number).click()
        page.wait_for_function("document.querySelector('.result table') && !document.querySelector('.run').disabled")
        page.evaluate("document.querySelector('.result').replaceChildren()")
    page = watched(address)
    page.goto(address + "sql.html#q=select%20model%2C%20count(*)%20as%20n%20from%20trials%20group%20by%20all")
    page.locator(".run").first.click()
    page.locator(".result tbody tr").nth(3).wait_for()
    assert page.locator(".result thead th").all_inner_texts() == ["model", "n"]
    page.locator(".result thead button", has_text="model").click()
    assert page.locator(".result tbody tr td").first.inner_text() == "cnn-shallow"
