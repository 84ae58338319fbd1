"""ResNet18 (He et al. 2016): whole, its lower layers, probe, tuned, and the control from random weights."""

from bench.models.registry import Backbone, Head, Network, Probe, Transfer, model
from bench.models.weights import State, Weights, fill

IMAGENET = Weights("imagenet", "resnet18-f37072fd.pth", torchvision="ResNet18_Weights.IMAGENET1K_V1")
WIDTHS = (128, 512)
"""Features of the lower layers, and of all."""


@model(
    "resnet18",
    family="ResNet18",
    kind="transfer",
    version=2,
    weights=IMAGENET,
    cost=26,
    frozen="everything but the last layer",
    trained="512 → 256 → classes",
)
def resnet18(state: "State | None") -> Transfer:
    """The study's ResNet18: all frozen, batch-norm statistics too, but for a new last layer."""
    return Transfer(_backbone(state), Head((256,)))


@model(
    "resnet18-lower",
    family="ResNet18",
    kind="transfer",
    version=2,
    weights=IMAGENET,
    cost=26,
    frozen="stem, layer1 and layer2",
    trained="pooled; 128 → 64 → 32 → classes",
)
def resnet18_lower(state: "State | None") -> Transfer:
    """ResNet18's stem and first two layers alone, pooled over the image."""
    return Transfer(_backbone(state, lower=True), Head((64, 32)))


@model(
    "resnet18-probe",
    family="ResNet18",
    kind="probe",
    version=1,
    weights=IMAGENET,
    cost=26,
    frozen="everything but the last layer",
    trained="a logistic regression on 512 features",
)
def resnet18_probe(state: "State | None") -> Probe:
    """A logistic regression on the features of all layers: what to try first."""
    return Probe(_backbone(state))


@model(
    "resnet18-tuned",
    family="ResNet18",
    kind="network",
    version=1,
    weights=IMAGENET,
    cost=26,
    frozen="nothing",
    trained="everything, from the pre-trained weights",
)
def resnet18_tuned(classes: int) -> Network:
    """ResNet18 trained whole, as its twin from scratch is; only the first weights differ."""
    return _whole(classes)


@model(
    "resnet18-scratch",
    family="ResNet18",
    kind="network",
    version=1,
    cost=26,
    frozen="nothing",
    trained="everything, from random weights",
)
def resnet18_scratch(classes: int) -> Network:
    """ResNet18 trained whole from random weights."""
    return _whole(classes)


def _whole(classes: int) -> Network:
    from torchvision.models import resnet18

    network = resnet18(weights=None, num_classes=classes)
    return Network(network, (network.layer2, "layer2"), (network.layer4, "layer4"))


def _backbone(state: "State | None", *, lower: bool = False) -> Backbone:
    from torch import nn
    from torchvision.models import resnet18

    from bench.models.layers.two_depths import TwoDepths

    network = resnet18(weights=None)
    fill(network, state, but=("fc.",))
    stem = (network.conv1, network.bn1, network.relu, network.maxpool)
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    first = nn.Sequential(*stem, network.layer1, network.layer2)
    upper = nn.Sequential(network.layer3, network.layer4, *pooled)
    return Backbone(
        "resnet18 1",
        TwoDepths(first, nn.Sequential(*pooled), upper),
        slice(0, WIDTHS[0]) if lower else slice(WIDTHS[0], sum(WIDTHS)),
        (network.layer2, "layer2"),
        (network.layer2, "layer2") if lower else (network.layer4, "layer4"),
    )
