"""The page of trust: what may be left to a model, what is no better than guessing, and what careless splits claim."""

from collections.abc import Sequence

import pandas as pd

from report import charts, show
from report.data import Results, results
from report.estimates import counted, interval, p_value, percent, points
from report.findings import NARROW
from report.sections import fewer_images, trusting
from report.sections import suspects as labels
from report.show import Html, Markup
from report.trust import chance, claims, ensembles, growing, leaks, spread, suspects, triage
from report.trust.triage import WANTED, Triage, written

MOST = 80
"""Of more rows than these a chart is a click away."""
DATASETS = 20
"""And a table of more datasets than these."""


def show_all() -> None:
    """Print each question over all datasets."""
    found = results()
    for part in (_triage, _chance, _leaks, _labels, _more, _together, _claims, _groups):
        part(found)


def _triage(found: Results) -> None:
    show.heading(2, Markup("What may be left to a model?"), "triage")
    told = triage.everywhere(found)
    if not told:
        show.write(Markup("No model has all its trials on any dataset yet."))
        return
    for word, words in SENTENCES.items():
        names = [page_of(t.section.dataset) for t in told if t.word == word]
        if names:
            show.write(words.format(WANTED * 100, show.listed(names)))
    if len(told) > DATASETS:
        show.folded(Html("All {} as a table").format(counted(len(told), "dataset")))
    show.table(
        ["dataset", "triage", "may decide", "wrong on all", "on the surest four fifths"],
        [_row(t) for t in told],
    )
    if len(told) > DATASETS:
        show.unfolded()
    show.write(
        Markup(
            "The model is the one that the dataset's answer names, and its vote is over its repeats. *May decide* is "
            "the share of images that it may decide for at most {:.0f} % wrong answers, by thresholds chosen on the "
            "other folds. Triage is *of use* where that is a third of the images or more, and the errors that are left "
            "do not surely pass the rate; *undecided* where they do, or where too few groups say how much they vary."
        ).format(WANTED * 100)
    )


SENTENCES = {
    "of use": Markup("**Of use.** At most {:.0f} % of the answers are wrong where the model is sure enough: {}."),
    "undecided": Markup("**Undecided.** Whether a threshold keeps errors below {:.0f} % cannot be told: {}."),
    "no use": Markup("**Not to be triaged.** No certainty keeps errors below {:.0f} % on a third of the images: {}."),
}


def _row(t: Triage) -> list[object]:
    rate = t.rate()
    decided = percent(rate.decided) if rate.decided else "none"
    return [
        Markup("{} by {}").format(page_of(t.section.dataset), show.code(t.model)),
        t.word,
        decided,
        written(t.at(1.0)),
        written(t.at(0.8)),
    ]


def page_of(dataset: str) -> Markup:
    """The name of a dataset as a link to its page."""
    return show.link(show.text(dataset), f"datasets/{dataset}.qmd")


def _chance(found: Results) -> None:
    rows = chance.everywhere(found)
    if not rows:
        return
    show.heading(2, Markup("What is no better than guessing?"), "chance")
    low = [row for row in rows if row.word != "above chance"]
    title = Html("{} of {} do better than guessing").format(len(rows) - len(low), counted(len(rows), "score"))
    frame = pd.DataFrame(
        [(r.section.dataset, r.model, r.null.score, r.null.low, r.null.high, r.word) for r in rows],
        columns=["dataset", "model", "score", "low", "high", "verdict"],
    )
    if len(rows) > MOST:
        show.folded(Html("Each of the {} beside guessing").format(counted(len(rows), "score")))
    show.chart(
        charts.beside_chance(frame, {row.model: found.style(row.model) for row in rows}),
        "chance",
        Markup(
            "Mean balanced accuracy on the test folds. 95 % of the scores that the same answers have against permuted "
            "labels lie within a model's own range, which its dot tells; the grey band spans those of all models. *At "
            "chance* is whose p-value, adjusted by Holm for the models of its dataset, is above .05."
        ),
        f"Scores of {len(rows)} cells beside what guessing scores",
        title=title,
        by=chance.everywhere,
    )
    if len(rows) > MOST:
        show.unfolded()
    for row in low:
        show.write(Markup("- {}: {}").format(page_of(row.section.dataset), chance.sentence([row])))


def _leaks(found: Results) -> None:
    rows = leaks.ledger(found)
    if not rows:
        return
    show.heading(2, Markup("What would a careless split have claimed?"), "leaks")
    show.write(
        Markup(
            "Patients, slides and copies must not stand on both sides of a split. These trials let them, to see what "
            "it does; nothing else on this site is drawn from them."
        )
    )
    frame = pd.DataFrame(
        [
            (r.dataset, r.model, r.honest, r.careless, r.claimed.estimate, r.claimed.low, r.claimed.high, r.word)
            for r in rows
        ],
        columns=["dataset", "model", "honest", "careless", "difference", "low", "high", "verdict"],
    )
    show.chart(
        charts.claimed(frame),
        "leaks",
        Markup(
            "From the score of the honest split to that of the careless one, on the images that both asked about out "
            "of fold; the band is the 95 % interval of the difference, over groups of images. *Flatters* needs Holm's "
            "p over all rows to be at most .05; *small* is a difference that lies within five points either way."
        ),
        f"{len(rows)} careless splits beside their honest twins",
        title=Html("{}").format(_leak_title(rows)),
        by=leaks.ledger,
    )
    show.folded(Html("All {} as a table").format(counted(len(rows), "pair")))
    show.table(
        ["dataset", "model", "images", "groups", "honest", "careless", "difference [95 %]", "p", "Holm", "verdict"],
        [
            [
                r.dataset,
                show.code(r.model),
                r.images,
                r.groups,
                percent(r.honest),
                percent(r.careless),
                f"{points(r.claimed.estimate)} {interval(r.claimed.low, r.claimed.high, signed=True)}",
                p_value(r.p),
                p_value(r.holm),
                r.word,
            ]
            for r in rows
        ],
    )
    show.unfolded()


def _leak_title(rows: Sequence[leaks.Leak]) -> str:
    names = list(dict.fromkeys(r.dataset for r in rows if r.word == "flatters"))
    if not names:
        return "No careless split surely flatters here"
    most = max((r for r in rows if r.word == "flatters"), key=lambda r: r.claimed.estimate)
    most_points = points(most.claimed.estimate).lstrip("+")
    return (
        f"Careless splits flatter on {', '.join(names)}, by up to {most_points} points; elsewhere the difference is "
        f"small, "
        "or these data cannot tell"
    )


def _labels(found: Results) -> None:
    show.heading(2, Markup("Which labels to look at?"), "labels")
    rows: list[list[object]] = []
    for name in found.datasets:
        said = suspects.of_dataset(found, name)
        if said.listed:
            file = show.file_link("CSV", labels.file_of(name))
            first = show.link_to_image(said.listed[0].image, page=f"datasets/{name}.html")
            doubted = f"{len(said.flagged):,} of {len(said.listed):,}"
            rows.append([page_of(name), len(said.models), doubted, first, file])
    without = [page_of(name) for name in found.datasets if not suspects.of_dataset(found, name).models]
    if len(rows) > DATASETS:
        show.folded(Html("All {} as a table").format(counted(len(rows), "dataset")))
    if rows:
        show.table(["dataset", "good models", "all against it", "the most doubted", "every label"], rows)
        if len(rows) > DATASETS:
            show.unfolded()
        show.write(
            Markup(
                "A good model has come at least half of the way from guessing to perfect, and nearly as far as the "
                "best one. What all of them are confident of against the label, out of fold, is a hard image or a "
                "wrong label."
            )
        )
    if without:
        show.write(Markup("No model is good enough to doubt labels on {}.").format(show.listed(without)))


def _more(found: Results) -> None:
    made = growing.everywhere(found)
    if not made:
        return
    show.heading(2, Markup("How many more images?"), "more")
    frame = pd.DataFrame(
        [(m.section.dataset, m.model, m.growth.gain, m.growth.low, m.growth.high, m.growth.word) for m in made],
        columns=["dataset", "model", "gain", "low", "high", "verdict"],
    )
    words = [m.growth.word for m in made]
    show.chart(
        charts.gains(frame),
        "more",
        Markup(
            "What twice the images would add, by inverse power laws through the scores at several shares of the "
            "training images. *More* is a gain that is surely above nothing, *plateau* one that is surely below a "
            "point. {}"
        ).format(fewer_images.foretold(made)),
        f"What twice the images would add in {counted(len(made), 'case')}",
        title=Html("Twice the images: more in {} of {}, a plateau in {}; else these trials cannot say").format(
            words.count("more"), len(made), words.count("plateau")
        ),
        by=growing.everywhere,
    )


def _together(found: Results) -> None:
    made = ensembles.everywhere(found)
    if not made:
        return
    show.heading(2, Markup("Do several models know more together?"), "together")
    frame = pd.DataFrame(
        [(e.section.dataset, e.gain.estimate, e.gain.low, e.gain.high, e.word) for e in made],
        columns=["pair", "difference", "low", "high", "verdict"],
    )
    frame[["difference", "low", "high"]] *= 100
    better = [e.section.dataset for e in made if e.word == "better"]
    said = f"yes on {', '.join(better)}" if better else "nowhere surely"
    show.chart(
        charts.differences(frame, NARROW * 100),
        "together",
        Markup(
            "Several models, chosen greedily on all folds but one and judged on that one, less the vote of the one "
            "model that is best there; 95 % intervals over groups of images, p-values adjusted by Holm for {}. A "
            "dataset's own page counts that one alone."
        ).format(counted(len(made), "dataset")),
        f"Gains of {counted(len(made), 'ensemble')}",
        title=Html("Several models against the vote of one: {}").format(said),
        by=ensembles.everywhere,
    )
    show.folded(Html("Who was chosen, and what they gain on the holdout"))
    show.table(
        ["dataset", "chosen on all folds", "against", "out of fold", "on the holdout", "Holm", "at ±1", "at ±5"],
        [
            [
                e.section.dataset,
                ", ".join(m if n == 1 else f"{m} × {n}" for m, n in e.voices),
                show.code(e.single),
                f"{points(e.gain.estimate)} {interval(e.gain.low, e.gain.high, signed=True)}",
                f"{points(e.held.estimate)} {interval(e.held.low, e.held.high, signed=True)}",
                p_value(e.holm),
                e.word,
                e.wide,
            ]
            for e in made
        ],
    )
    show.unfolded()


def _claims(found: Results) -> None:
    made = claims.everywhere(found)
    if not made:
        return
    show.heading(2, Markup("How many claims of a lead would be false?"), "claims")
    show.write(Markup("{}").format(trusting.counted(made)))
    differ = sorted((c for c in made if c.why), key=lambda c: (c.finding.section.dataset, c.false))
    if differ:
        show.folded(Html("The {} where they differ, and why").format(len(differ)))
        trusting.table(differ, where=True)
        show.unfolded()


def _groups(found: Results) -> None:
    made = [s for name in found.datasets if (s := spread.of_dataset(found, name))]
    if not made:
        return
    show.heading(2, Markup("What may a new donor or slide expect?"), "groups")
    for s in made:
        show.write(Markup("- {}: {}").format(page_of(s.section.dataset), s.sentence))
    show.write(Markup("A dot for each group stands on the page of each dataset."))
