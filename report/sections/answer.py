"""A part of a dataset's page, the first: the answer in three sentences, and when to trust it."""

from report import answers, show
from report.data import Results
from report.show import Markup

NAMES = ("What to use.", "How sure.", "What next.")


def show_section(found: Results, dataset: str) -> None:
    """Print the answer; its words are made of verdicts and of names in the store."""
    said = answers.answer(found, dataset)
    lines = [
        Markup("**{}** {}").format(name, _marked(sentence))
        for name, sentence in zip(NAMES, said.sentences, strict=True)
    ]
    if said.trust:
        lines.append(Markup("**When to trust it.** {} [More](#trust)").format(_marked(said.trust[0])))
    show.write(Markup('::: {.callout-tip title="The answer" icon=false}'), *lines, Markup(":::"))


def _marked(sentence: str) -> Markup:
    """A sentence in which what stands between backticks is code."""
    parts = sentence.replace(" %", "\u00a0%").split("`")  # a number and its unit stay on one line
    return Markup("").join(show.code(part) if place % 2 else show.text(part) for place, part in enumerate(parts))
