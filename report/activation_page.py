"""The page of activations: for every dataset, what a middle layer of two models answers to the same images."""

from report import mosaics, show
from report.data import results
from report.estimates import listed


def show_all() -> None:
    """Print a figure for each dataset and image size that has activations."""
    found = results()
    for section in found.sections:
        models = mosaics.pair(found, section)
        if not models:
            continue
        title = found.dataset_card(section.dataset)["title"]
        print(f"\n## {title}, {section.title}\n")
        shown = "the same image" if len(models) > 1 else "an image"
        show.figure(
            mosaics.html(found, section, models), f"activations-{section.slug}",
            f"Maps of a middle layer for {shown} of each class: {listed(models)}.",
        )  # fmt: skip
