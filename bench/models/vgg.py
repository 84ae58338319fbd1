"""VGG19 (Simonyan & Zisserman 2015): whole, its lower layers, and the control from random weights."""

from typing import Any

from bench.models.registry import Head, Network, Transfer, model
from bench.models.weights import Weights, fill

IMAGENET = Weights("imagenet", "vgg19-dcbb9e9d.pth", torchvision="VGG19_Weights.IMAGENET1K_V1")


@model(
    "vgg19", family="VGG19", kind="transfer", version=1, weights=IMAGENET, cost=100,
    frozen="all convolutions", trained="the two 4096 layers, pre-trained, with their dropout; then 256 → classes",
)  # fmt: skip
def vgg19(state: dict[str, Any] | None) -> Transfer:
    """The study's VGG19: convolutions frozen, the classifier trained on from its ImageNet weights."""
    from torch import nn

    network = _network(state)
    backbone = nn.Sequential(network.features, network.avgpool, nn.Flatten())
    layers = [network.classifier[0], network.classifier[3]]
    start = tuple((layer.weight.detach(), layer.bias.detach()) for layer in layers)
    head = Head((4096, 4096, 256), dropped=2, start=start if state else ())
    return Transfer(backbone, (network.features[13], "features[:14]"), head)


@model(
    "vgg19-lower", family="VGG19", kind="transfer", version=1, weights=IMAGENET, cost=42,
    frozen="the first six convolutions (256 channels)", trained="pooled to 7×7; 12544 → 4096 → 256 → classes",
)  # fmt: skip
def vgg19_lower(state: dict[str, Any] | None) -> Transfer:
    """VGG19's lower layers alone, where edges and textures are told apart and dogs are not."""
    from torch import nn

    lower = _network(state).features[:14]
    backbone = nn.Sequential(lower, nn.AdaptiveAvgPool2d(7), nn.Flatten())
    return Transfer(backbone, (lower[13], "features[:14]"), Head((4096, 256)))


@model(
    "vgg19-scratch", family="VGG19", kind="network", version=1, cost=100,
    frozen="nothing", trained="everything, from random weights",
)  # fmt: skip
def vgg19_scratch(classes: int) -> Network:
    """VGG19 trained whole from random weights: what pre-training adds is what this one lacks."""
    from torchvision.models import vgg19

    network = vgg19(weights=None, num_classes=classes)
    return Network(network, (network.features[13], "features[:14]"))


def _network(state: dict[str, Any] | None) -> Any:
    from torchvision.models import vgg19

    # No random numbers for 140 million weights that are replaced at once.
    network = vgg19(weights=None, init_weights=state is None)
    fill(network, state, but=("classifier.6",))
    return network
