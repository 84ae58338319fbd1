"""An answer for a dataset in three sentences: what to use, how sure that is, and what would make it surer.

They are made from the verdicts of the dataset's own page, at its main recipe, so that what they say stands in the table
there. Plain words, for a page and for a terminal alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from report import estimates, findings, recipes, rivals, rows
from report.data import Results, Section
from report.estimates import counted, interval, p_value
from report.findings import Finding
from report.questions import FAMILIES, FLOORS, IMBALANCE, PRETRAINING, SEGMENTED, SIZE
from report.trust import chance, ensembles, growing, triage

FORMS = {
    "-tuned": "the pre-trained network tuned whole",
    "-probe": "a logistic regression on the pre-trained network's features",
    "-lower": "the pre-trained network's lower layers with a small head",
    "-scratch": "the same network from scratch",
    "": "the pre-trained network with a small head",
}
OTHERS = {
    "cnn": "a small network from scratch",
    "cnn-shallow": "a shallow network from scratch",
    "mean-colour": "the mean colour alone",
    "pixel-ratio": "the share of bright pixels alone",
}
NAMED = 2
"""So many other models a sentence names."""
FAR = 100.0
"""More images than this many times is no advice."""


@dataclass(frozen=True)
class Answer:
    """What to use on a dataset, None where no model has all its trials, with the findings that say so.

    `trust` says when to believe it on an image, in a sentence or two.
    """

    dataset: str
    recipe: str
    use: str | None
    score: float | None
    low: float | None
    high: float | None
    splits: int
    sentences: tuple[str, ...]
    found: tuple[Finding, ...]
    trust: tuple[str, ...] = ()

    @property
    def rows(self) -> list[rows.Row]:
        """Every row of the page's table."""
        return [rows.of_finding(f) for f in self.found]


def described(model: str) -> str:
    """A model in words, with its name."""
    for family in FAMILIES:
        for form, words in FORMS.items():
            if model == family + form:
                return f"{words} ({model})"
    return f"{OTHERS[model]} ({model})" if model in OTHERS else model


def answer(results: Results, dataset: str) -> Answer:
    """The answer that a store gives for one of its datasets; nobody else's data count."""
    section = recipes.main(results, dataset)
    found = tuple(findings.of_section(results, section))
    means = estimates.fold_means(results, section)
    complete = results.complete(section)
    best = estimates.highest(means, complete)
    if best is None:
        waiting = f"No model has all its trials on {dataset} yet, so there is nothing to recommend."
        sentences = (waiting, "So nobody can say how sure one could be.", _more_trials(results, section))
        return Answer(dataset, section.recipe, None, None, None, None, 0, sentences, found)
    model = str(best["model"])
    about = [f for f in found if f.question not in (SIZE, SEGMENTED, IMBALANCE) and model in (f.model, f.reference)]
    towards = [_towards(f, model) for f in about]
    sentences = (
        _use(best, len(complete), decided=any(t.word == "better" for t in towards))
        + _guessing(results, section, model)
        + _elsewhere(results, section, model),
        _sure(towards, complete) + _unasked(model, found, towards),
        _surer(results, section, towards, growing.of_model(results, dataset, model)),
    )
    ends = (float(best["low"]), float(best["high"]))
    score, trials = float(best["balanced_accuracy"]), int(best["trials"])
    told = triage.of_model(results, section, model)
    several = ensembles.of_dataset(results, dataset)
    trust = (told.sentences if told else ()) + ((several.sentence,) if several and several.word == "better" else ())
    return Answer(dataset, section.recipe, model, score, *ends, trials, sentences, found, trust)


def _guessing(results: Results, section: Section, model: str) -> str:
    """What the first sentence must not leave out: that its score may be that of guessing."""
    row = chance.of_model(results, section, model)
    if row is None or row.word == "above chance":
        return ""
    return f" Guessing scores {row.null.low * 100:.0f} to {row.null.high * 100:.0f} %, so nothing here is of use yet."


def _elsewhere(results: Results, section: Section, model: str) -> str:
    """What the first sentence must not leave out either: that another recipe may do better."""
    rival = rivals.ahead(results, section, model)
    if rival is None:
        return ""
    other, d = rival.section, rival.difference
    unlike = recipes.unlike(results, other, section)
    by = f"{estimates.points(d.mean).lstrip('+')} points {interval(d.low, d.high, signed=True)}"
    word = "Surely better" if rival.narrow == "better" else "Ahead, though not for sure,"
    return (
        f" {word} at another recipe, {other.title}{f' ({unlike})' if unlike else ''}: {described(rival.model)}, "
        f"by {by} ({counted(rival.splits, 'split')}, Holm {p_value(rival.holm)} of {rival.asked})."
    )


@dataclass(frozen=True)
class Towards:
    """A finding seen from the model that is recommended: how much better it is than another."""

    other: str
    finding: Finding
    lead: float
    low: float
    high: float
    word: findings.Word


def _towards(f: Finding, model: str) -> Towards:
    d = f.difference
    if f.model == model:
        return Towards(f.reference, f, d.mean, d.low, d.high, f.narrow)
    turned: dict[findings.Word, findings.Word] = {"better": "worse", "worse": "better"}
    return Towards(f.model, f, -d.mean, -d.high, -d.low, turned.get(f.narrow, f.narrow))


def _use(row: Mapping[str, Any], models: int, *, decided: bool) -> str:
    score, low, high = (100 * float(row[key]) for key in ("balanced_accuracy", "low", "high"))
    chosen = f", the highest mean of {models} models and so rather too high" if models > 1 else ""
    use = "Use" if decided else "These data do not decide; if one has to be taken, take"
    return (
        f"{use} {described(str(row['model']))}: {score:.0f} % [{low:.0f}, {high:.0f}] on new images "
        f"({counted(int(row['trials']), 'split')}{chosen})."
    )


def _sure(towards: Sequence[Towards], complete: Sequence[str]) -> str:
    judged = [t for t in towards if t.word != "incomplete"]
    if not towards:
        return "Nothing that it is compared with has results, so nobody can say how sure that is."
    said = []
    worse = sorted((t for t in judged if t.word == "better"), key=_rank)
    if worse:
        said.append("Surely worse: " + _listed([_figure(t) for t in worse[:NAMED]], len(worse)))
    alike = [t for t in judged if t.word == "equivalent"]
    if alike:
        said.append("as good: " + _listed([described(t.other) for t in alike[:NAMED]], len(alike)))
    for why, finished in (("though of a lower mean", True), ("though not all of its trials are done", False)):
        better = [t for t in judged if t.word == "worse" and (t.other in complete) is finished]
        if better:
            said.append(f"surely better, {why}: " + _listed([described(t.other) for t in better], len(better)))
    doubtful = sorted((t for t in judged if t.word == "undecided"), key=lambda t: t.lead)
    if doubtful:
        nearest = doubtful[0]
        seen = f"{nearest.finding.detectable_80 * 100:.0f} points"
        told = "Not told apart from it" if not said else "not told apart from it"
        said.append(
            f"{told}: {_listed([_figure(t) for t in doubtful[:NAMED]], len(doubtful))}; "
            f"of the first, a difference of {seen} would have been seen four times in five"
        )
    for where, ahead in (("ahead", True), ("behind", False)):
        early = [t for t in towards if t.word == "incomplete" and (t.lead < 0) is ahead]
        if early:
            said.append(
                f"{where} so far, on too few splits: {_listed([_figure(t) for t in early[:NAMED]], len(early))}"
            )
    text = "; ".join(said) or "No other model has enough splits beside it yet"
    return f"{text[0].upper()}{text[1:]}."


def _unasked(model: str, found: Sequence[Finding], towards: Sequence[Towards]) -> str:
    """What nothing above tells yet, and most readers came for: what pre-training adds."""
    pretrained = any(model == family + form for family in FAMILIES for form in FORMS if form != "-scratch")
    if not pretrained or any(t.other.endswith("-scratch") or t.other.startswith("cnn") for t in towards):
        return ""
    # Twins that are used otherwise tell it as well.
    twins = [f for f in found if f.question == PRETRAINING and f.narrow != "incomplete"]
    if not twins:
        return " What pre-training adds is not known yet: no network from scratch has results beside it."
    twin = max(twins, key=lambda f: f.difference.mean)
    d = twin.difference
    word = {"better": "surely better than", "worse": "surely worse than", "equivalent": "as good as"}.get(
        twin.narrow, "not told apart from"
    )
    ends = "–" if d.degenerate else interval(d.low, d.high, signed=True)
    return (
        f" What pre-training adds shows in another use of it: {described(twin.model)} is {word} {twin.reference}, "
        f"{estimates.points(d.mean)} points {ends} ({counted(twin.splits, 'split')}, Holm {p_value(twin.holm)} of "
        f"{twin.asked})."
    )


def _surer(results: Results, section: Section, towards: Sequence[Towards], more: growing.More | None) -> str:
    doubtful = sorted((t for t in towards if t.word == "undecided"), key=lambda t: t.lead)
    parts = []
    if unfinished(results, section):
        parts.append(_more_trials(results, section).rstrip("."))
    for t in doubtful[:1]:
        if t.lead > 0 and (times := (t.finding.detectable_80 / t.lead) ** 2) < FAR:
            parts.append(
                f"about {estimates.times(times)} times the images would tell it from {t.other}, if the lead is the "
                f"{t.lead * 100:.1f} points that it seems"
            )
        else:
            needs = t.finding.equivalence(findings.WIDE)
            if needs and np.isfinite(needs.times) and 1 < needs.times < FAR:
                parts.append(
                    f"about {estimates.times(needs.times)} times the images would show whether {t.other} is as good "
                    "within 5 points"
                )
    if not parts:
        counts = results.dataset_card(section.scheme)["at_hand"]
        rare = min(counts, key=lambda name: counts[name])
        first = f", of {rare} first, which has {counts[rare]}" if counts[rare] < max(counts.values()) else ""
        parts.append(f"more images{first}")
    grown = f" To be better: {more.sentence}." if more else ""
    return "To be surer: " + "; ".join(parts) + f".{grown}"


def unfinished(results: Results, section: Section) -> dict[str, int]:
    """How many trials of each model are planned and not done, where some are."""
    cells = results.of(results.cells, section)
    left = {str(row["model"]): int(row["wanted"]) - int(row["done"]) for row in cells.to_dict("records")}
    return {model: number for model, number in left.items() if number}


def _more_trials(results: Results, section: Section) -> str:
    left = unfinished(results, section)
    models = ", ".join(sorted(left))
    missing = counted(sum(left.values()), "missing trial")
    return f"`bench run --dataset {section.dataset}`, with the options of before, trains the {missing} of {models}."


def _rank(t: Towards) -> tuple[int, float]:
    """What a reader asks first: from scratch, then other ways, then floors."""
    floor, scratch = t.other in FLOORS, t.other.endswith("-scratch") or t.other in OTHERS
    return (2 if floor else 0 if scratch else 1), -t.lead


def _figure(t: Towards) -> str:
    f = t.finding
    early = f.narrow == "incomplete"
    turned = early and t.lead < 0  # what is ahead is told by how much it leads
    lead, low, high = (-t.lead, -t.high, -t.low) if turned else (t.lead, t.low, t.high)
    ends = "–" if f.difference.degenerate else interval(low, high, signed=True)
    by = f"{described(t.other)}, by {estimates.points(lead).lstrip('+')} points {ends}"
    if early:
        return f"{by} ({f.splits} of {f.comparison.wanted} splits)"
    return f"{by} ({counted(f.splits, 'split')}, Holm {p_value(f.holm)} of {f.asked})"


def _listed(parts: Sequence[str], number: int) -> str:
    more = [f"{number - len(parts)} more"] if number > len(parts) else []
    every = [*parts, *more]
    return " and ".join([", ".join(every[:-1]), every[-1]]) if len(every) > 1 else every[0]
