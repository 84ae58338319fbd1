"""Judging claims: confirmed, contradicted, undecided or not run, with the figures behind it.

The comparisons of one claim are a family of their own, whose p-values Holm adjusts. A dataset that is built in judges
nothing: no claim is about it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from report import comparisons, findings, questions, recipes, voting
from report.claims import overall
from report.claims.evidence import Evidence, of_finding, of_gain
from report.claims.reading import WORDS, Claim, expanded, load
from report.comparisons import Comparison
from report.data import Results, Section
from report.findings import NARROW, WIDE, Finding
from report.questions import CNNS, Question
from report.voting import Gain

Word = Literal["confirmed", "contradicted", "undecided", "not run"]
SAYS: dict[bool | None, Word] = {True: "confirmed", False: "contradicted", None: "undecided"}
UNLIKELY = 0.05


@dataclass(frozen=True)
class Judgement:
    """What the store says of a claim, and by which figures; `why` where nobody can say yet."""

    claim: Claim
    word: Word
    evidence: tuple[Evidence, ...] = ()
    why: str = ""

    @property
    def ranked(self) -> list[Evidence]:
        """The evidence, what sums up or decides first."""
        told = ("", "undecided", "incomplete")
        return sorted(self.evidence, key=lambda e: (e.dataset != "all", not e.decides, e.verdict in told))


@lru_cache(maxsize=1)
def everything(results: Results) -> tuple[Judgement, ...]:
    """Every claim of the file, judged by this store."""
    return tuple(judge(results, claim) for claim in load())


def judge(results: Results, claim: Claim) -> Judgement:
    """What this store says of a claim."""
    if claim.kind == "open":
        return Judgement(claim, "not run", why=claim.why)
    if claim.kind in ("share", "largest gain", "difficulty"):
        said, evidence, why = _OVERALL[claim.kind](results, claim, mains(results, claim))
        return Judgement(claim, SAYS[said] if evidence else "not run", evidence, why)
    if claim.kind == "votes":
        return _of_votes(results, claim)
    family, lacking = _family(results, claim)
    found = findings.judged(family)
    complete = [f for f in found if f.narrow != "incomplete"]
    if not complete:
        few = "of these pairs too few splits are trained" if found else "no such pair of models is trained"
        return Judgement(claim, "not run", tuple(map(of_finding, found)), few)
    said = _together([_says(f, claim.direction) for f in complete], claim, lacking)
    evidence = tuple(
        replace(of_finding(f), decides=f.narrow != "incomplete" and _says(f, claim.direction) == said) for f in found
    )
    why = f"{', '.join(lacking)}: not trained" if lacking else ""
    if claim.kind == "literature":
        why = "the paper's figure is taken as exact"
    return Judgement(claim, SAYS[said], evidence, why)


def mains(results: Results, claim: Claim) -> list[Section]:
    """The main recipes of the real datasets that a claim is about, or of all real ones."""
    real = [name for name in results.datasets if "generator" not in results.dataset_card(name)]
    return [recipes.main(results, name) for name in real if name in (claim.datasets or real)]


def _family(results: Results, claim: Claim) -> tuple[list[Comparison], list[str]]:
    """The comparisons of a claim, and the models that it names and nobody trained."""
    question = Question(claim.key, claim.said)
    if claim.kind == "question":
        sections = mains(results, claim)
        of = [c for s in sections for c in comparisons.of_dataset(results, s.dataset)]
        return [c for c in of if c.question.key == claim.question], []
    family: list[Comparison] = []
    lacking: list[str] = []
    for section in mains(results, claim):
        models = results.models(section)
        named = [m for m in (*claim.models, *claim.references) if m not in WORDS and m not in models]
        # Two CNNs are alternatives: with either there is a network from scratch to compare with.
        lacking += [m for m in named if not (m in CNNS and set(CNNS) & set(models) & set(claim.references))]
        ours = [m for word in claim.models for m in expanded(word, models)]
        if claim.kind == "pairs":
            theirs = [m for word in claim.references for m in expanded(word, models)]
            pairs = [(a, b) for a in ours for b in theirs if a != b]
            made = [comparisons.compared(results, question, (section, a), (section, b)) for a, b in pairs]
            family += [c for c in made if c]
        else:
            family += [
                comparisons.against_number(results, question, section, model, number)
                for number in _numbers(results, claim, section)
                for model in ours
            ]
    return family, list(dict.fromkeys(lacking))


def _numbers(results: Results, claim: Claim, section: Section) -> list[float]:
    if claim.kind == "score":
        return [claim.score]
    return [paper["score"] for paper in results.dataset_card(section.scheme).get("literature", [])]


def _says(f: Finding, direction: str) -> bool | None:
    """Whether one comparison says that the difference goes in this direction; None where it cannot tell."""
    if f.difference.degenerate:
        return None
    if direction in ("worse", "no worse"):
        turned = {"worse": "better", "better": "worse"}
        narrow, wide = (turned.get(word, word) for word in (f.narrow, f.wide))
        beyond = findings.posterior(f.comparison, NARROW).worse
    else:
        narrow, wide = f.narrow, f.wide
        beyond = findings.posterior(f.comparison, NARROW).better
    if direction == "none":
        return True if wide == "equivalent" else False if wide in ("better", "worse") else None
    if direction == "nearly as good":
        return False if wide == "worse" else findings.posterior(f.comparison, WIDE).worse <= UNLIKELY or None
    if direction == "not shown":
        return narrow != "better"
    if direction in ("no better", "no worse"):
        return False if narrow == "better" else beyond <= UNLIKELY or wide == "equivalent" or None
    return True if narrow == "better" else False if narrow in ("worse", "equivalent") else None


def _together(said: Iterable[bool | None], claim: Claim, lacking: Sequence[str]) -> bool | None:
    """What all comparisons of a claim say: every one of them has to, or one is enough. What nobody trained is open."""
    answers = [*said, *([None] if lacking else [])]
    enough = not claim.every
    if enough in answers:
        return enough
    return (not enough) if None not in answers else None


def _of_votes(results: Results, claim: Claim) -> Judgement:
    question = questions.VOTING_LOWER if claim.lower else questions.VOTING
    gains = voting.everywhere(results, [section.dataset for section in mains(results, claim)])
    gains = [gain for gain in gains if gain.question is question]
    if not gains:
        return Judgement(claim, "not run", why="no dataset that it is about has a vote of three repeats")
    said = _together([_gains(gain, claim.direction) for gain in gains], claim, [])
    return Judgement(claim, SAYS[said], tuple(map(of_gain, gains)))


def _gains(gain: Gain, direction: str) -> bool | None:
    if gain.narrow == direction:
        return True
    return None if gain.narrow == "undecided" else False


_OVERALL: dict[str, Callable[[Results, Claim, list[Section]], tuple[bool | None, tuple[Evidence, ...], str]]] = {
    "share": overall.share,
    "largest gain": overall.largest_gain,
    "difficulty": overall.difficulty,
}
