"""Prose that cannot lie: a sentence of a page names the claim or the finding that it rests on, and what it says of it.

    prose.say(
        "overall-lower",
        confirmed="Nothing here shows that the lower layers alone do better.",
        contradicted="On some images the lower layers alone do better.",
    )

The sentence that holds is printed with the figures behind it. Where none holds, the page fails, and with it the build;
where the store cannot judge the claim at all, nothing is printed.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString

from report import findings, show
from report.claims.evidence import Evidence, of_finding
from report.claims.judging import everything
from report.data import Results, results
from report.show import Markup

SHOWN = 2
"""So many figures stand behind a sentence; the page of conclusions has them all."""


class ProseError(ValueError):
    """A sentence of a page says what the store does not."""


def say(key: str, **sentences: LiteralString) -> None:
    """Print the sentence that holds of a claim (`findings.toml`), or of one comparison.

    A comparison is named `question/dataset/model/reference`. The sentences' names are the verdicts that they state:
    confirmed, contradicted or undecided of a claim; better, equivalent, worse, undecided or incomplete of a comparison.

    Raises:
        ProseError: the store judges it otherwise than every sentence here does, or there is no such claim.
    """
    word, evidence = verdict(results(), key)
    sentence = holding(key, word, sentences)
    if sentence is None:
        return
    figures = [Markup("{}: {}, {}").format(e.dataset, e.what, e.figure) for e in evidence[:SHOWN]]
    if len(evidence) > SHOWN:
        figures.append(Markup("{} more [below](#claims)").format(len(evidence) - SHOWN))
    show.write(Markup("{} ({})").format(Markup(sentence), Markup("; ").join(figures)))


def holding(key: str, word: str, sentences: Mapping[str, LiteralString]) -> LiteralString | None:
    """The sentence of those that states this verdict; None where nothing is known.

    Raises:
        ProseError: none of them does.
    """
    if word in sentences:
        return sentences[word]
    if word in ("not run", "incomplete"):
        return None
    said = "; ".join(f'"{sentence}" says {name}' for name, sentence in sentences.items())
    raise ProseError(f"{key!r} is {word} by this store, but {said}; mend the sentence")


def verdict(store: Results, key: str) -> tuple[str, Sequence[Evidence]]:
    """What a store says of a claim or a comparison, and by which figures; "not run" where it says nothing.

    Raises:
        ProseError: there is no such claim.
    """
    if "/" in key:
        for f in findings.everywhere(store):
            if "/".join((f.question.key, f.section.dataset, f.model, f.reference)) == key:
                return f.narrow, [of_finding(f)]
        return "not run", []
    for judgement in everything(store):
        if judgement.claim.key == key:
            return judgement.word, judgement.ranked
    raise ProseError(f"{key!r} is no claim of findings.toml; name one, or question/dataset/model/reference")
