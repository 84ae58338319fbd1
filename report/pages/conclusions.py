"""The page of conclusions: the study's questions, each with every comparison that answers it."""

from collections import Counter

import pandas as pd

from report import charts, estimates, findings, show
from report.data import results
from report.estimates import interval, points
from report.findings import Finding
from report.pages import dataset
from report.show import Markup

ORDER = ("better", "equivalent", "worse", "undecided")


def show_all() -> None:
    """Print each question with its chart and its table, then what voting adds."""
    everything = findings.everywhere(results())
    show.write(dataset.EXPLANATION)
    for question in findings.QUESTIONS:
        found = [f for f in everything if f.question is question]
        show.write(Markup("## {}").format(question.text))
        if not found:
            show.write(Markup("No two models in this store answer this yet."))
            continue
        show.write(Markup("{}.").format(_counted(found)))
        frame = pd.DataFrame(
            {
                "pair": f"{f.section.dataset} {f.section.title}: {f.model} − {f.reference}",
                "difference": f.difference.mean * 100,
                "low": f.difference.low * 100,
                "high": f.difference.high * 100,
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
        dataset.verdict_table(found, where=True)
    _voting()


def in_one_sentence() -> Markup:
    """What the site says about pre-training, for the home page."""
    found = [f for f in findings.everywhere(results()) if f.question is findings.PRETRAINING]
    if not found:
        return Markup(
            "No model stands beside its own twin trained from scratch yet, so what pre-training adds is open."
        )
    return Markup("Pre-training against the same network from scratch: {}.").format(_counted(found))


def _counted(found: list[Finding]) -> Markup:
    counts = Counter[str](f.narrow for f in found)
    words = [Markup("**{}** in {}").format(word, counts[word]) for word in ORDER if counts[word]]
    return Markup("{} of {}").format(show.listed(words), estimates.counted(len(found), "comparison"))


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
