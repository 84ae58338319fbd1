"""The page of conclusions: the study's questions, each with every comparison that answers it."""

import pandas as pd

from report import charts, estimates, findings, questions, show
from report.data import results
from report.estimates import interval, points
from report.sections import verdicts
from report.show import Markup


def show_all() -> None:
    """Print each question with its chart and its table, then what voting adds."""
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
                "pair": f"{verdicts.place(f)}: {verdicts.pair(f)}",
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
    _voting()


def in_one_sentence() -> Markup:
    """What the site says about pre-training, for the home page."""
    found = [f for f in findings.everywhere(results()) if f.question is questions.PRETRAINING]
    if not found:
        return Markup(
            "No model stands beside its own twin trained from scratch yet, so what pre-training adds is open."
        )
    return Markup("Pre-training against the same network from scratch: {}.").format(verdicts.counted(found))


def _voting() -> None:
    show.write(Markup("## Does voting over the repeats help?"))
    store = results()
    rows = []
    for section in store.sections:
        for model in store.models(section):
            gain = estimates.vote_gain(store, section, model)
            if gain is not None:
                band = findings.NARROW
                word = "helps" if gain.low > band else "hurts" if gain.high < -band else "undecided"
                if -band <= gain.low and gain.high <= band:
                    word = "makes no difference"
                gained = f"{points(gain.estimate)} {interval(gain.low, gain.high, signed=True)}"
                rows.append([f"{section.dataset} {section.title}", show.code(model), gained, word])
    if not rows:
        show.write(Markup("A vote takes three repeats, and no cell in this store has them yet."))
        return
    show.write(
        Markup(
            "Out of fold: each image is asked once in every repeat. The gain is the balanced accuracy of the repeats' "
            "vote less that of a single repeat, in points, with a bootstrap 95 % interval over the images or their "
            "groups. A gain or loss of up to a point counts as none."
        )
    )
    show.table(["where", "model", "gain [95 %]", "voting"], rows)
