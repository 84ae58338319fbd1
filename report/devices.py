"""On what a trial was computed, and in which arithmetic: two ways of rounding are two ways of training."""

from collections.abc import Iterable

PLAIN = "float32"


def arithmetic(device: str) -> str:
    """The precision that a device's name ends in, `float32` where it says none."""
    last = device.rpartition(", ")[2]
    return last if last in ("bfloat16", "float16", "float64", "tf32") else PLAIN


def named(devices: Iterable[str]) -> str:
    """A cell's devices for people; `mixed` where its trials were computed in several arithmetics or on several devices.

    A device's name has its threads and, where it is not float32, its precision: `CPU, 1 threads, bfloat16`.
    """
    each = sorted(_readable(str(device)) for device in devices)
    return f"mixed ({'; '.join(each)})" if len(each) > 1 else "".join(each) or "not known"


def _readable(device: str) -> str:
    words = device.replace(" 1 threads", " 1 thread")
    return words if arithmetic(device) != PLAIN else f"{words}, {PLAIN}"
