"""Trials on a Ray cluster: the same trials, the same results, on as many machines as the cluster has.

The process that joins keeps the store to itself: it claims trials for the whole cluster, sends decoded images
out once, and appends what comes back. So a node needs this package, but neither the images nor the store. Ray starts
again what was at work on a node that is lost; a trial whose workers die time and again has failed.
"""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import ray
import ray.exceptions
import torch

from bench.datasets import pixels
from bench.errors import BenchError, UsageError
from bench.images import Pixels
from bench.planning import Cell
from bench.running import loop
from bench.running.loop import POLL, Errand, Result, Watch
from bench.running.sharing import Work
from bench.training import Finished, common, material, memory, networks
from bench.training import cells as cells_
from store import cache_folder

RETRIES = 2
"""How often what was at work on a worker or a node that died is started again."""
CORES = 4
"""Cores, at most, for one pass through frozen layers where there is no GPU; more do not make it faster by much."""


def require(device: str) -> None:
    """See that a cluster can be asked for a device.

    Raises:
        UsageError: it is not `auto` or `cpu`; a cluster gives out its own.
    """
    if device not in ("auto", "cpu"):
        raise UsageError(f"--device {device} with --executor ray: the cluster gives out its GPUs; use auto or cpu")


@contextmanager
def joined(device: str) -> Iterator[bool]:
    """Join the cluster that `RAY_ADDRESS` names, or the one that runs on this machine. None is started: Ray listens to
    the network, and whether it may is not for a benchmark to say.

    Args:
        device: `auto` (GPUs where the cluster has any) or `cpu`.

    Yields:
        Whether trials run on GPUs.

    Raises:
        BenchError: no cluster answers.
    """
    address = os.environ.get("RAY_ADDRESS", "auto")
    try:
        _require_answer(address)
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        where = "on this machine" if address == "auto" else f"at {address}"
        raise BenchError(
            f"no Ray cluster {where} can be joined ({' '.join(str(error).split())[:120]}); "
            "start one with `ray start --head`, or name one with RAY_ADDRESS"
        ) from None
    try:
        yield device == "auto" and ray.cluster_resources().get("GPU", 0) >= 1
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    """Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=5).close()


def train(errand: Errand, cache: Path, gpus: bool, limit: int | None) -> Result:
    """Train on the cluster that was joined, at most `limit` jobs at once; None for as many as it has GPUs or cores.

    A job is a network's trial, or a cell of frozen features, whose heads train together. Nodes may come and go.

    Raises:
        BenchError: an image cannot be read, a disk is full. What was finished before stays.
    """

    def way(left: Sequence[Cell], work: Work) -> Iterator[tuple[Watch, Cell, Finished]]:
        jobs: Iterator[Cell] | None = _jobs(left, gpus)
        running: dict[Any, tuple[Watch, Cell]] = {}
        shared: dict[Any, Any] = {}
        lanes: list[Watch] = []
        free: list[Watch] = []
        while jobs or running:
            while jobs and len(running) < _places(gpus, limit):
                if (job := next(jobs, None)) is None:
                    jobs = None
                    break
                job = job.only([trial for trial in job.trials if work.take(job, trial)])
                if not job.trials:
                    continue
                if not free:
                    free.append(errand.watch.lane(f"{'GPU' if gpus else 'core'} #{len(lanes) + 1}"))
                    lanes.append(free[0])
                lane = free.pop()
                lane.cell(job)
                key = (job.dataset.order_hash, job.recipe.image_size, job.recipe.preprocessing)
                if key not in shared:
                    shared[key] = ray.put(np.asarray(pixels.load(job.dataset, job.recipe, cache)))
                running[_submit(job, shared[key], gpus)] = (lane, job)
            ended, _ = ray.wait(list(running), timeout=POLL) if running else ([], [])
            for ref in ended:
                lane, job = running.pop(ref)
                finished = _outcome(ref, job)
                work.append(finished)
                lane.advanced(1.0)
                free.append(lane)
                yield from ((lane, job, each) for each in finished)

    return loop.train(errand, way)


def _jobs(cells: Sequence[Cell], gpus: bool) -> Iterator[Cell]:
    """The longest first, so that no node is left alone with a long one at the end."""
    for cell in sorted(cells, key=lambda cell: -cell.cost()):
        if cell.model.kind == "network":
            at_once = networks.AT_ONCE["cuda" if gpus else "cpu"]
            yield from (cell.only(cell.trials[n : n + at_once]) for n in range(0, len(cell.trials), at_once))
        else:
            yield cell


def _places(gpus: bool, limit: int | None) -> int:
    """Jobs that the cluster can run at once, as it is now; one at least, which waits for a node."""
    there = int(ray.cluster_resources().get("GPU" if gpus else "CPU", 0))
    return max(1, min(there, limit or there))


def _submit(job: Cell, shared: Any, gpus: bool) -> Any:
    cores = 1
    if not gpus and job.model.kind in ("transfer", "probe"):
        nodes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        cores = max(1, min(CORES, max(nodes, default=1)))
    # A node has no image files, so it neither reads nor shows any.
    files = tuple(replace(image, path=Path(image.id)) for image in job.dataset.images)
    bare = replace(job, dataset=replace(job.dataset, images=files, card=replace(job.dataset.card, show_images=False)))
    return _train.options(num_cpus=cores, num_gpus=int(gpus)).remote(bare, shared, cores)


@ray.remote(max_retries=RETRIES)
def _train(job: Cell, shared: Pixels, cores: int) -> list[Finished]:
    """On a node: all trials of a job, done or failed."""
    device = common.choose_devices("auto" if ray.get_gpu_ids() else "cpu")[0]
    torch.set_num_threads(cores)
    memory.keep_what_was_freed()
    ended = loop.trained(job, material.Place(cache_folder(), device), lambda share: None, lambda trial: True, shared)
    return [finished for together in ended for finished in together]


def _outcome(ref: Any, job: Cell) -> list[Finished]:
    """What a job gave; its trials have failed where its workers died too often."""
    try:
        finished: list[Finished] = ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, BenchError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        reason = f"its worker died {RETRIES + 1} times: {' '.join(str(error).split())[:300]}"
        lost = torch.device("cpu")
        return [Finished(trial, cells_.failed_row(job, trial, reason, lost), [], []) for trial in job.trials]
    if job.dataset.card.show_images:
        of_id = {image.id: image for image in job.dataset.images}
        for row in (row for each in finished for row in each.activations):
            row["thumbnail"] = pixels.thumbnail(of_id[row["image_id"]], job.recipe)
    return finished
