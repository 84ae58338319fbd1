"""VGG19 (Simonyan & Zisserman 2015): whole, its lower layers, probe, tuned, and the control from random weights."""

from typing import Any

from bench.models.registry import Backbone, Head, Network, Probe, Transfer, model
from bench.models.weights import State, Weights, fill

IMAGENET = Weights("imagenet", "vgg19-dcbb9e9d.pth", torchvision="VGG19_Weights.IMAGENET1K_V1")
LOWER = 14
"""Layers of `features` that are the lower ones: six convolutions."""
WIDTHS = (256 * 49, 512 * 49)
"""Features of the lower layers, and of all, pooled to 7×7."""


@model(
    "vgg19",
    family="VGG19",
    kind="transfer",
    version=2,
    weights=IMAGENET,
    cost=100,
    frozen="all convolutions",
    trained="the two 4096 layers, pre-trained, with their dropout; then 256 → classes",
)
def vgg19(state: "State | None") -> Transfer:
    """The study's VGG19: convolutions frozen, the classifier trained on from its ImageNet weights."""
    network = _network(state)
    layers = [network.classifier[0], network.classifier[3]]
    start = tuple((layer.weight.detach(), layer.bias.detach()) for layer in layers)
    return Transfer(_backbone(network), Head((4096, 4096, 256), dropped=2, start=start if state else ()))


@model(
    "vgg19-lower",
    family="VGG19",
    kind="transfer",
    version=2,
    weights=IMAGENET,
    cost=100,
    frozen="the first six convolutions (256 channels)",
    trained="pooled to 7×7; 12544 → 4096 → 256 → classes",
)
def vgg19_lower(state: "State | None") -> Transfer:
    """VGG19's lower layers alone, where edges and textures are told apart and dogs are not."""
    return Transfer(_backbone(_network(state), lower=True), Head((4096, 256)))


@model(
    "vgg19-probe",
    family="VGG19",
    kind="probe",
    version=1,
    weights=IMAGENET,
    cost=100,
    frozen="all convolutions",
    trained="maps averaged; a logistic regression on 512 features",
)
def vgg19_probe(state: "State | None") -> Probe:
    """A logistic regression on the mean of each of the last maps: what to try first."""
    return Probe(_backbone(_network(state)), pooled=49)


@model(
    "vgg19-tuned",
    family="VGG19",
    kind="network",
    version=1,
    weights=IMAGENET,
    cost=100,
    frozen="nothing",
    trained="everything, from the pre-trained weights",
)
def vgg19_tuned(classes: int) -> Network:
    """VGG19 trained whole, as its twin from scratch is; only the first weights differ."""
    return _whole(classes)


@model(
    "vgg19-scratch",
    family="VGG19",
    kind="network",
    version=1,
    cost=100,
    frozen="nothing",
    trained="everything, from random weights",
)
def vgg19_scratch(classes: int) -> Network:
    """VGG19 trained whole from random weights: what pre-training adds is what this one lacks."""
    return _whole(classes)


def _whole(classes: int) -> Network:
    from torchvision.models import vgg19

    network = vgg19(weights=None, num_classes=classes)
    return Network(
        network, (network.features[LOWER - 1], f"features[:{LOWER}]"), (network.features[-2], "last convolution")
    )


def _network(state: "State | None") -> Any:
    from torchvision.models import vgg19

    # No random numbers for 140 million weights that are replaced at once.
    network = vgg19(weights=None, init_weights=state is None)
    fill(network, state, but=("classifier.6",))
    return network


def _backbone(network: Any, *, lower: bool = False) -> Backbone:
    from torch import nn

    from bench.models.layers.two_depths import TwoDepths

    first = network.features[:LOWER]
    upper = nn.Sequential(network.features[LOWER:], network.avgpool, nn.Flatten())
    middle = (first[LOWER - 1], f"features[:{LOWER}]")
    return Backbone(
        "vgg19 1",
        TwoDepths(first, nn.Sequential(nn.AdaptiveAvgPool2d(7), nn.Flatten()), upper),
        slice(0, WIDTHS[0]) if lower else slice(WIDTHS[0], sum(WIDTHS)),
        middle,
        middle if lower else (network.features[-2], "last convolution"),
    )
