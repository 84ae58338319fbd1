"""What a reader sees: the sound parts of one moment, as DuckDB's raw tables.

A trial shows once, by one of its attempts, and only if every part that the attempt names is there. What no such attempt
names does not exist. The raw tables hold what shows and nothing else, so that no view has to look twice.
"""

import glob
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from store import schema
from store.inventory import File, Inventory

BEST = "(status = 'done') desc, finished_at desc, attempt_id desc, part desc"
"""Of the attempts of a trial the last finished one shows. One attempt may stand in two parts for a moment, while a
compaction is at work; the later name counts."""

LITTLE = 64 << 20
"""Bytes of trials that one thread reads, as long as the parts are many and small: in half of the time of two threads,
which wait for each other."""


@contextmanager
def _read() -> Iterator[None]:
    """The SQL here is ours. What DuckDB cannot bind in it, or not put into words, is a file that has changed."""
    try:
        yield
    except (duckdb.BinderException, UnicodeDecodeError) as error:
        raise duckdb.InvalidInputException(f"a part cannot be read ({type(error).__name__})") from error


@_read()
def load(connection: duckdb.DuckDBPyConnection, root: Path, found: Inventory) -> None:
    """Make the table `attempts`: every complete attempt of the sound parts, with the file `part` that its row is in;
    and `incomplete`: attempts that name a part which is not there, with the `path` of that part. DuckDB may be left on
    one thread.
    """
    if sum(file.size for file in found.of("trials")) < LITTLE:
        connection.execute("set threads = 1")
    connection.execute("create table sound (path varchar, digest varchar)")
    named = [file for file in found.files if file.kind in ("predictions", "activations")]
    if named:
        rows = "select unnest($paths) as path, unnest($digests) as digest"
        connection.execute(
            f"insert into sound {rows}", {"paths": [f.path for f in named], "digests": [f.digest for f in named]}
        )
    connection.execute(
        f"""
        create table every_attempt as
        select * exclude (filename), filename[{len(str(root.resolve())) + 2}:] as part
        from ({select(root, "trials", found.of("trials"), filename=True)});
        create table named as
        select attempt_id, part, unnest(parts, recursive := true) from every_attempt;
        create table incomplete as
        select attempt_id, part, path from named anti join sound
        on named.path = sound.path and named.sha256[:32] = sound.digest;
        create view attempts as
        select * from every_attempt anti join incomplete using (attempt_id, part);
        """
    )


def lost(connection: duckdb.DuckDBPyConnection, found: Inventory) -> dict[str, str]:
    """Parts that attempts name and that are not among the sound ones, though no damage was seen: path → what is wrong.

    Attempts of which another copy is complete lose nothing.
    """
    rows = connection.execute(
        """
        select path, count(distinct attempt_id), bool_or(path in (select path from sound)) from incomplete
        anti join attempts using (attempt_id) group by path order by path
        """
    ).fetchall()
    return {
        path: f"{'was altered after it was written' if there else 'is missing'}, and {count} trial(s) with it"
        for path, count, there in rows
        if path not in found.left_out
    }


@_read()
def expose(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    found: Inventory,
    kinds: Collection[str] = schema.KINDS.keys(),
    *,
    in_memory: bool,
) -> None:
    """Make the raw tables of what shows, one for each kind.

    Args:
        connection: after `load`.
        root: the store's folder.
        found: the parts that were loaded.
        kinds: those that are made; that of trials always is.
        in_memory: read all but the activations into memory; else each query reads the files that it needs.
    """
    connection.execute(
        f"""
        create table shown as
        select attempt_id, part, trial_id from attempts
        qualify row_number() over (partition by trial_id order by {BEST}) = 1;
        create table raw_trials as
        select * exclude (part) from every_attempt semi join shown using (attempt_id, part);
        create table shown_parts as
        select n.attempt_id, n.path, $root || '/' || n.path as file
        from named n semi join shown using (attempt_id, part);
        """,
        {"root": str(root.resolve())},
    )
    kinds = [kind for kind in kinds if kind != "trials"]
    if not kinds:
        return
    # A part is mixed if it also holds an attempt that does not show, or shows from another part. That of a dataset's
    # activations may hold some that no row names: those of models whose rows come next, or were lost to damage.
    rows = connection.execute(
        """
        select path, bool_or(s.attempt_id is null) from (select distinct attempt_id, path from named) n
        left join shown_parts s using (attempt_id, path) group by path having count(s.attempt_id) > 0
        """
    ).fetchall()
    mixed = {path: more or path.startswith("activations/") for path, more in rows}
    for kind in kinds:
        made_as = "table" if in_memory and kind != "activations" else "view"
        files = found.of(kind)
        if kind in ("predictions", "activations"):
            files = [file for file in files if file.path in mixed]
        clean = [file for file in files if not mixed.get(file.path)]
        source = select(root, kind, clean)
        if rest := [file for file in files if mixed.get(file.path)]:
            guarded = select(root, kind, rest, filename=True)
            source += (
                f" union all by name select g.* exclude (filename) from ({guarded}) g "
                "semi join shown_parts s on s.attempt_id = g.attempt_id and s.file = g.filename"
            )
        connection.execute(f"create {made_as} raw_{kind} as {source}")


def select(root: Path, kind: str, files: Iterable[File], *, filename: bool = False) -> str:
    """A SELECT over parts of one kind, whatever versions they are of; with no files, one that answers no rows."""
    named = {"filename": "varchar"} if filename else {}
    columns = schema.columns(kind) | named
    by_version: dict[int, list[str]] = {}
    for file in files:
        by_version.setdefault(file.name.version, []).append(pattern(root, file.path))
    if not by_version:
        nothing = ", ".join(f'null::{type_} as "{column}"' for column, type_ in columns.items())
        return f"select {nothing} where false"
    return " union all ".join(
        _of_version(kind, version, paths, columns, filename=filename) for version, paths in sorted(by_version.items())
    )


def _of_version(kind: str, version: int, paths: Sequence[str], columns: Mapping[str, str], *, filename: bool) -> str:
    keys = schema.partitions(kind, version)
    held = {*schema.stored_in(kind, version), *keys, *(("filename",) if filename else ())}
    shown = ", ".join(
        f'"{column}"' if column in held else f'null::{type_} as "{column}"' for column, type_ in columns.items()
    )
    files = ", ".join("'{}'".format(path.replace("'", "''")) for path in paths)
    types = ", ".join(f"'{key}': varchar" for key in keys)
    options = f"hive_partitioning = true, hive_types = {{{types}}}, filename = {str(filename).lower()}"
    return f"select {shown} from read_parquet([{files}], {options})"


def pattern(root: Path, path: str = "") -> str:
    """The store's folder, or a file below it, for DuckDB, which reads names as patterns."""
    return glob.escape("/".join([str(root.resolve()), *([path] if path else [])]))
