"""A large store: fifty datasets and ten models, whose pages are no higher and no heavier than others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from report import benchmark, site

HIGHEST, HIGHEST_OF_A_DATASET = 6000, 7000


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    site.render(benchmark.fill(folder / "store").root, folder / "site", engine="preview")
    return folder / "site"


@pytest.mark.slow
def test_no_page_of_a_large_store_is_high_or_heavy(drawn: Path, serve: Callable[[Path], str], watched: Any) -> None:
    address = serve(drawn)
    page = watched(address)
    names = [path.relative_to(drawn).as_posix() for path in drawn.rglob("*.html")]
    assert len(names) > 50
    for name in names:
        assert (drawn / name).stat().st_size < benchmark.HEAVIEST * 1e6, name
        page.goto(address + name)
        assert page.evaluate("document.documentElement.scrollHeight") <= (
            HIGHEST_OF_A_DATASET if name.startswith("datasets/") else HIGHEST
        ), name


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
