"""Part of a dataset's page: what was found in its images when they were added, as the plan has kept it."""

from report import show
from report.cards import DatasetCard
from report.show import Markup


def show_card(card: DatasetCard) -> None:
    """Print the sentences of an audit, letter for letter, since they name files; nothing where there was none."""
    if sentences := card.get("found"):
        show.write(
            Markup('::: {.callout-note collapse="true" title="What was found in the images"}'),
            Markup("\n").join(Markup("- {}").format(show.text(sentence)) for sentence in sentences),
            Markup(":::"),
        )
