"""Threads of the CPU, so that no result depends on how many there are.

Where two threads share one sum it comes out otherwise in the last digit, and training makes much of that. So each sum
stays on one thread, and several are computed at once. It is quicker too: threads that share a sum wait for each other.
That holds for torch and for the linear algebra below numpy.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one(device: torch.device) -> Iterator[None]:
    """Compute on one thread, where the device is the CPU."""
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def several(device: torch.device) -> Iterator[Callable[..., Iterator[Any]]]:
    """A `map` over as many threads as torch may use, each of which computes by itself.

    On a GPU it is Python's own: one thread is enough to feed it, and a new one would choose all kernels anew.
    """
    if device.type != "cpu":
        yield map
        return
    before = torch.get_num_threads()
    try:
        with (
            threadpool_limits(1, "blas"),
            ThreadPoolExecutor(before, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        ):
            yield pool.map
    finally:
        torch.set_num_threads(before)
