"""Sharing a store's work between runs: which trials this run takes, and which have ended, here or elsewhere."""

from collections.abc import Sequence
from datetime import datetime

from bench.planning import Cell, Trial
from bench.training import Finished
from store import Claims, Store


class Work:
    """The trials of one run beside other runs on the same store: which to take, and which have ended.

    Args:
        store: the store.
        claims: what this run is training.
        done_since: what another run has finished since then is left alone; None for whatever is finished.
        failed_since: and what has failed since then. Both in UTC.
    """

    def __init__(
        self, store: Store, claims: Claims, *, done_since: datetime | None = None, failed_since: datetime | None = None
    ) -> None:
        self.store, self.claims = store, claims
        self.done_since, self.failed_since = done_since, failed_since
        self.ended: set[str] = set()
        self._found: dict[tuple[str, str], tuple[object, set[str]]] = {}

    def take(self, cell: Cell, trial: Trial) -> bool:
        """Whether this run is the one to train the trial, from now on."""
        if trial.id in self.ended or not self.claims.take(trial.id):
            return False
        # Looked at after the claim was ours: what another run finished before is in the store by now.
        if trial.id in self._ended_elsewhere(cell):
            self.claims.release([trial.id])
            return False
        return True

    def append(self, finished: Sequence[Finished]) -> None:
        """Put trials into the store, and give their claims back."""
        self.store.append_trials([(f.row, f.predictions, f.activations) for f in finished])
        self.ended |= {f.trial.id for f in finished}
        self.claims.release([f.trial.id for f in finished])

    def open(self, cell: Cell) -> Cell:
        """The cell with those of its trials that no run has ended."""
        ended = self.ended | self._ended_elsewhere(cell)
        return cell.only([trial for trial in cell.trials if trial.id not in ended])

    def _ended_elsewhere(self, cell: Cell) -> set[str]:
        keys = {"dataset": cell.dataset.name, "model": cell.model.name}
        known = (cell.dataset.name, cell.model.name)
        mark = self.store.mark(keys)
        if known not in self._found or self._found[known][0] != mark:
            done, failed = self.store.finished(keys, done_since=self.done_since, failed_since=self.failed_since)
            self._found[known] = (mark, done | failed)
        return self._found[known][1]
