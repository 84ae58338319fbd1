"""The home page: all datasets and models in one picture, and the way to each dataset's page."""

from report import charts, estimates, show
from report.data import results, slug
from report.estimates import counted, with_interval
from report.pages import conclusions
from report.sections import unfinished
from report.show import Html, Markup


def summary() -> None:
    """Print what the site holds, and what it says of the study's first question."""
    found = results()
    trials, models = len(found.frame("select * from chosen_trials")), len(found.models())
    show.write(
        Markup("So far: **{}** of **{}** on **{}**. {}").format(
            counted(trials, "trial"),
            counted(models, "model"),
            counted(len(found.datasets), "dataset"),
            conclusions.in_one_sentence(),
        )
    )
    if found.left_out:
        faults = [Markup("- {} {}").format(show.code(warning.path), warning.fault) for warning in found.left_out]
        show.write(
            Markup("::: {.callout-warning}\nParts of the results are left out of everything on this site:"),
            Markup("\n").join(faults),
            Markup(":::"),
        )


def overview() -> None:
    """Print the picture of all datasets × models: a small chart for each dataset and image size."""
    found = results()
    boxes = []
    for section in found.sections:
        models = found.models(section)
        card = found.dataset_card(section.scheme)
        names = unfinished.labels(found, [section])
        means = names.on(estimates.fold_means(found, section))
        chart = charts.overview(means, names.of(models), names.styles, 1 / len(card["classes"]))
        label = f"Mean test scores of {len(models)} models on {section.dataset}"
        boxes.append(
            Html(
                '<section><h3><a href="datasets/{}.html">{}</a> <small>{}, {} classes</small></h3>{}</section>'
            ).format(
                section.dataset,
                show.prose_html(card["title"], links=False),
                section.title,
                len(card["classes"]),
                show.embed(chart, f"overview-{section.slug}", label),
            )
        )
    show.write(Markup("::: {.column-page}"))
    show.figure(
        Html('<div class="overview">{}</div>').format(Html("").join(boxes)),
        "overview",
        Markup(
            "Balanced accuracy on the test folds: the mean over a cell's trials with its 95 % interval, for each model "
            "on each dataset. The dashed line is what guessing scores. A model has its colour and shape on every page."
        ),
    )
    show.write(Markup(":::"))


def datasets() -> None:
    """Print a row for each dataset and image size: how many images, and the model with the highest mean."""
    found = results()
    rows: list[list[object]] = []
    for section in found.sections:
        card = found.dataset_card(section.scheme)
        means = estimates.fold_means(found, section)
        best = estimates.highest(means, found.complete(section))
        said = ["–", "–"] if best is None else [show.code(best["model"]), with_interval(best)]
        images = sum(card["at_hand"].values())
        rows.append([_link(section.dataset, card["title"]), images, len(card["classes"]), section.title, *said])
    show.table(["dataset", "images", "classes", "recipe", "highest mean", "test folds [95 %]"], rows)


def datasets_in_full() -> None:
    """Print what each dataset is, with the way to its page."""
    found = results()
    for name in found.datasets:
        card = found.dataset_card(name)
        counts = [Markup("{} {}").format(label, card["at_hand"][label]) for label in card["classes"]]
        show.heading(2, _link(name, card["title"]), slug("dataset", name))
        show.write(show.prose(card.get("task", "")), Markup("**Images.** {}.").format(Markup(", ").join(counts)))
        for label, words in (("For a person", card.get("difficulty")), ("Licence", card.get("licence"))):
            if words:
                show.write(Markup("**{}.** {}").format(label, show.prose(words)))


def _link(dataset: str, title: str) -> Markup:
    """A link to a dataset's page, whose name is its address."""
    return show.link(show.prose(title, links=False), f"datasets/{dataset}.qmd")
