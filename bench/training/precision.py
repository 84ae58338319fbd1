"""Lower precision in training, where the device is quicker with it. Weights, gradients' sums, Adam's means and the loss
stay in float32, and so does everything after training: predictions are float32 throughout.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch


def mixed(device: torch.device) -> torch.autocast:
    """The context of a forward pass in training: bfloat16 for networks trained whole, where the device has it.

    Convolutions then take half the time or little more. Elsewhere bfloat16 is emulated, and slower.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=native(device))


@contextmanager
def coarse_products() -> Iterator[None]:
    """Let products of large matrices round their factors: to TF32 on a GPU, to bfloat16 on a CPU with AMX.

    On other CPUs the same switch chooses kernels that keep float32 and take half the time for a batch of few rows.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@cache
def native(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 by itself: GPUs from NVIDIA's Ampere on, CPUs with AVX-512 BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capable: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # older releases of torch do not say
    return bool(capable.get("avx512_bf16") or capable.get("amx_bf16"))
