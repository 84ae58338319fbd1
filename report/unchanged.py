"""What each file of the site is made from, as a key: where the key stays, the file need not be made again.

The page of a dataset, and what its scripts read, are made from that dataset's trials, plans, images and activations,
from those of the dataset that its splits come from, and from which models there are, since no two may look alike. All
else is made from the whole store. Every key holds this project's code and the versions of what computes.
"""

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from report import downloads
from report.data import ROOT, Results

KEYS = "_generated/keys.json"
"""Where `prepare` leaves the keys: a file's path in the site, and its key."""
_CODE = (".py", ".sql", ".toml", ".html", ".lua")
_COMPUTES = ("duckdb", "markdown-it-py", "nh3", "numpy", "pandas", "pyarrow", "pypandoc-binary", "scipy")
_TABLES = {
    "trials": "select * exclude (parts) from trials",  # a compaction packs them otherwise, and changes nothing else
    "plans": "from plans",
    "images": "from images",
    "activations": "from activations",
    "splits": "from splits",
}
"""What a dataset's page is made from; predictions belong to a trial's run and never change without it."""


def of_datasets(found: Results) -> dict[str, str]:
    """For each dataset the key of its page and of what its scripts read."""
    own: dict[str, list[object]] = {name: [name] for name in found.datasets}
    for table, sql in _TABLES.items():
        rows = found.frame(
            f"select dataset, count(*) as rows, sum(hash(t))::varchar as content from ({sql}) t group by dataset"
        )
        for row in rows.to_dict("records"):
            if row["dataset"] in own:
                own[str(row["dataset"])] += [table, int(row["rows"]), str(row["content"])]
    models = sorted((model, found.model_card(model)["family"]) for model in found.models())
    made = {}
    for name in found.datasets:
        schemes = {section.scheme for section in found.sections_of(name)}
        parents = sorted({str(found.dataset_card(scheme).get("splits_from")) for scheme in schemes})
        made[name] = _key(own[name], [own.get(parent) for parent in parents], models, _everywhere(found))
    return made


def whole(found: Results) -> str:
    """The key of all that is made from the whole store."""
    return _key(found.about, sorted(of_datasets(found).items()), bool(downloads.modules()))


def of_tables(found: Results) -> str:
    """The key of the tables as files, which name the parts of the store, and add up in the order of these."""
    return _key(whole(found), found.frame("select sum(hash(parts))::varchar as parts from trials")["parts"].tolist())


def _everywhere(found: Results) -> list[object]:
    return [found.study, code(), [f"{warning.path} {warning.fault}" for warning in found.left_out]]


@cache
def code() -> str:
    """The hash of this project's code, with the versions of what it computes with."""
    versions = [sys.version, *(f"{name} {_version(name)}" for name in _COMPUTES)]
    return _key(versions, [(path.name, path.read_text(encoding="utf-8")) for path in _sources()])


def _sources() -> Iterator[Path]:
    for package in (ROOT, ROOT.parent / "store"):
        yield from sorted(path for path in package.rglob("*") if path.suffix in _CODE and path.is_file())


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _key(*of: object) -> str:
    return hashlib.sha256(json.dumps(of, sort_keys=True, default=str).encode()).hexdigest()[:32]
