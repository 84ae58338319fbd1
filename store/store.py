"""The results store: a folder of Parquet parts that is only ever added to, and SQL views over it.

What it promises: a part is whole or not there; a trial exists once its row in `trials` names its parts; nothing is
changed in place; where a trial ran twice, every view shows the same one run. What it does not promise: locks. Writers
never wait for each other, and two that train the same trial waste time, not truth.
"""

import glob
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from store import parts, schema
from store.errors import StoreError
from store.views import views

MARKER = "store.json"


class Store:
    """A results store in a folder.

    Args:
        root: the folder.
        create: make it a store if it is empty or not there.

    Raises:
        StoreError: it is no store, or one of a later version.
    """

    def __init__(self, root: Path, *, create: bool = False) -> None:
        self.root = root
        marker = root / MARKER
        if create and not marker.exists():
            self._create(marker)
        if not root.is_dir():
            raise StoreError(f"{root}: no results store there; `bench run` makes one, --store names another")
        try:
            version = json.loads(marker.read_text(encoding="utf-8"))["bench_store"]
        except (OSError, ValueError, KeyError, TypeError):
            raise StoreError(f"{root} is no results store (it has no {MARKER}); --store names another folder") from None
        if not isinstance(version, int) or version > schema.VERSION:
            raise StoreError(f"{root} was written by a later version of bench (schema {version}); update bench")

    def _create(self, marker: Path) -> None:
        try:
            require_store_or_empty(self.root)
            self.root.mkdir(parents=True, exist_ok=True)
            # Two runs may start at once; the later rename writes the same words.
            part = marker.with_name(f".{MARKER}-{uuid.uuid4().hex[:8]}")
            part.write_text(json.dumps({"bench_store": schema.VERSION}) + "\n", encoding="utf-8")
            part.replace(marker)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise StoreError(f"{self.root}: cannot be written ({reason}); choose another --store") from None

    def append_trial(
        self,
        trial: Mapping[str, Any],
        predictions: Sequence[Mapping[str, Any]] = (),
        activations: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        """Add one run of a trial: its predictions and activations first, its own row last.

        Args:
            trial: a row of `schema.TRIALS` with `dataset` and `model`; `attempt_id`, `finished_at` and `parts` are
                filled in here.
            predictions: rows of `schema.PREDICTIONS`, without what the trial's row says.
            activations: rows of `schema.ACTIVATIONS`, likewise.

        Returns:
            The attempt's id.
        """
        attempt = uuid.uuid4().hex[:16]
        keys = {"dataset": trial["dataset"], "model": trial["model"]}
        shared = {key: trial[key] for key in ("trial_id", "recipe", "repeat", "fold")} | {"attempt_id": attempt}
        written = [
            parts.write(self.root, kind, keys, attempt, _table(kind, [{**shared, **row} for row in rows]))
            for kind, rows in (("predictions", predictions), ("activations", activations))
            if rows
        ]
        row = {**trial, "attempt_id": attempt, "finished_at": _now(), "parts": [asdict(p) for p in written]}
        parts.write(self.root, "trials", keys, attempt, _table("trials", [row]))
        return attempt

    def append_images(self, dataset: str, dataset_hash: str, images: Iterable[Mapping[str, Any]]) -> None:
        """Publish the list of a dataset's images; the same list twice writes nothing, a later one wins."""
        keys = {"dataset": dataset}
        rows = [{"dataset_hash": dataset_hash, **image} for image in images]
        content = hashlib.sha256(repr([sorted(row.items()) for row in rows]).encode()).hexdigest()[:16]
        name = f"{dataset_hash}-{content}"
        if not (self.root / parts.place("images", keys) / f"{name}.parquet").exists():
            now = _now()
            parts.write(self.root, "images", keys, name, _table("images", [row | {"listed_at": now} for row in rows]))

    def append_plan(self, study: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Record what a run of a study wants; a plan that repeats the newest one writes nothing."""
        content = json.dumps([[row[key] for key in sorted(row)] for row in rows], sort_keys=True)
        plan_id = hashlib.sha256(content.encode()).hexdigest()[:16]
        folder = self.root / parts.place("plans", {"study": study})
        newest = max((path.stem for path in folder.glob("*.parquet")), default="")
        if newest.endswith(plan_id):
            return
        now = _now()
        full = [{**row, "plan_id": plan_id, "planned_at": now} for row in rows]
        name = f"{now:%Y%m%dT%H%M%S%f}-{plan_id}"
        parts.write(self.root, "plans", {"study": study}, name, _table("plans", full))

    def connect(self, *, in_memory: bool = False) -> duckdb.DuckDBPyConnection:
        """A new DuckDB connection with the raw tables and every view.

        Args:
            in_memory: read all parts but the activations once, for many queries; else each query reads what it needs.

        Raises:
            StoreError: a part is damaged.
        """
        with self._reading():
            connection = duckdb.connect()
            for kind in schema.KINDS:
                connection.execute(self._raw(kind, "table" if in_memory and kind != "activations" else "view"))
            for view in views():
                connection.execute(view.sql)
            return connection

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection, self._reading():
            return connection.execute(sql).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            reason = str(error).strip().splitlines()[0]
            raise StoreError(f"{self.root}: a part cannot be read ({reason}); put a sound copy in its place") from None

    def _raw(self, kind: str, made_as: str) -> str:
        keys = schema.PARTITIONS[kind]
        found = "/".join([kind, *(f"{key}=*" for key in keys), "*.parquet"])
        if next(self.root.glob(found), None) is not None:
            files = f"{pattern(self.root)}/{found}".replace("'", "''")
            types = ", ".join(f"'{key}': varchar" for key in keys)
            source = f"read_parquet('{files}', hive_partitioning = true, hive_types = {{{types}}})"
            return f"create {made_as} raw_{kind} as select * from {source}"
        columns = ", ".join(f'"{name}" {_sql_type(kind_)}' for name, kind_ in _fields(kind))
        return f"create table raw_{kind} ({columns})"

    def finished(self) -> tuple[set[str], set[str]]:
        """The ids of the trials that are done, and of those that have only failed."""
        rows = self._rows("select trial_id, status from trials")
        done = {trial for trial, status in rows if status == "done"}
        return done, {trial for trial, _ in rows} - done

    def fingerprint(self) -> str:
        """Twelve hex digits that name what the store holds: the hash of every trial that shows, and its run."""
        rows = self._rows("select trial_id, attempt_id from trials order by 1, 2")
        return hashlib.sha256("\n".join(f"{a} {b}" for a, b in rows).encode()).hexdigest()[:12]

    def check(self) -> list[str]:
        """What is wrong with the parts that trials name: a sentence each, none for a sound store."""
        problems = []
        for path, digest, _ in self._rows("select unnest(parts, recursive := true) from trials"):
            file = self.root / path
            if not file.is_file():
                problems.append(f"{path} is missing, which a trial names")
            elif parts.sha256(file) != digest:
                problems.append(f"{path} was altered after it was written")
        return problems


def require_store_or_empty(root: Path) -> None:
    """Refuse a place in which no store can be, or be made: so that a long run fails before it begins.

    Raises:
        StoreError: it is a file, or a folder that holds other things.
    """
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root} is a file; --store names a folder")
    # Listed first: a run that starts beside this one makes the marker, under another name, before anything else.
    if (
        root.is_dir()
        and any(not path.name.startswith(f".{MARKER}-") for path in root.iterdir())
        and not (root / MARKER).exists()
    ):
        raise StoreError(f"{root} holds other things than results; --store names an empty or new folder")


def pattern(root: Path) -> str:
    """The store's folder for DuckDB's globs, whatever characters its name has."""
    return glob.escape(str(root.resolve()))


def _now() -> datetime:
    """The time in UTC, as the store writes it: without a zone, which every reader would show in its own."""
    return datetime.now(UTC).replace(tzinfo=None)


def _table(kind: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    wanted = schema.KINDS[kind]
    return pa.Table.from_pylist([{name: row.get(name) for name in wanted.names} for row in rows], schema=wanted)


def _fields(kind: str) -> list[tuple[str, pa.DataType]]:
    stored = [(field.name, field.type) for field in schema.KINDS[kind]]
    named = [name for name, _ in stored]
    return stored + [(key, pa.string()) for key in schema.PARTITIONS[kind] if key not in named]


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return _sql_type(kind.value_type) + "[]"
    if pa.types.is_struct(kind):
        return "struct(" + ", ".join(f'"{f.name}" {_sql_type(f.type)}' for f in kind) + ")"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    names = {"string": "varchar", "int16": "smallint", "int32": "integer", "int64": "bigint", "float": "real",
             "double": "double", "binary": "blob"}  # fmt: skip
    return names[str(kind)]
