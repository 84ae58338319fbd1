"""Which holdouts and folds a small dataset can be cut into, where those that were asked for are too many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.datasets.loading import Dataset
from bench.errors import BenchError
from bench.study import Protocol, draw_splits, given_holdout

SHARES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
LEAST = 3
"""One for the holdout, and one for each of two folds."""


@dataclass(frozen=True)
class Numbers:
    """A share held out, None where the holdout is given, and a number of folds."""

    holdout: float | None
    folds: int

    def options(self, wanted: Protocol) -> str:
        """What asks for them on the command line, where they are not what is wanted already."""
        held = "" if self.holdout in (None, wanted.holdout) else f" --holdout {self.holdout:g}"
        return held + ("" if self.folds == wanted.folds else f" --folds {self.folds}")


def numbers(
    labels: Sequence[int], groups: Sequence[str], marked: Sequence[bool] | None, wanted: Protocol
) -> Numbers | None:
    """The holdout and the folds nearest to those wanted that put every class on every side; None where none do.

    Args:
        labels: (N,) class numbers.
        groups: (N,) group names.
        marked: (N,) the given holdout, or None where it is drawn.
        wanted: as many folds and repeats are tried first, and as small a holdout.
    """
    free = np.ones(len(labels), dtype=bool) if marked is None else ~given_holdout(groups, marked)
    pairs = {(labels[i], groups[i]) for i in np.flatnonzero(free).tolist()}
    fewest = min((sum(label == one for one, _ in pairs) for label in set(labels)), default=0)
    most = min(wanted.folds, fewest - (marked is None))
    shares = [None] if marked is not None else sorted({wanted.holdout, *(s for s in SHARES if s > wanted.holdout)})
    classes = [str(number) for number in range(max(labels, default=0) + 1)]
    for folds in range(most, 1, -1):
        for share in shares:
            tried = replace(wanted, folds=folds, holdout=share or wanted.holdout)
            try:
                draw_splits(labels, groups, tried, classes, marked)
            except BenchError:
                continue
            return Numbers(share, folds)
    return None


def of(dataset: Dataset, wanted: Protocol) -> Numbers | None:
    """`numbers` of a dataset."""
    return numbers(dataset.labels, dataset.groups, dataset.held, wanted)


def advice(found: Numbers | None, wanted: Protocol) -> str:
    """What to do, in a few words, about a dataset that cannot be cut as wanted."""
    if found is None:
        return (
            f"no holdout and folds work: every class needs images of {LEAST} groups at least (images that are in no "
            "group count as one each), so add images or groups, or join the class with another"
        )
    held = "" if found.holdout is None else f"a holdout of {found.holdout:g} and "
    return f"{held}{found.folds} folds work:{found.options(wanted)}"


def explained(error: BenchError, dataset: Dataset, groups: Sequence[str], wanted: Protocol) -> str:
    """Why a dataset cannot be split by some groups, with the numbers that work."""
    found = numbers(dataset.labels, groups, dataset.held, wanted)
    return f"{str(error).partition('; add images')[0]}; {advice(found, wanted)}"
