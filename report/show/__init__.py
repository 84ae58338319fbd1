"""What pages print: words from outside as text, Markdown and HTML of this project's own, figures and tables."""

from report.show.door import Html, Markup, code, file_link, link, link_to_image, listed, prose, prose_html, text
from report.show.printing import (
    block,
    chart,
    data,
    figure,
    folded,
    heading,
    numbers,
    picture,
    raw,
    table,
    table_text,
    unfolded,
    write,
)

__all__ = [
    "Html",
    "Markup",
    "block",
    "chart",
    "code",
    "data",
    "figure",
    "file_link",
    "folded",
    "heading",
    "link",
    "link_to_image",
    "listed",
    "numbers",
    "picture",
    "prose",
    "prose_html",
    "raw",
    "table",
    "table_text",
    "text",
    "unfolded",
    "write",
]
