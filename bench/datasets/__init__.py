"""Datasets: cards, images on disk, what is found in them, and the built-in generators."""

from bench.datasets.audit.auditing import Audit, balance, examine
from bench.datasets.cards import Card
from bench.datasets.curating.adding import add, remove
from bench.datasets.curating.updating import update
from bench.datasets.curating.upkeep import Upkeep, look
from bench.datasets.loading import Dataset, Image, Library
from bench.datasets.splitting import Drawn, draw, splits

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
