"""A run: the trials that are missing, shared among processes and machines, trained and appended."""

from bench.running.loop import Watch

__all__ = ["Watch", "loop", "runner"]
