"""The study's two networks of its own, trained from scratch: a deep and a shallow CNN.

The original padded by 1 and so worked from 192 px on; ours pads by 3 and pools adaptively, and works from 32 px.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from bench.models.registry import Network, model

if TYPE_CHECKING:
    from torch import nn


@model(
    "cnn",
    family="CNN",
    kind="network",
    version=1,
    cost=25,
    frozen="nothing",
    trained="five blocks of 7×7 convolutions (32–512 channels); 2048 → 256 → 128 → classes",
)
def cnn(classes: int) -> Network:
    """The deep one: five blocks."""
    return _cnn((32, 64, 128, 256, 512), 2, classes)


@model(
    "cnn-shallow",
    family="CNN",
    kind="network",
    version=1,
    cost=3,
    frozen="nothing",
    trained="two blocks of 7×7 convolutions (10, 20 channels); 2880 → 256 → 128 → classes",
)
def cnn_shallow(classes: int) -> Network:
    """The shallow one: two blocks."""
    return _cnn((10, 20), 12, classes)


def _cnn(channels: Sequence[int], pooled: int, classes: int) -> Network:
    from torch import nn

    def block(inputs: int, outputs: int) -> "nn.Module":
        return nn.Sequential(nn.Conv2d(inputs, outputs, 7, padding=3), nn.ReLU(), nn.BatchNorm2d(outputs))

    blocks = [block(i, o) for i, o in zip((3, *channels), channels, strict=False)]
    layers: list[nn.Module] = []
    for number, each in enumerate(blocks):
        layers += [each] if number == 0 else [nn.MaxPool2d(3, 2), each]
    widths = (channels[-1] * pooled**2, 256, 128)
    head: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        head += [nn.Linear(inputs, outputs), nn.ReLU(), nn.BatchNorm1d(outputs)]
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(pooled), nn.Flatten(), *head, nn.Linear(128, classes))
    middle = len(channels) // 2
    names = [f"block {number} of {len(channels)}" for number in range(1, len(channels) + 1)]
    return Network(module, (blocks[middle], names[middle]), (blocks[-1], names[-1]))
