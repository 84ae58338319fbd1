"""A large store, of fifty datasets and ten models, and the published one: no page of theirs is high or heavy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from report import benchmark, site
from report.data import ROOT

HIGHEST = 6000


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    site.render(benchmark.fill(folder / "store").root, folder / "site", engine="preview")
    return folder / "site"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    site.render(ROOT.parent / "results", folder / "site", engine="preview")
    return folder / "site"


@pytest.mark.slow
@pytest.mark.parametrize(("site_of", "pages"), [("drawn", 50), ("published", 15)])
def test_no_page_is_high_or_heavy(
    site_of: str, pages: int, request: pytest.FixtureRequest, serve: Callable[[Path], str], watched: Any
) -> None:
    drawn: Path = request.getfixturevalue(site_of)
    address = serve(drawn)
    page = watched(address)
    names = [path.relative_to(drawn).as_posix() for path in drawn.rglob("*.html")]
    assert len(names) > pages
    for name in names:
        assert (drawn / name).stat().st_size < benchmark.HEAVIEST * 1e6, name
        page.goto(address + name)
        assert page.evaluate("document.documentElement.scrollHeight") <= HIGHEST, name


@pytest.mark.slow
def test_the_grid_of_many_datasets_shows_some_and_finds_each(
    drawn: Path, serve: Callable[[Path], str], watched: Any
) -> None:
    address = serve(drawn)
    page = watched(address)
    page.goto(address)
    rows = page.locator("table.cells tbody tr:visible")
    assert rows.count() == 20
    page.get_by_role("button", name="show all").click()
    assert rows.count() == 50
    page.get_by_role("button", name="show all").click()
    page.get_by_role("searchbox").fill("dataset-4")
    assert rows.count() == 10
    page.locator("table.cells th[data-sort=cnn-shallow] button").click()
    assert rows.count() == 10
    assert "dataset-49" in rows.first.inner_text()
    page.get_by_role("searchbox").fill("no such")
    assert rows.count() == 0
