"""From the bytes of an image file to the pixels of a model, and nothing of datasets."""

from bench.images.decoding import Decoded, Pixels, decode
from bench.images.headers import PLAIN, Reading
from bench.images.ranges import Scale, Seen

__all__ = [
    "PLAIN",
    "Decoded",
    "Pixels",
    "Reading",
    "Scale",
    "Seen",
    "decode",
    "decoding",
    "headers",
    "preprocessing",
    "ranges",
]
