"""A site that is shown while its store changes: in a real browser, which loads it anew by itself."""

import http.client
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from report import watching


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAUSE", 0.05)


def page_of(words: str) -> str:
    return (
        f"<!DOCTYPE html><html lang=en><link rel=icon href=data:,><title>x</title><body><h1>{words}</h1></body></html>"
    )


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, str, list[str]]:
    """A store with one file, a site that shows what it says, its address, and what was announced."""
    store, site, pages = (tmp_path / name for name in ("store", "site", "pages"))
    for folder in (store, site, pages):
        folder.mkdir()
    monkeypatch.setattr(watching, "ROOT", pages)
    (store / "a.parquet").write_text("first")
    (site / "index.html").write_text(page_of("first"))
    said: list[str] = []
    ready = threading.Event()

    def draw() -> bool:
        words = (store / "a.parquet").read_text()
        if words == "broken":
            return False
        (site / "index.html").write_text(page_of(words))
        return True

    def announce(words: str) -> None:
        said.append(words)
        ready.set()

    threading.Thread(target=watching.serve, args=(site, store, draw, announce), daemon=True).start()
    assert ready.wait(10)
    return store, site, said[0].split()[3], said


def test_an_open_page_follows_the_store(shown: tuple[Path, Path, str, list[str]], watched: Callable[..., Any]) -> None:
    store, site, address, said = shown
    page = watched(address)
    page.goto(address)
    assert page.locator("h1").inner_text() == "first"
    (store / "a.parquet").write_text("second")
    page.locator("h1", has_text="second").wait_for(timeout=10_000)
    (store / "a.parquet").write_text("broken")
    for _ in range(100):
        if len(said) > 1:
            break
        page.wait_for_timeout(50)
    assert said[1:] == ["the site stays as it was until that is mended"]
    assert page.locator("h1").inner_text() == "second"
    (store / "b.parquet").write_text("")
    (store / "a.parquet").write_text("third")
    page.locator("h1", has_text="third").wait_for(timeout=10_000)
    assert "EventSource" not in (site / "index.html").read_text(), "the files themselves are as they are published"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "192.168.0.7:8000", ""])
def test_who_calls_by_another_name_is_told_nothing(shown: tuple[Path, Path, str, list[str]], host: str) -> None:
    """A page from elsewhere may have its own name lead to this machine, and read what it is told."""
    for path in ("/", "/index.html", "/.bench-drawn", "/nowhere"):
        status, words = asked(shown[2], path, host)
        assert status == 403
        assert "first" not in words


def test_a_file_outside_the_site_is_not_shown(shown: tuple[Path, Path, str, list[str]]) -> None:
    for path in ("/../store/a.parquet", "/%2e%2e/store/a.parquet", "/..%2fstore%2fa.parquet"):
        assert asked(shown[2], path)[0] == 404
    assert asked(shown[2], "/")[0] == 200


def asked(address: str, path: str, host: str | None = None) -> tuple[int, str]:
    """What a server answers to a path, word for word, under a name."""
    place = urlsplit(address).netloc
    connection = http.client.HTTPConnection(place, timeout=5)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", place if host is None else host)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_what_changes_is_seen_and_what_does_not_matter_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("a")
    before = watching.stamp((tmp_path,))
    for name in (".hidden.parquet", "notes.txt", "__pycache__/x.py", ".git/x.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert watching.stamp((tmp_path,)) == before
    shutil.copy(tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert watching.stamp((tmp_path,)) != before
    (tmp_path / "b.parquet").unlink()
    assert watching.stamp((tmp_path,)) == before
