"""Packing: attempts that stand in many parts, and what they name, are written into one new part of each partition.

Activations become several where there are many. Nothing is deleted here. The rows of trials are written last; until
then what is new belongs to nobody, and readers go by the old rows. The order of rows, the encoding and the compression
are chosen for size: what is packed is kept.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from store import errors, parts, schema, snapshot
from store.inventory import Inventory

PACKED = "packed"
"""What the names of packed parts begin with. Those that a run writes begin with hex digits, and stand before them."""
ORDER = {
    "trials": "recipe, repeat, fold, trial_id, finished_at, attempt_id",
    "predictions": "recipe, repeat, fold, trial_id, attempt_id, subset, image_id",
    "activations": "model, recipe, trial_id, attempt_id, image_id",
}
TOGETHER = 2**20
"""Bytes of different maps that become one part: a store may lie in Git, which keeps every version of a file whole."""
_FORMAT = "format parquet, parquet_version v2, compression zstd, compression_level 12"
"""Version 2 of the format writes a float's bytes apart, and a value that many rows share once, however long it is."""


def pack(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    found: Inventory,
    kept: Collection[str] = frozenset(),
    to: Path | None = None,
) -> None:
    """Write the attempts in the table `chosen`, and what they name, into new parts.

    Args:
        connection: after `snapshot.load`, with a table `chosen` of some rows of `attempts`. The names that the new rows
            give are added to the table `named`.
        root: the store's folder.
        found: the parts that were loaded.
        kept: the parts of predictions and activations that the new rows name as the old ones do.
        to: the folder below which the new parts lie; None for the store's.

    Raises:
        StoreError: the disk is full, or the folder cannot be written.
    """
    stays = "path in (select unnest($kept::varchar[]))"
    connection.execute(
        "create or replace table packed as "
        f"select n.* exclude (part) from named n semi join chosen using (attempt_id, part) where {stays}",
        {"kept": [*kept]},
    )
    connection.execute(
        "create or replace table moved as select n.attempt_id, n.path, c.dataset, c.model "
        f"from named n join chosen c using (attempt_id, part) where not {stays}",
        {"kept": [*kept]},
    )
    # Names of a later packing stand behind those of earlier ones.
    stem = f"{PACKED}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}"
    work = _Work(connection, root, found, stem, to or root)
    for kind in ("predictions", "activations"):
        for keys in work.partitions(kind):
            work.write_named(kind, keys)
    for keys in work.partitions("trials"):
        work.write_trials(keys)


def only_named_by(connection: duckdb.DuckDBPyConnection, trials: list[str]) -> list[str]:
    """The parts of predictions and activations that rows in these parts of trials name, and no others."""
    rows = connection.execute(
        "select path from named group by path having bool_and(part in (select unnest($trials)))", {"trials": trials}
    ).fetchall()
    return sorted(path for (path,) in rows)


def columns(kind: str, table: str, **replaced: str) -> str:
    """The columns of a kind for a SELECT from a table; SQL that replaces one of them by its name."""
    return ", ".join(f'{replaced[c]} as "{c}"' if c in replaced else f'{table}."{c}"' for c in schema.KINDS[kind].names)


@dataclass(frozen=True)
class _Work:
    connection: duckdb.DuckDBPyConnection
    root: Path
    found: Inventory
    stem: str
    to: Path

    def partitions(self, kind: str) -> list[dict[str, str]]:
        """The partitions of a kind in which the chosen attempts stand."""
        keys = schema.PARTITIONS[kind]
        rows = self.connection.execute(f"select distinct {', '.join(keys)} from chosen order by all").fetchall()
        return [dict(zip(keys, row, strict=True)) for row in rows]

    def write_named(self, kind: str, keys: dict[str, str]) -> None:
        """Write what moves of one partition into one part, of activations into several, and note it in `packed`."""
        self.connection.execute(
            f"""
            create or replace temp table source as
            select attempt_id, min($root || '/' || path) as file, 0 as place from moved
            where path like '{kind}/%' and {_of(keys)} group by attempt_id
            """,
            {"root": str(self.root.resolve()), **keys},
        )
        names = {name for (name,) in self.connection.execute("select distinct file from source").fetchall()}
        files = [file for file in self.found.of(kind) if f"{self.root.resolve()}/{file.path}" in names]
        if not files:
            return
        rows = (
            f"select {columns(kind, 'p')} from ({snapshot.select(self.root, kind, files, filename=True)}) p "
            "semi join source s on s.attempt_id = p.attempt_id and s.file = p.filename"
        )
        if kind == "activations":
            self._apart(rows)
        for (place,) in self.connection.execute("select distinct place from source order by place").fetchall():
            here = partial(self._copy, kind, f"{rows} and s.place = {place}")
            part = parts.publish(self.to, kind, keys, self.stem, here)
            self.connection.execute(
                f"""
                insert into packed by name select attempt_id, $path as path, $sha256 as sha256, count(*) as rows
                from read_parquet('{snapshot.pattern(self.to, part.path).replace("'", "''")}') group by attempt_id
                """,
                {"path": part.path, "sha256": part.sha256},
            )

    def _apart(self, rows: str) -> None:
        """Give the attempts of `source` places of about `TOGETHER` bytes; those whose maps are equal have one place."""
        self.connection.execute(
            f"""
            create or replace temp table source as
            with maps as (
                select attempt_id, md5(string_agg(md5("values"), '' order by image_id)) as maps,
                    sum(64 + coalesce(octet_length("values"), 0)) as size
                from ({rows}) group by attempt_id
            ),
            different as (select maps, max(size) as size from maps group by maps),
            placed as (
                select maps, floor((sum(size) over (order by maps) - size / 2) / $together)::int as place from different
            )
            select s.attempt_id, s.file, p.place
            from source s join maps m using (attempt_id) join placed p on p.maps is not distinct from m.maps
            """,
            {"together": TOGETHER},
        )

    def write_trials(self, keys: dict[str, str]) -> None:
        """Write the chosen rows of one partition, which name what `packed` says."""
        named = """
            coalesce((select list({path: path, sha256: sha256, rows: rows} order by path desc) from packed p
                      where p.attempt_id = t.attempt_id), [])
        """
        rows = f"select {columns('trials', 't', parts=named)} from chosen t where " + " and ".join(
            f"t.{key} = {_quoted(value)}" for key, value in keys.items()
        )
        part = parts.publish(self.to, "trials", keys, self.stem, lambda path: self._copy("trials", rows, path))
        self.connection.execute(
            f"""
            insert into named by name
            select p.*, $part as part from packed p semi join (from chosen where {_of(keys)}) using (attempt_id)
            """,
            {"part": part.path, **keys},
        )

    def _copy(self, kind: str, rows: str, path: Path) -> None:
        try:
            self.connection.execute(
                f"copy ({rows} order by {ORDER[kind]}) to {_quoted(str(path))} "
                f"({_FORMAT}, kv_metadata {{bench_schema: '{schema.VERSION}'}})"
            )
        except duckdb.IOException as error:
            raise OSError(errors.reason(error)) from None


def _of(keys: dict[str, str]) -> str:
    return " and ".join(f"{key} = ${key}" for key in keys)


def _quoted(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
