"""Answering one SELECT over the store's views, and nothing else."""

import difflib
import re
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from store.errors import QueryError
from store.scratch import scratch
from store.snapshot import pattern
from store.store import Store
from store.views import public

if TYPE_CHECKING:
    import pyarrow as pa


ONE_SELECT = "only one SELECT statement is answered; `bench query --schema` lists the tables"
SECONDS = 120.0
GIGABYTES = 2.0
ROWS = 100_000


def query(store: Store, sql: str, *, timeout: float = SECONDS, memory: float = GIGABYTES) -> "pa.Table":
    """The answer to one SELECT statement over the views, in types that every reader of Arrow and Parquet knows.

    No two of its columns share a name (see `one_name_each`). Intervals, and what else has no type in Parquet, are text
    as DuckDB writes it; sums of whole numbers are whole numbers of 64 bits where these suffice.

    The connection cannot leave the store's folder, loads no extension, and its settings are locked. What counts as one
    SELECT, in which nothing is written, is decided by DuckDB itself.

    Args:
        store: the store.
        sql: the statement.
        timeout: seconds after which it is given up.
        memory: gigabytes that the work may take, and the answer too; more work than that goes on in a temporary file,
            where one can be made.

    Raises:
        QueryError: the text is not one SELECT, or DuckDB refuses it (the message is DuckDB's, shortened), or it takes
            more than its time or memory.
    """
    with scratch("query") as folder:

        def ask(connection: duckdb.DuckDBPyConnection) -> "pa.Table":
            return _answer(connection, store.root, sql, folder, timeout, memory)

        try:
            with suppress(duckdb.CatalogException):
                return store.read(ask, sql)
            return store.read(ask)  # a table may be called by a name that no word of the text shows
        except duckdb.OutOfMemoryException:
            raise QueryError(_too_much(memory)) from None
        except duckdb.InterruptException:
            raise QueryError(
                f"the query was given up after {timeout:g} seconds; narrow it, or allow more with --timeout"
            ) from None
        except duckdb.Error as error:
            raise QueryError(_first_line(error)) from None


def _answer(
    connection: duckdb.DuckDBPyConnection, root: Path, sql: str, folder: str, timeout: float, memory: float
) -> "pa.Table":
    try:
        statements = connection.extract_statements(sql)
    except (TypeError, UnicodeError) as error:  # bytes that are no text
        raise QueryError(_first_line(error)) from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError(ONE_SELECT)
    _confine(connection, root, folder, memory)
    alarm = threading.Timer(timeout, connection.interrupt)
    alarm.daemon = True
    alarm.start()
    try:
        if "with" in sql.lower():
            _refuse_writing(connection, sql)
        return _collected(_storable(connection.sql(sql)), time.monotonic() + timeout, memory)
    finally:
        alarm.cancel()
        alarm.join()  # a thread that is left in a library's code when the process ends may take it down


def _collected(relation: duckdb.DuckDBPyRelation, deadline: float, memory: float) -> "pa.Table":
    """The rows as they come, so that an answer without an end is noticed."""
    import pyarrow as pa

    reader = relation.to_arrow_reader(ROWS)
    batches, size = [], 0
    for batch in reader:
        size += batch.nbytes
        if size > memory * 1e9:
            raise QueryError(_too_much(memory))
        if time.monotonic() > deadline:
            raise duckdb.InterruptException
        batches.append(batch)
    table = pa.Table.from_batches(batches, reader.schema)
    for place, field in enumerate(table.schema):
        if field.type == pa.decimal128(38, 0):  # what DuckDB counts and sums in
            with suppress(pa.ArrowInvalid):  # too large for 64 bits: exact rather than handy
                table = table.set_column(place, field.name, table.column(place).cast(pa.int64()))
    return table.rename_columns(one_name_each(table.column_names))


def _storable(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The same answer, with text in the place of values that Parquet has no type for, also within lists and structs."""
    shown = []
    for place, (name, kind) in enumerate(zip(relation.columns, map(str, relation.types), strict=True), 1):
        wanted = "VARCHAR" if "UNION(" in kind else _NOT_IN_PARQUET.sub(lambda found: found[1] or "VARCHAR", kind)
        quoted = '"{}"'.format(name.replace('"', '""'))
        shown.append(f"#{place}" if wanted == kind else f"cast(#{place} as {wanted}) as {quoted}")
    return relation.project(", ".join(shown)) if any("cast" in column for column in shown) else relation


_NOT_IN_PARQUET = re.compile(r"""("(?:[^"]|"")*"|'(?:[^']|'')*')|\b(?:INTERVAL|BIT|BIGNUM|TIME WITH TIME ZONE)\b""")
"""Names of types; what stands in quotes, a field of a struct say, is none."""


def one_name_each(names: Sequence[str]) -> list[str]:
    """Names of columns, no two alike: a later one of a name that was had takes a number, `model`, `model_1`."""
    taken, chosen = set(names), list[str]()
    for name in names:
        new, number = name, 0
        while new in chosen or (number and new in taken):
            number += 1
            new = f"{name}_{number}"
        chosen.append(new)
    return chosen


def _refuse_writing(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """A WITH at the top may hold COPY, INSERT, UPDATE or DELETE: one level down, bound and not run, it fails."""
    try:
        connection.sql("select * from query('{}')".format(sql.replace("'", "''")))
    except duckdb.BinderException as error:
        if "top level" in str(error):
            raise QueryError(ONE_SELECT) from None
        raise


def _confine(connection: duckdb.DuckDBPyConnection, root: Path, folder: str, memory: float) -> None:
    # The folder as it is, and as the views' patterns write it.
    folders = ", ".join("'{}/'".format(name.replace("'", "''")) for name in (str(root.resolve()), pattern(root)))
    connection.execute(f"set memory_limit = '{memory * 1000:.0f}MB'")
    connection.execute("set temp_directory = '{}'".format(folder.replace("'", "''")))
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute("set autoload_known_extensions = false")
    connection.execute(f"set allowed_directories = [{folders}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _too_much(memory: float) -> str:
    return f"the query takes more than {memory:g} GB of memory; narrow it, or allow more with --memory"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    hint = next((line for line in lines[1:] if line.startswith(("Candidate", "Did you mean"))), "")
    if lines and (missing := re.search(r"Table with name (\S+) does not exist", lines[0])):
        # DuckDB knows tables that are none of the user's; and what it says of its own is kept.
        near = difflib.get_close_matches(missing[1], [view.name for view in public()], n=1, cutoff=0.5)
        hint = f'Did you mean "{near[0]}"?' if near else "`bench query --schema` lists the tables"
    return " ".join([lines[0] if lines else type(error).__name__, hint]).strip()
