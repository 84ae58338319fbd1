"""Frozen networks that give features at two depths from one pass."""

import torch
from torch import Tensor, nn


class TwoDepths(nn.Module):
    """A network cut in two: (N, 3, H, W) to (N, L + D), features of its lower layers and of all of it, side by side.

    Whole and lower twin, and the probe, are so served by one pass of each image.

    Args:
        lower: the layers up to the cut.
        pooled: their (N, C, h, w) maps to (N, L) features.
        upper: the same maps to (N, D) features.
    """

    def __init__(self, lower: nn.Module, pooled: nn.Module, upper: nn.Module) -> None:
        super().__init__()
        self.lower, self.pooled, self.upper = lower, pooled, upper

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, L + D)."""
        maps = self.lower(x)
        return torch.cat([self.pooled(maps), self.upper(maps)], dim=1)
