"""Trained models on disk, beside the store that proves them: written when they are trained, read when they are used.

It hands on modules; those that need torch take it with them when they are imported.
"""

from bench.keeping.files import Kept, Missing, folder, found
from bench.keeping.keeper import keeping

__all__ = ["Kept", "Missing", "folder", "found", "keeping", "restored", "surroundings"]
