"""The home page: all datasets and models in one picture, and the way to each dataset's page."""

from html import escape

from report import charts, conclusions, estimates, show
from report.data import Section, results
from report.estimates import counted, interval, percent


def summary() -> None:
    """Print what the site holds, and what it says of the study's first question."""
    found = results()
    trials, models = len(found.frame("select * from chosen_trials")), len(found.models())
    print(
        f"So far: **{counted(trials, 'trial')}** of **{counted(models, 'model')}** on "
        f"**{counted(len(found.datasets), 'dataset')}**. " + conclusions.in_one_sentence() + "\n"
    )
    if found.left_out:
        print("::: {.callout-warning}\nParts of the results are damaged and left out of everything on this site:\n")
        print("".join(f"- `{warning.path}` {warning.fault}\n" for warning in found.left_out) + "\n:::\n")


def overview() -> None:
    """Print the picture of all datasets × models: a small chart for each dataset and image size."""
    found = results()
    boxes = []
    for section in found.sections:
        models = found.models(section)
        card = found.dataset_card(section.scheme)
        chart = charts.overview(
            estimates.fold_means(found, section), models, {m: found.style(m) for m in models}, 1 / len(card["classes"])
        )
        label = f"Mean test scores of {len(models)} models on {section.dataset}"
        heading = (
            f'<h3><a href="datasets/{section.dataset}.html">{escape(card["title"])}</a> '
            f"<small>{escape(section.title)}, {len(card['classes'])} classes</small></h3>"
        )
        boxes.append(f"<section>{heading}{show.embed(chart, f'overview-{section.slug}', label)}</section>")
    print("::: {.column-page}")
    show.figure(
        f'<div class="overview">{"".join(boxes)}</div>', "overview",
        "Balanced accuracy on the test folds: the mean over a cell's trials with its 95 % interval, for each model on "
        "each dataset. The dashed line is what guessing scores. A model has its colour and shape on every page.",
    )  # fmt: skip
    print(":::\n")


def datasets() -> None:
    """Print a row for each dataset and image size: how many images, and the model with the highest mean."""
    found = results()
    rows = []
    for section in found.sections:
        card = found.dataset_card(section.scheme)
        means = estimates.fold_means(found, section)
        best = estimates.highest(means, found.complete(section))
        said = ["–", "–"]
        if best is not None:
            said = [f"`{best['model']}`", f"{percent(best['balanced_accuracy'])} {interval(best['low'], best['high'])}"]
        images = sum(card["at_hand"].values())
        rows.append([_link(section, card["title"]), images, len(card["classes"]), section.title, *said])
    show.table(["dataset", "images", "classes", "recipe", "highest mean", "test folds [95 %]"], rows)


def datasets_in_full() -> None:
    """Print what each dataset is, with the way to its page."""
    found = results()
    for name in found.datasets:
        card = found.dataset_card(name)
        counts = ", ".join(f"{show.plain(label)} {card['at_hand'][label]}" for label in card["classes"])
        print(f"\n## [{card['title']}](datasets/{name}.qmd)\n")
        print(f"{card.get('task', '')}\n\n**Images.** {counts}.\n")
        if card.get("difficulty"):
            print(f"**For a person.** {card['difficulty']}\n")
        if card.get("licence"):
            print(f"**Licence.** {card['licence']}\n")


def _link(section: Section, title: str) -> str:
    return f"[{title}](datasets/{section.dataset}.qmd)"
