"""Answering one SELECT over the store's views, and nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from store.errors import QueryError
from store.store import Store, pattern

if TYPE_CHECKING:
    import pyarrow as pa


ONE_SELECT = "only one SELECT statement is answered; `bench query --schema` lists the tables"


def query(store: Store, sql: str) -> "pa.Table":
    """The answer to one SELECT statement over the views.

    The connection cannot leave the store's folder, and its settings are locked. What counts as one SELECT, in which
    nothing is written, is decided by DuckDB itself.

    Raises:
        QueryError: the text is not one SELECT, or DuckDB refuses it; the message is DuckDB's, shortened.
    """
    with store.connect() as connection:
        try:
            statements = connection.extract_statements(sql)
        except (duckdb.Error, TypeError, UnicodeError) as error:  # the last two: bytes that are no text
            raise QueryError(_first_line(error)) from None
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise QueryError(ONE_SELECT)
        _confine(connection, store.root)
        try:
            if "with" in sql.lower():
                _refuse_writing(connection, sql)
            return connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(_first_line(error)) from None


def _refuse_writing(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """A WITH at the top may hold COPY, INSERT, UPDATE or DELETE: one level down, bound and not run, it fails."""
    try:
        connection.sql("select * from query('{}')".format(sql.replace("'", "''")))
    except duckdb.BinderException as error:
        if "top level" in str(error):
            raise QueryError(ONE_SELECT) from None
        raise


def _confine(connection: duckdb.DuckDBPyConnection, root: Path) -> None:
    # The folder as it is, and as the views' patterns write it.
    folders = ", ".join("'{}/'".format(name.replace("'", "''")) for name in (str(root.resolve()), pattern(root)))
    connection.execute(f"set allowed_directories = [{folders}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    hint = next((line for line in lines[1:] if line.startswith(("Candidate", "Did you mean"))), "")
    return " ".join([lines[0] if lines else type(error).__name__, hint]).strip()
