"""A part of a dataset's page: when to trust a model, by how sure it is, beside chance, and without leaks."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from report import charts, recipes, show, statistics
from report.data import Results, Section
from report.estimates import counted, p_value, percent
from report.palette import Style
from report.sections import failures
from report.show import Html, Markup
from report.trust import asked, chance, leaks, triage
from report.trust.triage import Triage, written


def show_section(found: Results, section: Section) -> None:
    """Print the part."""
    models = [m for m in failures.telling(found, section) if m in asked.of_section(found, section).said]
    told = [t for m in models if (t := triage.of_model(found, section, m))]
    show.heading(2, Markup("When to trust it"), "trust")
    if told:
        _triage(found, told)
    if rows := chance.of_section(found, section):
        low = [row.model for row in rows if row.word != "above chance"]
        said = f"{len(rows) - len(low)} of {counted(len(rows), 'model')} do better than guessing" if low else "all do"
        show.folded(Html("<strong>Better than guessing?</strong> {}").format(_few(said, low)))
        show.write(Markup("{}").format(chance.sentence(rows)))
        beside(rows)
        show.unfolded()
    if section == recipes.main(found, section.dataset):
        careless(leaks.of_dataset(found, section.dataset))


def _few(said: str, low: Sequence[str]) -> str:
    """The models at chance by their names, where these are few."""
    return f"{said}; at chance: {', '.join(low)}" if 0 < len(low) <= 3 else said


def careless(made: Sequence[leaks.Leak]) -> None:
    """Print what a split that lets groups stand on both sides would have claimed."""
    if not made:
        return
    words = {
        "flatters": "it flatters {}",
        "the other way": "it says less of {}",
        "small": "a small difference to {}",
        "undecided": "these data cannot tell of {}",
    }
    counts = Counter[str](leak.word for leak in made)
    said = [words[word].format(counted(counts[word], "model")) for word in words if counts[word]]
    show.folded(Html("<strong>A careless split?</strong> {}").format("; ".join(said)))
    show.write(*(Markup("{}").format(leaks.sentence(leak)) for leak in made))
    show.unfolded()


def _triage(found: Results, told: Sequence[Triage]) -> None:
    """Print what may be left to the first model, and how errors fall with what it decides."""
    first = told[0]
    show.write(*(Markup("{}").format(sentence) for sentence in first.sentences[1:]))  # the first is in the answer
    frame, styles = curves(found, told)
    show.folded(Html("<strong>How many errors are left?</strong> at each share of the images that a model decides"))
    show.chart(
        charts.risk_coverage(frame, list(styles), styles),
        f"coverage-{first.section.slug}",
        Markup(
            "Out of fold, image by image, classes weighing alike: how many errors are left when a model decides the "
            "images that it is surest of and a person the others. A vote is the mean of what the repeats said; its "
            "95 % intervals are drawn over images, or groups of them."
        ),
        "Errors left over the share of images that a model decides",
        title=Html("{}: wrong on {} of all images, on {} of the {} that it is surest of").format(
            first.model, *(_whole(v) for v in (first.at(1.0).estimate, first.at(0.8).estimate, 0.8))
        ),
        by=curves,
    )
    show.unfolded()
    show.folded(Html("<strong>Other rates of errors?</strong> thresholds, and whether it means what it says"))
    thresholds(told)
    reliability(found, first)
    show.unfolded()


def curves(found: Results, told: Sequence[Triage]) -> tuple[pd.DataFrame, dict[str, Style]]:
    """The votes' errors at each share, with intervals for the first; and its single trials'."""
    rows, styles = [], {}
    for place, t in enumerate(told):
        name = f"{t.model}, vote" if t.repeats > 1 else t.model
        styles[name] = found.style(t.model)
        for share, span in zip(triage.SHARES, t.curve, strict=True):
            ends = (span.low, span.high) if place == 0 else (np.nan, np.nan)
            rows.append((name, share, span.estimate, *ends))
        if place == 0 and t.repeats > 1:
            single = "one trial of it"
            styles[single] = Style(styles[name].colour, styles[name].shape, False)
            rows += [(single, s, e, np.nan, np.nan) for s, e in zip(triage.SHARES, t.single, strict=True)]
    return pd.DataFrame(rows, columns=["model", "coverage", "error", "low", "high"]), styles


def thresholds(told: Sequence[Triage]) -> None:
    """Print each model's threshold for each rate of errors."""
    rows: list[list[object]] = []
    for t in told:
        for rate in t.rates:
            if not np.isfinite(rate.threshold):
                rows.append([show.code(t.model), _whole(rate.wanted), "none", "–", "–", "–", "–"])
                continue
            held = [percent(rate.held_decided), written(rate.held_error)] if rate.held_decided else ["–", "–"]
            out = [percent(rate.decided), written(rate.error) if rate.decided else "–"]
            rows.append([show.code(t.model), _whole(rate.wanted), percent(rate.threshold), *out, *held])
    show.table(["model", "errors wanted", "sure at least", "decides", "wrong", "on the holdout", "wrong there"], rows)
    show.write(
        Markup(
            "The certainty is chosen so that at most the wanted share of the answers is wrong; of fewer images than "
            "three divided by that share none is chosen. *Decides* and *wrong* judge thresholds that were chosen on "
            "the other folds; the holdout judges the one that is named, in votes of as many trials."
        )
    )


def reliability(found: Results, t: Triage) -> None:
    """Draw how often single trials are right over how sure they are, as they are and at a fitted temperature."""
    frame = bins(found, t)
    if frame.empty:
        return
    names = list(dict.fromkeys(frame["model"]))
    own = found.style(t.model)
    styles = {name: Style(own.colour, own.shape, place == 0) for place, name in enumerate(names)}
    low, high = t.temperatures
    show.chart(
        charts.reliability(frame, names, styles),
        f"reliability-{t.section.slug}",
        Markup(
            "How often a trial is right out of fold, over how sure it said it was, in tenths, with 95 % Jeffreys "
            "intervals in which an image counts once. On the dashed line its words can be taken as they are; below it, "
            "it says too much. Temperatures ({:.2f} to {:.2f}) were fitted on the other folds; they change the log "
            "loss from {:.3f} to {:.3f}."
        ).format(low, high, *t.log_loss),
        "Reliability of the model's confidence",
        title=Html("Does {} mean what it says?").format(t.model),
        by=bins,
    )


def bins(found: Results, t: Triage) -> pd.DataFrame:
    """For each tenth of confidence: how sure single trials were, how often they were right, and the images there."""
    whole = asked.of_section(found, t.section)
    said = whole.said[t.model]
    tempered = np.stack(
        [
            statistics.tempered_out_of_fold(p, whole.labels, whole.folds[row])[0]
            for p, row in zip(said, whole.repeats[t.model], strict=True)
        ]
    )
    made = []
    for name, p in ((t.model, said), ("at a fitted temperature", tempered)):
        sure, hit = p.max(axis=2).ravel(), (p.argmax(axis=2) == whole.labels).ravel()
        tenth = np.minimum((sure * 10).astype(int), 9)
        for k in np.unique(tenth):
            own = tenth == k
            images = own.sum() / len(said)
            if images >= 3:
                right = float(hit[own].mean())
                low, high = statistics.jeffreys(right * images, images)
                made.append((name, float(sure[own].mean()), right, float(low), float(high), images))
    frame = pd.DataFrame(made, columns=["model", "confidence", "right", "low", "high", "images"])
    return frame[frame.groupby("model")["confidence"].transform("size") > 1]


def beside(rows: Sequence[chance.Guessing]) -> None:
    """Print models beside chance as a table."""
    show.table(
        ["model", "score", "guessing scores", "p", "Holm", "verdict"],
        [
            [
                show.code(row.model),
                percent(row.null.score),
                f"{row.null.low * 100:.1f} to {row.null.high * 100:.1f} %",
                p_value(row.null.p),
                p_value(row.holm),
                row.word,
            ]
            for row in rows
        ],
    )
    how = (
        "among whole groups"
        if all(row.whole for row in rows)
        else "image by image, since groups here have images of several classes: groups are ignored, and the range is "
        "rather too narrow"
    )
    show.write(
        Markup(
            "What guessing scores: the same answers against labels that were permuted within the test folds, {}, in "
            "{:,} draws; 95 % of them lie in the range."
        ).format(how, rows[0].null.draws)
    )


def _whole(value: float) -> str:
    return f"{value * 100:.0f}\u00a0%"
