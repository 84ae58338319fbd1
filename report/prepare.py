"""Runs before the pages are rendered: writes what they need and nobody should write by hand.

A page for each dataset in the store, the footer that names the store, what the pages' scripts read. Files are only
touched when they change, so that a preview that watches the folder does not turn in circles. What an old site has, made
from the same, is taken from there.
"""

import hashlib
import json
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import yaml

from report import claims, downloads, findings, payload, rows, show, unchanged, voting
from report.data import PAGES_OF, Results
from report.preview import Kept
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
    numbers = {name: _number(name) for name in names}
    wanted = {f"{name}.qmd": _page(found, number, name) for name, number in numbers.items()}
    if folder.is_dir():
        for old in folder.iterdir():
            if old.name not in wanted and old.suffix == ".qmd":
                old.unlink()
    for name, text in wanted.items():
        _write(folder / name, text)
    _write(project / PAGES_OF, json.dumps({str(number): name for name, number in numbers.items()}))
    footer = Html(
        '<div class="drawn-from" role="contentinfo">Drawn from the results store {fingerprint}: {trials:,} trials, '
        "newest {newest}.</div>\n"
    )
    _write(project / "_generated" / "footer.html", footer.format(**found.about).source)
    of_datasets, whole = unchanged.of_datasets(found), unchanged.whole(found)
    before = Kept.of(Path(os.environ.get("BENCH_OLD_SITE") or project / "_site"))
    with ThreadPoolExecutor(1) as beside:
        # DuckDB writes its tables while Python writes all else.
        files, written = _of_the_whole_store(project, found, before, beside)
        files |= _scripts(project / "assets" / "data", found, before, of_datasets)
        _suspects(project, found)
        for waiting in written:
            waiting.result()
    downloads.engine(project / "assets" / "wasm")
    pages = {f"{path.stem}.html": whole for path in project.glob("*.qmd")}
    pages |= {f"datasets/{name}.html": key for name, key in of_datasets.items()}
    _write(project / unchanged.KEYS, json.dumps(pages | files, sort_keys=True))


def _of_the_whole_store(
    project: Path, found: Results, old: Kept, beside: Executor
) -> tuple[dict[str, str], list[Future[None]]]:
    """Write the tables of the findings, and those of the store beside; gives their keys, and what has to end."""
    key = unchanged.of_tables(found)
    names = [
        *(f"assets/store/{name}.parquet" for name in downloads.TABLES),
        "assets/findings.csv",
        "assets/findings.json",
    ]
    had = {name: old.bytes_of(name, key) for name in names}
    for name, content in had.items():
        if content is not None:
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_bytes(content)
    written: list[Future[None]] = []
    if None in had.values():
        written = [beside.submit(downloads.tables, found, project / "assets" / "store")]
        for name, words in tables_of_findings(found).items():
            _write(project / "assets" / name, words)
    return dict.fromkeys(names, key), written


def _scripts(folder: Path, found: Results, old: Kept, keys: dict[str, str]) -> dict[str, str]:
    """Every trial and its answers, and what the layers see: a script for each dataset, loaded when it is asked for.

    Gives the keys of the files.
    """
    wanted = {"index.js": payload.script("index", payload.index(found))}
    made: dict[str, str] = {}

    def text_of(file: str, key: str, make: Callable[[], object]) -> None:
        before = old.bytes_of(f"assets/data/{file}", key)
        value = None if before is not None else make()
        if before is not None:
            wanted[file] = before.decode("utf-8")
        elif value is not None:
            wanted[file] = payload.script(file.removesuffix(".js"), value)
        made[f"assets/data/{file}"] = key

    for name in found.datasets:
        text_of(f"{name}.trials.js", keys[name], partial(payload.dataset, found, name))
        text_of(f"{name}.layers.js", keys[name], partial(layers.payload, found, name))
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name not in wanted:
                path.unlink()
    for file, text in wanted.items():
        _write(folder / file, text)
    return made


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


def _number(name: str) -> int:
    """A number for a dataset that no other has, and that stays when others come and go."""
    return int(hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:15], 16)


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
