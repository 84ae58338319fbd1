"""The page that compares two models; its script reads what `prepare` wrote, and the address names what is compared."""

from report import show
from report.show import Html


def show_page() -> None:
    """Print the place in which the script draws."""
    show.raw(
        Html(
            '<div class="compare"><p class="needs-script">This page needs JavaScript; without it, the page of each '
            "dataset has the comparisons that the study asks for. It works without a server too.</p></div>"
        )
    )
