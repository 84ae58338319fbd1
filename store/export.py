"""Export: what the views show, as one file for others.

The file is whole or not there: it is written beside the target under another name, synced and renamed. A file that
stood there before stays as it was if anything fails.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from store import errors, parts, schema
from store.errors import StoreError
from store.scratch import scratch
from store.store import Store
from store.views import View, public

DATABASES = (".duckdb", ".db")
FORMATS = {".parquet": "format parquet, compression zstd", ".csv": "format csv, header true"}
TABLE = "predictions"
STORAGE = "v1.2.0"
"""The first version of DuckDB that can read the databases."""


def export(store: Store, path: Path, table: str | None = None) -> list[str]:
    """Write the public tables to one file; its suffix says how.

    Args:
        store: the store.
        path: `.duckdb` or `.db` holds every table, with its documentation as comments; `.parquet` and `.csv` hold one.
            In CSV a list is written as DuckDB writes it.
        table: only this one. Where the file holds one alone and none is named, `predictions`.

    Returns:
        The names of the tables.

    Raises:
        StoreError: there is no such table or kind of file, or the file cannot be written there.
    """
    suffix = path.suffix.lower()
    if suffix not in (*DATABASES, *FORMATS):
        raise StoreError(f"{path}: its name does not say what to write; let it end in .duckdb, .parquet or .csv")
    _require_place(store, path)
    wanted = table or (TABLE if suffix in FORMATS else None)

    def write(connection: duckdb.DuckDBPyConnection) -> list[str]:
        _discard(unfinished)  # where the store asks again
        connection.execute("set temp_directory = $folder", {"folder": folder})
        connection.execute("set memory_limit = '2GB'")
        views = _views(connection, wanted)
        if suffix in FORMATS:
            connection.execute(f"copy (from {views[0].name}) to {_text(str(unfinished))} ({FORMATS[suffix]})")
        else:
            _fill(connection, unfinished, views)
        return [view.name for view in views]

    with _whole(path) as unfinished, scratch("export") as folder:
        return store.read(write)


def _require_place(store: Store, path: Path) -> None:
    folder = path.parent.resolve()
    if not folder.is_dir():
        raise StoreError(f"{path.parent} is no folder; make it, or name another file")
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file")
    if any(folder.is_relative_to((store.root / kind).resolve()) for kind in schema.KINDS):
        raise StoreError(f"{path} would lie among the parts of {store.root}; name a file elsewhere")
    if _log(path).exists():  # it would be played back into the new database
        raise StoreError(f"{path} is open elsewhere, or was not closed (see {_log(path).name}); name another file")


def _views(connection: duckdb.DuckDBPyConnection, wanted: str | None) -> list[View]:
    """The public tables that can be had as they are; of these the one that is wanted."""
    made = connection.execute("select view_name from duckdb_views() where not internal").fetchall()
    views = [view for view in public() if (view.name,) in made]
    if wanted is None:
        return views
    if wanted not in [view.name for view in views]:
        raise StoreError(f"there is no table {wanted!r} to export; name one of {', '.join(v.name for v in views)}")
    return [view for view in views if view.name == wanted]


def _fill(connection: duckdb.DuckDBPyConnection, path: Path, views: list[View]) -> None:
    """Make a database with the views as tables."""
    connection.execute(f"attach {_text(str(path))} as exported (storage_version '{STORAGE}')")
    for view in views:
        name = f"exported.main.{view.name}"
        connection.execute(f"create table {name} as from {view.name}")
        connection.execute(f"comment on table {name} is {_text(view.about)}")
        for column, about in view.columns.items():
            connection.execute(f'comment on column {name}."{column}" is {_text(about)}')
    connection.execute("detach exported")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A name beside a file, which is put in its place if all goes well."""
    unfinished = path.parent.resolve() / f".{path.name}-{uuid.uuid4().hex[:8]}{parts.UNFINISHED}"
    try:
        yield unfinished
        parts.sync(unfinished)
        unfinished.replace(path)
        parts.sync(path.parent)
    except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:
        reason = errors.reason(error)
        raise StoreError(f"{path}: cannot be written ({reason}); free space or choose another place") from None
    finally:
        with suppress(OSError):
            _discard(unfinished)


def _log(path: Path) -> Path:
    """The file in which DuckDB notes what is not in a database yet."""
    return path.with_name(f"{path.name}.wal")


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)
    _log(path).unlink(missing_ok=True)


def _text(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
