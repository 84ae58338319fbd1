"""Runs before the pages are rendered: writes what they need and nobody should write by hand.

A page for each dataset in the store, the footer that names the store, what the pages' scripts read. Files are only
touched when they change, so that a preview that watches the folder does not turn in circles.
"""

import json
from pathlib import Path

import yaml

from report import claims, downloads, findings, payload, rows, show, voting
from report.data import PAGES_OF, Results
from report.sections import layers
from report.sections import suspects as labels
from report.show import Html
from report.trust import suspects

PAGE = """---
{front}---

```{{python}}
#| output: asis
#| echo: false
from report.pages import dataset

dataset.show_page({number:d})
```
"""


def prepare(project: Path, found: Results) -> None:
    """Write the generated files of the report into its folder."""
    folder = project / "datasets"
    names = found.datasets
    wanted = {f"{name}.qmd": _page(found, number, name) for number, name in enumerate(names)}
    if folder.is_dir():
        for old in folder.iterdir():
            if old.name not in wanted and old.suffix == ".qmd":
                old.unlink()
    for name, text in wanted.items():
        _write(folder / name, text)
    _write(project / PAGES_OF, json.dumps(names))
    footer = Html(
        '<div class="drawn-from" role="contentinfo">Drawn from the results store {fingerprint}: {trials:,} trials, '
        "newest {newest}.</div>\n"
    )
    _write(project / "_generated" / "footer.html", footer.format(**found.about).source)
    _scripts(project / "assets" / "data", found)
    for name, words in tables_of_findings(found).items():
        _write(project / "assets" / name, words)
    _suspects(project, found)
    downloads.tables(found, project / "assets" / "store")
    downloads.engine(project / "assets" / "wasm")


def _scripts(folder: Path, found: Results) -> None:
    """Every trial and its answers, and what the layers see: a script for each dataset, loaded when it is asked for."""
    wanted = {"index.js": payload.script("index", payload.index(found))}
    for name in found.datasets:
        wanted[f"{name}.trials.js"] = payload.script(f"{name}.trials", payload.dataset(found, name))
        seen = layers.payload(found, name)
        if seen is not None:
            wanted[f"{name}.layers.js"] = payload.script(f"{name}.layers", seen)
    if folder.is_dir():
        for old in folder.iterdir():
            if old.name not in wanted:
                old.unlink()
    for name, text in wanted.items():
        _write(folder / name, text)


def _suspects(project: Path, found: Results) -> None:
    """The images of each dataset, those first whose label is doubted most, where models are good enough to doubt."""
    listed = {name: suspects.of_dataset(found, name) for name in found.datasets}
    wanted = {
        project / labels.file_of(name).lstrip("/"): suspects.as_csv(each)
        for name, each in listed.items()
        if each.listed
    }
    for old in (project / "assets" / "suspects").glob("*.csv"):
        if old not in wanted:
            old.unlink()
    for path, text in wanted.items():
        _write(path, text)


def tables_of_findings(found: Results) -> dict[str, str]:
    """Every finding and claim of the page of conclusions, as files to download."""
    table = [
        *(rows.of_finding(f) for f in findings.everywhere(found)),
        *(rows.of_gain(gain) for gain in voting.everywhere(found)),
    ]
    judged = [rows.of_claim(judgement) for judgement in claims.everything(found)]
    text = json.dumps({"findings": table, "claims": judged}, indent=1, allow_nan=False)
    return {"findings.csv": rows.as_csv(table), "findings.json": text}


def _page(found: Results, number: int, name: str) -> str:
    card = found.dataset_card(name)
    # Quarto takes the page's title for the browser from the words that Markdown made, and raw HTML has none.
    front = {"title": show.prose(card["title"], links=False).source, "pagetitle": name}
    if card.get("task"):
        front["description"] = show.prose(card["task"]).source
    return PAGE.format(front=yaml.safe_dump(front, allow_unicode=True, sort_keys=False, width=10_000), number=number)


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
