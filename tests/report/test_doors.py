"""Words from outside are data: a store and a card that somebody sent, drawn, and walked through in a browser.

With Quarto at hand (`QUARTO_PATH`, or on the PATH) the same site is drawn with it too.
"""

import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hostile
import pytest
import yaml
from hostile import CARD, CLASSES, LINK, OTHER, PROBE, RECIPES, SECRET, STUDY
from pages import pages

from report.data import PAGES_OF, Results
from report.prepare import prepare
from store import StoreWarning

PAGES = pages("hostile", "second")
LOOK = """
() => {
  const wrong = [];
  const addresses = ["href", "src", "xlink:href", "action", "formaction", "data", "srcdoc", "poster", "background"];
  const main = document.querySelector("main");
  const menus = [
    "if (window.quartoToggleHeadroom) { window.quartoToggleHeadroom(); }",
    "window.quartoToggleColorScheme(); return false;",
  ];
  for (const element of document.querySelectorAll("*")) {
    const tag = element.localName;
    for (const { name, value } of element.attributes) {
      const quartos = !main.contains(element) && menus.includes(value);
      if (name.startsWith("on") && !quartos) wrong.push(`${tag} ${name}=${value}`);
      if (!addresses.includes(name)) continue;
      const url = new URL(value, location);
      const picture = tag === "img" && /^data:image\\/(png|jpeg);base64,/.test(value);
      const icon = tag === "link" && value.startsWith("data:image/svg");
      const outside = tag === "a" && ["http:", "https:"].includes(url.protocol) && url.hostname === "example.org";
      if (!picture && !icon && !outside && url.origin !== location.origin) wrong.push(`${tag} ${name}=${value}`);
    }
    if (["iframe", "object", "embed", "base", "math", "video", "audio"].includes(tag)) wrong.push(`<${tag}>`);
    if (!main.contains(element)) continue;
    const foreign = ["b", "i", "del", "s", "sup", "sub", "style", "link", "meta", "title"].includes(tag);
    if (foreign && !element.closest("svg, .anchor, .callout-icon, [class*=bi]")) wrong.push(`<${tag}>`);
    if (tag === "script" && element.type !== "application/json") wrong.push(`script ${element.textContent}`);
    if (element.matches(".math, .citation, .quarto-xref, [class*=shortcode]")) wrong.push(element.outerHTML);
  }
  const named = [...document.querySelectorAll("[id]")].map(element => element.id);
  const ids = named.filter(id => /^(fig|sec|vis|dataset|tbl)-/.test(id));
  wrong.push(...ids.filter((id, place) => ids.indexOf(id) !== place).map(id => `twice #${id}`));
  return wrong;
}
"""
WORDS = """
() => {
  const copy = document.querySelector("main").cloneNode(true);
  copy.querySelectorAll("script, style, svg, .anchor").forEach(element => element.remove());
  return copy.textContent;
}
"""


def seen(words: str) -> str:
    """Words as a page shows them: white space in one, a change of direction closed."""
    return " ".join(words.replace("\u202c", "").split())


def read(prose: str) -> str:
    """A sentence of the card as a page shows it: its emphasis, code and links are none of the words."""
    for written, shown in (
        ("`c`", "c"),
        ("*s*", "s"),
        ("*title*", "title"),
        ("*Hard*", "Hard"),
        ("`code`", "code"),
        (f"[a link]({LINK})", "a link"),
        (f"[l]({LINK})", "l"),
        (f"<{LINK}>", LINK),
    ):
        prose = prose.replace(written, shown)
    return seen(prose)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The store, in a place where a page that evaluates what it is given finds the secret."""
    folder = tmp_path_factory.mktemp("sent")
    (folder / "secret.md").write_text(SECRET)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("BENCH_SECRET", SECRET)
        patched.setenv("BENCH_CACHE", str(folder / "cache"))
        hostile.build(folder / "store", folder / "secret.md")
        yield folder / "store"


@pytest.fixture(scope="module")
def rendered(sent: Path, draw: Callable[[Path, Path], object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("site") / "site"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreWarning)
        draw(sent, output)
    return output


@pytest.fixture(scope="module")
def address(rendered: Path, serve: Callable[[Path], str]) -> str:
    return serve(rendered)


def test_the_site_is_whole_and_tells_nothing_of_the_machine(rendered: Path, engine: str) -> None:
    assert sorted(path.relative_to(rendered).as_posix() for path in rendered.rglob("*.html")) == sorted(PAGES)
    for path in rendered.rglob("*"):
        if path.is_file() and path.suffix in (".html", ".json", ".xml", ".txt"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(f"{SECRET}|root:x", text), path
            assert engine == "quarto" or evaluated(text) == [], path
    assert all("Drawn from the results store" in (rendered / page).read_text(encoding="utf-8") for page in PAGES)
    assert not Path("/tmp/owned").exists()


def evaluated(source: str) -> list[str]:
    """What Quarto would evaluate in a page that the preview engine drew: words that go around Markdown are in it as
    they were printed, others as Markdown made them.
    """
    shortcode = r"\{\{(<|&lt;)|b58fc729-690b-4000-b19f-365a4093b2ff;"
    return [found[0] for found in re.finditer(shortcode, source.partition("<body")[2])]


def wanted(page: str) -> list[str]:
    """What a page shows, letter for letter."""
    title, task, difficulty, licence = (read(CARD[key]) for key in ("title", "task", "difficulty", "licence"))
    plain, one, *_ = RECIPES
    texts = {
        "index.html": [title, plain, f"{hostile.CODE!a}", f"images/{hostile.FOLDER}/"],
        "datasets.html": [title, task, difficulty, licence, *(f"{label} (4)" for label in CLASSES)],
        "models.html": [PROBE],
        "activations.html": [title, CLASSES[0], f"efficientnet-lite0 · {PROBE}"],
        # At the main recipe of each dataset: of those with as many models, the one that most others build on.
        "conclusions.html": [f"second {plain}", f"hostile {plain}"],
        "methods.html": [STUDY, OTHER, f"With preprocessing, in {STUDY}: {PROBE}, otsu."],
        "sql.html": [*CLASSES[:2], plain, STUDY],
        "compare.html": [one],
        "trust.html": ["hostile", "second"],
    }
    page_of_one = [
        title,
        task,
        difficulty,
        *map(read, CARD["notes"]),
        read(CARD["citation"]),
        licence,
        *CLASSES,
    ]
    own = [f"recipe {plain}", f"At {one}, split as in {OTHER}", f"At {one}, split as in {STUDY}", f"{PROBE}, otsu"]
    return [seen(t) for t in texts.get(page, page_of_one + (own if "hostile" in page else [f"recipe {plain}"]))]


def test_every_page_in_a_browser(address: str, browser: Any) -> None:
    assert "\n".join(look_through(browser, address, PAGES)) == ""


def look_through(browser: Any, address: str, pages: tuple[str, ...]) -> list[str]:
    """What is wrong on these pages: what runs or is asked for that should not, and words that are not as they are."""
    wrong: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})

    def dialog(box: Any) -> None:
        wrong.append(f"a dialog says {box.message}")
        box.dismiss()

    page.on("dialog", dialog)
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith((address, "data:")) else wrong.append(f"asked {r.url}"))
    page.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    for name in pages:
        page.goto(address + name)
        if name == "compare.html":
            page.locator(".verdict-line").wait_for()
        wrong += [f"{name}: {what}" for what in page.evaluate(LOOK)]
        words = seen(page.evaluate(WORDS))
        wrong += [f"{name}: does not show {text}" for text in wanted(name) if text not in words]
        if name.startswith("datasets/"):
            wrong += [f"{name}: {what}" for what in _dataset(page)]
    page.close()
    return wrong


def _dataset(page: Any) -> Iterator[str]:
    """What is wrong on the page of a dataset: its title, its tables and pictures by class, its chart, its links."""
    if seen(page.locator("h1").inner_text()) != read(CARD["title"]):
        yield "the title is another"
    for what, place, count in (
        ("counts", ".count .name", len(CLASSES)),
        ("samples", "#fig-samples .sample-class > span", len(CLASSES)),
        ("activations", ".activation-label >> nth=0", 1),
    ):
        if [seen(text) for text in page.locator(place).all_text_contents()][:count] != [*map(seen, CLASSES)][:count]:
            yield f"{what}: the classes are others"
    alternatives = [seen(e.get_attribute("alt")) for e in page.locator("#fig-samples img").all()]
    if alternatives != [seen(f"class {label}") for label in CLASSES for _ in range(4)]:
        yield "the pictures are called otherwise"
    chart = page.locator("[id^=fig-recall-]")
    axis = [seen(text) for text in chart.locator(".row-label .name").all_text_contents()]
    if axis != [*map(seen, CLASSES)]:
        yield "the chart names other classes"
    page.locator("[id^=fig-folds-] [data-trial]").last.click()
    page.locator(".panel table").first.wait_for()
    told = {seen(text) for text in page.locator(".panel td").all_text_contents()}
    if not told & {*map(seen, CLASSES)}:
        yield "the trial names other classes"
    page.locator(".panel .image-link").first.click()
    page.locator(".panel-lead", has_text="Its class").wait_for()
    if not any(seen(label) in seen(page.locator(".panel").inner_text()) for label in CLASSES):
        yield "the image is of another class"
    yield from (f"in the panel: {what}" for what in page.evaluate(LOOK))
    own = page.evaluate("location.origin")  # Quarto's scripts write it in front
    links = {e.get_attribute("href") for e in page.locator("main a[href^='http']").all()}
    if {link for link in links if not link.startswith(f"{own}/")} != {LINK}:
        yield f"links: {links}"


def test_a_generated_page_holds_no_word_as_code(sent: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreWarning)
        found = Results(sent)
        prepare(tmp_path, found)
    found.connection.close()
    assert sorted(path.name for path in (tmp_path / "datasets").iterdir()) == ["hostile.qmd", "second.qmd"]
    numbers = {name: number for number, name in json.loads((tmp_path / PAGES_OF).read_text()).items()}
    assert list(numbers) == ["hostile", "second"]
    for name, number in numbers.items():
        _, front, body = (tmp_path / "datasets" / f"{name}.qmd").read_text().split("---\n")
        assert yaml.safe_load(front).keys() == {"title", "pagetitle", "description"}
        assert not re.search(r"[@$\\]|\{(?!=html\})|<(?!/?(em|code|a)\b)", front)
        cell = "from report.pages import dataset\n\ndataset.show_page(NUMBER)\n".replace("NUMBER", number)
        assert re.fullmatch("[0-9]+", number)
        assert body == f"\n```{{python}}\n#| output: asis\n#| echo: false\n{cell}```\n"


def test_no_two_recipes_share_an_address(sent: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreWarning)
        found = Results(sent)
    slugs = [section.slug for section in found._every_section]
    found.connection.close()
    assert len(set(slugs)) == len(slugs) > 6
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", slug) for slug in slugs)
