"""Training trials of a store again, and keeping those that came out as they are stored."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bench import keeping
from bench.planning import Cell, Trial
from bench.reproducing.cells import Stored
from bench.reproducing.comparing import Compared, Luck, compare
from bench.running import loop
from bench.training import material
from store import PredictionRow, TrialRow


@dataclass(frozen=True)
class Again:
    """A trial that was trained again: beside what is stored, or why it could not be; what it ran on, then and now."""

    trial: Trial
    compared: Compared | None
    error: str
    device: str
    stored_device: str
    versions: Mapping[str, str]
    stored_versions: Mapping[str, str]

    @property
    def word(self) -> str:
        """The verdict."""
        return self.compared.word if self.compared else "failed"


def again(
    cell: Cell,
    trials: Mapping[str, Stored],
    tolerated: Luck,
    cache: Path,
    device: torch.device,
    progress: Callable[[float], None] = lambda _: None,
    kept: Path | None = None,
) -> Iterator[Again]:
    """Train the trials of a cell again, and hold each against what is stored.

    Args:
        cell: with the trials that are to be trained.
        trials: what is stored of them.
        tolerated: how far they may be apart.
        cache: the folder of decoded images and frozen features.
        device: where.
        progress: told shares of the work.
        kept: the store beside which those are kept that are not different; None to keep none.
    """
    # Trained first into a folder of their own: a model that is not what the store proves is none of its.
    aside = kept / "models" / f".again-{cell.id}" if kept else None
    try:
        ways = loop.trained(cell, material.Place(cache, device, keeping.keeping(aside)), progress, lambda _: True)
        for together in ways:
            for finished in together:
                made = _held_against(finished.trial, finished.row, finished.predictions, trials, tolerated)
                if aside and kept and made.word in ("equal", "within tolerance"):
                    _take_over(aside, kept, cell, finished.trial)
                yield made
    finally:
        if aside:
            shutil.rmtree(aside, ignore_errors=True)


def _held_against(
    trial: Trial, row: TrialRow, predictions: list[PredictionRow], trials: Mapping[str, Stored], tolerated: Luck
) -> Again:
    was = trials[trial.id]
    shared = row["device"], was.device, json.loads(row["versions_json"]), was.versions
    if row["status"] != "done":
        return Again(trial, None, str(row["error"]), *shared)
    by_id = {(p["subset"], p["image_id"]): p["probabilities"] for p in predictions}
    if by_id.keys() != set(was.ids):
        return Again(trial, None, "it was asked about other images", *shared)
    now = np.array([by_id[key] for key in was.ids])
    return Again(trial, compare(was.probabilities, now, tolerated), "", *shared)


def _take_over(aside: Path, kept: Path, cell: Cell, trial: Trial) -> None:
    ours = keeping.folder(aside, cell.dataset.name, cell.model.name, cell.id)
    theirs = keeping.folder(kept, cell.dataset.name, cell.model.name, cell.id)
    theirs.mkdir(parents=True, exist_ok=True)
    for name in (trial.id, "backbone"):
        for path in ours.glob(f"{name}.*"):
            new = theirs / path.name
            path.replace(new)
            for old in theirs.glob(f"{name}.*"):
                if old != new:
                    old.unlink()
