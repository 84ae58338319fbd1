"""Runs before the pages are rendered: writes what they need and nobody should write by hand.

A page for each dataset in the store, the footer that names the store, the chart library. Files are only touched when
they change, so that a preview that watches the folder does not turn in circles.
"""

from html import escape
from pathlib import Path

import vl_convert

from report.data import Results

PAGE = """---
title: "{title}"
description: "{task}"
---

```{{python}}
#| output: asis
#| echo: false
from report import dataset_page

dataset_page.show_page("{name}")
```
"""


def prepare(project: Path, found: Results) -> None:
    """Write the generated files of the report into its folder."""
    folder = project / "datasets"
    wanted = {f"{name}.qmd": _page(found, name) for name in found.datasets}
    if folder.is_dir():
        for old in folder.iterdir():
            if old.name not in wanted and old.suffix == ".qmd":
                old.unlink()
    for name, text in wanted.items():
        _write(folder / name, text)
    about = found.about
    footer = (
        f"Drawn from the results store {about['fingerprint']}: {about['trials']:,} trials, newest {about['newest']}."
    )
    _write(
        project / "_generated" / "footer.html", f'<div class="drawn-from" role="contentinfo">{escape(footer)}</div>\n'
    )
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # the stub asks for a snippet
    _write(project / "assets" / "vega.js", bundle)


def _page(found: Results, name: str) -> str:
    card = found.dataset_card(name)
    return PAGE.format(title=_yaml(card["title"]), task=_yaml(card.get("task", "")), name=name)


def _yaml(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace('"', '\\"').split())


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
