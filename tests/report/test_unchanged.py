"""What of an old site is taken over: whatever happened to the store, the site is the one that is drawn from nothing."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.datasets import Library
from bench.running import runner
from bench.study.study import Study
from report import site, unchanged
from report.data import ROOT
from report.preview import kept
from report.preview import site as preview
from store import Store
from store.compaction import compact

Change = Callable[[Path, Study, Library, Path], None]


@pytest.fixture(scope="module")
def drawn(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("drawn") / "site"
    site.render(trained, output, engine="preview")
    return output


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def another_dataset(store: Path, study: Study, library: Library, data: Path) -> None:
    """Its name comes before the other's, its model is one that was there."""
    shutil.copytree(data / "tiny", data.parent / "more" / "all")
    own = Library((data.parent / "more",), library.cache)
    chosen = replace(study, datasets=("all",), models=("mean-colour",))
    runner.run(runner.prepare(chosen, own), Store(store), own.cache, "cpu")


def another_model(store: Path, study: Study, library: Library, data: Path) -> None:
    chosen = replace(study, name="other", models=("pixel-ratio",))
    runner.run(runner.prepare(chosen, library), Store(store), library.cache, "cpu")


def fewer_trials(store: Path, *_: object) -> None:
    for part in (store / "trials").glob("dataset=tiny/model=mean-colour/*.parquet"):
        part.unlink()


def compacted(store: Path, *_: object) -> None:
    assert compact(Store(store)) is not None


@pytest.mark.parametrize(
    ("change", "own_page"),
    [
        pytest.param(another_dataset, "taken", marks=pytest.mark.long),
        (another_model, "drawn"),
        pytest.param(fewer_trials, "drawn", marks=pytest.mark.long),
        (compacted, "taken"),
    ],
)
def test_what_is_taken_over_is_what_would_be_drawn(
    change: Change,
    own_page: str,
    drawn: Path,
    trained: Path,
    small_study: Study,
    library: Library,
    data: Path,
    tmp_path: Path,
) -> None:
    store, old, new = tmp_path / "store", tmp_path / "old", tmp_path / "new"
    shutil.copytree(trained, store)
    shutil.copytree(drawn, old)
    shutil.copytree(data, tmp_path / "data")
    change(store, small_study, library, tmp_path / "data")
    again = site.render(store, old, engine="preview")
    fresh = site.render(store, new, engine="preview")
    assert fresh.kept == 0
    ours, theirs = contents(old), contents(new)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []
    if change is compacted:
        assert again.kept == again.pages
    else:
        assert again.kept == (own_page == "taken")
        assert Store(store).fingerprint() in (old / "datasets" / "tiny.html").read_text()


def test_a_store_that_did_not_change_draws_nothing(drawn: Path, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn, tmp_path / "site")
    before = contents(tmp_path / "site")
    again = site.render(trained, tmp_path / "site", engine="preview")
    assert (again.kept, again.pages) == (again.pages, len([name for name in before if name.endswith(".html")]))
    assert contents(tmp_path / "site") == before


def test_two_processes_draw_the_same_pages_as_one(
    drawn: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preview, "MANY", 2)
    site.render(trained, tmp_path / "site", engine="preview")
    assert contents(tmp_path / "site") == contents(drawn)
    assert capfd.readouterr().out == ""


def test_a_page_that_fails_in_another_process_is_named(
    drawn: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MANY", 2)
    shutil.copytree(drawn, tmp_path / "site")
    shutil.copytree(ROOT, tmp_path / "report", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "report" / "methods.qmd").open("a") as file:
        file.write("\n```{python}\nraise ValueError('no')\n```\n")
    with (tmp_path / "report" / "models.qmd").open("a") as file:  # so that there are two to draw
        file.write("\nMore.\n")
    monkeypatch.setattr(site, "ROOT", tmp_path / "report")
    with pytest.raises(site.ReportError, match=r"^methods\.qmd, line \d+: ValueError: no$"):
        site.render(trained, tmp_path / "site", engine="preview")
    assert contents(tmp_path / "site") == contents(drawn)


def test_a_page_that_somebody_changed_is_drawn_again(drawn: Path, trained: Path, tmp_path: Path) -> None:
    output = tmp_path / "site"
    shutil.copytree(drawn, output)
    with (output / "models.html").open("a") as file:
        file.write("<p>mine</p>")
    (output / "assets" / "data" / "tiny.trials.js").write_text("alert(1)")
    again = site.render(trained, output, engine="preview")
    assert again.pages - again.kept == 1
    assert contents(output) == contents(drawn)


def test_other_code_draws_everything(
    drawn: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of the code is that of its files; a page's script of today never meets data of yesterday."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.py").write_text("1")
    monkeypatch.setattr(unchanged, "ROOT", source)
    unchanged.code.cache_clear()
    one = unchanged.code()
    (source / "a.py").write_text("2")
    unchanged.code.cache_clear()
    assert unchanged.code() != one
    unchanged.code.cache_clear()


@pytest.mark.parametrize(
    "words", ["", "[]", "{}", '{"after": 1, "files": {}}', '{"after": "", "files": {"a": 1}}', "\x00"]
)
def test_a_list_that_cannot_be_read_is_none(words: str, tmp_path: Path) -> None:
    (tmp_path / kept.NAME).write_text(words)
    found = kept.Kept.of(tmp_path)
    assert found.bytes_of("a", "key") is None
    assert found.page("a", "key", "") is None


def test_a_list_names_no_file_outside_the_site(tmp_path: Path) -> None:
    """The names that are asked for are those of the new site; what an old list says of others is never read."""
    (tmp_path / "site").mkdir()
    (tmp_path / "secret").write_text("x")
    listed = {"after": "", "files": {"../secret": {"key": "k", "hash": "h"}}}
    (tmp_path / "site" / kept.NAME).write_text(json.dumps(listed))
    found = kept.Kept.of(tmp_path / "site")
    assert found.bytes_of("index.html", "k") is None
    assert found.bytes_of("../secret", "k") is None, "its hash is another"


def test_an_end_that_stands_twice_is_not_replaced(tmp_path: Path) -> None:
    page = b"<p>end</p><p>end</p>"
    first = kept.Kept.of(tmp_path)
    (tmp_path / "a.html").write_bytes(page)
    first.note("a.html", "key", page)
    first.write(tmp_path, "<p>end</p>")
    assert kept.Kept.of(tmp_path).page("a.html", "key", "<p>new</p>") is None
    first.note("a.html", "key", b"x<p>end</p>")
    (tmp_path / "a.html").write_bytes(b"x<p>end</p>")
    first.write(tmp_path, "<p>end</p>")
    assert kept.Kept.of(tmp_path).page("a.html", "key", "<p>new</p>\n") == ("x<p>new</p>", [])
    assert kept.Kept.of(tmp_path).page("a.html", "other", "<p>new</p>") is None
