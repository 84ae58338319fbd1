"""The one list of models. Adding a model is one decorated function in one file of this folder.

The decorator states what can be known without torch; the function builds the network, and imports torch
when it is called, so that listing models and reading the store need none.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from bench.errors import UsageError, unknown
from bench.models.weights import Weights, fill

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

Layer: TypeAlias = "tuple[nn.Module, str]"
"""A layer of a network, and its name."""

Kind = Literal["transfer", "probe", "network", "floor"]


@dataclass(frozen=True)
class Head:
    """Linear layers on frozen features, ReLU between them, then batch norm.

    Attributes:
        hidden: widths of the hidden layers.
        dropped: so many of the first hidden layers are followed by dropout of one half instead of batch
            norm, as VGG's are.
        start: weights and biases from which the first hidden layers start, where they are pre-trained too.
    """

    hidden: tuple[int, ...]
    dropped: int = 0
    start: "tuple[tuple[Tensor, Tensor], ...]" = ()


@dataclass(frozen=True)
class Backbone:
    """A frozen network, and which of its features a model uses.

    Models that share one share its features: each image passes once for all of them.

    Attributes:
        name: the network and a number, which counts the changes that alter its features.
        module: (N, 3, H, W) normalised images to (N, D) features.
        columns: which of the D features this model uses.
        middle: the module in it whose output the activation figures show, and its public name.
        deepest: the module that gives the last maps before these features, for Grad-CAM, and its public name.
    """

    name: str
    module: "nn.Module"
    columns: slice
    middle: Layer
    deepest: Layer


@dataclass(frozen=True)
class Transfer:
    """A frozen backbone and the head that is trained on its features."""

    backbone: Backbone
    head: Head


@dataclass(frozen=True)
class Probe:
    """A frozen backbone and a logistic regression on its features, `pooled` neighbours of which are averaged to one."""

    backbone: Backbone
    pooled: int = 1


@dataclass(frozen=True)
class Network:
    """A network trained whole: (N, 3, H, W) normalised images to (N, C) logits; `middle` and `deepest` as above.

    Without a `deepest` one Grad-CAM weighs the maps of the middle layer.
    """

    module: "nn.Module"
    middle: Layer
    deepest: "Layer | None" = None


@dataclass(frozen=True)
class Floor:
    """Numbers from an image for a logistic regression: (N, H, W, 3) uint8 to (N, D) float64."""

    describe: "Callable[[NDArray[np.uint8]], NDArray[np.float64]]"


@dataclass(frozen=True)
class Model:
    """What the registry knows of a model.

    `version` counts changes that alter results; it is part of every trial's identity. `cost` is the
    milliseconds that one image of 224 px takes forward on two CPU cores, for estimates of time alone.
    `frozen` and `trained` say in words which layers are which.
    """

    name: str
    family: str
    kind: Kind
    version: int
    weights: Weights
    frozen: str
    trained: str
    cost: float
    build: Callable[..., Any]

    @property
    def pretrained(self) -> bool:
        """Whether any weight comes from elsewhere."""
        return self.weights.source != "none"

    def card(self) -> dict[str, object]:
        """What the store and the site keep of a model."""
        return {
            "name": self.name,
            "family": self.family,
            "kind": self.kind,
            "version": self.version,
            "weights": self.weights.published(),
            "frozen": self.frozen,
            "trained": self.trained,
        }

    def make(self, classes: int) -> "Transfer | Probe | Network | Floor":
        """Build the model for so many classes, with its weights; a network's last layer is always new.

        Raises:
            WeightsUnavailableError: the weights cannot be had, or do not fit.
        """
        if self.kind == "floor":
            return self.build()  # type: ignore[no-any-return]
        state = self.weights.state_dict()
        if self.kind in ("transfer", "probe"):
            return self.build(state)  # type: ignore[no-any-return]
        network: Network = self.build(classes)
        last = list(network.module.state_dict())[-1].rpartition(".")[0]
        fill(network.module, state, but=(f"{last}.",))
        return network

    def seeded(self, classes: int, seed: int) -> "Transfer | Probe | Network | Floor":
        """The same, with random weights, where it has any, that depend on the seed alone."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.make(classes)

    def with_weights(self, source: str) -> "Model":
        """This model started from another source: `imagenet`, `none` or `file:PATH`.

        Raises:
            UsageError: the model cannot start from there.
        """
        if self.kind == "floor" and source != "none":
            raise UsageError(f"model {self.name!r} has no weights; leave it out of the study's weights")
        return replace(self, weights=self.weights.from_source(source, self.name))


_MODELS: dict[str, Model] = {}


def model(
    name: str,
    *,
    family: str,
    kind: Kind,
    version: int,
    frozen: str,
    trained: str,
    cost: float,
    weights: Weights | None = None,
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Register the decorated function as the builder of a model.

    The builder takes the state dict of its weights (transfer and probe), or the number of classes (network), or
    nothing (floor), and returns a `Transfer`, a `Probe`, a `Network` or a `Floor`.
    """

    def register(build: Callable[..., object]) -> Callable[..., object]:
        if name in _MODELS:
            raise ValueError(f"two models are called {name!r}")
        _MODELS[name] = Model(name, family, kind, version, weights or Weights(), frozen, trained, cost, build)
        return build

    return register


def names() -> list[str]:
    """All models, family by family, in the order in which their files and functions stand."""
    _load()
    return list(_MODELS)


def get(name: str) -> Model:
    """The model of that name.

    Raises:
        UsageError: there is none; the message has the nearest name.
    """
    _load()
    if name not in _MODELS:
        raise unknown("model", name, _MODELS)
    return _MODELS[name]


def _load() -> None:
    import bench.models as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"bench.models.{module.name}")
