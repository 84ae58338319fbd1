"""A part of a dataset's page: what preprocessing does to each model, where the store has recipes that differ in it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from report import charts, comparisons, estimates, findings, show
from report.data import Results, Section, slug
from report.estimates import signed, with_interval
from report.findings import Finding
from report.questions import Question
from report.sections import unfinished
from report.show import Html, Markup

QUESTION = Question("preprocessing", "Do edges, thresholds and contrast help?")


def named(steps: Sequence[str]) -> str:
    """A preprocessing for people."""
    return ", ".join(steps) or "none"


def compared(found: Results, section: Section) -> list[Finding]:
    """Each model after each preprocessing against itself without, on the same splits."""
    made = [
        comparisons.compared(found, QUESTION, (other, model), (section, model))
        for other in _others(found, section)
        for model in found.models(other)
    ]
    return findings.judged(c for c in made if c)


def show_section(found: Results, section: Section) -> None:
    """Print the part, if there is anything to compare."""
    verdicts = compared(found, section)
    if not verdicts:
        return
    sections = [section, *_others(found, section)]
    means = pd.concat(
        [estimates.fold_means(found, s).assign(preprocessing=named(s.steps), recipe=s.recipe) for s in sections]
    )
    models = [model for model in found.models(section) if model in {f.model for f in verdicts}]
    means = pd.concat([means[means["model"] == model] for model in models])
    counts = Counter(f.narrow for f in verdicts)
    words = [Markup("**{}** in {}").format(word, counts[word]) for word in findings.WORDS if counts[word]]
    show.heading(3, Markup("Preprocessing"), f"sec-preprocessing-{section.slug}")
    show.write(
        Markup(
            "The same models on the same splits, on images that went through other steps first. Against {}, a step is "
            "{} of {}, with p-values adjusted by Holm for their number. "
            "[Methods](/methods.qmd#preprocessing) says what each step does."
        ).format(
            named(section.steps) if section.steps else "no preprocessing",
            show.listed(words),
            estimates.counted(len(verdicts), "comparison"),
        )
    )
    show.folded(Html("Model by model, after each of {} kinds of preprocessing").format(len(sections)))
    _pictures(found, sections)
    names = unfinished.labels(found, sections)
    show.chart(
        charts.by_preprocessing(
            names.on(means),
            [named(s.steps) for s in sections],
            names.styles,
            1 / len(found.dataset_card(section.scheme)["classes"]),
        ),
        f"preprocessing-{section.slug}",
        Markup("Mean balanced accuracy on the test folds with its 95 % interval, after each preprocessing."),
        f"Scores of {len(models)} models after {len(sections)} kinds of preprocessing",
        by=estimates.fold_means,
    )
    _tables(section, means, verdicts, models)
    show.write(
        Markup(
            "Each difference is that of a model to itself without preprocessing, in points, split by split; the "
            "verdicts are read as above."
        )
    )
    show.unfolded()


def _others(found: Results, section: Section) -> list[Section]:
    return [s for s in found.variants(section) if s.fraction == section.fraction and s.steps != section.steps]


def _tables(section: Section, means: pd.DataFrame, verdicts: Sequence[Finding], models: Sequence[str]) -> None:
    score = {(row["recipe"], row["model"]): row for row in means.to_dict("records")}
    for model in models:
        show.folded(Html("{} as a table").format(model), f"preprocessing-{section.slug}-{slug(model)}")
        rows = [[named(section.steps), with_interval(score[section.recipe, model]), "–", "–", "–"]]
        for f in (f for f in verdicts if f.model == model):
            mean = with_interval(score[f.section.recipe, model])
            rows.append([named(f.section.steps), mean, signed(f.difference), f.narrow, f.wide])
        show.table(["preprocessing", "test folds [95 %]", "difference [95 %]", "at ±1", "at ±5"], rows)
        show.unfolded()


def _pictures(found: Results, sections: Sequence[Section]) -> None:
    """One held-out image of each class after each preprocessing, where its card allows showing it."""
    frame = found.frame(
        "select recipe, label, any_value(thumbnail) as thumbnail from activations "
        "semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id) "
        "where thumbnail is not null group by all",
        scheme=sections[0].scheme,
    )
    pictures = {(row["recipe"], row["label"]): row["thumbnail"] for row in frame.to_dict("records")}
    classes = found.dataset_card(sections[0].scheme)["classes"]
    rows = [_row(s, classes, pictures) for s in sections if all((s.recipe, label) in pictures for label in classes)]
    if len(rows) > 1:
        show.figure(
            Html('<div class="samples steps">{}</div>').format(Html("").join(rows)),
            f"steps-{sections[0].slug}",
            Markup("What a model is given after each preprocessing: one image each of {}.").format(
                show.listed(classes)
            ),
        )


def _row(section: Section, classes: Sequence[str], pictures: dict[tuple[Any, Any], Any]) -> Html:
    name = named(section.steps)
    shown = (
        show.picture(bytes(pictures[section.recipe, label]), f"class {label}, preprocessing: {name}", "jpeg")
        for label in classes
    )
    return Html('<div class="sample-class"><span>{}</span><div>{}</div></div>').format(name, Html("").join(shown))
