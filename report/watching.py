"""Showing a site on this machine while its store and its pages change: it is drawn again, and open pages load it anew.

Nobody but this machine can ask: the server listens on loopback, and answers only who calls it by that name, since a
page from elsewhere could have a name of its own lead here.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from report.data import ROOT

PAUSE = 1.0
"""Seconds between two looks at the files, and for which they must be at rest before anything is drawn."""
EVENTS = "/.bench-drawn"
_RELOAD = f"""<script>
(() => {{
  const drawn = new EventSource("{EVENTS}");
  drawn.onmessage = () => location.reload();
}})();
</script>
"""
_WATCHED = (".qmd", ".py", ".css", ".scss", ".js", ".toml", ".yml", ".html", ".lua", ".sql", ".parquet", ".svg")
Stamp = frozenset[tuple[str, int, int]]


class Drawings:
    """Counts how often a site has been drawn; whoever waits is told of the next time."""

    def __init__(self) -> None:
        self._count, self._changed = 0, threading.Condition()

    @property
    def count(self) -> int:
        """How often by now."""
        return self._count

    def done(self) -> None:
        """It has been drawn once more."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def after(self, count: int, seconds: float) -> bool:
        """Wait until it has been drawn more than `count` times, so long at most; says whether it was."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count > count, seconds)


def stamp(folders: tuple[Path, ...]) -> Stamp:
    """What is seen of the files that a site is drawn from: paths, sizes, times of the last change."""
    return frozenset(seen for folder in folders for seen in _seen(folder))


def _seen(folder: Path) -> Iterator[tuple[str, int, int]]:
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__", "node_modules"))]
        for name in files:
            if name.endswith(_WATCHED) and not name.startswith("."):
                try:
                    about = Path(here, name).stat()
                except OSError:  # gone since it was listed
                    continue
                yield str(Path(here, name)), about.st_size, about.st_mtime_ns


def serve(folder: Path, store: Path, draw: Callable[[], bool], announce: Callable[[str], None], port: int = 0) -> None:
    """Show a site until interrupted, and draw it again whenever its store or the report's own files have changed.

    Args:
        folder: the site.
        store: the store that it is drawn from.
        draw: draws it; says whether that went well. What went wrong it has told already.
        announce: is told the address, and what is done.
        port: where to listen; any free port for 0.
    """
    drawings = Drawings()
    handler = partial(_Handler, directory=str(folder), drawings=drawings)
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        announce(f"showing it at http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C ends)")
        try:
            watch((store, ROOT), draw, announce, drawings)
        except KeyboardInterrupt:
            return
        finally:
            server.shutdown()


def watch(
    folders: tuple[Path, ...], draw: Callable[[], bool], announce: Callable[[str], None], drawings: Drawings
) -> None:
    """Draw whenever files in the folders have changed and come to rest, for ever."""
    drawn = stamp(folders)
    while True:
        time.sleep(PAUSE)
        seen = stamp(folders)
        if seen == drawn:
            continue
        while (again := _later(folders)) != seen:  # a run that writes, an editor that saves: wait for the end of it
            seen = again
        drawn = seen
        if draw():
            drawings.done()
        else:
            announce("the site stays as it was until that is mended")


def _later(folders: tuple[Path, ...]) -> Stamp:
    time.sleep(PAUSE)
    return stamp(folders)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, directory: str, drawings: Drawings) -> None:
        self.drawings = drawings
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def do_HEAD(self) -> None:
        if self._called_by_name():
            super().do_HEAD()

    def do_GET(self) -> None:
        if not self._called_by_name():
            return
        path = urlsplit(self.path).path
        if path == EVENTS:
            self._tell()
            return
        file = Path(self.translate_path(self.path))
        if file.is_dir() and path.endswith("/"):
            file = file / "index.html"
        if file.suffix == ".html" and file.is_file():
            self._page(file)
            return
        super().do_GET()

    def _called_by_name(self) -> bool:
        name = self.headers.get("Host", "").rpartition(":")[0]
        if name in ("127.0.0.1", "localhost"):
            return True
        self.send_error(403, "this site is shown to this machine alone")
        return False

    def _page(self, file: Path) -> None:
        before, end, after = file.read_text(encoding="utf-8").rpartition("</body>")
        content = f"{before}{_RELOAD if end else ''}{end}{after}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _tell(self) -> None:
        """Tell a page of the next drawing; a comment now and then finds out whether it is still open."""
        count = self.drawings.count
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            while not self.drawings.after(count, 5):
                self.wfile.write(b": still here\n\n")
                self.wfile.flush()
            self.wfile.write(b"data: drawn\n\n")
        except OSError:  # the page was closed
            return
