"""Renders the pages of a Quarto website on machines where no Quarto can be had.

The same `.qmd` files render through Quarto and through this engine. It knows the part of Quarto's documented language
that such pages use:

- `_quarto.yml`: `pre-render`, `resources`, title, navbar, footer, `toc`, `css`, `include-in-header` (and the others);
- Python cells (`echo`, `eval`, `include`, `output`, `label`, captions, `execute`), inline code, `{{< include >}}`;
- numbered figures, tables and sections with references to them, callouts, tabsets, wide columns, raw HTML.

What else a page holds goes through pandoc as it stands. Themes, search, listings, other languages than Python, and rich
output (a cell shows its value as text; pages print Markdown instead) are Quarto's alone.
"""

from report.preview.kept import Kept
from report.preview.project import PageError
from report.preview.publish import replacing
from report.preview.site import render

__all__ = ["Kept", "PageError", "render", "replacing"]
