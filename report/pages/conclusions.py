"""The page of conclusions: what was claimed, and the study's questions with every comparison that answers them."""

from collections.abc import Sequence

from report import estimates, findings, questions, show
from report.data import results
from report.sections import claimed, verdicts
from report.show import Html, Markup

MANY = 12
"""Of more comparisons than these a page draws the decided ones; the others stand in the table."""


def claims() -> None:
    """Print what was claimed, and what this store says of it."""
    claimed.claims(results())


def show_all() -> None:
    """Print each question with its chart and its table, then what voting adds, what is hard, and what papers say."""
    everything = findings.everywhere(results())
    show.write(verdicts.explanation(everything))
    for question in questions.QUESTIONS:
        found = [f for f in everything if f.question is question]
        show.write(Markup("## {}").format(question.text))
        if not found:
            show.write(Markup("No two models in this store answer this yet."))
            continue
        _question(question, found)
    for part in (claimed.votes, claimed.hardest, claimed.papers):
        part(results())


def _question(question: questions.Question, found: Sequence[findings.Finding]) -> None:
    """Print the answer to a question: of many comparisons the decided ones, and all of them a click away."""
    known = [f for f in found if f.decided] if len(found) > MANY else found
    show.write(Markup("{}.").format(verdicts.counted(found)))
    if known:
        which = "" if len(known) == len(found) else ", those that are decided"
        caption = Markup(
            "Differences with their 95 % intervals; in the grey band one counts as none. An interval that lies "
            "clear of it may stand beside *undecided*: the verdict knows that {} were asked."
        ).format(estimates.counted(found[0].asked, "comparison"))
        title = Html("{}{}").format(question.text, which)
        verdicts.forest(known, question.key, caption, title, lambda f: f"{verdicts.place(f)}: {f.pair}")
    show.folded(
        Html("{} as a table, with p and the smallest difference that could have been seen").format(
            "This comparison" if len(found) == 1 else f"All {len(found)} comparisons"
        )
    )
    verdicts.table(found, where=True)
    show.unfolded()


def in_one_sentence() -> Markup:
    """What the site says about pre-training, for the home page."""
    found = [f for f in findings.everywhere(results()) if f.question is questions.PRETRAINING]
    if not found:
        return Markup(
            "No model stands beside its own twin trained from scratch yet, so what pre-training adds is open."
        )
    return Markup("Pre-training against the same network from scratch: {}.").format(verdicts.counted(found))
