"""Answering one SELECT over the store's views, and nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from store.errors import QueryError
from store.store import Store

if TYPE_CHECKING:
    import pyarrow as pa


def query(store: Store, sql: str) -> "pa.Table":
    """The answer to one SELECT statement over the views.

    The connection cannot write, cannot leave the store's folder, and its settings are locked. What counts as one
    SELECT is decided by DuckDB's own parser.

    Raises:
        QueryError: the text is not one SELECT, or DuckDB refuses it; the message is DuckDB's, shortened.
    """
    with store.connect() as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            raise QueryError(_first_line(error)) from None
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise QueryError("only one SELECT statement is answered; `bench query --schema` lists the tables")
        _confine(connection, store.root)
        try:
            return connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(_first_line(error)) from None


def _confine(connection: duckdb.DuckDBPyConnection, root: Path) -> None:
    folder = str(root.resolve()).replace("'", "''") + "/"
    connection.execute(f"set allowed_directories = ['{folder}']")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    hint = next((line for line in lines[1:] if line.startswith(("Candidate", "Did you mean"))), "")
    return " ".join([lines[0] if lines else type(error).__name__, hint]).strip()
