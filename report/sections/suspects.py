"""A part of a dataset's page: which labels to look at first."""

from report import show
from report.data import Results
from report.estimates import counted
from report.show import Html, Markup
from report.trust import suspects

SHOWN = 10


def show_section(found: Results, dataset: str) -> None:
    """Print what is to be done about labels; the images themselves a click away, and all of them as a file."""
    said = suspects.of_dataset(found, dataset)
    first = f"{len(said.flagged):,} of {counted(len(said.listed), 'image')} to look at first"
    if not said.listed:
        first = "no model is good enough to doubt them"
    elif not said.flagged:
        first = "none that every good model doubts"
    show.folded(Html("<strong>Wrong labels?</strong> {}").format(first), "labels")
    show.write(Markup("{}").format(said.sentence))
    if not said.listed:
        show.unfolded()
        return
    show.write(show.file_link("All images, the most doubted first, as CSV", file_of(dataset)))
    rows = [
        [
            show.link_to_image(s.image),
            s.label,
            s.suggested,
            f"{s.probability_label * 100:.0f} %",
            f"{s.probability_suggested * 100:.0f} %",
            f"{s.against} of {s.models}",
            f"{s.alike} of {len(s.nearest)}" if s.nearest else "–",
        ]
        for s in said.listed[:SHOWN]
    ]
    show.table(["image", "label", "suggested", "label", "suggested", "against the label", "nearest alike"], rows)
    show.write(
        Markup(
            "What {} say of images that they were not trained on, the mean of their probabilities. A model is "
            "*against* a label where it gives another class at least the probability that it usually gives to images "
            "labelled so (confident learning, Northcutt et al. 2021). *Nearest alike*: how many of the images that "
            "look most like it to a frozen network have the suggested class. In the file, correct the column `label`, "
            "and `bench dataset add NAME FOLDER --manifest FILE` reads it."
        ).format(show.listed([show.code(m) for m in said.models]))
    )
    show.unfolded()


def file_of(dataset: str) -> str:
    """Where a site keeps the table of a dataset."""
    return f"/assets/suspects/{dataset}.csv"
