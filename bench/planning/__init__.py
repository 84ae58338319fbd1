"""What is wanted, what is there, and why the rest is not: values from the store, nothing trained."""

from bench.planning.plan import Cell, Trial
from bench.planning.status import CellRow

__all__ = ["Cell", "CellRow", "Trial", "changes", "plan", "status"]
