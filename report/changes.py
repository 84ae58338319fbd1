"""What changed from one store to the next, in words: which answers, which verdicts, which figures.

`python -m report.changes OLD.json NEW.json` prints Markdown for a pull request. Each file is what `bench answer
--format json` writes, or the `findings.json` of a site. Words from stores are text in it, never markup.
"""

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

USAGE = "usage: python -m report.changes OLD.json NEW.json"
MOST = 50
"""So many changes of a kind are listed; the rest are counted."""
Row = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Print what changed; the exit code."""
    if len(arguments) != 2:
        print(USAGE, file=sys.stderr)
        return 2
    files = []
    for name in arguments:
        try:
            read = json.loads(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            print(f"{name} cannot be read as JSON: {error}", file=sys.stderr)
            return 1
        if not isinstance(read, dict):
            print(f"{name} holds no answers; `bench answer --format json` writes them", file=sys.stderr)
            return 1
        files.append(read)
    print(markdown(*files))
    return 0


def markdown(old: Row, new: Row) -> str:
    """What changed, as Markdown: answers, claims, verdicts, and figures whose verdict stayed."""
    moved = _pairs(old, new, "findings", _compared)
    verdicts = [(a, b) for a, b in moved if _verdict(a) != _verdict(b)]
    figures = [(a, b) for a, b in moved if _verdict(a) == _verdict(b) and _figure(a) != _figure(b)]
    parts = [
        _section("Answers", ["dataset", "before", "now"], _pairs(old, new, "answers", _dataset), _dataset, _answer),
        _section("Claims", ["claim", "before", "now"], _pairs(old, new, "claims", _claim), _claim, _verdict),
        _section("Verdicts", ["comparison", "before", "now"], verdicts, _compared, _both),
        _section("Figures, the verdict as before", ["comparison", "before", "now"], figures, _compared, _figure),
    ]
    said = [part for part in parts if part]
    return "\n\n".join(["## What these results change", *(said or ["No answer, verdict or figure has changed."])])


def _pairs(old: Row, new: Row, key: str, named: Callable[[Row], str]) -> list[tuple[Row, Row]]:
    """Old and new rows of one name, in the order of the new ones; an empty row stands for one that is not there."""
    before, now = ({named(row): row for row in each.get(key, [])} for each in (old, new))
    return [(before.get(name, {}), now.get(name, {})) for name in [*now, *(n for n in before if n not in now)]]


def _section(
    title: str,
    heads: Sequence[str],
    pairs: Sequence[tuple[Row, Row]],
    named: Callable[[Row], str],
    said: Callable[[Row], str],
) -> str:
    changed = [(named(b or a), said(a), said(b)) for a, b in pairs if said(a) != said(b)]
    if not changed:
        return ""
    lines = [f"### {title}: {len(changed)}", "", _line(heads), _line(["---"] * len(heads))]
    lines += [_line([_text(word) for word in row]) for row in changed[:MOST]]
    if len(changed) > MOST:
        lines += ["", f"and {len(changed) - MOST:,} more."]
    return "\n".join(lines)


def _line(words: Sequence[str]) -> str:
    return f"| {' | '.join(words)} |"


def _text(words: str) -> str:
    """Words from a store, letter for letter, for a cell of a table."""
    plain = " ".join(words.split())
    kept = re.sub(r"(?<=\d)\.(?=\d)", "\x00", plain)  # the point of a number stays one
    return "".join("." if c == "\x00" else c if c.isalnum() or c in " -,%−–+" else f"&#{ord(c)};" for c in kept)


def _dataset(row: Row) -> str:
    return str(row["dataset"])


def _claim(row: Row) -> str:
    return str(row["said"])


def _compared(row: Row) -> str:
    return f"{row['dataset']} {row['recipe']}: {row['compared']} ({row['question']})"


def _answer(row: Row) -> str:
    if not row:
        return "–"
    if row.get("use") is None:
        return "open"
    return f"{row['use']}, {100 * row['balanced_accuracy']:.1f} %{_interval(row)}"


def _verdict(row: Row) -> str:
    return str(row.get("verdict") or row.get("verdict_at_1") or "–")


def _figure(row: Row) -> str:
    if row.get("difference") is None:
        return "–"
    return f"{100 * row['difference'] + 0.0:+.1f}{_interval(row)}"


def _both(row: Row) -> str:
    return f"{_verdict(row)}, {_figure(row)}" if row else "–"


def _interval(row: Row) -> str:
    ends = row.get("low"), row.get("high")
    return "" if None in ends else " [{:.1f}, {:.1f}]".format(*(100 * float(v) for v in ends if v is not None))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
