"""From the bytes of an image file to the pixels of a model, and nothing of datasets."""

from bench.images.decoding import Pixels, decode

__all__ = ["Pixels", "decode", "decoding", "preprocessing"]
