"""The models: `registry.names()` lists them; each family stands in a file of its own."""

from bench.models.registry import Floor, Head, Model, Network, Transfer, get, model, names
from bench.models.weights import Weights, WeightsUnavailableError

__all__ = [
    "Floor",
    "Head",
    "Model",
    "Network",
    "Transfer",
    "Weights",
    "WeightsUnavailableError",
    "get",
    "model",
    "names",
]
