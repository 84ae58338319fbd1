"""The page of activations: for every dataset, what a middle layer of two models answers to the same images."""

from report import show
from report.data import results
from report.sections import layers, mosaics
from report.show import Markup


def show_all() -> None:
    """Print a figure for each dataset that has activations; its own page has the other images and models."""
    found = results()
    for name in found.datasets:
        section = layers.kept(found, name)
        if section is None:
            continue
        models = mosaics.pair(found, section)
        title = show.prose(found.dataset_card(name)["title"], links=False)
        address = f"datasets/{name}.qmd#layers"
        show.heading(2, show.link(title, address), section.slug)
        shown = "the same image" if len(models) > 1 else "an image"
        show.figure(
            mosaics.html(found, section, models, classes=1),
            f"activations-{section.slug}",
            Markup("Maps of a middle layer for {}: {}. {}.").format(
                shown,
                show.listed([show.code(m) for m in models]),
                show.link(Markup("Other images, other models, Grad-CAM"), address),
            ),
        )
