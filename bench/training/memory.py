"""How this process asks its system for memory, and how much it took at most."""

import contextlib
import ctypes
import resource
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

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


def give_back() -> None:
    """Let go of all freed memory that the C library keeps, before something large needs other sizes than were freed."""
    with contextlib.suppress(OSError, AttributeError):  # only glibc can
        ctypes.CDLL(None).malloc_trim(0)


def peak(device: "torch.device") -> int:
    """The most bytes that this process has taken so far; on a GPU, that its tensors have taken there."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
