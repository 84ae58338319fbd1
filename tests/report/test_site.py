"""The real site of a real store: rendered, and run in the kernels that Quarto would use."""

import html
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbclient
import nbformat
import pyarrow.parquet as pq
import pytest
from pages import pages

from bench.datasets import Library, curating
from bench.running import runner
from bench.study.study import Study
from report import site
from report.data import ROOT
from report.pages import sql
from report.preview import kept
from store import Store, parts, query

PAGES = pages("tiny")


@pytest.fixture(scope="module")
def rendered(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("site") / "site"
    assert site.render(trained, output, engine="preview") == site.Drawn(len(PAGES), "the preview engine")
    return output


def test_every_page_names_the_store(rendered: Path, trained: Path) -> None:
    fingerprint = Store(trained).fingerprint()
    assert sorted(p.relative_to(rendered).as_posix() for p in rendered.rglob("*.html")) == sorted(PAGES)
    for page in PAGES:
        text = (rendered / page).read_text()
        assert f"Drawn from the results store {fingerprint}: 24 trials" in text, page
        assert "?fig-" not in text
        assert not re.search(r"""(?:src|href)=["']https?://""", re.sub(r"<a [^>]*>", "", text)), page


def test_a_new_dataset_has_its_page_with_no_edit(
    trained: Path, small_study: Study, library: Library, data: Path, tmp_path: Path
) -> None:
    """And the page says what was found in the images, by the plan alone, whatever the files are called."""
    shutil.copytree(trained, tmp_path / "store")
    shutil.copytree(data / "tiny", tmp_path / "images")
    folder = tmp_path / "images" / "er"
    for odd in ("*a* <b>_@fig-1 {{< env A >}}.png", "copy of it.png"):
        shutil.copy(folder / "00.png", folder / odd)
    own = Library((tmp_path / "data",), library.cache)
    curating.add(own, "mine", tmp_path / "images")
    chosen = replace(small_study, datasets=("mine",), models=("mean-colour",))
    runner.run(runner.prepare(chosen, own), Store(tmp_path / "store"), own.cache, "cpu")
    shutil.rmtree(tmp_path / "images")
    shutil.rmtree(tmp_path / "data")
    site.render(tmp_path / "store", tmp_path / "site", engine="preview")
    page = (tmp_path / "site" / "datasets" / "mine.html").read_text()
    assert "<h1" in page
    assert "mean-colour" in page
    shown = html.unescape(re.sub(r"<[^>]*>", "", page))
    assert "1 picture more than once, as the same bytes: er/*a* <b>_@fig-1 {{< env A >}}.png = er/00.png = er/" in shown
    assert "datasets/mine.html" in (tmp_path / "site" / "index.html").read_text()
    assert not (ROOT / "datasets").exists() or not (ROOT / "datasets" / "mine.qmd").exists()


@pytest.mark.parametrize("example", sql.EXAMPLES, ids=lambda example: example.question)
def test_the_worked_queries_have_answers(trained: Path, rendered: Path, example: sql.Example) -> None:
    """Fifteen of them, each as it stands on the page, and each asked of real results."""
    assert len(sql.EXAMPLES) == 15
    assert len({example.sql for example in sql.EXAMPLES}) == 15
    careless = example == sql.EXAMPLES[-1]  # such trials are in the published store alone
    published = query(Store(ROOT.parent / "results"), example.sql)
    if "recipe" in published.column_names:
        assert not any(recipe.endswith("-groups-ignored") for recipe in published["recipe"].to_pylist())
    answer = published if careless else query(Store(trained), example.sql)
    assert answer.num_rows > 0
    assert all(any(value is not None for value in column.to_pylist()) for column in answer.columns)
    page = re.sub(r"<[^>]*>", "", (rendered / "sql.html").read_text())
    assert html.escape(example.sql.splitlines()[0], quote=False) in page


def test_a_failing_page_leaves_the_old_site(
    rendered: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "site"
    shutil.copytree(rendered, old)
    (old / kept.NAME).unlink()  # the page is broken in memory alone, and would be taken from the old site
    before = {p: p.read_bytes() for p in old.rglob("*") if p.is_file()}
    broken = (sql.Example("Broken?", "select no_such_column from scores"),)
    monkeypatch.setattr(sql, "EXAMPLES", broken)
    with pytest.raises(site.ReportError, match=r"sql\.qmd, line \d+: QueryError.*no_such_column"):
        site.render(trained, old, engine="preview")
    assert {p: p.read_bytes() for p in old.rglob("*") if p.is_file()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["site"]


@pytest.mark.long
def test_pages_run_in_a_kernel_as_quarto_starts_it(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quarto starts a Jupyter kernel in each page's folder, where the report's own module names come first."""
    monkeypatch.setenv("BENCH_STORE", str(trained))
    with site.project() as project:
        subprocess.run([sys.executable, "scripts/pre_render.py"], cwd=project, check=True)
        for page in ("index.qmd", "datasets/tiny.qmd"):
            cells = re.findall(r"```\{python\}\n(.*?)```", (project / page).read_text(), re.DOTALL)
            assert cells
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
            folder = {"metadata": {"path": str((project / page).parent)}}
            nbclient.NotebookClient(notebook, resources=folder, kernel_name="python3").execute()
            outputs = [out for cell in notebook.cells for out in cell.outputs]
            shown = [out for out in outputs if out.output_type != "stream" or out.name != "stderr"]
            # Anything but printed text would make Quarto fetch scripts from the network.
            assert {(out.output_type, out.get("name")) for out in shown} == {("stream", "stdout")}
            assert '<div class="chart"' in "".join(out.text for out in shown)


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_quarto_is_found_and_its_exit_code_counts(
    rendered: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "site"
    shutil.copytree(rendered, old)
    monkeypatch.setenv("QUARTO_PATH", str(tmp_path / "nowhere"))
    with pytest.raises(site.ReportError, match="QUARTO_PATH"):
        site.find_quarto()
    # A render that writes half a site and then fails.
    failing = program(tmp_path / "quarto", 'mkdir -p "$2/_site" && echo half > "$2/_site/index.html"; exit 1')
    monkeypatch.setenv("QUARTO_PATH", str(failing))
    with pytest.raises(site.ReportError, match="exit code 1"):
        site.render(trained, old, engine="auto")
    assert "Drawn from" in (old / "index.html").read_text()
    program(failing, 'mkdir -p "$2/_site" && echo "$QUARTO_PYTHON $BENCH_STORE" > "$2/_site/index.html"')
    assert site.render(trained, old, engine="quarto") == site.Drawn(1, "Quarto")
    assert (old / "index.html").read_text().split() == [sys.executable, str(trained)]


def test_quarto_that_is_not_there(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(site.ReportError, match="--engine preview"):
        site.render(trained, tmp_path / "site", engine="quarto")


def test_a_store_without_results(tmp_path: Path) -> None:
    Store(tmp_path / "empty", create=True)
    with pytest.raises(site.ReportError, match="no finished trials"):
        site.render(tmp_path / "empty", tmp_path / "site")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_folder_that_only_looks_like_a_site_is_left_alone(trained: Path, tmp_path: Path) -> None:
    place = tmp_path / "public"
    place.mkdir()
    (place / "index.html").write_text("somebody's")
    (place / "thesis.txt").write_text("mine")
    with pytest.raises(site.ReportError, match="left alone"):
        site.render(trained, place, engine="preview")
    assert {p.name: p.read_text() for p in place.iterdir()} == {"index.html": "somebody's", "thesis.txt": "mine"}


def test_a_run_that_was_stopped_can_be_drawn(trained: Path, tmp_path: Path) -> None:
    """Missing trials leave an incomplete repeat, which must not vote, and a cell that must not be named first."""
    store = tmp_path / "store"
    shutil.copytree(trained, store)
    (part,) = (store / "trials").glob("dataset=tiny/model=efficientnet-lite0/*.parquet")
    rows = pq.ParquetFile(part).read()
    part.unlink()
    parts.write(store, "trials", {"dataset": "tiny", "model": "efficientnet-lite0"}, "fewer", rows.slice(2))
    site.render(store, tmp_path / "site", engine="preview")
    page = (tmp_path / "site" / "datasets" / "tiny.html").read_text()
    assert "4 of 6" in page
    assert "is that of <strong>efficientnet-lite0</strong>" not in page
    assert "box missing" in page


def test_cells_that_were_split_differently_are_not_compared(
    trained: Path, small_study: Study, library: Library, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(trained, store)
    other = replace(small_study, name="other", models=("mean-colour",), protocol=replace(small_study.protocol, folds=3))
    runner.run(runner.prepare(other, library), Store(store), library.cache, "cpu")
    site.render(store, tmp_path / "site", engine="preview")
    page = html.unescape((tmp_path / "site" / "datasets" / "tiny.html").read_text())
    # One of them is what the page is about; the other says that its images are split otherwise, and compares nothing.
    assert re.findall(r"<summary><strong>At (48px-ep2, split as in (?:small|other))", page.replace("\n", " "))
    assert "images split otherwise" in page
    assert "vis-recipe" not in page
