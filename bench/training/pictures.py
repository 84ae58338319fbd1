"""Images as every network takes them: pixels, and what normalises them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.images import Pixels
from bench.training import augmentation


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images of a dataset with its statistics.

    Attributes:
        pixels: (N, H, W, 3) uint8.
        mean: of each channel over the images outside the holdout, as fractions.
        std: likewise.
    """

    pixels: Pixels
    mean: Sequence[float]
    std: Sequence[float]

    def __len__(self) -> int:
        return len(self.pixels)

    def some(self, rows: NDArray[np.int64] | Sequence[int]) -> "Pictures":
        """Those in these places."""
        return Pictures(self.pixels[rows], self.mean, self.std)

    def batch(self, rows: slice | NDArray[np.int64], device: torch.device) -> Tensor:
        """(B, 3, H, W) float32 with mean 0 and deviation 1 over the dataset, on a device, channels last."""
        return augmentation.normalise(self.pixels[rows], self.mean, self.std, device)


EVERY = slice(None)
"""All rows of a batch."""
