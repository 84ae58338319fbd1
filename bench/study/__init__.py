"""What a trial is: its study, its protocol and its recipe, as frozen values with an identity."""

from bench.study.places import from_places, places
from bench.study.protocol import (
    Protocol,
    Split,
    draw_splits,
    fingerprint,
    given_holdout,
    merge_groups,
    split_hash,
)
from bench.study.recipe import PROCEDURE, Recipe
from bench.study.study import Study

__all__ = [
    "PROCEDURE",
    "Protocol",
    "Recipe",
    "Split",
    "Study",
    "draw_splits",
    "fingerprint",
    "from_places",
    "given_holdout",
    "merge_groups",
    "places",
    "protocol",
    "split_hash",
    "study",
]
