"""The data statement of a store: what was measured on which images, by which code, and what is shipped; as Markdown.

Written from the store alone, so that it cannot say what the store does not.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from store import Store, query

HEAD = """# What lies in this store

Predictions of a benchmark of transfer learning on very small biomedical image datasets: for every trial the
probabilities that a model gave to each image of its test fold and of the holdout, with the image's label. It answers
which training works on few images, and how sure one can be. It does not diagnose, and no model here is fit to.

- **Shipped:** names and SHA-256 of images, labels, splits, predictions, training curves, and small maps of what a
  layer answers (28 × 28, a byte each) for a few held-out images.
- **Not shipped:** images, but for thumbnails of a few where a card allows it, and trained models.
- **Images** stay under the licence of their source. Names of images and classes are those of the source.
- **Read it** with `bench query`, or with anything that reads Parquet; `bench store check` says whether it is whole.

`bench store statement` writes this page from the store, whose newest trial is of {}.

## Datasets"""

DATASETS = """
    select dataset, arg_max(dataset_card, planned_at) as card from plans
    where dataset in (select dataset from trials) group by dataset order by dataset
"""
CELLS = """
    select dataset, model, recipe, count(*) as trials, list(distinct device order by device) as devices,
        list(distinct versions_json order by versions_json) as versions, min(finished_at) as first,
        max(finished_at) as last
    from trials where current and status = 'done' group by dataset, model, recipe order by dataset, recipe, model
"""
COLUMNS = ("dataset", "model", "recipe", "trials", "device", "torch", "commit", "trained")
SAID = ("source", "citation", "licence")


def statement(store: Store) -> str:
    """The statement as Markdown: what is shipped, the datasets with their sources and licences, and every cell."""
    cards = [json.loads(row["card"]) for row in query(store, DATASETS).to_pylist()]
    cells = query(store, CELLS).to_pylist()
    newest = max((row["last"] for row in cells), default=None)
    parts = [HEAD.format(f"{newest:%Y-%m-%d}" if newest else "no day yet")]
    parts += [_dataset(card) for card in cards]
    parts += ["## Cells", "A cell is a dataset, a model and a recipe. Stale trials are not counted."]
    rows = [COLUMNS, ["---"] * len(COLUMNS), *map(_cell, cells)]
    parts += ["\n".join(f"| {' | '.join(row)} |" for row in rows)]
    return "\n\n".join(parts) + "\n"


def write(store: Store, path: Path) -> None:
    """Write the statement into a file."""
    path.write_text(statement(store), encoding="utf-8")


def _dataset(card: Mapping[str, Any]) -> str:
    counts = (card.get("at_hand") or card["counts"]).items()
    shown = "a few thumbnails are shown" if card.get("show_images") else "none is shown"
    lines = [
        f"### {plain(card['name'])}\n",
        f"{plain(card['title'])}. {plain(card.get('task'))}\n",
        f"- Images: {', '.join(f'{number} {plain(name)}' for name, number in counts)}; {shown}.",
    ]
    return "\n".join([*lines, *(f"- {name.capitalize()}: {plain(card.get(name)) or 'not stated.'}" for name in SAID)])


def _cell(row: Mapping[str, Any]) -> list[str]:
    versions = [json.loads(each) for each in row["versions"]]
    days = sorted({f"{row[end]:%Y-%m-%d}" for end in ("first", "last")})
    return [
        *(plain(row[name]) for name in ("dataset", "model", "recipe", "trials")),
        plain("; ".join(row["devices"])),
        *(", ".join(dict.fromkeys(plain(each.get(key, MISSING)) for each in versions)) for key in ("torch", "commit")),
        " to ".join(days),
    ]


MISSING = "not recorded"


def plain(value: object) -> str:
    """Words from outside on one line of plain Markdown, where they mean nothing; underscores within words may stay."""
    words = re.sub(r"([\\`*\[\]|#$@{}~]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", " ".join(str(value or "").split()))
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
