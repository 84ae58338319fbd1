"""A run's loop: trials that are free are taken, trained and appended, one way or another, until all have ended."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import DeviceLostError
from bench.images import Pixels
from bench.keeping import keeping
from bench.planning import Cell, Trial
from bench.running.sharing import Work
from bench.training import Finished
from store import Claims, PredictionRow, Store, TrialRow

if TYPE_CHECKING:
    import torch

    from bench.training import material

POLL = 2.0
"""Seconds between two looks at what other runs on the store have done."""


@dataclass
class Result:
    """What a run did: trials finished, and those that failed with their reasons."""

    finished: int
    failures: list[tuple[Cell, Trial, str]]

    def __add__(self, other: "Result") -> "Result":
        """What two parts of a run did together."""
        return Result(self.finished + other.finished, [*self.failures, *other.failures])


class Watch:
    """Told of a run's progress; does nothing itself. A screen overrides what it shows."""

    def preparing(self, dataset: str, image_size: int, images: int) -> None:
        """A dataset's images are about to be decoded."""

    def preprocessing(self, dataset: str, steps: Sequence[str], images: int) -> None:
        """A dataset's images are about to be preprocessed."""

    def decoded(self) -> None:
        """One more image is decoded, or preprocessed."""

    def started(self, cells: Sequence[Cell]) -> None:
        """Training begins with these cells, in this order."""

    def cell(self, cell: Cell) -> None:
        """This cell is next: the first of its trials has been taken."""

    def taken(self, trial: Trial) -> None:
        """This trial is about to be trained."""

    def advanced(self, share: float) -> None:
        """So much more of the current cell's work is done; the shares of a cell sum to 1."""

    def trial(self, cell: Cell, row: TrialRow, predictions: Sequence[PredictionRow]) -> None:
        """A trial has ended and is in the store."""

    def waiting(self, trials: int) -> None:
        """Nothing is left but so many trials that other runs on this store are training."""

    def lane(self, name: str) -> "Watch":
        """What is told of one of several workers, by the name of its device."""
        return self


@dataclass(frozen=True)
class Since:
    """From when on what others have done, and what has failed, is not done again; None: whenever it was."""

    done: datetime | None = None
    failed: datetime | None = None


@dataclass(frozen=True)
class Errand:
    """What a run has to do.

    Attributes:
        cells: with the trials that are to be trained.
        store: where they go.
        since: what others did, and what failed, before that time counts for nothing.
        watch: told of the progress.
    """

    cells: Sequence[Cell]
    store: Store
    since: Since
    watch: Watch


Way = Callable[[Sequence[Cell], Work], Iterator[tuple[Watch, Cell, Finished]]]
"""A way to train cells: takes what is free, and yields what has ended and is in the store, with who is to be told."""


def train(errand: Errand, way: Way) -> Result:
    """Train the trials of these cells that no other run is training, then wait for the others, and take over from
    those that die.
    """
    result, left, since = Result(0, []), list(errand.cells), errand.since
    if not left:
        return result
    with Claims(errand.store.root) as claims:
        work = Work(errand.store, claims, done_since=since.done, failed_since=since.failed)
        while left:
            for told, cell, finished in way(left, work):
                result.finished += finished.row["status"] == "done"
                if finished.row["status"] == "failed":
                    result.failures.append((cell, finished.trial, finished.row["error"] or ""))
                told.trial(cell, finished.row, finished.predictions)
            left = [open_cell for cell in left if (open_cell := work.open(cell)).trials]
            if left:
                errand.watch.waiting(sum(len(cell.trials) for cell in left))
                time.sleep(POLL)
    return result


def here(cache: Path, device: "torch.device", watch: Watch, kept: Path | None = None) -> Way:
    """In this process, on one device, one cell after the other; models are kept beside the store `kept`, if any."""
    from bench.training import material

    place = material.Place(cache, device, keeping(kept))

    def way(left: Sequence[Cell], work: Work) -> Iterator[tuple[Watch, Cell, Finished]]:
        for cell in left:
            begun = False

            def take(trial: Trial, cell: Cell = cell) -> bool:
                nonlocal begun
                if not work.take(cell, trial):
                    return False
                if not begun:
                    watch.cell(cell)
                    begun = True
                watch.taken(trial)
                return True

            for together in trained(cell, place, watch.advanced, take):
                work.append(together)
                yield from ((watch, cell, finished) for finished in together)

    return way


def trained(
    cell: Cell,
    place: "material.Place",
    progress: Callable[[float], None],
    take: Callable[[Trial], bool],
    pixels: Pixels | None = None,
) -> Iterator[list[Finished]]:
    """A cell's trials as they end, done or failed; arguments are those of `cells.run`.

    Raises:
        BenchError: an image cannot be read, a disk is full, the device is gone: no trial's fault.
    """
    from bench.training import cells

    taken: list[Trial] = []
    ended: set[str] = set()

    def noted(trial: Trial) -> bool:
        if not take(trial):
            return False
        taken.append(trial)
        return True

    try:
        for together in cells.run(cell, place, progress, noted, pixels):
            ended |= {finished.trial.id for finished in together}
            yield together
    except (RuntimeError, ArithmeticError, ValueError) as error:
        # torch's own failures (memory, kernels) belong to the trial; ours and the disk's end the run. A device that is
        # gone is no trial's fault: all that follow would fail on it.
        _require_answer(place.device, error)
        reason = " ".join(str(error).split())[:500] or type(error).__name__
        rest = filter(noted, [trial for trial in cell.trials if trial not in taken])
        left = [*(trial for trial in taken if trial.id not in ended), *rest]
        if failed := [Finished(trial, cells.failed_row(cell, trial, reason, place.device), [], []) for trial in left]:
            yield failed


def _require_answer(device: "torch.device", error: Exception) -> None:
    import torch

    if device.type == "cpu":
        return
    try:
        torch.zeros(1, device=device).sum().item()
    except (RuntimeError, AssertionError):
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DeviceLostError(
            f"{device} does not answer any more ({reason}); what was finished is in the store, "
            "and another --device goes on from there"
        ) from None
