"""Datasets: cards, images on disk, and the built-in generators."""

from bench.datasets.adding import add, remove
from bench.datasets.cards import Card
from bench.datasets.loading import Dataset, Image, Library, splits

__all__ = ["Card", "Dataset", "Image", "Library", "add", "remove", "splits"]
