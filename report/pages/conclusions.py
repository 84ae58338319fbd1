"""The page of conclusions: what was claimed, and the study's questions with every comparison that answers them."""

from collections.abc import Sequence

from report import estimates, findings, questions, show
from report.data import results
from report.sections import claimed, verdicts
from report.show import Html, Markup

MANY = 12
"""So many rows has the chart of the first question, the only one that is open."""
MOST = 40
"""So many comparisons of a question the page holds; the download has them all."""


def claims() -> None:
    """Print what was claimed, and what this store says of it."""
    claimed.claims(results())


def show_all() -> None:
    """Print each question with its chart and its table, then what voting adds, what is hard, and what papers say."""
    everything = findings.everywhere(results())
    show.folded(Html("What the words and columns below mean"))
    show.write(verdicts.explanation(everything))
    show.unfolded()
    open_ = True
    unasked: list[Markup] = []
    for question in questions.QUESTIONS:
        found = [f for f in everything if f.question is question]
        if not found:
            unasked.append(Markup("- {}").format(question.text))
            continue
        show.write(Markup("## {}").format(question.text))
        _question(question, found, open_)
        open_ = False
    for part in (claimed.votes, claimed.hardest, claimed.papers):
        part(results())
    if unasked:
        words = Html("{} of the study that no two models in this store answer yet")
        show.folded(words.format(estimates.counted(len(unasked), "question")))
        show.write(Markup("\n").join(unasked))
        show.unfolded()


def clearest(found: Sequence[findings.Finding], most: int) -> list[findings.Finding]:
    """At most so many of these findings, in their order: what is decided before what is not, large before small."""
    ranked = sorted(found, key=lambda f: (not f.decided, -abs(f.difference.mean)))[:most]
    chosen = set(map(id, ranked))
    return [f for f in found if id(f) in chosen]


def _question(question: questions.Question, found: Sequence[findings.Finding], open_: bool) -> None:
    """Print the answer to a question: how many comparisons say what, and each of them a click away.

    The first question's chart is `open_`: every chart open would be ten screens that nobody asked for.
    """
    shown = clearest(found, MOST)
    if open_:
        show.write(Markup("{}.").format(verdicts.counted(found)))
        _chart(question, found, clearest(found, MANY))
    clear = f", the {len(shown)} clearest" if len(shown) < len(found) else ""
    show.folded(
        Html("{} as a table{}").format(estimates.counted(len(found), "comparison"), clear)
        if open_
        else Html("{}: chart and table{}").format(verdicts.counted_html(found), clear)
    )
    if not open_:
        _chart(question, found, shown)
    verdicts.table(shown, where=True)
    if len(shown) < len(found):
        show.write(Markup("[All of them](/assets/findings.csv) are rows of one table."))
    show.unfolded()


def _chart(question: questions.Question, found: Sequence[findings.Finding], shown: Sequence[findings.Finding]) -> None:
    caption = Markup(
        "Differences with their 95 % intervals; in the grey band one counts as none. An interval that lies "
        "clear of it may stand beside *undecided*: the verdict knows of {}. *Head*: a small one on frozen "
        "layers."
    ).format(estimates.counted(found[0].asked, "comparison"))
    which = "" if len(shown) == len(found) else f" The {len(shown)} clearest of {len(found)}"
    title = Html("{}{}").format(question.text, which)
    verdicts.forest(shown, question.key, caption, title, lambda f: f"{f.section.dataset}: {verdicts.brief(f)}")


def in_one_sentence() -> Markup:
    """What the site says about pre-training, for the home page."""
    found = [f for f in findings.everywhere(results()) if f.question is questions.PRETRAINING]
    if not found:
        return Markup(
            "No model stands beside its own twin trained from scratch yet, so what pre-training adds is open."
        )
    return Markup("Pre-training against the same network from scratch: {}.").format(verdicts.counted(found))
