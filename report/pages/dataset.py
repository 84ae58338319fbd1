"""The page of a dataset, the same for all: a dataset that is new in the store has its page with no edit."""

import json
from pathlib import Path
from typing import Any

from report import charts, estimates, findings, show
from report.data import DatasetCard, Results, Section, results
from report.estimates import percent, signed, with_interval
from report.sections import fewer_images, found_in_images, mosaics, preprocessing
from report.show import Html, Markup


def show_page(number: int) -> None:
    """Print the page of a dataset of the store that the site is drawn from.

    The number is its place in the list that `prepare` wrote: a page that is generated holds no word of a store as code.
    """
    found = results()
    name = json.loads(Path("..", LIST).read_text(encoding="utf-8"))[number]
    card = found.dataset_card(name)
    sections = found.sections_of(name)
    _facts(card)
    found_in_images.show_card(card)
    alike = len({section.scheme for section in sections}) == 1
    if alike:
        _counts(found, sections[0])
    _samples(found, name, card)
    for section in sections:
        show.heading(2, Markup("At {}").format(section.title), f"sec-{section.slug}")
        if not alike:
            _counts(found, section)
        _section(found, section)


LIST = "_generated/datasets.json"
"""Which datasets have a page: their names, in the order of their numbers."""


def _facts(card: DatasetCard) -> None:
    if card.get("difficulty"):
        show.write(Markup("**How hard is it for a person?** {}").format(show.prose(card["difficulty"])))
    if card.get("notes"):
        show.write(
            Markup('::: {.callout-note collapse="true" title="What to know about these images"}'),
            Markup("\n").join(Markup("- {}").format(show.prose(note)) for note in card["notes"]),
            Markup(":::"),
        )
    facts = [
        Markup("**{}.** {}").format(label, show.prose(words))
        for label, words in (
            ("Source", card.get("source")),
            ("Citation", card.get("citation")),
            ("Licence", card.get("licence")),
        )
        if words
    ]
    if facts:
        opening = Markup('::: {.callout-note collapse="true" title="Source, citation and licence"}')
        show.write(opening, *facts, Markup(":::"))


def _counts(found: Results, section: Section) -> None:
    card = found.dataset_card(section.scheme)
    held = _held(found, section)
    rows: list[list[object]] = [[name, card["at_hand"][name], held.get(name, 0)] for name in card["classes"]]
    rows.append([Markup("**all**"), sum(card["at_hand"].values()), sum(held.values())])
    show.table(["class", "images", "of these held out"], rows)


def _held(found: Results, section: Section) -> dict[str, int]:
    """How many images of each class are held out."""
    frame = found.frame(
        "select label, count(distinct image_id) as images from predictions "
        "semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id) "
        "where subset = 'holdout' group by label",
        scheme=section.scheme,
    )
    return {str(row["label"]): int(row["images"]) for row in frame.to_dict("records")}


def _samples(found: Results, name: str, card: DatasetCard) -> None:
    frame = found.frame(
        "select label, thumbnail from images where dataset = $dataset and thumbnail is not null "
        "and dataset_hash in (select dataset_hash from trials semi join chosen_trials using (trial_id)) "
        "order by image_id",
        dataset=name,
    )
    if frame.empty:
        return
    rows = []
    for label in card["classes"]:
        pictures = [
            show.picture(bytes(t), f"class {label}", "jpeg") for t in frame[frame["label"] == label]["thumbnail"]
        ]
        row = Html('<div class="sample-class"><span>{}</span><div>{}</div></div>')
        rows.append(row.format(label, Html("").join(pictures)))
    show.figure(
        Html('<div class="samples">{}</div>').format(Html("").join(rows)),
        "samples",
        Markup("The first four images of each class."),
    )


def _section(found: Results, section: Section) -> None:
    card = found.dataset_card(section.scheme)
    models = found.models(section)
    styles = {model: found.style(model) for model in models}
    chance = 1 / len(card["classes"])
    scores = found.of(found.scores, section)
    test, holdout = (scores[scores["subset"] == subset] for subset in ("test", "holdout"))
    means, votes = estimates.fold_means(found, section), estimates.votes(found, section)
    best = means.sort_values("balanced_accuracy", ascending=False)["model"].tolist()
    rarest = min(_held(found, section).items(), key=lambda item: item[1])
    held = int(holdout["holdout_images"].max())
    slug = section.slug
    _lead(means, found.complete(section))
    _cells_table(found, section, means, votes)

    few = Markup(", and with so few the interval is still too narrow.") if rarest[1] < 10 else Markup(".")
    show.write(Markup("### On the holdout"))
    show.chart(
        charts.holdout_box(holdout, votes, models, styles, chance),
        f"holdout-{slug}",
        Markup(
            "Performance of various models on the holdout dataset, {} images. Each box holds a model's trials, all "
            "scored on the same images: its width is the luck of training, that of the images trained on, of their "
            "turns and of first weights, and says nothing of other images. The mark below is the vote of the "
            "trials; its line is the 95 % interval over the images. The rarest class there is {}, {} images{}"
        ).format(held, *rarest, few),
        f"Box plot of holdout scores of {len(models)} models with the votes beside the trials",
    )
    show.write(Markup("### On the test folds"))
    show.chart(
        charts.folds_box(test, means, models, styles, chance),
        f"folds-{slug}",
        Markup(
            "Performance on the fold that a trial did not train on. The mark below each box is the mean; its line is "
            "the 95 % interval that knows that training sets overlap."
        ),
        f"Box plot of test fold scores of {len(models)} models with their means",
    )
    show.write(Markup("### What is taken for what"))
    show.chart(
        charts.confusion(estimates.confusion(found, section), card["classes"], best),
        f"confusion-{slug}",
        Markup(
            "Out of fold: for the images of each class (row), the share that is predicted to be of each class "
            "(column), averaged over the repeats."
        ),
        "Confusion matrix of one model; a menu chooses which",
    )
    if len(shown := mosaics.pair(found, section)) > 0:
        show.write(Markup("### What a middle layer sees"))
        show.figure(
            mosaics.html(found, section, shown, classes=2),
            f"activations-{slug}",
            Markup(
                "The first maps of a middle layer for {}: {}. More on [the page of activations](/activations.qmd)."
            ).format("the same image" if len(shown) > 1 else "an image", show.listed(shown)),
        )
    if verdicts := findings.of_section(found, section):
        show.write(Markup("### What can be said"))
        verdict_table(list(verdicts))
        show.write(EXPLANATION)
    preprocessing.show_section(found, section)
    fewer_images.show_section(found, section)


def _lead(means: Any, complete: list[str]) -> None:
    best = estimates.highest(means, complete)
    if best is None:
        show.write(Markup("No model has all its trials yet, so none is named first."))
        return
    show.write(
        Markup(
            "The highest mean on the test folds is that of **{}**: {} over {} trials. Whether it is better than the "
            "next one is a question for [the comparisons](/conclusions.qmd), not for this ranking."
        ).format(best["model"], with_interval(best), best["trials"])
    )


def _cells_table(found: Results, section: Section, means: Any, votes: Any) -> None:
    cells, voted, mean = (
        {str(row["model"]): row for row in frame.to_dict("records")}
        for frame in (found.of(found.cells, section), votes, means)
    )
    rows = []
    complete = found.complete(section)
    for model in found.models(section):
        cell = cells[model]
        rows.append(
            [
                show.code(model),
                cell["done"] if model in complete else f"{cell['done']} of {cell['wanted']}",
                with_interval(mean[model]),
                percent(cell["holdout_balanced_accuracy"]),
                with_interval(voted[model]),
            ]
        )
    show.table(["model", "trials", "test folds [95 %]", "holdout, mean", "holdout, vote [95 %]"], rows)


def verdict_table(found: list[findings.Finding], *, where: bool = False) -> None:
    """Print findings as a table, a row each; with `where`, the dataset and recipe too."""
    rows = [
        [
            *([f"{f.section.dataset} {f.section.title}"] if where else []),
            f"{f.model} − {f.reference}",
            signed(f.difference),
            f.narrow,
            f.wide,
            f"{f.detectable * 100:.1f}" if f.detectable < 1 else "–",
        ]
        for f in found
    ]
    headers = ["model − reference", "difference [95 %]", "at ±1", "at ±5", "could show"]
    show.table([*(["where"] if where else []), *headers], rows)


EXPLANATION = Markup(
    "Differences are in points of balanced accuracy on the test folds. *At ±1* and *at ±5* give the verdict when "
    "differences of up to one or five points count as none; *could show* is the smallest difference that these "
    "data could have shown at ±1. A verdict looks at one side (0.95), a line at both (95 %), so that a verdict may "
    "stand beside a line that just touches 0."
)
