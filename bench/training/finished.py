"""What a trial leaves behind, as the store wants it; nothing here needs torch."""

from dataclasses import dataclass
from typing import Any

from bench.planning import Trial


@dataclass(frozen=True)
class Finished:
    """A trial that ran: its row, its predictions, and activations if it was the cell's first."""

    trial: Trial
    row: dict[str, Any]
    predictions: list[dict[str, Any]]
    activations: list[dict[str, Any]]
