"""The page of conclusions: what was claimed, and the study's questions with every comparison that answers them."""

import pandas as pd

from report import charts, estimates, findings, questions, show
from report.data import results
from report.sections import claimed, verdicts
from report.show import Markup


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
        show.write(Markup("{}.").format(verdicts.counted(found)))
        frame = pd.DataFrame(
            {
                "pair": f"{verdicts.place(f)}: {f.pair}",
                "difference": f.difference.mean * 100,
                "low": estimates.known(f.difference)[0],
                "high": estimates.known(f.difference)[1],
                "verdict": f.narrow,
            }
            for f in found
        )
        show.chart(
            charts.differences(frame, findings.NARROW * 100),
            question.key,
            Markup("Differences between two models with their 95 % intervals; in the grey band one counts as none."),
            f"Differences between pairs of models: {question.text}",
        )
        verdicts.table(found, where=True)
    for part in (claimed.votes, claimed.hardest, claimed.papers):
        part(results())


def in_one_sentence() -> Markup:
    """What the site says about pre-training, for the home page."""
    found = [f for f in findings.everywhere(results()) if f.question is questions.PRETRAINING]
    if not found:
        return Markup(
            "No model stands beside its own twin trained from scratch yet, so what pre-training adds is open."
        )
    return Markup("Pre-training against the same network from scratch: {}.").format(verdicts.counted(found))
