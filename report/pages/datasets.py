"""The page of datasets: what each one is, with the way to its page."""

from report import recipes, show
from report.data import results, slug
from report.estimates import counted
from report.show import Markup


def show_all() -> None:
    """Print what each dataset is, and how many images of which class."""
    found = results()
    for name in found.datasets:
        card = found.dataset_card(name)
        section = recipes.main(found, name)
        title = show.link(show.prose(card["title"], links=False), f"datasets/{name}.qmd")
        show.heading(2, title, slug("dataset", name))
        show.write(show.prose(card.get("task", "")))
        classes = [Markup("{} ({:,})").format(label, card["at_hand"][label]) for label in card["classes"]]
        show.write(
            Markup("**{}** in {}: {}. {} were run at {}.").format(
                counted(sum(card["at_hand"].values()), "image"),
                counted(len(classes), "class").replace("classs", "classes"),
                Markup(", ").join(classes),
                counted(len(found.models(section)), "model"),
                show.code(section.title),
            )
        )
        for label, words in (("For a person", card.get("difficulty")), ("Licence", card.get("licence"))):
            if words:
                show.write(Markup("**{}.** {}").format(label, show.prose(words)))
