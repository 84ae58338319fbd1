"""What the store has of each cell, and why it lacks the rest: from the store alone, without images."""

import json
from typing import Any

from bench.errors import unknown
from store import Store, query


def cells(store: Store, study: str | None = None) -> list[dict[str, Any]]:
    """The rows of the view `cells`, each with a sentence `why` where something is missing, failed or stale.

    Raises:
        UsageError: the store has no plan of that study.
    """
    found: list[dict[str, Any]] = query(store, "select * from cells order by study, dataset, recipe, model").to_pylist()
    studies = {cell["study"] for cell in found}
    if study is not None:
        if study not in studies:
            raise unknown("study in this store", study, studies)
        found = [cell for cell in found if cell["study"] == study]
    causes = _stale_causes(store) if any(cell["stale"] for cell in found) else {}
    for cell in found:
        reasons = []
        if cell["unavailable"] and cell["missing"]:
            reasons.append(f"unavailable: {cell['unavailable']}")
        elif cell["failed"]:
            reasons.append(f"failed: {cell['error']}")
        if cell["stale"]:
            reasons.append(f"stale: {causes.get((cell['dataset'], cell['model'], cell['recipe']), 'superseded')}")
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


def _stale_causes(store: Store) -> dict[tuple[str, str, str], str]:
    """Which inputs of the stale trials differ from the current plan's."""
    rows = query(
        store,
        """
        select distinct t.dataset, t.model, t.recipe,
            t.dataset_hash != p.dataset_hash as images,
            t.model_version != p.model_version as version,
            t.weights != p.weights as weights,
            t.recipe_json != p.recipe_json as recipe_changed,
            t.protocol_json as old_protocol, p.protocol_json as new_protocol
        from trials t join (select distinct on (dataset, model, recipe) * from plans where current
                            order by dataset, model, recipe, planned_at desc) p using (dataset, model, recipe)
        where t.status = 'done' and not t.current
        """,
    ).to_pylist()
    causes: dict[tuple[str, str, str], set[str]] = {}
    for row in rows:
        found = causes.setdefault((row["dataset"], row["model"], row["recipe"]), set())
        found |= {
            text
            for key, text in (
                ("images", "the images changed"), ("version", "the model's version changed"),
                ("weights", "the weights changed"), ("recipe_changed", "the recipe changed"),
            )
            if row[key]
        }  # fmt: skip
        old, new = (json.loads(row[key]) for key in ("old_protocol", "new_protocol"))
        if {k: v for k, v in old.items() if k != "repeats"} != {k: v for k, v in new.items() if k != "repeats"}:
            found.add("the protocol changed")
    return {cell: ", ".join(sorted(found)) or "the splits changed" for cell, found in causes.items()}
