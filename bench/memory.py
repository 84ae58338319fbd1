"""How this process asks its system for memory, and how much it took at most."""

import ctypes
import resource
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Numbers of `mallopt` (glibc's malloc.h)."""


def keep_what_was_freed() -> bool:
    """Let the C library keep freed memory for the next tensor of that size, instead of giving it back.

    It returns every large block at once, and each new one comes as fresh pages that the system has to fill with zeros:
    in a network on a CPU that takes a third of the time.

    Returns:
        Whether this C library can be told so; only glibc can.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(tell(_MMAP_MAX, 0)) and bool(tell(_TRIM_THRESHOLD, 2**31 - 1))


def peak() -> int:
    """The most memory that this process has taken so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
