"""What is wanted, what is there, and why the rest is not: values from the store, nothing trained."""

from bench.planning.plan import Cell, Trial

__all__ = ["Cell", "Trial", "changes", "plan", "status"]
