"""The two ways in which the benchmark says no, each in one sentence that names the mend."""

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """Something that was asked for cannot be done; the command line exits with 1."""


class UsageError(BenchError):
    """The question itself is wrong (an unknown name, a bad value); the command line exits with 2."""


class DeviceLostError(BenchError):
    """A device that was there does not answer any more; what others train goes on."""


OFFERED = 3


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """An error for a name that nobody knows, with the nearest that somebody does."""
    names = sorted(known)
    near = [repr(each) for each in nearest(name, names)]
    meant = " or ".join([", ".join(near[:-1]), *near[-1:]] if near[1:] else near)
    hint = f"did you mean {meant}?" if near else f"known: {', '.join(names) or 'none'}."
    return UsageError(f"unknown {kind} {name!r}; {hint}")


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The one that is meant by a slip of the pen; else those that a name is short for, as `effnet` is for
    `efficientnet-lite0`, the shortest first; else the one that is written most like it, if any is.
    """
    names = sorted(known, key=lambda each: (len(each), each))
    if slip := difflib.get_close_matches(name, names, n=1, cutoff=0.8):
        return slip
    short = [each for each in names if len(name) > 1 and _is_short_for(name.lower(), each.lower())]
    return short[:OFFERED] or difflib.get_close_matches(name, names, n=1, cutoff=0.5)


def _is_short_for(name: str, full: str) -> bool:
    """Whether a name begins as the full one does, and has its other letters in their order."""
    rest = iter(full)
    return full[:1] == name[:1] and all(letter in rest for letter in name)
