"""Parts of pages that are drawn where the store has what they need."""

__all__ = ["calibration", "fewer_images", "mosaics", "preprocessing", "unfinished", "verdicts", "votes"]
