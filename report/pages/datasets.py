"""The page of datasets: what each one is, with the way to its page."""

from report import recipes, show
from report.data import Results, results, slug
from report.estimates import counted
from report.show import Markup

MOST = 12
"""More datasets than these stand in a table, a line each; the rest of what there is to say is on their pages."""


def _listed(found: Results) -> None:
    rows: list[list[object]] = []
    for name in found.datasets:
        card = found.dataset_card(name)
        title = show.link(show.prose(card["title"], links=False), f"datasets/{name}.qmd")
        rows.append(
            [
                title,
                f"{sum(card['at_hand'].values()):,}",
                len(card["classes"]),
                len(found.models(recipes.main(found, name))),
            ]
        )
    show.table(["dataset", "images", "classes", "models"], rows)


def show_all() -> None:
    """Print what each dataset is, and how many images of which class."""
    found = results()
    if len(found.datasets) > MOST:
        _listed(found)
        return
    for name in found.datasets:
        card = found.dataset_card(name)
        section = recipes.main(found, name)
        title = show.link(show.prose(card["title"], links=False), f"datasets/{name}.qmd")
        show.heading(2, title, slug("dataset", name))
        show.write(show.prose(card.get("task", "")))
        classes = [Markup("{} ({:,})").format(label, card["at_hand"][label]) for label in card["classes"]]
        ran = len(found.models(section))
        show.write(
            Markup("**{}** in {}: {}. {} at {}.").format(
                counted(sum(card["at_hand"].values()), "image"),
                counted(len(classes), "class").replace("classs", "classes"),
                Markup(", ").join(classes),
                f"{counted(ran, 'model')} {'was' if ran == 1 else 'were'} run",
                show.code(section.title),
            )
        )
        for label, words in (("For a person", card.get("difficulty")), ("Licence", card.get("licence"))):
            if words:
                show.write(Markup("**{}.** {}").format(label, show.prose(words)))
