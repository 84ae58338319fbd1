"""Parts of pages that are drawn where the store has what they need."""

__all__ = [
    "answer",
    "calibration",
    "claimed",
    "failures",
    "fewer_images",
    "found_in_images",
    "images",
    "layers",
    "lead",
    "mosaics",
    "other_recipes",
    "preprocessing",
    "suspects",
    "trials",
    "trust",
    "trusting",
    "unfinished",
    "verdicts",
]
