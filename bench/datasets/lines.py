"""What is wrong with the lines of a table: all of it is gathered first, and told in one sentence."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

SHOWN = 3


@dataclass(frozen=True)
class Kind:
    """A way in which lines may be wrong: what is said of one, what of several, and what mends it.

    All may hold `{folder}`; `one` also `{written}`, what stands there, and `{other}`, what is to say besides.
    """

    one: str
    several: str
    mend: str


MISSING = Kind(
    "there is no file {written} in {folder}",
    "without a file in {folder}",
    'mend the path or the line, or leave such lines out with --missing leave-out (missing = "leave-out" in the card)',
)
AGAIN = Kind("{written} stands in {other} already", "naming a file that stands above already", "strike one of them out")
UNLABELLED = Kind("no label for {written}", "without a label", "give it one or strike the line out")
OUTSIDE = Kind(
    "{written} is no file inside {folder}", "leading to no file inside {folder}", "paths start from {folder}"
)
SEVERAL = Kind("{written} may be {other}", "with a name that several files have", "write the path from {folder}")
NO_IMAGE = Kind(
    "{written} is no image that can be read ({other})", "naming no image that can be read", "convert it first"
)
UNMARKED = Kind(
    "holdout is {written}", "whose holdout is neither 1 nor 0", "write 1 for held out, and 0 or nothing for the rest"
)
KINDS = (MISSING, AGAIN, UNLABELLED, OUTSIDE, SEVERAL, NO_IMAGE, UNMARKED)


class Faults:
    """The faults of a table whose images lie in a folder."""

    def __init__(self, table: Path, folder: Path) -> None:
        self._table, self._folder = table, folder
        self._found: dict[Kind, list[tuple[int, str, str]]] = defaultdict(list)

    def add(self, kind: Kind, line: int, written: str, other: str = "") -> None:
        """Note a line, what is written there, and what is to say besides."""
        self._found[kind].append((line, repr(written), other))

    def tell(self) -> None:
        """Say all that was found, kind by kind, each with how many lines and which are the first.

        Raises:
            BenchError: anything was.
        """
        found = {kind: self._found[kind] for kind in KINDS if kind in self._found}
        if not found:
            return
        mends = [kind.mend.format(folder=self._folder) for kind in found]
        if sum(map(len, found.values())) > 1:
            told = [self._told(kind, lines) for kind, lines in found.items()]
            raise BenchError(f"{self._table}: {'; '.join([*told, *mends])}")
        ((kind, ((line, written, other),)),) = found.items()
        what = kind.one.format(written=written, folder=self._folder, other=other)
        raise BenchError(f"{self._table}, line {line}: {what}; {mends[0]}")

    def _told(self, kind: Kind, lines: list[tuple[int, str, str]]) -> str:
        also = ", as {}" if kind is AGAIN else ", {}" if kind is SEVERAL else ""
        first = [f"{written} (line {line}{also.format(other)})" for line, written, other in lines[:SHOWN]]
        rest = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        number = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
        return f"{number} {kind.several.format(folder=self._folder)}: {', '.join(first)}{rest}"
