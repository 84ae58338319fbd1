"""The two ways in which the benchmark says no, each in one sentence that names the mend."""

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """Something that was asked for cannot be done; the command line exits with 1."""


class UsageError(BenchError):
    """The question itself is wrong (an unknown name, a bad value); the command line exits with 2."""


class DeviceLostError(BenchError):
    """A device that was there does not answer any more; what others train goes on."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """An error for a name that nobody knows, with the nearest one that somebody does."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names) or 'none'}."
    return UsageError(f"unknown {kind} {name!r}; {hint}")
