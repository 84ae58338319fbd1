"""ResNet18 (He et al. 2016): whole, its lower layers, and the control from random weights."""

from typing import Any

from bench.models.registry import Head, Network, Transfer, model
from bench.models.weights import Weights, fill

IMAGENET = Weights("imagenet", "resnet18-f37072fd.pth", torchvision="ResNet18_Weights.IMAGENET1K_V1")


@model(
    "resnet18", family="ResNet18", kind="transfer", version=1, weights=IMAGENET, cost=26,
    frozen="everything but the last layer", trained="512 → 256 → classes",
)  # fmt: skip
def resnet18(state: dict[str, Any] | None) -> Transfer:
    """The study's ResNet18: all frozen, batch-norm statistics too, but for a new last layer."""
    from torch import nn

    network = _network(state)
    middle = network.layer2
    network.fc = nn.Identity()
    return Transfer(network, (middle, "layer2"), Head((256,)))


@model(
    "resnet18-lower", family="ResNet18", kind="transfer", version=1, weights=IMAGENET, cost=16,
    frozen="stem, layer1 and layer2", trained="pooled; 128 → 64 → 32 → classes",
)  # fmt: skip
def resnet18_lower(state: dict[str, Any] | None) -> Transfer:
    """ResNet18's stem and first two layers alone, pooled over the image."""
    from torch import nn

    network = _network(state)
    stem = (network.conv1, network.bn1, network.relu, network.maxpool)
    backbone = nn.Sequential(*stem, network.layer1, network.layer2, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Transfer(backbone, (network.layer2, "layer2"), Head((64, 32)))


@model(
    "resnet18-scratch", family="ResNet18", kind="network", version=1, cost=26,
    frozen="nothing", trained="everything, from random weights",
)  # fmt: skip
def resnet18_scratch(classes: int) -> Network:
    """ResNet18 trained whole from random weights."""
    from torchvision.models import resnet18

    network = resnet18(weights=None, num_classes=classes)
    return Network(network, (network.layer2, "layer2"))


def _network(state: dict[str, Any] | None) -> Any:
    from torchvision.models import resnet18

    network = resnet18(weights=None)
    fill(network, state, but=("fc.",))
    return network
