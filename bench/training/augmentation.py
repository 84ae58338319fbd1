"""Normalised and augmented image tensors, on the device that trains."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from bench.images import Pixels


def normalise(pixels: Pixels, mean: Sequence[float], std: Sequence[float], device: torch.device) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 with mean 0 and deviation 1 over the dataset, channels last."""
    statistics = torch.tensor(mean, device=device), torch.tensor(std, device=device)
    return normalised(torch.from_numpy(np.array(pixels)).to(device), *statistics)


def normalised(pixels: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """The same of what is on the device already; mean and std are (3,)."""
    batch = pixels.permute(0, 3, 1, 2).float() / 255
    batch = (batch - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    return batch.contiguous(memory_format=torch.channels_last)


def rotate_flip(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Turn each image by up to ±90° and mirror it at random, along both axes; see `draw_turns` and `turned`."""
    return turned(batch, draw_turns(len(batch), generator))


def draw_turns(count: int, generator: torch.Generator) -> Tensor:
    """(count, 2, 3) affine maps: rotations by up to ±90°, each mirrored or not along both axes.

    Args:
        count: how many.
        generator: on the CPU, so that every device sees the same angles.
    """
    angle = (torch.rand(count, generator=generator) - 0.5) * math.pi
    flips = torch.randint(0, 2, (count, 2), generator=generator).float() * 2 - 1
    cos, sin = angle.cos(), angle.sin()
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = cos * flips[:, 0], -sin * flips[:, 1]
    theta[:, 1, 0], theta[:, 1, 1] = sin * flips[:, 0], cos * flips[:, 1]
    return theta


def turned(batch: Tensor, turns: Tensor) -> Tensor:
    """Each image as its affine map has it.

    What comes in from outside the image is 0, which is the dataset's mean colour after `normalise`:
    black corners would tell the network where a picture was turned.

    Args:
        batch: (N, 3, H, W), H = W, normalised.
        turns: (N, 2, 3), as `draw_turns` gives them.
    """
    grid = F.affine_grid(turns.to(batch.device), list(batch.shape), align_corners=False)
    return F.grid_sample(batch, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
