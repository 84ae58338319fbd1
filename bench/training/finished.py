"""What a trial leaves behind, as the store wants it; nothing here needs torch."""

from dataclasses import dataclass

from bench.planning import Trial
from store import ActivationRow, PredictionRow, TrialRow


@dataclass(frozen=True)
class Finished:
    """A trial that ran: its row, its predictions, and activations if it was the cell's first."""

    trial: Trial
    row: TrialRow
    predictions: list[PredictionRow]
    activations: list[ActivationRow]
