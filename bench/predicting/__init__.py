"""New images: listed, asked about, judged by the vote of a cell's trials, and sorted by whether to trust it."""

from bench.predicting.judging import Judged, Rule

__all__ = ["Judged", "Rule", "asking", "judging", "listing", "records", "sorting", "tables"]
