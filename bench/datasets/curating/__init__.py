"""A card comes, is kept true, and goes: adding, updating, looking after and removing datasets."""

from bench.datasets.curating.adding import add, remove
from bench.datasets.curating.updating import update
from bench.datasets.curating.upkeep import Upkeep, look

__all__ = ["Upkeep", "add", "look", "remove", "update"]
