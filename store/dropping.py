"""A dataset leaves the store, or its stale trials do, and both come back.

All that the store holds of a dataset, parts and the rows of plans, goes to `quarantine/dropped/<dataset>/`; trials that
no plan wants any more go to `quarantine/stale/`, which is a store. Nothing is deleted, and from there it can be taken
back. Stopped in the midst of it, each goes on when it is called again.
"""

import shutil
import uuid
from pathlib import Path

import duckdb

from store import compaction, inventory, merging, names, parts, schema, snapshot
from store.claims import Claims
from store.errors import StoreError
from store.inventory import File
from store.quarantine import QUARANTINE, move
from store.store import Store

OF_A_DATASET = tuple(kind for kind in schema.KINDS if "dataset" in schema.PARTITIONS[kind])
"""Trials come first: what lacks its row does not show."""


def drop(store: Store, dataset: str) -> int:
    """Move what the store holds of a dataset out of the way.

    A run that is training on it goes on, and what it finishes later is there again.

    Returns:
        How many parts were moved.

    Raises:
        StoreError: the store has no such dataset, a compaction is at work, or the folder cannot be written.
    """
    names.require([{"dataset": dataset}])
    with Claims(store.root) as claims:
        _require_quiet(store, claims)
        plans = _plans_of(store, dataset)
        found = [*_parts(store.root, dataset), *(file.path for file in plans)]
        if not found:
            raise StoreError(f"{store.root} has nothing of a dataset {dataset!r}; {_known(store)}")
        for path in found:
            for file in plans:
                if file.path == path:
                    _write_others(store.root, file, dataset)
            move(store.root, path, aside(dataset, path))
    return len(found)


def undo(store: Store, dataset: str) -> int:
    """Take back what `drop` moved; what has been trained since stays too.

    Returns:
        How many parts are there again.

    Raises:
        StoreError: nothing of the dataset was dropped, a compaction is at work, or the folder cannot be written.
    """
    names.require([{"dataset": dataset}])
    folder = store.root / aside(dataset)
    with Claims(store.root) as claims:
        _require_quiet(store, claims)
        found = [path.relative_to(folder) for path in folder.rglob(f"*{parts.SUFFIX}") if path.is_file()]
        if not found:
            dropped = sorted(path.name for path in folder.parent.glob("*")) if folder.parent.is_dir() else []
            raise StoreError(
                f"{store.root}: nothing of a dataset {dataset!r} was dropped; "
                + (f"dropped: {', '.join(dropped)}" if dropped else "nor of any other")
            )
        # Trials last: what their rows name is there before them.
        for path in sorted(found, key=lambda path: (path.parts[0] == "trials", path)):
            move(store.root, aside(dataset, path.as_posix()), path.as_posix())
    return len(found)


STALE = f"{QUARANTINE}/stale"
"""Where stale trials go, below the store's folder: a store of its own, that can be asked and merged like any other."""


def drop_stale(store: Store) -> int:
    """Move the trials that no study's newest plan wants out of the way, and pack those that stay.

    Returns:
        How many trials were moved. One of which another result was moved earlier stays.

    Raises:
        StoreError: no study was planned here, so that nothing tells which are wanted; or none is stale, a compaction is
            at work, or the folder cannot be written.
    """
    stale, planned = store.read(_stale)
    if not planned:
        raise StoreError(f"{store.root}: no study was planned in it, so nothing tells which trials are stale")
    if not stale:
        raise StoreError(f"{store.root} has no stale trial")
    every = [trial for trials in stale.values() for trial in trials]
    merged = merging.merge(Store(store.root / STALE, create=True), store, every)
    staying = {conflict.trial_id for conflict in merged.conflicts}
    moved = {dataset: [trial for trial in trials if trial not in staying] for dataset, trials in stale.items()}
    compaction.compact(store, without=moved)
    return sum(map(len, moved.values()))


def undo_stale(store: Store) -> merging.Merged:
    """Take back what `drop_stale` moved. Where it differs from what was trained since, it stays where it is too.

    Raises:
        StoreError: nothing stale was dropped, or the folder cannot be written.
    """
    folder = store.root / STALE
    if not folder.is_dir():
        raise StoreError(f"{store.root}: no stale trial was dropped")
    merged = merging.merge(store, Store(folder))
    if not merged.conflicts and not merged.left_out:
        shutil.rmtree(folder)
    return merged


def _stale(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, list[str]], bool]:
    """The stale trials of each dataset, and whether anything was planned at all."""
    rows = connection.execute(
        "select dataset, list(trial_id order by trial_id) from trials where not current group by all order by all"
    ).fetchall()
    return dict(rows), connection.execute("select 1 from current_plans limit 1").fetchone() is not None


def aside(dataset: str, path: str = "") -> str:
    """Where a part of a dataset goes, below the store's folder."""
    return f"{QUARANTINE}/dropped/{dataset}{path and '/'}{path}"


def _require_quiet(store: Store, claims: Claims) -> None:
    if not claims.take("compaction"):
        raise StoreError(f"{store.root}: a compaction is at work; wait for its end")


def _parts(root: Path, dataset: str) -> list[str]:
    """The parts in a dataset's own folders, sound or not."""
    return [
        path.relative_to(root).as_posix()
        for kind in OF_A_DATASET
        for path in sorted((root / kind / f"dataset={dataset}").rglob(f"*{parts.SUFFIX}"))
        if path.is_file() and not path.name.startswith(".")
    ]


def _plans_of(store: Store, dataset: str) -> list[File]:
    """The parts of plans that want trials of a dataset."""
    with duckdb.connect() as connection:
        return [
            file
            for file in inventory.take(store.root).of("plans")
            if connection.execute(
                f"select 1 from ({snapshot.select(store.root, 'plans', [file])}) where dataset = $dataset limit 1",
                {"dataset": dataset},
            ).fetchall()
        ]


def _write_others(root: Path, file: File, dataset: str) -> None:
    """Write the rows of a part of plans that are of other datasets, if there are any, into a part of their own.

    Its name does not end with the plan's identity: a run that wants the whole plan again writes it again.
    """
    columns = ", ".join(f'"{column}"' for column in schema.KINDS["plans"].names)
    with duckdb.connect() as connection:
        rows = connection.sql(
            f"select {columns} from ({snapshot.select(root, 'plans', [file])}) where dataset != $dataset",
            params={"dataset": dataset},
        ).to_arrow_table()
    if rows.num_rows:
        parts.write(root, "plans", file.keys, f"{file.name.stem}-{uuid.uuid4().hex[:8]}-less", rows)


def _known(store: Store) -> str:
    """What it has, for whoever asked for something else."""
    found = sorted({file.keys["dataset"] for file in inventory.take(store.root).of("trials")})
    return f"it has {', '.join(found)}" if found else "it is empty"
