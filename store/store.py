"""The results store: a folder of Parquet parts that is only ever added to, and SQL views over them.

What it promises: a part is whole or not there; a trial exists once its row in `trials` names its parts; nothing is
changed in place; where a trial ran twice, every view shows the same one run; a damaged part costs what it held, and
nothing else. What it does not promise: locks. Runs that share a store tell each other what they train (`store.claims`),
and where that fails they waste time, not truth.
"""

import hashlib
import json
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa

from store import inventory, making, parts, schema, snapshot
from store.errors import StoreError, StoreWarning
from store.inventory import Inventory
from store.rows import ActivationRow, ImageRow, PlaceRow, PlanRow, PredictionRow, TrialRow
from store.schema import Row, table
from store.views import mentioned, views

_NOT_OF_FILES = (
    duckdb.ParserException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.PermissionException,
    duckdb.InterruptException,
    duckdb.OutOfMemoryException,
)
PATIENCE = 30.0
"""Seconds for which a reader tries again where parts come and go, as while one compaction follows another."""
Answer = TypeVar("Answer")
Ended = tuple[TrialRow, Sequence[PredictionRow], Sequence[ActivationRow]]
"""A trial that ended: its row, its predictions, what its network showed."""


class Store:
    """A results store in a folder.

    Args:
        root: the folder.
        create: make it a store if it is empty or not there, and one of this version, with its parts, if it is of an
            earlier one.

    Raises:
        StoreError: it is no store, or one of a later version.
    """

    def __init__(self, root: Path, *, create: bool = False) -> None:
        self.root = root
        if making.opened(root, create=create) and create:
            from store import compaction  # which is made of this module

            compaction.renew(self)

    @classmethod
    def if_made(cls, root: Path) -> "Store | None":
        """The store in a folder, or None where none has been made yet."""
        return cls(root) if making.is_made(root) else None

    # --- Adding

    def append_trial(
        self,
        trial: TrialRow,
        predictions: Sequence[PredictionRow] = (),
        activations: Sequence[ActivationRow] = (),
    ) -> str:
        """Add one run of a trial; see `append_trials`."""
        return self.append_trials([(trial, predictions, activations)])[0]

    def append_trials(self, finished: Sequence[Ended]) -> list[str]:
        """Add runs of trials that ended together: predictions and activations first, their own rows last.

        Args:
            finished: for each trial of one dataset and model its row of `schema.TRIALS` with `dataset` and `model`
                (`attempt_id`, `finished_at` and `parts` are filled in here); its rows of `schema.PREDICTIONS`, without
                what the trial's row says; its rows of `schema.ACTIVATIONS`, likewise.

        Returns:
            The ids of the attempts.
        """
        now, attempts = _now(), [uuid.uuid4().hex[:16] for _ in finished]
        rows: list[Row] = []
        predictions: list[Row] = []
        activations: list[Row] = []
        for (trial, predicted, captured), attempt in zip(finished, attempts, strict=True):
            rows.append({**trial, "attempt_id": attempt, "finished_at": now})
            place = {"recipe": trial["recipe"], "repeat": trial["repeat"], "fold": trial["fold"]}
            shared = {"trial_id": trial["trial_id"], "attempt_id": attempt, **place}
            predictions += [{**shared, **row} for row in predicted]
            activations += [{**shared, "model": trial["model"], **row} for row in captured]
        keys = {"dataset": finished[0][0]["dataset"], "model": finished[0][0]["model"]}
        self.append_attempts(
            keys, table("trials", rows), table("predictions", predictions), table("activations", activations)
        )
        return attempts

    def append_attempts(
        self, keys: dict[str, str], trials: pa.Table, predictions: pa.Table, activations: pa.Table
    ) -> None:
        """Add attempts that are whole but for `parts`: tables in the schemas of the three kinds, for one partition."""
        stem, written = uuid.uuid4().hex[:16], []
        for kind, rows in (("predictions", predictions), ("activations", activations)):
            if rows.num_rows:
                part = parts.write(self.root, kind, keys, stem, rows)
                counts = {c["values"]: c["counts"] for c in rows["attempt_id"].value_counts().to_pylist()}
                written.append((part, counts))
        named = [
            [{"path": part.path, "sha256": part.sha256, "rows": counts[a]} for part, counts in written if a in counts]
            for a in trials["attempt_id"].to_pylist()
        ]
        place = schema.TRIALS.get_field_index("parts")
        trials = trials.set_column(place, schema.TRIALS.field(place), pa.array(named, schema.TRIALS.field(place).type))
        parts.write(self.root, "trials", keys, stem, trials)

    def append_images(self, dataset: str, dataset_hash: str, images: Iterable[ImageRow]) -> None:
        """Publish the list of a dataset's images; the same list twice writes nothing, a later one wins."""
        keys = {"dataset": dataset}
        rows = [{"dataset_hash": dataset_hash, **image} for image in images]
        content = hashlib.sha256(repr([sorted(row.items()) for row in rows]).encode()).hexdigest()[:16]
        stem = f"{dataset_hash}-{content}"
        if stem not in self._stems("images", keys):
            now = _now()
            parts.write(self.root, "images", keys, stem, table("images", [row | {"listed_at": now} for row in rows]))

    def append_splits(self, dataset: str, dataset_hash: str, protocol: str, places: Iterable[PlaceRow]) -> None:
        """Keep how a dataset is split, as in the view `splits`, once: a repeat that is kept is never written over.

        `protocol` is the identity of the protocol and of what must stay together.
        """
        known = {row["repeat"] for row in self.splits(dataset, dataset_hash, protocol)}
        shared = {"dataset_hash": dataset_hash, "protocol": protocol, "drawn_at": _now()}
        if new := [place for place in places if place["repeat"] not in known]:
            stem = f"{protocol}-{min(place['repeat'] for place in new)}-{uuid.uuid4().hex[:8]}"
            rows = [{**place, **shared} for place in new]
            parts.write(self.root, "splits", {"dataset": dataset}, stem, table("splits", rows))

    def splits(self, dataset: str, dataset_hash: str, protocol: str) -> list[PlaceRow]:
        """What `append_splits` has kept: `repeat`, `image_id` and `fold`."""
        keys = {"dataset": dataset}
        view = next(view for view in views() if view.name == "splits")
        ask = "select repeat, image_id, fold from splits where dataset_hash = $hash and protocol = $protocol"

        def once(found: Inventory) -> list[PlaceRow]:
            files = [file for file in found.of("splits") if file.keys == keys]
            with duckdb.connect() as connection:
                connection.execute(f"create view raw_splits as {snapshot.select(self.root, 'splits', files)}")
                connection.execute(view.sql)
                rows = connection.execute(ask, {"hash": dataset_hash, "protocol": protocol}).fetchall()
            return [{"repeat": repeat, "image_id": image, "fold": fold} for repeat, image, fold in rows]

        return self._settled(once, keys)

    def append_plan(self, study: str, rows: Sequence[PlanRow]) -> None:
        """Record what a run of a study wants; a plan that repeats the newest one writes nothing."""
        content = json.dumps([[value for _, value in sorted(row.items())] for row in rows], sort_keys=True)
        plan_id = hashlib.sha256(content.encode()).hexdigest()[:16]
        keys = {"study": study}
        if max(self._stems("plans", keys), default="").endswith(plan_id):
            return
        now = _now()
        full = [{**row, "plan_id": plan_id, "planned_at": now} for row in rows]
        parts.write(self.root, "plans", keys, f"{now:%Y%m%dT%H%M%S%f}-{plan_id}", table("plans", full))

    def _stems(self, kind: str, keys: dict[str, str]) -> set[str]:
        found = inventory.take(self.root, keys).of(kind)
        return {file.name.stem for file in found}

    # --- Reading

    def connect(self, *, in_memory: bool = False) -> duckdb.DuckDBPyConnection:
        """A new DuckDB connection with every view over what the store holds at this moment.

        What is added later does not show; after a compaction, open another.

        Args:
            in_memory: read all parts but the activations once, for many queries; else each query reads what it needs.
                One thread does so and answers, for several add up floats in any order: the same store gives the same
                answers to the last digit.

        Warns:
            StoreWarning: a part is damaged and left out.
        """
        return self._settled(lambda found: self._connect(found, in_memory=in_memory))

    def read(self, ask: Callable[[duckdb.DuckDBPyConnection], Answer], sql: str | None = None) -> Answer:
        """What `ask` answers over a connection. It is asked again where a compaction, or damage that only reading
        brings to light, took a file away meanwhile.

        Args:
            ask: reads what it needs.
            sql: all that it asks. Views that are not mentioned there are not made, which takes half of the time of a
                small question; without it every view is there.
        """

        def once(found: Inventory) -> Answer:
            with self._connect(found, sql) as connection:
                return ask(connection)

        return self._settled(once)

    def finished(
        self,
        keys: Mapping[str, str] | None = None,
        *,
        done_since: datetime | None = None,
        failed_since: datetime | None = None,
    ) -> tuple[set[str], set[str]]:
        """The ids of the trials that are done, and of those that have only failed.

        Args:
            keys: only those of this `dataset` and `model`.
            done_since: count only what was done from this time on, in UTC, without a zone.
            failed_since: and only what failed from this time on.
        """

        def once(found: Inventory) -> list[tuple[str, bool, bool]]:
            with self._loaded(found) as connection:
                return connection.execute(
                    """
                    select trial_id, bool_or(status = 'done' and ($done is null or finished_at >= $done)),
                        bool_or(status != 'done' and ($failed is null or finished_at >= $failed))
                    from attempts group by trial_id
                    """,
                    {"done": done_since, "failed": failed_since},
                ).fetchall()

        rows = self._settled(once, keys)
        done = {trial for trial, finished, _ in rows if finished}
        return done, {trial for trial, _, failed in rows if failed} - done

    def mark(self, keys: Mapping[str, str]) -> object:
        """Compares equal as long as no part of the `dataset` and `model` in `keys` came or went."""
        return inventory.listing(self.root, keys)

    def size(self) -> tuple[int, int]:
        """How many sound parts there are, and their bytes."""
        files = inventory.take(self.root).files
        return len(files), sum(file.size for file in files)

    def fingerprint(self) -> str:
        """Twelve hex digits that name what the store holds: the hash of every trial that shows, and its run."""
        ask = "select trial_id, attempt_id from raw_trials order by 1, 2"
        rows = self.read(lambda connection: connection.execute(ask).fetchall(), ask)
        return hashlib.sha256("\n".join(f"{a} {b}" for a, b in rows).encode()).hexdigest()[:12]

    def _settled(self, once: Callable[[Inventory], Answer], keys: Mapping[str, str] | None = None) -> Answer:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = inventory.take(self.root, keys)
            try:
                return once(found)
            except _NOT_OF_FILES:
                raise
            except duckdb.Error:
                # A file that looked untouched may be damaged: read all of them, and note what is sound now.
                inventory.forget(self.root)
                if inventory.take(self.root, keys) == found:
                    raise
        raise StoreError(f"{self.root}: parts come and go while they are read; try again")

    def _loaded(self, found: Inventory) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        try:
            snapshot.load(connection, self.root, found)
        except BaseException:
            connection.close()
            raise
        faults = {**found.left_out, **snapshot.lost(connection, found)}
        for path, fault in faults.items():
            warnings.warn(StoreWarning(self.root, path, fault), stacklevel=3)
        return connection

    def _connect(self, found: Inventory, sql: str | None = None, in_memory: bool = False) -> duckdb.DuckDBPyConnection:
        connection, (wanted, kinds) = self._loaded(found), mentioned(sql)
        try:
            if in_memory:
                connection.execute("set threads = 1")
            snapshot.expose(connection, self.root, found, kinds, in_memory=in_memory)
            for view in wanted:
                connection.execute(view.sql)
            if not in_memory:
                connection.execute("reset threads")
        except BaseException:
            connection.close()
            raise
        return connection


def _now() -> datetime:
    """The time in UTC, as the store writes it: without a zone, which every reader would show in its own."""
    return datetime.now(UTC).replace(tzinfo=None)
