"""Merging: trials that ran on another machine come into this store.

A trial that is done in both stores is compared, and never chosen silently: where the two differ, ours stays, theirs is
left out, and the conflict is reported. The other store is only read. A merge that was cut short is finished by the next
one, and one that finds nothing new writes nothing.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from store import inventory, parts, schema, snapshot
from store.errors import StoreError
from store.inventory import File
from store.scratch import scratch
from store.store import Store

TOLERANCE = 1e-3
"""Two runs of a trial are the same result if no probability differs by more: machines round differently."""
TRIALS, ROWS = 2_000, 1_000_000
"""Trials, and rows of their parts, that are held in memory and written at a time."""
Identity = tuple[str, str, str]
"""Of a plan, a list of images or of splits: its study or dataset, its name, and what it says."""


@dataclass(frozen=True)
class Conflict:
    """A trial that both stores finished with different results.

    `difference` is the largest one between two probabilities; nan where there are none to compare.
    """

    trial_id: str
    dataset: str
    model: str
    recipe: str
    repeat: int
    fold: int
    difference: float
    reason: str


@dataclass(frozen=True)
class Merged:
    """What a merge did.

    added: trials that came in.
    same: trials that brought nothing new: ours has the same run, an equal result, or no less than their failed run.
    conflicts: trials that both finished with different results; ours stayed.
    left_out: damaged parts of the other store, path → what is wrong; their trials did not come in.
    lists: lists that came in, by kind: plans, images, splits.
    """

    added: int
    same: int
    conflicts: tuple[Conflict, ...]
    left_out: Mapping[str, str]
    lists: Mapping[str, int]


def merge(store: Store, other: Store) -> Merged:
    """Bring in what another store has and this one lacks: trials, plans, lists of images and of splits.

    Every part of the other store is compared with its SHA-256 first.

    Args:
        store: the store that is added to.
        other: the store that is read, of this or an earlier version.

    Raises:
        StoreError: both are the same folder, or the other has a dataset or model whose name is none, or this one cannot
            be written, or parts of the other vanish meanwhile.
    """
    if store.root.samefile(other.root):
        raise StoreError(f"{other.root} is the store itself; name the folder of another store")
    found = inventory.take(other.root, trust=False)
    for path, fault in found.misnamed.items():
        raise StoreError(f"{other.root} is not merged: {path!a} {fault}; bench writes no such name, so ask who did")
    attempts, lists = store.read(_known)
    try:
        with scratch("merge") as folder, duckdb.connect() as theirs:
            theirs.execute("set temp_directory = $folder", {"folder": folder})
            theirs.execute("set memory_limit = '2GB'")
            snapshot.load(theirs, other.root, found)
            snapshot.expose(theirs, other.root, found, in_memory=False)
            left_out = {**found.left_out, **snapshot.lost(theirs, found)}
            brought = {
                kind: sum(_bring(theirs, store, other.root, file, lists[kind]) for file in found.of(kind))
                for kind in _LISTS
            }
            _judge(theirs, attempts)
            added = sum(_add(theirs, store, chunk) for chunk in _chunks(theirs, "added"))
            conflicts = tuple(c for chunk in _chunks(theirs, "compared") for c in _conflicts(theirs, store, chunk))
            ((trials,),) = theirs.execute("select count(*) from judged").fetchall()
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"{other.root} cannot be read to its end ({reason}); merge it again to go on") from None
    return Merged(added, trials - added - len(conflicts), conflicts, left_out, brought)


def _known(ours: duckdb.DuckDBPyConnection) -> tuple[pa.Table, dict[str, set[Identity]]]:
    """What a store has: every attempt, and the identities of its plans and other lists."""
    attempts = ours.sql("select trial_id, attempt_id, status, classes from attempts").to_arrow_table()
    return attempts, {kind: set(_lists(ours, kind, f"from raw_{kind}")) for kind in _LISTS}


# --- Trials


def _judge(theirs: duckdb.DuckDBPyConnection, attempts: pa.Table) -> None:
    """Make the table `judged`: each trial that shows in theirs, and whether it is `added`, `same` or to be `compared`.

    The trials of a verdict, dataset and model are cut into chunks of bounded size.
    """
    theirs.register("ours", attempts)
    theirs.execute(
        """
        create table judged as
        with known as (
            select trial_id, bool_or(status = 'done') as done, list(attempt_id) as attempts,
                any_value(classes) filter (status = 'done') as classes
            from ours group by trial_id
        ), judgements as (
            select t.trial_id, t.attempt_id, t.dataset, t.model, t.recipe, t.repeat, t.fold,
                coalesce(list_sum([p.rows for p in t.parts]), 0) as rows,
                k.classes is distinct from t.classes as other_classes,
                case
                    when k.trial_id is null or (t.status = 'done' and not k.done) then 'added'
                    when t.status != 'done' or list_contains(k.attempts, t.attempt_id) then 'same'
                    else 'compared'
                end as verdict
            from raw_trials t left join known k using (trial_id)
        )
        select *, (row_number() over w - 1) // $trials + sum(rows) over w // $rows as chunk
        from judgements
        window w as (
            partition by verdict, dataset, model order by recipe, repeat, fold, trial_id rows unbounded preceding
        )
        """,
        {"trials": TRIALS, "rows": ROWS},
    )
    theirs.unregister("ours")


Chunk = dict[str, Any]
_OF_CHUNK = "verdict = $verdict and dataset = $dataset and model = $model and chunk = $chunk"


def _chunks(theirs: duckdb.DuckDBPyConnection, verdict: str) -> Iterator[Chunk]:
    ask = "select distinct dataset, model, chunk from judged where verdict = $verdict order by all"
    for dataset, model, chunk in theirs.execute(ask, {"verdict": verdict}).fetchall():
        yield {"verdict": verdict, "dataset": dataset, "model": model, "chunk": chunk}


def _rows(theirs: duckdb.DuckDBPyConnection, kind: str, columns: list[str], chunk: Chunk) -> pa.Table:
    """The rows of a chunk's attempts; the filter on dataset and model spares the files of all others."""
    names = ", ".join(f'"{column}"' for column in columns)
    ask = (
        f"select {names} from raw_{kind} where dataset = $dataset and model = $model "
        f"and attempt_id in (select attempt_id from judged where {_OF_CHUNK})"
    )
    return theirs.sql(ask, params=chunk).to_arrow_table()


def _add(theirs: duckdb.DuckDBPyConnection, store: Store, chunk: Chunk) -> int:
    """Add the attempts of a chunk as they are; how many."""
    trials, predictions, activations = (
        _rows(theirs, kind, schema.KINDS[kind].names, chunk) for kind in ("trials", "predictions", "activations")
    )
    keys = {key: chunk[key] for key in schema.PARTITIONS["trials"]}
    store.append_attempts(keys, trials, predictions, activations)
    return int(trials.num_rows)


_COMPARED = ["trial_id", "subset", "image_id", "label", "probabilities"]


def _conflicts(theirs: duckdb.DuckDBPyConnection, store: Store, chunk: Chunk) -> Iterator[Conflict]:
    """Those trials of a chunk whose predictions differ from ours."""
    trials = theirs.execute(f"select trial_id from judged where {_OF_CHUNK}", chunk).fetchall()
    ask = (
        f"select {', '.join(_COMPARED)} from raw_predictions where dataset = $dataset and model = $model "
        "and trial_id in (select unnest($trials))"
    )
    wanted = {"dataset": chunk["dataset"], "model": chunk["model"], "trials": [trial for (trial,) in trials]}
    ours = store.read(lambda connection: connection.sql(ask, params=wanted).to_arrow_table(), ask)
    theirs.register("one", ours)
    theirs.register("two", _rows(theirs, "predictions", _COMPARED, chunk))
    rows = theirs.execute(
        f"""
        with images as (
            select trial_id, one.trial_id is null or two.trial_id is null as lone, one.label != two.label as relabelled,
                case
                    when lone then null
                    when len(one.probabilities) is distinct from len(two.probabilities) then 'nan'::double
                    else list_max([
                        case when p[1] = p[2] then 0 else abs(p[1]::double - p[2]) end
                        for p in list_zip(one.probabilities, two.probabilities)
                    ])
                end as difference
            from one full join two using (trial_id, subset, image_id)
        ), differences as (
            select trial_id, count(*) filter (lone) as lone, count(*) filter (relabelled) as relabelled,
                coalesce(max(difference), 'nan'::double) as difference
            from images group by trial_id
        )
        select j.trial_id, j.recipe, j.repeat, j.fold, coalesce(d.difference, 0), j.other_classes,
            coalesce(d.lone, 0), coalesce(d.relabelled, 0)
        from judged j left join differences d using (trial_id)
        where {_OF_CHUNK} order by j.recipe, j.repeat, j.fold, j.trial_id
        """,
        chunk,
    ).fetchall()
    theirs.unregister("one")
    theirs.unregister("two")
    for trial, recipe, repeat, fold, difference, other_classes, lone, relabelled in rows:
        if reason := _reason(difference, other_classes, lone, relabelled):
            largest = math.nan if other_classes else difference
            yield Conflict(trial, chunk["dataset"], chunk["model"], recipe, repeat, fold, largest, reason)


def _reason(difference: float, other_classes: bool, lone: int, relabelled: int) -> str | None:
    if other_classes:
        return "the classes are not the same, or not in the same order"
    if lone:
        return f"{lone} predictions are of images that only one of the two was asked about"
    if relabelled:
        return f"{relabelled} images have another class in the one than in the other"
    if math.isnan(difference):
        return "the probabilities cannot be compared"
    return f"a probability differs by {difference:.2g}" if difference > TOLERANCE else None


# --- Plans, lists of images and of splits


# Each list with its folder's value, its name, what it says, and its time.
_LISTS = {
    "images": """
        select dataset, dataset_hash, md5(string_agg(distinct image, '' order by image)), listed_at from (
            select *, md5(row(image_id, label, sha256, image_group, md5(thumbnail))::varchar) as image from ({})
        ) group by dataset, dataset_hash, listed_at
        """,
    "splits": """
        select dataset, protocol, md5(string_agg(distinct place, '' order by place)), drawn_at from (
            select *, md5(row(dataset_hash, repeat, image_id, fold)::varchar) as place from ({})
        ) group by dataset, protocol, drawn_at
        """,
    "plans": "select distinct study, plan_id, planned_at::varchar, planned_at from ({})",
}
_NAMED = {
    "images": ("dataset_hash", "listed_at"),
    "splits": ("protocol", "drawn_at"),
    "plans": ("plan_id", "planned_at"),
}


def _lists(connection: duckdb.DuckDBPyConnection, kind: str, rows: str) -> dict[Identity, datetime]:
    """The lists in the rows that a SELECT answers, and when they were made; those of one identity say the same."""
    found = connection.execute(_LISTS[kind].format(rows)).fetchall()
    return {(folder, name, content): at for folder, name, content, at in found}


def _bring(theirs: duckdb.DuckDBPyConnection, store: Store, root: Path, file: File, known: set[Identity]) -> int:
    """Write those lists of a part of theirs that are not known, under the part's name, and know them; how many."""
    rows = snapshot.select(root, file.kind, [file])
    new = {identity: at for identity, at in _lists(theirs, file.kind, rows).items() if identity not in known}
    if new:
        columns = ", ".join(f'"{column}"' for column in schema.KINDS[file.kind].names)
        name, time = _NAMED[file.kind]
        wanted = theirs.sql(
            f"select {columns} from ({rows}) semi join "
            f"(select unnest($names) as {name}, unnest($times) as {time}) using ({name}, {time})",
            params={"names": [name for _, name, _ in new], "times": list(new.values())},
        ).to_arrow_table()
        parts.write(store.root, file.kind, file.keys, file.name.stem, wanted)
        known.update(new)
    return len(new)
