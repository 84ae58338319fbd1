"""The page of a dataset, the same for all: a dataset that is new in the store has its page with no edit."""

import json
from collections import Counter
from pathlib import Path

from report import findings, recipes, show
from report.data import PAGES_OF, Results, Section, results
from report.estimates import counted
from report.sections import (
    answer,
    calibration,
    failures,
    found_in_images,
    images,
    layers,
    lead,
    other_recipes,
    suspects,
    trials,
    trust,
    trusting,
    verdicts,
)
from report.show import Html, Markup

CAPTION = Markup(
    "Differences on the same splits, first model less second, with 95 % intervals that know that training sets "
    "overlap. In the grey band a difference counts as none. The comparisons of this dataset alone count here. *Head*: "
    "a small one on frozen layers."
)


NAMED = 4
"""So many questions of folded comparisons are named."""


def show_page(number: int) -> None:
    """Print the page of a dataset of the store that the site is drawn from.

    `prepare` has written which dataset has which number: a page that is generated holds no word of a store as code.
    """
    found = results()
    name = json.loads(Path("..", PAGES_OF).read_text(encoding="utf-8"))[str(number)]
    section = recipes.main(found, name)
    answer.show_section(found, name)
    lead.facts(found, section)
    found_in_images.show_card(found.dataset_card(section.scheme))
    images.show_section(found, section)
    trials.holdout(found, section)
    trials.folds(found, section)
    comparisons(found, section)
    failures.show_section(found, section)
    trust.show_section(found, section)
    suspects.show_section(found, name)
    trusting.show_section(found, name)
    calibration.show_section(found, section)
    other_recipes.show_section(found, section)
    layers.show_section(found, name)
    trials.every(found, section)


def comparisons(found: Results, section: Section) -> None:
    """Print what may be said of the differences: those that the study asks for, the others a click away."""
    every = list(findings.of_section(found, section))
    if not every:
        return
    # The first question that is answered here: the sharpest test of what pre-training adds, where there is one.
    first = [f for f in every if f.question == every[0].question]
    rest = every[len(first) :]
    show.heading(3, Markup("What can be said"), "verdicts")
    verdicts.forest(
        first,
        f"verdicts-{section.slug}",
        CAPTION,
        Html("{} {}").format(first[0].question.text, headline(first)),
        verdicts.brief,
    )
    if rest:
        asked = list(dict.fromkeys(f.question.short for f in rest))
        others = f" and {counted(len(asked) - NAMED, 'more question')}" if len(asked) > NAMED else ""
        show.folded(Html("{}: {}").format(counted(len(rest), "more comparison"), f"{', '.join(asked[:NAMED])}{others}"))
        verdicts.forest(
            rest,
            f"verdicts-rest-{section.slug}",
            CAPTION,
            Html("{}").format(headline(rest)),
            verdicts.brief,
        )
        show.unfolded()
    several = Html("All {} as a table, with the smallest difference that they could show").format(len(every))
    show.folded(several if len(every) > 1 else Html("This comparison as a table"))
    verdicts.table(every)
    show.write(verdicts.explanation(every))
    show.unfolded()


WORDS = {
    "better": "{} is better",
    "worse": "{} is worse",
    "equivalent": "{} is as good",
    "undecided": "these data cannot tell",
    "incomplete": "too few trials are done",
}


def headline(found: list[findings.Finding]) -> str:
    """What comparisons say together, as far as their verdicts carry it."""
    kinds = Counter[str](f.narrow for f in found)
    words = {"better": "better in {}", "worse": "worse in {}", "equivalent": "as good in {}"}
    said = [words[kind].format(kinds[kind]) for kind in words if kinds[kind]]
    asked = {f.question for f in found}
    first = asked.pop().first if len(asked) == 1 else "the first model"
    if len(found) == 1:
        return f"In one comparison {WORDS[found[0].narrow].format(first)}"
    many = f"Of {len(found)} comparisons"
    unsaid = kinds["undecided"] + kinds["incomplete"]
    open_ = f"these data cannot tell in {unsaid}" if unsaid else ""
    if not said:
        return f"{many} these data cannot tell in any"
    return f"{many} {first} is {', '.join(said)}{'; ' if open_ else ''}{open_}"
