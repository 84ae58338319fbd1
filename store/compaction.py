"""Compaction: many small parts become one sorted part for each dataset and model, and one of a dataset's activations.

The new parts are written beside the old ones. The new part of trials, which names the new parts of predictions, is
renamed last: from that moment on its rows count and the old ones are superseded; then the old files are deleted. A kill
leaves for each model either the old state or the new one with some old files beside it, which readers do not see and
the next compaction deletes; new files that no row names yet are deleted after an hour. Parts that are already large,
and of this version, are left as they are.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from store import inventory, packing, parts, schema, snapshot
from store.claims import Claims
from store.errors import StoreError
from store.inventory import File, Inventory
from store.scratch import scratch
from store.store import Store

LISTS = ("images", "plans", "splits")
LARGE = 256 * 2**20
"""Bytes from which on a part is left alone."""
LONG_AGO = 3600.0
"""Seconds after which nobody is about to name a part that nobody names."""


@dataclass(frozen=True)
class Compacted:
    """What a compaction did: parts and bytes before and after, and the damaged parts that it left as they were."""

    parts_before: int
    parts_after: int
    bytes_before: int
    bytes_after: int
    left_out: dict[str, str]


def compact(store: Store, progress: Callable[[int, int], None] = lambda done, of: None) -> Compacted:
    """Merge the small parts of a store, and rewrite those of earlier versions; `progress` is told folders done and all.

    Every part is compared with its SHA-256 before it is merged; what is damaged stays where it is.

    Raises:
        StoreError: the disk is full, or another compaction is at work.
    """
    with Claims(store.root) as claims:
        if not claims.take("compaction"):
            raise StoreError(f"{store.root}: another compaction is at work; wait for its end")
        before = inventory.take(store.root, trust=False)
        folders = sorted({_folder(file) for file in before.files})
        for done, (kind, folder) in enumerate(folders):
            progress(done, len(folders))
            _pack_folder(store.root, kind, dict(folder), before)
        progress(len(folders), len(folders))
        after = inventory.take(store.root)
    return Compacted(
        len(before.files),
        len(after.files),
        sum(f.size for f in before.files),
        sum(f.size for f in after.files),
        dict(before.left_out),
    )


def renew(store: Store) -> None:
    """Rewrite the parts of earlier versions, with those that they belong to: then all parts of a kind have the same
    columns, which readers such as polars ask for. Where a compaction is at work that does it already.

    Raises:
        StoreError: the disk is full.
    """
    with Claims(store.root) as claims:
        if claims.take("compaction"):
            found = inventory.take(store.root)
            for kind, folder in sorted({_folder(file) for file in found.files if file.name.version < schema.VERSION}):
                _pack_folder(store.root, kind, dict(folder), found)


def _folder(file: File) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What is packed together with a part: of lists their partition; or a dataset's trials, and all that they name."""
    if file.kind in LISTS:
        return file.kind, tuple(file.keys.items())
    return "trials", (("dataset", file.keys["dataset"]),)


def _pack_folder(root: Path, kind: str, keys: dict[str, str], found: Inventory) -> None:
    if kind == "trials":
        _trials(root, keys)
    else:
        _lists(root, kind, keys, [file for file in found.of(kind) if file.keys == keys])


def set_apart(root: Path, dataset: str, attempts: Collection[str], to: Path) -> int:
    """Write some runs of a dataset's trials into parts below another folder, and all others anew into the store; then
    the old parts are deleted. Whoever calls holds the claim of a compaction.

    A run whose row stands in one part with a row that names what is not there stays where it is.

    Returns:
        How many trials were set apart.

    Raises:
        StoreError: the disk is full, or a folder cannot be written.
    """
    found = inventory.take(root, {"dataset": dataset}, trust=False)
    with _opened(root, found) as connection:
        useless, whole, _ = _sorted_out(connection, found)
        choose = (
            "create or replace table chosen as select * from attempts semi join copies using (attempt_id, part) "
            "where part in (select unnest($parts)) and (attempt_id in (select unnest($attempts))) = $among"
        )
        asked = {"parts": whole, "attempts": [*attempts]}
        connection.execute(choose, asked | {"among": True})
        ((count,),) = connection.execute("select count(distinct trial_id) from chosen").fetchall()
        if count:
            packing.pack(connection, root, found, to=to)
            connection.execute(choose, asked | {"among": False})
            packing.pack(connection, root, found)
            gone = useless + whole
            named = packing.only_named_by(connection, gone)
            # Rows first: what they name must be there as long as they are, for nothing here supersedes them.
            _delete(root, gone)
            _delete(root, named)
    return int(count)


@contextmanager
def _opened(root: Path, found: Inventory) -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch("compact") as folder, duckdb.connect() as connection:
        connection.execute("set temp_directory = $folder", {"folder": folder})
        connection.execute("set memory_limit = '2GB'")
        connection.execute("set enable_progress_bar = false")  # the command draws one of its own
        snapshot.load(connection, root, found)
        yield connection


def _trials(root: Path, keys: dict[str, str]) -> None:
    found = inventory.take(root, keys, trust=False)
    with _opened(root, found) as connection:
        useless, _, small = _sorted_out(connection, found)
        chosen, kept = _to_pack(connection, found, small)
        if chosen:
            connection.execute(
                "create table chosen as select * from attempts semi join copies using (attempt_id, part) "
                "where part in (select unnest($parts))",
                {"parts": chosen},
            )
            packing.pack(connection, root, found, kept)
        gone = useless + chosen
        left = [file.path for file in found.files if _is_left_behind(connection, root, file)]
        _delete(root, [*gone, *packing.only_named_by(connection, gone), *left])


def _sorted_out(connection: duckdb.DuckDBPyConnection, found: Inventory) -> tuple[list[str], list[str], list[str]]:
    """The parts of trials whose every row counts from another part, those that can be packed, and the small ones of
    these, for which it is worth it.

    A part with a row that names what is not there is none of them: it is for `bench store check --repair`.
    """
    connection.execute("create table copies as select attempt_id, max(part) as part from attempts group by attempt_id;")
    rows = connection.execute(
        """
        select e.part, bool_and(c.part != e.part) as useless
        from every_attempt e left join copies c using (attempt_id)
        group by e.part having bool_and(c.part is not null)
        """
    ).fetchall()
    large = {file.path for file in found.files if file.size >= LARGE and file.name.version == schema.VERSION}
    heavy = connection.execute("select part from named where path in (select unnest($large))", {"large": [*large]})
    kept = large | {part for (part,) in heavy.fetchall()}
    whole = sorted(part for part, useless in rows if not useless)
    return sorted(part for part, useless in rows if useless), whole, [part for part in whole if part not in kept]


def _to_pack(
    connection: duckdb.DuckDBPyConnection, found: Inventory, small: list[str]
) -> tuple[list[str], frozenset[str]]:
    """Which of the small parts of trials are written anew, and which parts their rows go on naming.

    A model's predictions stay where it has one packed part, and a dataset's activations likewise. If activations move,
    so do the rows of every model that has any, for these say where they are.
    """
    files = {file.path: file for file in found.files}
    naming = "select distinct part, path from named semi join copies using (attempt_id, part)"
    names: dict[str, list[File]] = {}
    for part, path in connection.execute(naming).fetchall():
        names.setdefault(part, []).append(files[path])
    models: dict[str, list[File]] = {}
    for part in small:
        models.setdefault(files[part].keys["model"], []).append(files[part])

    def named(parts: Iterable[File], kind: str) -> set[File]:
        return {file for part in parts for file in names.get(part.path, []) if file.kind == kind}

    shared = named((files[part] for part in small), "activations")
    kept = set(shared) if _is_packed(shared) else set[File]()
    chosen: list[File] = []
    for rows in models.values():
        predictions = named(rows, "predictions")
        if _is_packed(rows) and _is_packed(predictions):
            if named(rows, "activations") <= kept:
                continue
            kept |= predictions
        chosen += rows
    return sorted(file.path for file in chosen), frozenset(file.path for file in kept)


def _is_packed(files: Collection[File]) -> bool:
    """Whether there is nothing to gain: they are of one packing at most, and of this version."""
    return len({file.name.stem for file in files}) < 2 and all(
        file.name.version == schema.VERSION and file.name.stem.startswith(packing.PACKED) for file in files
    )


def _is_left_behind(connection: duckdb.DuckDBPyConnection, root: Path, file: File) -> bool:
    """Whether a part is what a compaction left that was killed before its rows counted, long ago."""
    if file.kind == "trials" or not file.name.stem.startswith(packing.PACKED):
        return False
    if connection.execute("select 1 from named where path = $path", {"path": file.path}).fetchall():
        return False
    return inventory.age(root / file.path) > LONG_AGO


def _lists(root: Path, kind: str, keys: dict[str, str], files: list[File]) -> None:
    """Plans of a study become one part, and so do splits of a dataset; of images, each list. The views show each row
    once, however many parts hold it.
    """
    groups: dict[str, list[File]] = {}
    for file in files:
        groups.setdefault(file.name.stem if kind == "images" else "", []).append(file)
    for group in groups.values():
        if len(group) < 2 and all(file.name.version == schema.VERSION for file in group):
            continue
        stem = max(file.name.stem for file in group)  # the newest plan's, at which the next writer looks
        with duckdb.connect() as connection:
            rows = f"select distinct {packing.columns(kind, 'l')} from ({snapshot.select(root, kind, group)}) l"
            part = parts.write(root, kind, keys, stem, connection.sql(rows).to_arrow_table())
        _delete(root, [file.path for file in group if file.path != part.path])


def _delete(root: Path, paths: Iterable[str]) -> None:
    # Trials last: as long as they are there, the next compaction knows what else is to be deleted.
    for path in sorted(paths, key=lambda path: path.startswith("trials/")):
        try:
            (root / path).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{root / path} cannot be deleted ({error.strerror or error}); compact again") from None
