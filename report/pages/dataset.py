"""The page of a dataset, the same for all: a dataset that is new in the store has its page with no edit."""

import json
from pathlib import Path

import pandas as pd

from report import charts, findings, recipes, show
from report.data import Results, Section, results
from report.estimates import signed
from report.sections import failures, images, layers, lead, other_recipes, trials, trust
from report.show import Html, Markup

LIST = "_generated/datasets.json"
"""Which datasets have a page: their names, in the order of their numbers."""


def show_page(number: int) -> None:
    """Print the page of a dataset of the store that the site is drawn from.

    The number is its place in the list that `prepare` wrote: a page that is generated holds no word of a store as code.
    """
    found = results()
    name = json.loads(Path("..", LIST).read_text(encoding="utf-8"))[number]
    section = recipes.main(found, name)
    lead.answer(found, section)
    lead.facts(found, section)
    images.show_section(found, section)
    trials.holdout(found, section)
    trials.folds(found, section)
    comparisons(found, section)
    failures.show_section(found, section)
    trust.show_section(found, section)
    other_recipes.show_section(found, section)
    layers.show_section(found, name)
    trials.every(found, section)


def comparisons(found: Results, section: Section) -> None:
    """Print what may be said of the differences: those that the study asks for, the others a click away."""
    every = list(findings.of_section(found, section))
    first = [f for f in every if f.question in trials.FIRST]
    rest = [f for f in every if f not in first]
    if not every:
        return
    show.heading(3, Markup("What can be said"), "verdicts")
    if first:
        _forest(section, first, "verdicts", Html("{}").format(headline(first)))
    if rest:
        show.folded(Html("{} more comparisons: lower layers, and what colour alone can do").format(len(rest)))
        _forest(section, rest, "verdicts-rest", Html("Against the whole network, and against colour alone"))
        show.unfolded()
    show.folded(Html("All {} as a table, with the smallest difference that they could show").format(len(every)))
    verdict_table(every)
    show.write(EXPLANATION)
    show.unfolded()


WORDS = {
    "better": "the first model is better",
    "worse": "the first model is worse",
    "equivalent": "the first model is as good",
    "undecided": "these data cannot tell",
    "incomplete": "too few trials are done",
}


def headline(found: list[findings.Finding]) -> str:
    """What comparisons say together, as far as their verdicts carry it."""
    kinds = {kind: sum(f.narrow == kind for f in found) for kind in ("better", "worse", "equivalent", "undecided")}
    words = {"better": "better in {}", "worse": "worse in {}", "equivalent": "as good in {}"}
    said = [words[kind].format(kinds[kind]) for kind in words if kinds[kind]]
    if len(found) == 1:
        return f"In one comparison {WORDS[found[0].narrow]}"
    many = f"Of {len(found)} comparisons"
    open_ = f"these data cannot tell in {kinds['undecided']}" if kinds["undecided"] else ""
    if not said:
        return f"{many} these data cannot tell in any"
    return f"{many} the first model is {', '.join(said)}{'; ' if open_ else ''}{open_}"


def _forest(section: Section, found: list[findings.Finding], name: str, title: Html) -> None:
    frame = pd.DataFrame(
        {
            "pair": f"{f.model} − {f.reference}",
            "difference": f.difference.mean * 100,
            "low": f.difference.low * 100,
            "high": f.difference.high * 100,
            "verdict": f.narrow,
        }
        for f in found
    )
    show.chart(
        charts.differences(frame, findings.NARROW * 100),
        f"{name}-{section.slug}",
        Markup(
            "Differences on the same splits, first model less second, with 95 % intervals that know that training sets "
            "overlap. In the grey band a difference counts as none."
        ),
        f"{len(found)} differences between two models with their intervals",
        title=title,
    )


def verdict_table(found: list[findings.Finding], *, where: bool = False) -> None:
    """Print findings as a table, a row each; with `where`, the dataset and recipe too."""
    rows = [
        [
            *([f"{f.section.dataset} {f.section.title}"] if where else []),
            f"{f.model} − {f.reference}",
            signed(f.difference),
            f.narrow,
            f.wide,
            f"{f.detectable * 100:.1f}" if f.detectable < 1 else "–",
        ]
        for f in found
    ]
    headers = ["model − reference", "difference [95 %]", "at ±1", "at ±5", "could show"]
    show.table([*(["where"] if where else []), *headers], rows)


EXPLANATION = Markup(
    "Differences are in points of balanced accuracy on the test folds. *At ±1* and *at ±5* give the verdict when "
    "differences of up to one or five points count as none; *could show* is the smallest difference that these "
    "data could have shown at ±1. A verdict looks at one side (0.95), a line at both (95 %), so that a verdict may "
    "stand beside a line that just touches 0."
)
