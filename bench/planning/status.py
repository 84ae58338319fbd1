"""What the store has of each cell, and why it lacks the rest: from the store alone, without images."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from bench.errors import unknown
from bench.planning import changes
from store import ProgressRow, Store, query

if TYPE_CHECKING:
    from bench.datasets import Library
    from bench.planning.plan import Cell

# The view `cells` has more, and takes ten times as long: it counts every vote.
CELLS = """
    with scored as (
        select c.study, c.cell_id, favg(s.balanced_accuracy) as test_balanced_accuracy
        from current_plans c join scores s using (trial_id) where s.subset = 'test' group by all
    )
    select * from progress left join scored using (study, cell_id) order by study, dataset, recipe, model
"""


class CellRow(ProgressRow):
    """What a store has of a cell, what it scores, and a sentence on what it lacks, empty where it lacks nothing."""

    test_balanced_accuracy: float | None
    why: str


class Inputs(TypedDict):
    """What a trial was made of (`old_…`), and what a plan wants it made of (`new_…`)."""

    old_images: str
    new_images: str
    old_version: int
    new_version: int
    old_weights: str
    new_weights: str
    old_recipe: str
    new_recipe: str
    old_protocol: str
    new_protocol: str


def cells(store: Store, study: str | None = None, library: "Library | None" = None) -> list[CellRow]:
    """The rows of the view `progress`, each with `test_balanced_accuracy`, the mean over its trials' test folds, and
    with a sentence `why` where something is missing, failed or stale, where its trials are not of the images at hand
    in a library, or where trials of several arithmetics are mixed.

    Raises:
        UsageError: the store has no plan of that study.
    """
    found: list[CellRow] = query(store, CELLS).to_pylist()
    studies = {cell["study"] for cell in found}
    if study is not None:
        if study not in studies:
            raise unknown("study in this store", study, studies)
        found = [cell for cell in found if cell["study"] == study]
    changed = changes.since_planned(store, library, {cell["dataset"] for cell in found}) if library and found else {}
    causes = _stale_causes(store) if any(cell["stale"] for cell in found) else {}
    for cell in found:
        reasons = []
        if cell["unavailable"] and cell["missing"]:
            reasons.append(f"unavailable: {cell['unavailable']}")
        elif cell["failed"]:
            reasons.append(f"failed: {cell['error']}")
        if cell["stale"]:
            reasons.append(f"stale: {causes.get((cell['dataset'], cell['model'], cell['recipe']), 'superseded')}")
        if since := changed.get((cell["study"], cell["dataset"])):
            reasons.append(since)
        if len(cell["devices"]) > 1:
            reasons.append(f"of several arithmetics: {' + '.join(cell['devices'])}; `bench run --force` trains it anew")
        cell["why"] = "; ".join(reasons)
    return found


def unavailable(store: Store, study: str) -> dict[str, list[str]]:
    """Why models of a study could not run, and which: reason → models."""
    reasons: dict[str, list[str]] = {}
    for cell in cells(store, study):
        names = reasons.setdefault(cell["unavailable"], []) if cell["unavailable"] and cell["missing"] else None
        if names is not None and cell["model"] not in names:
            names.append(cell["model"])
    return reasons


def trained_anew(store: Store, study: str, cells: Sequence["Cell"]) -> dict[str, list[str]]:
    """Why a run would train cells of a study anew although the store has them: causes, each with the cells' names.

    It is the study's last plan that tells which trials were theirs.
    """
    rows = query(
        store,
        """
        select distinct p.dataset, p.model, p.recipe, p.cell_id, p.dataset_hash as old_images,
            p.model_version as old_version, p.weights as old_weights, p.recipe_json as old_recipe,
            p.protocol_json as old_protocol, p.study
        from plans p join trials t using (trial_id) where p.current and t.status = 'done'
        """,
    ).to_pylist()
    last = {(row["dataset"], row["model"], row["recipe"]): row for row in rows if row["study"] == study}
    reasons: dict[str, list[str]] = {}
    for cell in cells:
        row = last.get((cell.dataset.name, cell.model.name, cell.recipe.name))
        if row is None or row["cell_id"] == cell.id:
            continue
        wanted = {
            "new_images": cell.dataset.content_hash,
            "new_version": cell.model.version,
            "new_weights": cell.weights,
            "new_recipe": json.dumps(cell.recipe.as_dict()),
            "new_protocol": json.dumps(cell.protocol.as_dict()),
        }
        old = changes.of_version(store, cell.dataset.name, row["old_images"])
        for cause in causes_of(row | wanted, old, changes.digests(cell.dataset)):
            reasons.setdefault(cause, []).append(cell.name)
    return reasons


def _stale_causes(store: Store) -> dict[tuple[str, str, str], str]:
    """Which inputs of the stale trials differ from the current plan's, cell by cell."""
    rows = query(
        store,
        """
        with wanted as (
            select distinct on (dataset, model, recipe) * from plans where current
            order by dataset, model, recipe, planned_at desc
        )
        select distinct t.dataset, t.model, t.recipe,
            t.dataset_hash as old_images, p.dataset_hash as new_images,
            t.model_version as old_version, p.model_version as new_version,
            t.weights as old_weights, p.weights as new_weights,
            t.recipe_json as old_recipe, p.recipe_json as new_recipe,
            t.protocol_json as old_protocol, p.protocol_json as new_protocol
        from trials t join wanted p using (dataset, model, recipe)
        where t.status = 'done' and not t.current and t.cell_id != p.cell_id
        """,
    ).to_pylist()
    hashes = {(row["dataset"], row[key]) for row in rows for key in ("old_images", "new_images")}
    images = _images(store, hashes) if any(row["old_images"] != row["new_images"] for row in rows) else {}
    causes: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        found = causes.setdefault((row["dataset"], row["model"], row["recipe"]), [])
        old, new = (images.get((row["dataset"], row[key]), {}) for key in ("old_images", "new_images"))
        found += [cause for cause in causes_of(row, old, new) if cause not in found]
    return {cell: ", ".join(found) for cell, found in causes.items()}


def causes_of(row: Inputs, old_images: Mapping[str, str], new_images: Mapping[str, str]) -> list[str]:
    """Why a trial is stale, a phrase for each input that changed.

    Args:
        row: `old_…` of the trial and `new_…` of the plan, for images, version, weights, recipe and protocol.
        old_images: the SHA-256 of each image that the trial saw, by its id.
        new_images: and of those that are wanted now.
    """
    causes = []
    if row["old_images"] != row["new_images"]:
        which = changes.told(old_images, new_images)
        same = bool(old_images) and old_images == new_images
        other = f"the images changed ({which})" if which else "the images changed"
        causes.append(changes.READ_OTHERWISE if same else other)
    if row["old_version"] != row["new_version"]:
        causes.append(f"the model's version changed ({row['old_version']} → {row['new_version']})")
    if row["old_weights"] != row["new_weights"]:
        causes.append(f"the weights changed ({row['old_weights']} → {row['new_weights']})")
    for what, texts, first in (  # and what the first trials left out
        ("recipe", (row["old_recipe"], row["new_recipe"]), {"procedure": 1}),
        ("protocol", (row["old_protocol"], row["new_protocol"]), {"version": 1}),
    ):
        old, new = (first | json.loads(text) for text in texts)
        fields = [f for f in sorted(old.keys() & new) if old[f] != new[f] and f != "repeats"]
        if fields:
            causes.append(f"the {what} changed ({', '.join(f'{f} {old[f]} → {new[f]}' for f in fields)})")
    return causes or ["the splits changed (other groups of images)"]


def _images(store: Store, hashes: set[tuple[str, str]]) -> dict[tuple[str, str], dict[str, str]]:
    """The SHA-256 of each image of some versions of datasets, by its id."""
    images: dict[tuple[str, str], dict[str, str]] = {}
    for row in query(store, "select dataset, dataset_hash, image_id, sha256 from images").to_pylist():
        if (key := (row["dataset"], row["dataset_hash"])) in hashes:
            images.setdefault(key, {})[row["image_id"]] = row["sha256"]
    return images
