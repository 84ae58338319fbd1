"""The page of activations: for every dataset, what a middle layer of two models answers to the same images."""

from report import show
from report.data import results
from report.sections import mosaics
from report.show import Markup


def show_all() -> None:
    """Print a figure for each dataset and image size that has activations."""
    found = results()
    for section in found.sections:
        models = mosaics.pair(found, section)
        if not models:
            continue
        title = show.prose(found.dataset_card(section.dataset)["title"], links=False)
        show.heading(2, Markup("{}, {}").format(title, section.title), section.slug)
        shown = "the same image" if len(models) > 1 else "an image"
        show.figure(
            mosaics.html(found, section, models),
            f"activations-{section.slug}",
            Markup("Maps of a middle layer for {} of each class: {}.").format(shown, show.listed(models)),
        )
