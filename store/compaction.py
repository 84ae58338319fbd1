"""Compaction: many small parts become one sorted part for each dataset and model.

The new parts are written beside the old ones. The new part of trials, which names the new parts of predictions, is
renamed last: from that moment on its rows count and the old ones are superseded; then the old files are deleted. A kill
leaves either the old state or the new one with some old files beside it, which readers do not see and the next
compaction deletes; new files that no row names yet are deleted after an hour. Parts that are already large, and of this
version, are left as they are.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from store import errors, inventory, parts, schema, snapshot
from store.claims import Claims
from store.errors import StoreError
from store.inventory import File, Inventory
from store.scratch import scratch
from store.store import Store

PACKED = "packed"
LISTS = ("images", "plans", "splits")
LARGE = 256 * 2**20
"""Bytes from which on a part is left alone."""
LONG_AGO = 3600.0
"""Seconds after which nobody is about to name a part that nobody names."""
ORDER = {
    "trials": "recipe, repeat, fold, trial_id, finished_at, attempt_id",
    "predictions": "recipe, repeat, fold, trial_id, attempt_id, subset, image_id",
    "activations": "recipe, trial_id, attempt_id, image_id",
}


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
    """What is packed together with a part: a kind of lists, or trials with all that they name; and its partition."""
    return (file.kind if file.kind in LISTS else "trials"), tuple(file.keys.items())


def _pack_folder(root: Path, kind: str, keys: dict[str, str], found: Inventory) -> None:
    if kind == "trials":
        _trials(root, keys)
    else:
        _lists(root, kind, keys, [file for file in found.of(kind) if file.keys == keys])


def _trials(root: Path, keys: dict[str, str]) -> None:
    found = inventory.take(root, keys, trust=False)
    with scratch("compact") as folder, duckdb.connect() as connection:
        connection.execute("set temp_directory = $folder", {"folder": folder})
        connection.execute("set memory_limit = '2GB'")
        snapshot.load(connection, root, found)
        useless, small = _sorted_out(connection, found)
        files = {file.path: file for file in found.files}
        named = only_named_by(connection, small)
        old = [files[path] for path in small + named if path in files]
        if len(small) < 2 and all(file.name.version == schema.VERSION for file in old):
            small = []
        else:
            connection.execute(
                "create table chosen as select * from attempts semi join copies using (attempt_id, part) "
                "where part in (select unnest($parts))",
                {"parts": small},
            )
            pack(connection, root, keys, found)
        gone = useless + small
        left = [file.path for file in found.files if _is_left_behind(connection, root, file)]
        _delete(root, [*gone, *only_named_by(connection, gone), *left])


def _sorted_out(connection: duckdb.DuckDBPyConnection, found: Inventory) -> tuple[list[str], list[str]]:
    """The parts of trials whose every row counts from another part, and the small ones that can be packed.

    A part with a row that names what is not there is neither: it is for `bench store check --repair`.
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
    return sorted(p for p, useless in rows if useless), sorted(
        p for p, useless in rows if not useless and p not in kept
    )


def only_named_by(connection: duckdb.DuckDBPyConnection, trials: list[str]) -> list[str]:
    """The parts of predictions and activations that rows in these parts of trials name, and no others."""
    rows = connection.execute(
        "select path from named group by path having bool_and(part in (select unnest($trials)))", {"trials": trials}
    ).fetchall()
    return sorted(path for (path,) in rows)


def _is_left_behind(connection: duckdb.DuckDBPyConnection, root: Path, file: File) -> bool:
    """Whether a part is what a compaction left that was killed before its rows counted, long ago."""
    if file.kind == "trials" or not file.name.stem.startswith(PACKED):
        return False
    if connection.execute("select 1 from named where path = $path", {"path": file.path}).fetchall():
        return False
    return inventory.age(root / file.path) > LONG_AGO


def pack(connection: duckdb.DuckDBPyConnection, root: Path, keys: dict[str, str], found: Inventory) -> None:
    """Write the attempts in the table `chosen`, and what they name, into new parts of one partition."""
    # Names of a later compaction stand behind those of earlier ones, and behind those of a run, which are hex digits.
    stem = f"{PACKED}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}"
    connection.execute("create or replace table packed (attempt_id varchar, path varchar, sha256 varchar, rows bigint)")
    for kind in ("predictions", "activations"):
        _pack_kind(connection, root, keys, found, kind, stem)
    named = """
        coalesce((select list({path: path, sha256: sha256, rows: rows} order by path desc) from packed p
                  where p.attempt_id = t.attempt_id), [])
    """
    rows = f"select {_columns('trials', 't', parts=named)} from chosen t"
    parts.publish(root, "trials", keys, stem, lambda path: _copy(connection, "trials", rows, path))


def _pack_kind(
    connection: duckdb.DuckDBPyConnection, root: Path, keys: dict[str, str], found: Inventory, kind: str, stem: str
) -> None:
    """Write what the chosen rows name of one kind into one part, and note it in `packed`."""
    connection.execute(
        f"""
        create or replace temp table source as
        select attempt_id, min($root || '/' || path) as file
        from named semi join chosen using (attempt_id, part)
        where path like '{kind}/%' group by attempt_id
        """,
        {"root": str(root.resolve())},
    )
    names = {name for (name,) in connection.execute("select distinct file from source").fetchall()}
    files = [file for file in found.of(kind) if f"{root.resolve()}/{file.path}" in names]
    if not files:
        return
    rows = (
        f"select {_columns(kind, 'p')} from ({snapshot.select(root, kind, files, filename=True)}) p "
        "semi join source s on s.attempt_id = p.attempt_id and s.file = p.filename"
    )
    part = parts.publish(root, kind, keys, stem, lambda path: _copy(connection, kind, rows, path))
    connection.execute(
        f"""
        insert into packed select attempt_id, $path, $sha256, count(*)
        from read_parquet('{snapshot.pattern(root, part.path).replace("'", "''")}') group by attempt_id
        """,
        {"path": part.path, "sha256": part.sha256},
    )


def _columns(kind: str, table: str, **replaced: str) -> str:
    return ", ".join(f'{replaced[c]} as "{c}"' if c in replaced else f'{table}."{c}"' for c in schema.KINDS[kind].names)


def _copy(connection: duckdb.DuckDBPyConnection, kind: str, rows: str, path: Path) -> None:
    target = str(path).replace("'", "''")
    try:
        connection.execute(
            f"copy ({rows} order by {ORDER[kind]}) to '{target}' "
            f"(format parquet, compression zstd, kv_metadata {{bench_schema: '{schema.VERSION}'}})"
        )
    except duckdb.IOException as error:
        raise OSError(errors.reason(error)) from None


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
            rows = f"select distinct {_columns(kind, 'l')} from ({snapshot.select(root, kind, group)}) l"
            part = parts.write(root, kind, keys, stem, connection.sql(rows).to_arrow_table())
        _delete(root, [file.path for file in group if file.path != part.path])


def _delete(root: Path, paths: Iterable[str]) -> None:
    # Trials last: as long as they are there, the next compaction knows what else is to be deleted.
    for path in sorted(paths, key=lambda path: path.startswith("trials/")):
        try:
            (root / path).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{root / path} cannot be deleted ({error.strerror or error}); compact again") from None
