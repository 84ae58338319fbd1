"""Guesses which images belong together, from their file names: `C100P61…_cell_163.png` may be slide `C100`.

A guess is a rule for a card's `groups`. It is offered and never applied: only who took the images can know.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RULES = (
    r"^([A-Za-z]+[-_ ]?\d+)",  # letters and their number: `C100P61…`, `patient_12_left`
    r"^(.+?)(?:[-_ %]+[A-Za-z]{0,4}\d+)+$",  # all but the numbers at the end: `paper-p16-56-1`, `case 3 (2)`
    r"^([^_]+)_",
    r"^([^-]+)-",
    r"^([^ ]+) ",
    r"^([^%]+)%",
    r"^(.+)[-_ %][^-_ %]+$",  # all but the last part
)
OFFERED = 3


@dataclass(frozen=True)
class Guess:
    """A rule, the images in each group that it makes, and a file name from which it reads one of them."""

    rule: str
    sizes: Mapping[str, int]
    example: tuple[str, str]

    @property
    def shared(self) -> int:
        """Images that are not alone in their group."""
        return sum(size for size in self.sizes.values() if size > 1)


def read(rule: str, stem: str) -> str | None:
    """The group that a rule reads from a file's name without its ending."""
    found = re.search(rule, stem)
    return found[1] if found else None


def guesses(stems: Sequence[str], labels: Sequence[str]) -> list[Guess]:
    """Rules that make many groups of a few images each, those that keep most images together first."""
    offered: dict[tuple[str | int, ...], Guess] = {}
    for rule in RULES:
        groups = [read(rule, stem) for stem in stems]
        sizes = Counter(group for group in groups if group is not None)
        if not sizes or not _plausible(groups, sizes, stems, labels):
            continue
        # Of rules that make the same groups under other names, the first is enough.
        numbers: dict[str, int] = {}
        partition = tuple(
            -place if group is None else numbers.setdefault(group, place) for place, group in enumerate(groups, 1)
        )
        largest = max(sizes, key=lambda group: (sizes[group], group))
        offered.setdefault(partition, Guess(rule, sizes, (stems[groups.index(largest)], largest)))
    return sorted(offered.values(), key=lambda guess: (-guess.shared, len(guess.sizes)))[:OFFERED]


def _plausible(
    groups: Sequence[str | None], sizes: Mapping[str, int], stems: Sequence[str], labels: Sequence[str]
) -> bool:
    several = [size for size in sizes.values() if size > 1]
    if len(several) < 3 or len(several) <= len(set(labels)):
        return False  # a name for each class, and a number
    if max(several) > len(groups) / 3 or sum(several) < 0.3 * len(groups):
        return False
    whole = sum(group == stem for group, stem in zip(groups, stems, strict=True))
    # `1.png` in each class folder says nothing, and neither does `cell1` in each.
    in_class = Counter((group, label) for group, label in zip(groups, labels, strict=True) if group is not None)
    return whole < len(groups) / 2 and sum(sizes.values()) > 1.2 * len(in_class)
