"""Steps of a training that are recorded once on a GPU and then repeated: a CUDA graph, on a stream of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

EAGER = 3
"""Steps of a network that a GPU runs before one is recorded, while its libraries choose their kernels."""


class Recorded:
    """Steps on a GPU: the first run as they are, one is recorded, and then repeated with other inputs.

    Args:
        device: the GPU.
        seed: of the random numbers that these steps alone draw.
    """

    def __init__(self, device: torch.device, seed: int) -> None:
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.generator = torch.Generator(device).manual_seed(seed)
        self.default = torch.cuda.default_generators[self.stream.device_index]
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: tuple[Tensor, ...] = ()
        self.steps = 0

    @contextmanager
    def own(self) -> Iterator[None]:
        """On the stream and with the random numbers of this network alone."""
        others = self.default.graphsafe_get_state()
        self.default.graphsafe_set_state(self.generator.graphsafe_get_state())
        try:
            with torch.cuda.stream(self.stream):
                yield
        finally:
            self.default.graphsafe_set_state(others)

    def run(self, step: Callable[..., None], *inputs: Tensor) -> None:
        """One step; within `own`."""
        self.steps += 1
        if self.steps <= EAGER:
            step(*inputs)
            return
        if self.graph is None:
            self.inputs = tuple(each.clone() for each in inputs)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=self.stream):
                step(*self.inputs)
        for kept, given in zip(self.inputs, inputs, strict=True):
            kept.copy_(given)
        self.graph.replay()
