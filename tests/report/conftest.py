"""A browser and a server of files, one of each for all tests of a module that look at pages; and what draws these: the
preview engine, and real Quarto too where it is at hand (`QUARTO_PATH`, or on the PATH).
"""

import functools
import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from report import site

CHROMIUM = shutil.which("chromium")
QUARTO = site.find_quarto()
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Says nothing of each request."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module", params=["preview", *(["quarto"] if QUARTO else [])])
def engine(request: pytest.FixtureRequest) -> str:
    """What draws the site."""
    return str(request.param)


@pytest.fixture(scope="module")
def draw(engine: str) -> Callable[[Path, Path], object]:
    """Draws the site of a store into a folder, without what npm may have."""

    def drawn(store: Path, output: Path) -> object:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("BENCH_NODE_MODULES", str(output))  # where nothing is
            if QUARTO:
                patched.setenv("QUARTO_PATH", str(QUARTO))
            return site.render(store, output, engine=engine)

    return drawn


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Path], str]]:
    """Serves a folder on loopback until the module's tests are done, and says where."""
    with ExitStack() as stack:

        def start(folder: Path) -> str:
            handler = functools.partial(Quiet, directory=str(folder))
            server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}/"

        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; a test that asks for it is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def watched(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages; what a console says, what fails and what is asked of anyone else is wrong, and fails the test."""
    wrong: list[str] = []
    opened: list[Any] = []

    def open_page(address: str, width: int = 1280, scheme: str = "light", **options: Any) -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        opened.append(page)
        page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") and not _own(m) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith((*OWN, address)) else wrong.append(f"asked {r.url}"))
        page.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert wrong == []


OWN = ("data:", "blob:")


def _own(message: Any) -> bool:
    """Whether a page from a disk says that a module of Quarto's own, which draws menus, wants a server."""
    said = f"{message.text} {message.location['url']}"
    return "file://" in said and "/site_libs/" in said
