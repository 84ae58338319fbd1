"""The table of verdicts, what its words mean, and what it would take to reach them."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from report import charts, estimates, show
from report.estimates import p_value, signed
from report.findings import NARROW, POWER, WIDE, WORDS, Finding, judged
from report.questions import FORMS
from report.show import Html, Markup

Label = Callable[[Finding], str]

HEADERS = ["model − reference", "difference [95 %]", "p", "Holm", "asked", "splits", "at ±1", "at ±5", "could show"]


def table(found: Sequence[Finding], *, where: bool = False) -> None:
    """Print findings as a table, a row each; with `where`, the dataset and recipe too."""
    rows = [[*([place(f)] if where else []), *_row(f)] for f in found]
    show.table([*(["where"] if where else []), *HEADERS], rows)


def forest(found: Sequence[Finding], name: str, caption: Markup, title: Html, label: Label | None = None) -> None:
    """Draw findings, a row each; `label` says what a row is called, else the pair names itself."""
    frame = pd.DataFrame(
        {
            "pair": label(f) if label else f.pair,
            "difference": f.difference.mean * 100,
            "low": estimates.known(f.difference)[0],
            "high": estimates.known(f.difference)[1],
            "verdict": f.narrow,
        }
        for f in found
    )
    chart = charts.differences(frame, NARROW * 100)
    show.chart(chart, name, caption, f"{len(found)} differences with their intervals", title=title, by=judged)


def place(f: Finding) -> str:
    """The dataset and recipe of a finding."""
    return f"{f.section.dataset} {f.section.title}"


def brief(f: Finding) -> str:
    """The pair; two forms of one network share its name: `efficientnet-lite0 tuned − scratch`."""
    (one, ours), (other, theirs) = (_form(name) for name in (f.model, f.reference))
    if f.comparison.what or f.section != f.comparison.against or one != other:
        return f.pair
    return f"{one} {ours} − {theirs}"


def _form(model: str) -> tuple[str, str]:
    """A model's network, and how it is used: a small head on frozen layers goes by the network's own name."""
    suffix = next((form for form in FORMS if form and model.endswith(form)), "")
    return model.removesuffix(suffix), suffix.removeprefix("-") or "head"


def splits(f: Finding) -> str:
    """How many splits both have, and of how many, where some are missing."""
    return str(f.splits) if f.splits == f.comparison.wanted else f"{f.splits} of {f.comparison.wanted}"


def counted(found: Sequence[Finding]) -> Markup:
    """How many comparisons have which verdict."""
    counts = Counter[str](f.narrow for f in found)
    words = [Markup("**{}** in {}").format(word, counts[word]) for word in WORDS if counts[word]]
    return Markup("{} of {}").format(show.listed(words), estimates.counted(len(found), "comparison"))


def counted_html(found: Sequence[Finding]) -> Html:
    """The same for the line of a fold."""
    counts = Counter[str](f.narrow for f in found)
    words = [Html("<strong>{}</strong> in {}").format(word, counts[word]) for word in WORDS if counts[word]]
    return Html("{} of {}").format(Html(", ").join(words), estimates.counted(len(found), "comparison"))


def explanation(found: Sequence[Finding]) -> Markup:
    """What the columns mean, and what it would take to call any of these pairs equivalent."""
    return Markup(
        "Differences are in points of balanced accuracy on the test folds, over the *splits* that both have. *p* is "
        "two-sided, against no difference; *Holm* is the same adjusted for the number *asked* in one question. *At ±1* "
        "and *at ±5* give the verdict when differences of up to one or five points count as none: *better* and "
        "*worse* need a posterior probability of 0.95 and a Holm value of at most .05, *equivalent* the probability. "
        "*Incomplete* has fewer than ten splits, and not all there are. *Could show* is the difference that these data "
        "would have called better half of the time at ±1, then in {:.0f} % of cases. {}"
    ).format(POWER * 100, _equivalent(found))


def _row(f: Finding) -> list[object]:
    could = [f.detectable, f.detectable_80]
    return [
        brief(f),
        signed(f.difference),
        p_value(np.nan if f.difference.degenerate else f.difference.p),
        p_value(f.holm),
        f.asked if np.isfinite(f.holm) else "–",
        splits(f),
        f.narrow,
        f.wide,
        ", ".join(f"{value * 100:.1f}" for value in could)
        if max(could) < 1
        else f"{could[0] * 100:.1f}, –"
        if could[0] < 1
        else "–",
    ]


def _equivalent(found: Sequence[Finding]) -> Markup:
    """The pair that is nearest to being called equivalent, and how far that is."""
    usable = [f for f in found if f.splits > 1 and not f.difference.degenerate and f.narrow != "incomplete"]
    if not usable:
        return Markup("")
    said = []
    for rope in (NARROW, WIDE):
        near = min((e for f in usable if (e := f.equivalence(rope))), key=lambda e: e.times)
        if near.times <= 1:
            said.append(Markup("at ±{:.0f} some of these trials would do").format(rope * 100))
            continue
        if np.isfinite(near.splits):
            more = Markup("{:.0f} splits").format(near.splits)
        else:
            more = Markup("no number of splits")
        said.append(
            Markup(
                "at ±{:.0f} it takes a standard error of {:.2f} points, and the smallest here is {:.2f}: {} of these "
                "images would do, or about {} times the images"
            ).format(rope * 100, near.needed * 100, near.error * 100, more, estimates.times(near.times))
        )
    return Markup("To call two models *equivalent*, were there no difference at all: {}.").format(
        Markup("; ").join(said)
    )
