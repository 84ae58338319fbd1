"""Worker processes on this machine: one for each GPU, or one for each core of the CPU.

They share the store as separate runs do, by claims, so there is nobody who hands trials out, and nobody to wait for.
A worker that dies is replaced; the trials it was at are free at once. One that kills its workers twice has failed.
"""

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from bench.errors import BenchError, DeviceLostError
from bench.planning import Cell, Trial
from bench.running import loop
from bench.running.loop import Errand, Result, Since, Watch
from bench.training import cells as cells_
from bench.training import memory
from store import PredictionRow, Store, StoreWarning, TrialRow

WORTH_IT = 30.0
"""Seconds of work below which processes are not started: each takes some to load torch."""
DEATHS = 2
"""Workers that a trial may cost before it has failed."""


@dataclass(frozen=True)
class Share:
    """What a worker works with: its name for people, its device, and the store beside which it keeps models, if any."""

    name: str
    device: str
    kept: Path | None = None


def train(
    errand: Errand, cache: Path, devices: Sequence[torch.device], count: int | None, kept: Path | None = None
) -> Result:
    """Train what one process does best by itself, then the rest by several; models are kept beside the store `kept`.

    Raises:
        BenchError: an image cannot be read, a disk is full. What was finished before stays.
    """
    alone, shares = share(errand.cells, devices, count)
    result = loop.train(replace(errand, cells=alone), loop.here(cache, devices[0], errand.watch, kept))
    if shares:
        by_one = {cell.id for cell in alone}
        rest = [cell for cell in errand.cells if cell.id not in by_one]
        result += run(replace(errand, cells=rest), cache, [replace(share, kept=kept) for share in shares])
    return result


def share(left: Sequence[Cell], devices: Sequence[torch.device], count: int | None) -> tuple[list[Cell], list[Share]]:
    """What one process trains by itself, and the workers for the rest, if any.

    On a CPU workers train networks, each on a thread of its own. Frozen features come first: one process computes them
    on all cores, quicker than each core could for itself, and the heads of a cell train together.
    """
    cells = list(left)
    if devices[0].type == "cuda":
        wanted, alone = count or len(devices), list[Cell]()
    else:
        alone = [cell for cell in cells if cell.model.kind != "network"]
        networks = [cell for cell in cells if cell.model.kind == "network"]
        enough = torch.get_num_threads() if sum(cell.cost() for cell in networks) > WORTH_IT else 1
        wanted = min(count or enough, sum(len(cell.trials) for cell in networks))
    if wanted < 2:
        return cells, []
    on = [devices[number % len(devices)] for number in range(wanted)]
    return alone, [Share(f"{device} #{number}", str(device)) for number, device in enumerate(on, 1)]


@dataclass
class _Worker:
    """A process, and what it has told: `taken` are the trials it is at."""

    share: Share
    process: BaseProcess
    pipe: Connection
    watch: Watch
    taken: dict[str, tuple[Cell, Trial]] = field(default_factory=dict)
    current: Cell | None = None
    ended: bool = False


class _Crew:
    """The workers of one run, and what has come of it."""

    def __init__(self, errand: Errand, cache: Path) -> None:
        # The longest first, so that no worker is left alone with a long one at the end.
        self.cells = sorted(errand.cells, key=lambda cell: -cell.cost())
        self.errand, self.cache = errand, cache
        self.known = {cell.id: cell for cell in errand.cells}
        self.result = Result(0, [])
        self.deaths = Counter[str]()
        self.workers: list[_Worker] = []
        self.lost: DeviceLostError | None = None
        self.finished = False  # a worker ends of itself only where nothing is left for anybody

    def start(self, share: Share) -> None:
        context = _context()
        ours, theirs = context.Pipe()
        arguments = (theirs, self.errand.store.root, self.cache, share, self.errand.since)
        process = context.Process(target=_work, args=arguments, daemon=True, name=share.name)
        process.start()
        theirs.close()
        # What is large goes through the pipe: of one who dies before reading it, an argument would wait for ever.
        with suppress(OSError):  # it is gone, as will be heard
            ours.send(self.cells)
        self.workers.append(_Worker(share, process, ours, self.errand.watch.lane(share.name)))

    def listen(self) -> None:
        """Wait for the next messages, and for deaths."""
        open_ones = {worker.pipe: worker for worker in self.workers}
        for pipe in wait(list(open_ones)):
            worker = open_ones[pipe]  # type: ignore[index]
            try:
                kind, *told = worker.pipe.recv()
            except (EOFError, OSError):
                self._gone(worker)
                continue
            if kind == "lost":
                worker.ended, self.lost = True, told[0]
                continue
            if kind == "error":
                raise told[0]
            if kind == "end":
                worker.ended = self.finished = True
            else:
                self._tell(worker, kind, told)

    def stop(self) -> None:
        """End all processes; what they were at is not finished."""
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.process.join(5)
            worker.process.kill()

    def _tell(self, worker: _Worker, kind: str, told: list[Any]) -> None:
        watch = worker.watch
        if kind == "cell":
            worker.current = self.known[told[0]]
            watch.cell(worker.current)
        elif kind == "taken":
            assert worker.current is not None
            worker.taken[told[0].id] = (worker.current, told[0])
        elif kind == "advanced":
            watch.advanced(told[0])
        elif kind == "trial":
            cell, trial = worker.taken.pop(told[0])
            self._count(watch, cell, trial, told[1], told[2])

    def _count(
        self, watch: Watch, cell: Cell, trial: Trial, row: TrialRow, predictions: Sequence[PredictionRow]
    ) -> None:
        if row["status"] == "failed":
            self.result.failures.append((cell, trial, row["error"] or ""))
        else:
            self.result.finished += 1
        watch.trial(cell, row, predictions)

    def _gone(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.process.join()
        if worker.ended:
            return
        code = worker.process.exitcode or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        if not worker.taken:
            self.deaths[""] += 1
            if self.deaths[""] > DEATHS:
                raise BenchError(f"workers on {worker.share.device} end before they train anything ({how})")
        self.deaths.update(list(worker.taken))
        for trial_id, (cell, trial) in worker.taken.items():
            if self.deaths[trial_id] == DEATHS:  # once: another may have taken it before it was known to have failed
                reason = f"its worker was {how}, {DEATHS} times: out of memory?"
                row = cells_.failed_row(cell, trial, reason, torch.device(worker.share.device))
                self.errand.store.append_trials([(row, [], [])])
                self._count(worker.watch, cell, trial, row, [])
        self.start(worker.share)


def run(errand: Errand, cache: Path, shares: Sequence[Share]) -> Result:
    """Train the trials of some cells by several processes.

    Raises:
        BenchError: as one worker does; the others are ended, and what was finished stays.
    """
    crew = _Crew(errand, cache)
    try:
        for one in shares:
            crew.start(one)
        while crew.workers:
            crew.listen()
        if crew.lost and not crew.finished:
            raise crew.lost
    finally:
        crew.stop()
    return crew.result


def _context() -> ForkServerContext | SpawnContext:
    """How processes are made: forked from one that has loaded torch and met no device, so that each is ready at once.

    Where the system cannot do that, each loads torch for itself.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


# --- In a worker


class _Teller(Watch):
    """Sends to the parent what a run is told."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.share, self.since = pipe, 0.0, time.monotonic()

    def cell(self, cell: Cell) -> None:
        """By its identity: the parent has the cell."""
        self.pipe.send(("cell", cell.id))

    def taken(self, trial: Trial) -> None:
        """So that the parent knows what was lost if this process dies."""
        self.pipe.send(("taken", trial))

    def advanced(self, share: float) -> None:
        """Some times a second is enough."""
        self.share += share
        if time.monotonic() - self.since > 0.2:
            self.pipe.send(("advanced", self.share))
            self.share, self.since = 0.0, time.monotonic()

    def trial(self, cell: Cell, row: TrialRow, predictions: Sequence[PredictionRow]) -> None:
        """With what the screen shows of it."""
        if self.share:
            self.pipe.send(("advanced", self.share))
            self.share = 0.0
        self.pipe.send(("trial", row["trial_id"], row, predictions))


def _work(pipe: Connection, root: Path, cache: Path, share: Share, since: Since) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_die_with_the_parent, daemon=True).start()
    warnings.simplefilter("ignore", StoreWarning)  # the parent has said so
    if share.device == "cpu":
        torch.set_num_threads(1)
    memory.keep_what_was_freed()
    try:
        cells: Sequence[Cell] = pipe.recv()
        watch = _Teller(pipe)
        way = loop.here(cache, torch.device(share.device), watch, share.kept)
        loop.train(Errand(cells, Store(root), since, watch), way)
        pipe.send(("end",))
    except DeviceLostError as error:
        pipe.send(("lost", error))
    except Exception as error:  # whatever it is, the parent raises it
        pipe.send(("error", error))


def _die_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
