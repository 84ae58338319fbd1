"""Claims over all datasets: how often transfer helps, where it helps most, and whether people and models agree."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations

import numpy as np
from scipy import special

from report import comparisons, estimates, findings, recipes, statistics
from report.claims.evidence import Evidence, of_finding
from report.claims.reading import Claim, expanded
from report.claims.reading import difficulty as levels
from report.data import Results, Section
from report.findings import Finding
from report.questions import PRETRAINING, SMALL

Said = tuple[bool | None, tuple[Evidence, ...], str]
MOST, DRAWS = 7, 5000
"""Up to so many datasets all orders are asked, else so many that are drawn."""
ALONE = "it takes the same pair of models on two datasets"


def share(results: Results, claim: Claim, sections: list[Section]) -> Said:
    """Whether about so many of the comparisons with a network from scratch are better, by a Jeffreys interval.

    Comparisons of one dataset share its images, so the interval is narrower than it should be: a claim that it cannot
    decide is not decided.
    """
    of = [
        c
        for s in sections
        for c in comparisons.of_section(results, s)
        if c.question in (PRETRAINING, SMALL) and c.model in _models(results, s, claim)
    ]
    found = [f for f in findings.by_question(of) if f.narrow != "incomplete"]
    if not found:
        return None, (), "no pre-trained network stands beside one from scratch"
    hits = sum(f.narrow == "better" for f in found)
    low, high = (float(end) for end in statistics.jeffreys(hits, len(found)))
    said = None
    if claim.share - claim.within <= low and high <= claim.share + claim.within:
        said = True
    if high < claim.share - claim.within or low > claim.share + claim.within:
        said = False
    what = f"comparisons in which pre-training is better: {hits} of {len(found)}"
    figure = Evidence("all", what, hits / len(found), low, high, "", len(found), unit="percent", rest="comparisons")
    return said, (figure, *map(of_finding, found)), ""


def largest_gain(results: Results, claim: Claim, sections: list[Section]) -> Said:
    """Whether the gain over the reference's own score is larger on the claim's dataset than on each other one.

    The ratio's variance is that of the difference over the square of the reference's score; two datasets share no
    image, so that the variances of their gains add.
    """
    every = [s for s in (recipes.main(results, n) for n in results.datasets) if _real(results, s)]
    gains = [(s.dataset, f.pair, *_relative(results, s, f)) for s in every for f in _heads(results, s, claim)]
    ours = [g for g in gains if g[0] in claim.datasets]
    tests = []
    for dataset, pair, gain, error, *_ in ours:
        for other, same, theirs, noise, *_ in gains:
            if other not in claim.datasets and same == pair:
                tests.append((f"{pair}: {dataset} − {other}", gain - theirs, float(np.hypot(error, noise))))
    if not tests:
        return None, (), ALONE
    p = [2 * float(special.ndtr(-abs(lead) / error)) for _, lead, error in tests]
    evidence = []
    for (what, lead, error), holm in zip(tests, statistics.holm(p).tolist(), strict=True):
        word = "undecided" if holm > statistics.SIGNIFICANT else "better" if lead > 0 else "worse"
        half = float(special.ndtri(0.975)) * error
        each = Evidence(claim.datasets[0], what, lead, lead - half, lead + half, word, 0, holm, len(tests))
        evidence.append(each)
    words = {e.verdict for e in evidence}
    said = True if words == {"better"} else False if "worse" in words else None
    answer = {True: "better", False: "worse", None: "undecided"}[said]
    evidence = [replace(e, decides=e.verdict == answer) for e in evidence]
    return said, tuple(evidence), "relative gains: the difference over the reference's own score"


def difficulty(results: Results, claim: Claim, sections: list[Section]) -> Said:
    """Kendall's rank correlation of people's difficulty with the highest score above chance, by permutations."""
    hard = levels()
    rows = [(hard[s.dataset], *best) for s in sections if s.dataset in hard if (best := above_chance(results, s))]
    if len(rows) < 4:
        return None, (), "it takes four datasets that people have called easy or hard"
    level, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    signs = np.sign(np.subtract.outer(level, level))
    pairs = np.count_nonzero(np.triu(signs))

    def agreement(order: tuple[int, ...]) -> float:
        chosen = score[list(order)]
        return -float(np.sum(np.triu(signs * np.sign(np.subtract.outer(chosen, chosen))))) / pairs

    ours = agreement(tuple(range(len(rows))))
    every: Iterable[tuple[int, ...]] = permutations(range(len(rows)))
    if len(rows) > MOST:
        rng = np.random.default_rng(0)
        every = (tuple(rng.permutation(len(rows)).tolist()) for _ in range(DRAWS))
    drawn = np.array([agreement(order) for order in every])
    p = min(1.0, 2 * float(min(np.mean(drawn >= ours - 1e-9), np.mean(drawn <= ours + 1e-9))))
    word = "undecided" if p > statistics.SIGNIFICANT else "better" if ours > 0 else "worse"
    what = "rank correlation (Kendall) of people's difficulty with the models' error"
    figure = Evidence("all", what, ours, np.nan, np.nan, word, len(rows), p, 1, "correlation", "datasets")
    shown = [
        Evidence(s.dataset, f"above chance, {b[3]}", *b[:3], "", unit="percent")
        for s in sections
        if s.dataset in hard
        if (b := above_chance(results, s))
    ]
    return {"better": True, "worse": False, "undecided": None}[word], (figure, *shown), ""


def above_chance(results: Results, section: Section) -> tuple[float, float, float, str] | None:
    """The highest mean of the complete models as a share of the way from chance to 1, its interval, and whose it is."""
    best = estimates.highest(estimates.fold_means(results, section), results.complete(section))
    if best is None:
        return None
    chance = 1 / len(results.dataset_card(section.scheme)["classes"])
    score, low, high = ((best[key] - chance) / (1 - chance) for key in ("balanced_accuracy", "low", "high"))
    return score, low, high, best["model"]


def _real(results: Results, section: Section) -> bool:
    return "generator" not in results.dataset_card(section.dataset)


def _heads(results: Results, section: Section, claim: Claim) -> list[Finding]:
    models, every = _models(results, section, claim), comparisons.of_section(results, section)
    of = [c for c in every if c.question == SMALL and c.model in models and c.reference in claim.references]
    return [f for f in findings.judged(of) if f.narrow != "incomplete" and not f.difference.degenerate]


def _models(results: Results, section: Section, claim: Claim) -> set[str]:
    return {model for word in claim.models for model in expanded(word, results.models(section))}


def _relative(results: Results, section: Section, f: Finding) -> tuple[float, float]:
    """A gain over the reference's own score, and its standard error."""
    scores = results.of(results.scores, section)
    rows = scores[(scores["model"] == f.reference) & (scores["subset"] == "test")]
    base = float(rows["balanced_accuracy"].mean())
    half = float(special.stdtrit(f.difference.df, 0.975))
    return f.difference.mean / base, (f.difference.high - f.difference.mean) / half / base
