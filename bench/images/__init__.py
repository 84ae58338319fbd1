"""From the bytes of an image file to the pixels of a model, and nothing of datasets."""

from bench.images.decoding import Pixels, decode
from bench.images.headers import PLAIN, Reading
from bench.images.ranges import Scale, Seen

__all__ = ["PLAIN", "Pixels", "Reading", "Scale", "Seen", "decode", "decoding", "headers", "preprocessing", "ranges"]
