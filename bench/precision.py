"""Mixed precision for networks trained whole, where the processor multiplies bfloat16 natively.

Convolutions then take half the time or little more. Weights, their gradients' sums and the loss stay in float32, and so
does everything after training: predictions are float32 throughout. Elsewhere bfloat16 is emulated, and slower.
"""

from functools import cache

import torch


def mixed(device: torch.device) -> torch.autocast:
    """The context of a forward pass in training."""
    return torch.autocast(device.type, torch.bfloat16, enabled=native(device))


@cache
def native(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 by itself: GPUs from NVIDIA's Ampere on, CPUs with AVX-512 BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capable: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # older releases of torch do not say
    return bool(capable.get("avx512_bf16") or capable.get("amx_bf16"))
