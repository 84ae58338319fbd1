"""Findings as rows of plain values: for `bench answer --format json`, and for the site's downloads."""

import csv
import io
import math
from collections.abc import Sequence
from typing import TypedDict

from report.claims import Judgement
from report.findings import Finding
from report.voting import Gain


class Row(TypedDict):
    """One comparison. Differences are fractions; what is not known is None."""

    question: str
    dataset: str
    recipe: str
    compared: str
    model: str
    reference: str
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    holm: float | None
    asked: int
    splits: int
    splits_wanted: int
    verdict_at_1: str
    verdict_at_5: str
    could_show: float | None
    could_show_80: float | None


class ClaimRow(TypedDict):
    """One claim with what the store says of it."""

    key: str
    said: str
    where: str
    verdict: str
    why: str
    figures: list[str]


def of_finding(f: Finding) -> Row:
    """A finding as a row."""
    known = not f.difference.degenerate
    return {
        "question": f.question.key,
        "dataset": f.section.dataset,
        "recipe": f.section.recipe,
        "compared": f.pair,
        "model": f.model,
        "reference": f.reference,
        "difference": _number(f.difference.mean),
        "low": _number(f.difference.low) if known else None,
        "high": _number(f.difference.high) if known else None,
        "p": _number(f.difference.p) if known else None,
        "holm": _number(f.holm),
        "asked": f.asked,
        "splits": f.splits,
        "splits_wanted": f.comparison.wanted,
        "verdict_at_1": f.narrow,
        "verdict_at_5": f.wide,
        "could_show": _number(f.detectable),
        "could_show_80": _number(f.detectable_80),
    }


def of_gain(gain: Gain) -> Row:
    """What a vote gains as a row; `splits` counts the repeats that vote."""
    found = gain.gain
    return {
        "question": gain.question.key,
        "dataset": gain.section.dataset,
        "recipe": gain.section.recipe,
        "compared": gain.what,
        "model": gain.model,
        "reference": gain.model,
        "difference": _number(found.estimate),
        "low": _number(found.low),
        "high": _number(found.high),
        "p": _number(gain.p),
        "holm": _number(gain.holm),
        "asked": gain.asked,
        "splits": gain.repeats,
        "splits_wanted": gain.repeats,
        "verdict_at_1": gain.narrow,
        "verdict_at_5": gain.wide,
        "could_show": None,
        "could_show_80": None,
    }


def of_claim(judgement: Judgement) -> ClaimRow:
    """A claim as a row."""
    claim = judgement.claim
    figures = [
        f"{e.dataset}: {e.what}: {e.figure}" + (f": {e.verdict}" if e.verdict else "") for e in judgement.evidence
    ]
    return {
        "key": claim.key,
        "said": claim.said,
        "where": claim.where,
        "verdict": judgement.word,
        "why": judgement.why,
        "figures": figures,
    }


def as_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV, with a header even where there are none."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Row.__annotations__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
