"""One cell at a time: from a dataset's pixels to the predictions of its trials.

It hands on modules and imports none of them, since they take torch with them.
"""

from bench.training.finished import Finished

__all__ = [
    "Finished",
    "activations",
    "asked",
    "augmentation",
    "cells",
    "common",
    "features",
    "heads",
    "material",
    "memory",
    "networks",
    "pictures",
    "provenance",
    "regressions",
    "stacking",
    "threads",
]
