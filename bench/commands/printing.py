"""What commands print: sentences, and tables that line up. Nothing here decides anything."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bench.datasets.audit import Audit


def console() -> "Console":
    """Standard output as rich writes it."""
    from rich.console import Console

    # A pipe has no width, unless COLUMNS says one; wide enough there that no row wraps.
    told = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(highlight=False, width=None if told else 160)


def say(message: str, *, bold: bool = False) -> None:
    """Print a sentence."""
    console().print(f"[bold]{escaped(message)}[/]" if bold else escaped(message), soft_wrap=True)


def wrapped(message: str, indent: int = 0) -> None:
    """Print a paragraph no wider than the screen; a second line of an item that begins with a sign hangs below it."""
    import re
    from textwrap import fill

    hang = indent + (2 if message.startswith("→ ") else 0)
    # What may be copied, a rule in quotes or a command, stays in one line.
    whole = re.sub(r"(?<=\s)(?:'[^'\n]*'|`[^`\n]*`)", lambda found: found[0].replace(" ", "\0"), message)
    body = fill(
        whole,
        console().width,
        initial_indent=" " * indent,
        subsequent_indent=" " * hang,
        break_on_hyphens=False,
        break_long_words=False,
    )
    say(body.replace("\0", " ") + "\n" * message.endswith("\n"))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; a column of numbers, or of shares such as `3/20`, stands to the right.

    Names, which have no spaces, are never broken: where they do not fit side by side, each row is a block of lines.
    """
    if _printed(headers, rows):
        return
    longest = max(map(len, headers), default=0)
    for row in rows:
        say("")
        for header, value in zip(headers, row, strict=True):
            if value not in ("", None):
                say(f"{header:<{longest}}  {value}".strip())


def _laid_out(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> "Table":
    from rich import box
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD, show_header=any(headers), pad_edge=False)
    for number, header in enumerate(headers):
        values = [str(row[number]) for row in rows if row[number] not in ("", None)]
        right = bool(values) and not any(value.strip("0123456789./") for value in values)
        whole = not any(" " in value for value in values)
        shown.add_column(header, justify="right" if right else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        shown.add_row(*(escaped(value) for value in row))
    return shown


def _printed(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> bool:
    """Print a table if it needs no more than the screen has, with names unbroken."""
    screen, shown = console(), _laid_out(headers, rows)
    if screen.measure(shown, options=screen.options.update(width=10_000)).minimum > screen.width:
        return False
    screen.print(shown)
    return True


def by_dataset(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; a dataset that is the only one stands above it, which leaves its width to the recipes.

    Where all in one would be too wide, each study's datasets have tables of their own.
    """
    places = [place for place, header in enumerate(headers) if header in ("study", "dataset")]
    parts: dict[str, list[Sequence[object]]] = {}
    for row in rows:
        parts.setdefault(" · ".join(str(row[place]) for place in places), []).append(row)
    if len(parts) > 1 and _printed(headers, rows):
        return
    for name, own in parts.items():
        say(name, bold=True)
        inner = [[value for place, value in enumerate(row) if place not in places] for row in (headers, *own)]
        table(list(map(str, inner[0])), inner[1:])


def audit(found: "Audit") -> None:
    """Print a dataset's classes as they lie on disk, and what was found, each with what to do about it."""
    dropped = {*found.dropped, *found.unreadable}
    usable = [scan for scan in found.scans if scan.id not in dropped]
    rows = []
    for label in sorted({scan.label for scan in found.scans}):
        scans = [scan for scan in usable if scan.label == label]
        kinds = Counter(f"{scan.format} {scan.mode}" for scan in scans)
        shown = ", ".join(f"{kind} {count}" if len(kinds) > 1 else kind for kind, count in kinds.most_common())
        pixels = f"{_range([s.width for s in scans])} × {_range([s.height for s in scans])}" if scans else ""
        rows.append([label, len(scans), f"{100 * len(scans) / max(len(usable), 1):.0f} %", pixels, shown])
    table(["class", "images", "share", "pixels", "files"], rows)
    for title, findings in (
        ("Problems", found.problems),
        ("Worth knowing", [finding for finding in found.findings if not finding.problem]),
    ):
        if findings:
            say(title, bold=True)
        for finding in findings:
            wrapped(f"{finding.what}.", indent=2)
            wrapped(f"→ {finding.mend}.\n", indent=4)


def _range(values: Sequence[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)}–{max(values)}"


@contextmanager
def counting(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for what is counted, told how many are done and of how many; nothing where there is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = console()
    columns = (TextColumn(what), BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(what)

        def counted(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)
            if done == of:
                bar.stop()  # what is printed next stands where the bar was

        yield counted


def schema() -> None:
    """Print every table of the store, and what each column holds."""
    from store import public

    for view in public():
        say(f"\n{view.name}", bold=True)
        say(view.about)
        table(["column", "meaning"], [[name, text] for name, text in view.columns.items()])


def duration(seconds: float) -> str:
    """A duration for people: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def size(count: int) -> str:
    """A number of bytes for people: `320 bytes`, `2.0 MB`."""
    from rich.filesize import decimal

    return decimal(count)


@contextmanager
def transfers() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show files on their way, on a terminal: the function takes a file's name, bytes here, and bytes in all."""
    from rich import progress

    screen = console()
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    bars = progress.Progress(*columns, console=screen, disable=not screen.is_terminal)
    tasks: dict[str, progress.TaskID] = {}

    def show(name: str, done: int, total: int | None) -> None:
        if not tasks:
            bars.start()
        if name not in tasks:
            tasks[name] = bars.add_task(escaped(name), total=total)
        bars.update(tasks[name], completed=done, total=total)

    try:
        yield show
    finally:
        bars.stop()


def score(value: float | None) -> str:
    """A score for a table, or nothing."""
    return "" if value is None else f"{value:.3f}"


def plain(text: str) -> str:
    """Words from outside without what steers a terminal, or is no text: a file's name may hold anything."""
    from unicodedata import category

    return "".join("\N{REPLACEMENT CHARACTER}" if category(c) in ("Cc", "Cs") and c != "\n" else c for c in text)


def escaped(value: object) -> str:
    """A value as rich shows it letter for letter."""
    from rich.markup import escape

    return escape(plain("" if value is None else str(value)))
