"""Checking every byte of a store, and moving what is damaged out of the way.

Nothing is deleted: what is damaged goes to `quarantine/`, where it can be looked at. The trials that it held then count
as missing, and `bench run` trains them again.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from store import inventory, packing, parts, schema, snapshot
from store.claims import Claims
from store.errors import StoreError
from store.inventory import Inventory
from store.quarantine import QUARANTINE, move
from store.store import Store

LONG_AGO = 3600.0


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        parts: how many parts are sound.
        damaged: parts that are not as they were written: path below the store → what is wrong.
        lost: parts that rows of trials name and that are not there: path → what is wrong.
        strays: files among the parts that belong to no trial, left by a run that was killed, or put there by somebody;
            they harm nothing here, but other readers of the folder may read them.
    """

    parts: int
    damaged: dict[str, str]
    lost: dict[str, str]
    strays: dict[str, str]

    @property
    def sound(self) -> bool:
        """Whether every part is there, as it was written."""
        return not self.damaged and not self.lost


def check(store: Store) -> Report:
    """Read every part and compare it with its SHA-256, and every row of a trial with the parts that it names."""
    found = inventory.take(store.root, trust=False)
    with duckdb.connect() as connection:
        snapshot.load(connection, store.root, found)
        lost = snapshot.lost(connection, found)
        named = {path for (path,) in connection.execute("select distinct path from named").fetchall()}
    altered = {path: fault for path, fault in lost.items() if (store.root / path).exists()}  # of version 1
    return Report(len(found.files) - len(altered), dict(found.left_out), lost, _strays(store.root, found, named))


def repair(store: Store) -> Report:
    """Move what is damaged, strays, and rows of trials that lack a part, to `quarantine/`.

    Returns:
        What was found and moved.

    Raises:
        StoreError: a compaction is at work, or the folder cannot be written.
    """
    with Claims(store.root) as claims:
        if not claims.take("compaction"):
            raise StoreError(f"{store.root}: a compaction is at work; wait for its end")
        report = check(store)
        found = inventory.take(store.root, trust=False)
        with duckdb.connect() as connection:
            snapshot.load(connection, store.root, found)
            broken = connection.execute(
                "select distinct part from incomplete where attempt_id not in (select attempt_id from attempts)"
            ).fetchall()
            trials = [part for (part,) in broken]
            for part in trials:
                _keep_complete(connection, store.root, found, part)
            named = packing.only_named_by(connection, trials)
        # Rows of trials first: what lacks its row does not show.
        for path in [*trials, *named, *report.damaged, *report.lost, *report.strays]:
            move(store.root, path, f"{QUARANTINE}/{path}")
    inventory.forget(store.root)
    return report


def _keep_complete(connection: duckdb.DuckDBPyConnection, root: Path, found: Inventory, part: str) -> None:
    """Write the complete attempts of a part of trials, and what they name, into parts of their own.

    Were only their rows written, then what the other rows named of the same files would show without a trial.
    """
    connection.execute("create or replace table chosen as select * from attempts where part = $part", {"part": part})
    if connection.execute("select 1 from chosen limit 1").fetchall():
        packing.pack(connection, root, found)


def _strays(root: Path, found: Inventory, named: set[str]) -> dict[str, str]:
    """Files among the parts that no row names. A run names its parts a moment after it wrote them, so new ones wait."""
    listed = {file.path: file for file in found.files}
    strays = {}
    for kind in schema.KINDS:
        for path in sorted((root / kind).rglob("*")):
            name = path.relative_to(root).as_posix()
            hidden = path.name.startswith(".") and not name.endswith(parts.UNFINISHED)
            if hidden or not path.is_file() or name in named or name in found.left_out:
                continue
            if name in listed and kind not in ("predictions", "activations"):
                continue
            if name in listed or name.endswith(parts.UNFINISHED):
                if inventory.age(path) > LONG_AGO:
                    strays[name] = "is named by no trial: a run or a compaction was stopped while it wrote"
            else:
                strays[name] = "is no part of the store"
    return strays
