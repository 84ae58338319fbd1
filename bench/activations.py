"""What a middle layer answers to one image of each class: the maps behind the activation figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from bench import augmentation
from bench.images import Pixels

MAPS = 64
SIDE = 32


@torch.inference_mode()
def capture(
    network: nn.Module,
    middle: tuple[nn.Module, str],
    pixels: Pixels,
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device,
) -> list[dict[str, Any]]:
    """The first 64 maps of a layer for each of (n, H, W, 3) uint8 images, as rows for the store.

    Maps larger than 32 px are averaged down to that. Each is kept in 8 bits between its own extremes, which stand
    beside it, so that weak maps are seen as well as strong ones.
    """
    layer, name = middle
    caught: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _module, _inputs, output: caught.append(output))
    try:
        network.eval().to(device)(augmentation.normalise(pixels, mean, std, device))
    finally:
        handle.remove()
    maps = caught[0][:, :MAPS].float()
    if max(maps.shape[2:]) > SIDE:
        maps = F.adaptive_avg_pool2d(maps, SIDE)
    rows = []
    for image in maps.cpu().numpy():
        low, high = image.min((1, 2)), image.max((1, 2))
        span = np.maximum(high - low, 1e-12)[:, None, None]
        scaled = ((image - low[:, None, None]) / span * 255).round().astype(np.uint8)
        rows.append(
            {
                "layer": name, "maps": scaled.shape[0], "height": scaled.shape[1], "width": scaled.shape[2],
                "values": scaled.tobytes(), "low": low.tolist(), "high": high.tolist(),
            }
        )  # fmt: skip
    return rows
