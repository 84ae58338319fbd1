"""What may be believed as rows of plain values: for `bench answer --format json`. What is not known is None."""

import math
from typing import TypedDict

from report.statistics import Span
from report.trust.chance import Guessing
from report.trust.claims import Claimed
from report.trust.ensembles import Ensemble
from report.trust.growing import More
from report.trust.leaks import Leak
from report.trust.spread import Spread
from report.trust.suspects import Suspects
from report.trust.triage import Triage


class Ends(TypedDict):
    """An estimate with its 95 % interval; fractions."""

    estimate: float | None
    low: float | None
    high: float | None


class RateRow(TypedDict):
    """A threshold for a wanted rate of errors, judged out of fold and on the holdout."""

    wanted: float
    certainty: float | None
    decides: float
    wrong: Ends
    holdout_decides: float
    holdout_wrong: Ends


class TriageRow(TypedDict):
    """What may be left to a model."""

    model: str
    repeats: int
    verdict: str
    wrong: Ends
    wrong_on_surest_four_fifths: Ends
    gained: Ends
    temperature: list[float]
    thresholds: list[RateRow]


class ChanceRow(TypedDict):
    """A score beside what guessing scores."""

    dataset: str
    model: str
    recipe: str
    balanced_accuracy: float
    guessing_low: float
    guessing_high: float
    whole_groups: bool
    p: float
    holm: float
    verdict: str


class LeakRow(TypedDict):
    """A careless split beside its honest twin."""

    dataset: str
    model: str
    recipe: str
    images: int
    groups: int
    honest: float
    careless: float
    claimed: Ends
    p: float
    holm: float
    verdict: str


class SuspectRow(TypedDict):
    """An image of which every good model is confident that it is of another class."""

    image: str
    label: str
    suggested: str
    margin: float
    nearest: list[str]


class SuspectsRow(TypedDict):
    """The suspects of a dataset, and which models doubt."""

    models: list[str]
    images: list[SuspectRow]


class MoreRow(TypedDict):
    """What more images would add to a model; `foretold` says whether the smaller shares foretold the largest."""

    model: str
    shares: list[float]
    splits: int
    times: float
    more_a_class: int | None
    gain: float
    low: float
    high: float
    verdict: str
    foretold: bool | None


class EnsembleRow(TypedDict):
    """Several models together, against the vote of the best one."""

    models: dict[str, int]
    single: str
    balanced_accuracy: float
    single_balanced_accuracy: float
    gain: Ends
    holdout_gain: Ends
    p: float
    verdict_at_1: str
    verdict_at_5: str


class ClaimedRow(TypedDict):
    """How probably the claim is false that the model with the higher mean is better."""

    question: str
    better: str
    worse: str
    probability_false: float
    verdict_at_1: str
    why: str


class SpreadRow(TypedDict):
    """What nine in ten new groups may expect: recall of a class."""

    label: str
    model: str
    groups: int
    mean: float
    low: float | None
    high: float | None


def of_triage(t: Triage) -> TriageRow:
    """A triage as a row."""
    return {
        "model": t.model,
        "repeats": t.repeats,
        "verdict": t.word,
        "wrong": ends(t.at(1.0)),
        "wrong_on_surest_four_fifths": ends(t.at(0.8)),
        "gained": ends(t.drop),
        "temperature": list(t.temperatures),
        "thresholds": [
            {
                "wanted": rate.wanted,
                "certainty": number(rate.threshold),
                "decides": rate.decided,
                "wrong": ends(rate.error),
                "holdout_decides": rate.held_decided,
                "holdout_wrong": ends(rate.held_error),
            }
            for rate in t.rates
        ],
    }


def of_chance(row: Guessing) -> ChanceRow:
    """A score beside chance as a row."""
    return {
        "dataset": row.section.dataset,
        "model": row.model,
        "recipe": row.section.recipe,
        "balanced_accuracy": row.null.score,
        "guessing_low": row.null.low,
        "guessing_high": row.null.high,
        "whole_groups": row.whole,
        "p": row.null.p,
        "holm": row.holm,
        "verdict": row.word,
    }


def of_suspects(found: Suspects) -> SuspectsRow:
    """The images of which every good model is confident that their label is wrong."""
    return {
        "models": list(found.models),
        "images": [
            {
                "image": s.image,
                "label": s.label,
                "suggested": s.suggested,
                "margin": s.margin,
                "nearest": list(s.nearest),
            }
            for s in found.flagged
        ],
    }


def of_more(more: More) -> MoreRow:
    """What more images would add, as a row."""
    return {
        "model": more.model,
        "shares": list(more.shares),
        "splits": more.splits,
        "times": more.growth.times,
        "more_a_class": more.a_class,
        "gain": more.growth.gain,
        "low": more.growth.low,
        "high": more.growth.high,
        "verdict": more.growth.word,
        "foretold": more.held,
    }


def of_ensemble(e: Ensemble) -> EnsembleRow:
    """An ensemble as a row."""
    return {
        "models": dict(e.voices),
        "single": e.single,
        "balanced_accuracy": e.score,
        "single_balanced_accuracy": e.single_score,
        "gain": ends(e.gain),
        "holdout_gain": ends(e.held),
        "p": e.p,
        "verdict_at_1": e.word,
        "verdict_at_5": e.wide,
    }


def of_claimed(c: Claimed) -> ClaimedRow:
    """A claim of the higher mean as a row."""
    return {
        "question": c.finding.question.key,
        "better": c.winner,
        "worse": c.loser,
        "probability_false": c.false,
        "verdict_at_1": c.finding.narrow,
        "why": c.why,
    }


def of_spread(s: Spread) -> list[SpreadRow]:
    """What a new group may expect, a row a class."""
    return [
        {
            "label": label,
            "model": s.model,
            "groups": e.groups,
            "mean": e.mean,
            "low": number(e.low),
            "high": number(e.high),
        }
        for label, e in s.expected.items()
    ]


def of_leak(leak: Leak) -> LeakRow:
    """A row of the ledger."""
    return {
        "dataset": leak.dataset,
        "model": leak.model,
        "recipe": leak.recipe,
        "images": leak.images,
        "groups": leak.groups,
        "honest": leak.honest,
        "careless": leak.careless,
        "claimed": ends(leak.claimed),
        "p": leak.p,
        "holm": leak.holm,
        "verdict": leak.word,
    }


def ends(span: Span) -> Ends:
    """An estimate as far as it is known."""
    return {"estimate": number(span.estimate), "low": number(span.low), "high": number(span.high)}


def number(value: float) -> float | None:
    """A number that JSON knows."""
    return value if math.isfinite(value) else None
