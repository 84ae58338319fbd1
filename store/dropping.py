"""A dataset leaves the store, and comes back.

All that the store holds of it, parts and the rows of plans, goes to `quarantine/dropped/<dataset>/`, where nothing is
deleted and from where it can be taken back. Stopped in the midst of it, either goes on when it is called again.
"""

import uuid
from pathlib import Path

import duckdb

from store import inventory, names, parts, schema, snapshot
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
