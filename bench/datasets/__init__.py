"""Datasets: cards, the images on disk, their splits, and their pixels for training."""

from bench.datasets.cards import Card
from bench.datasets.grouping import Guess
from bench.datasets.layouts import Entry
from bench.datasets.loading import Dataset, Image, Library
from bench.datasets.sources import Archive, Source
from bench.datasets.splitting import Drawn, draw, splits

__all__ = [
    "Archive",
    "Card",
    "Dataset",
    "Drawn",
    "Entry",
    "Guess",
    "Image",
    "Library",
    "Source",
    "audit",
    "cards",
    "curating",
    "decoded",
    "draw",
    "feasible",
    "grouping",
    "layouts",
    "loading",
    "manifests",
    "masks",
    "pixels",
    "places",
    "splits",
]
