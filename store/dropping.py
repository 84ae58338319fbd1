"""A dataset leaves the store, or its stale trials do, and both come back.

All that the store holds of a dataset, parts and the rows of plans, goes to `quarantine/dropped/<dataset>/`; trials that
no plan wants any more go to `quarantine/stale/`. Nothing is deleted, and from there it can be taken back. Stopped in
the midst of it, each goes on when it is called again.
"""

import uuid
from pathlib import Path

import duckdb

from store import compaction, inventory, names, parts, schema, snapshot
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
    with Claims(store.root) as claims:
        _require_quiet(store, claims)
        if count := _take_back(store.root, aside(dataset)):
            return count
    folder = (store.root / aside(dataset)).parent
    dropped = sorted(path.name for path in folder.glob("*")) if folder.is_dir() else []
    raise StoreError(
        f"{store.root}: nothing of a dataset {dataset!r} was dropped; "
        + (f"dropped: {', '.join(dropped)}" if dropped else "nor of any other")
    )


STALE = f"{QUARANTINE}/stale"
"""Where stale trials go, below the store's folder."""


def drop_stale(store: Store) -> int:
    """Move the trials that no study's newest plan wants out of the way, every run of them, and pack those that stay.

    Returns:
        How many trials were moved.

    Raises:
        StoreError: no study was planned here, so that nothing tells which are wanted; or none is stale, or none that
            is whole; or a compaction is at work, or the folder cannot be written.
    """
    with Claims(store.root) as claims:
        _require_quiet(store, claims)
        planned, stale = store.read(_stale)
        if not planned:
            raise StoreError(f"{store.root}: no study was planned in it, so nothing tells which trials are stale")
        if not stale:
            raise StoreError(f"{store.root} has no stale trial")
        to = store.root / STALE
        moved = sum(compaction.set_apart(store.root, dataset, runs, to) for dataset, runs in stale.items())
    if not moved:
        raise StoreError(f"{store.root}: damaged parts hold its stale trials; `bench store check --repair` comes first")
    return moved


def undo_stale(store: Store) -> int:
    """Take back what `drop_stale` moved; what has been trained since stays too.

    Returns:
        How many parts are there again.

    Raises:
        StoreError: nothing stale was dropped, a compaction is at work, or the folder cannot be written.
    """
    with Claims(store.root) as claims:
        _require_quiet(store, claims)
        count = _take_back(store.root, STALE)
    if not count:
        raise StoreError(f"{store.root}: no stale trial was dropped")
    return count


def _stale(connection: duckdb.DuckDBPyConnection) -> tuple[bool, dict[str, list[str]]]:
    """Whether anything was planned at all, and every run of the stale trials of each dataset."""
    rows = connection.execute(
        """
        select t.dataset, list(distinct a.attempt_id) from trials t join attempts a using (trial_id, dataset)
        where not t.current group by all order by all
        """
    ).fetchall()
    return connection.execute("select 1 from current_plans limit 1").fetchone() is not None, dict(rows)


def _take_back(root: Path, folder: str) -> int:
    """Give the parts below a folder of the quarantine their places again; how many there were."""
    found = [path.relative_to(root / folder) for path in (root / folder).rglob(f"*{parts.SUFFIX}") if path.is_file()]
    # Trials last: what their rows name is there before them.
    for path in sorted(found, key=lambda path: (path.parts[0] == "trials", path)):
        move(root, f"{folder}/{path.as_posix()}", path.as_posix())
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
