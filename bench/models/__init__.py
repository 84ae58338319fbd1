"""The models: `registry.names()` lists them; each family stands in a file of its own."""

from bench.models.registry import Backbone, Floor, Head, Kind, Layer, Model, Network, Probe, Transfer, get, model, names
from bench.models.weights import Weights, WeightsUnavailableError

__all__ = [
    "Backbone",
    "Floor",
    "Head",
    "Kind",
    "Layer",
    "Model",
    "Network",
    "Probe",
    "Transfer",
    "Weights",
    "WeightsUnavailableError",
    "get",
    "model",
    "names",
]
