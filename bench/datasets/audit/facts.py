"""What findings are made of, and the words that they share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from bench.datasets import Card, Entry, grouping
from bench.datasets.audit.metadata import Tell
from bench.datasets.audit.scanning import Scan

SHOWN = 3
TORN, UNUSABLE = "in more than one class, as the same bytes", "cannot be used"
"""What findings say of images that are then left out."""


@dataclass(frozen=True)
class Finding:
    """One thing found: what it is, and what to do about it. A problem stops a run, or makes its results wrong.

    `kind` names it in two or three words; `images` are the ids of all that it concerns.
    """

    kind: str
    problem: bool
    what: str
    mend: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What findings are made of.

    `readable` are the scans that are images; `copies` are sets of equal bytes, `alike` sets of one picture in different
    bytes. `declared` are the groups that card or manifest give, by image id; `together` names for every image with whom
    it stays on one side: its group, its copies, and what the card calls the same. `masks` are named as such.
    `unsought` are too small or too plain to have near copies of them sought.
    `kept` is `together` with all that is alike added, which is what `add` keeps on one side.
    """

    card: Card
    scans: Sequence[Scan]
    readable: Sequence[Scan]
    leftovers: Mapping[str, Sequence[str]]
    copies: Sequence[tuple[Scan, ...]]
    alike: Sequence[tuple[Scan, ...]]
    declared: Mapping[str, str]
    together: Mapping[str, str]
    guesses: Sequence[grouping.Guess]
    tells: Sequence[Tell]
    masks: Sequence[Entry]
    unsought: Sequence[Scan]
    kept: Mapping[str, str]


# --- Words


def nearly_alike(labels: Iterable[str]) -> list[list[str]]:
    """Sets of classes whose names differ in case, in spaces, or in how accents are stored alone."""
    same: dict[str, list[str]] = {}
    for label in sorted(set(labels)):
        same.setdefault(" ".join(normalize("NFKC", label).casefold().split()), []).append(label)
    return [found for found in same.values() if len(found) > 1]


def classes(same: Sequence[Scan]) -> int:
    """In how many classes some files stand."""
    return len({scan.label for scan in same})


def ids(scans: Sequence[Scan]) -> tuple[str, ...]:
    """Their ids."""
    return tuple(scan.id for scan in scans)


def called(scans: Sequence[Scan]) -> str:
    """The first few by name, and how many more there are."""
    return names([scan.name for scan in scans])


def all_ids(sets: Sequence[Sequence[Scan]]) -> tuple[str, ...]:
    """The ids of all in some sets."""
    return tuple(scan.id for same in sets for scan in same)


def names(all_of_them: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    rest = len(all_of_them) - SHOWN
    return ", ".join(all_of_them[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def shown(sets: Sequence[Sequence[Scan]], sign: str = " = ") -> str:
    """The first few sets, each with a sign between its names."""
    return names([sign.join(scan.name for scan in same[:4]) + (f"{sign}…" if len(same) > 4 else "") for same in sets])


def number(count: int, what: str) -> str:
    """`1 file`, `2 files`."""
    return f"1 {what}" if count == 1 else f"{count} {what}s"
