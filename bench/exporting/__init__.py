"""A kept model handed on: one ONNX file from pixels to calibrated probabilities, held against what it was made from."""

from bench.exporting.facts import Facts

__all__ = ["Facts", "bioimage", "graph"]
