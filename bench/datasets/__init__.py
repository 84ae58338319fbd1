"""Datasets: cards, images on disk, what is found in them, and the built-in generators."""

from bench.datasets.adding import add, remove
from bench.datasets.auditing import Audit, balance, examine
from bench.datasets.cards import Card
from bench.datasets.loading import Dataset, Image, Library
from bench.datasets.splitting import Drawn, draw, splits
from bench.datasets.updating import update
from bench.datasets.upkeep import Upkeep, look

__all__ = [
    "Audit",
    "Card",
    "Dataset",
    "Drawn",
    "Image",
    "Library",
    "Upkeep",
    "add",
    "balance",
    "draw",
    "examine",
    "look",
    "remove",
    "splits",
    "update",
]
