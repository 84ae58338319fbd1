"""Parts: Parquet files that are either whole or not there.

A part is written under a name that no reader's pattern matches, synced, renamed, and its folder synced.
"""

import contextlib
import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from store import schema
from store.errors import StoreError


@dataclass(frozen=True)
class Part:
    """A part as a trial's row names it: path below the store, SHA-256 of the file, rows."""

    path: str
    sha256: str
    rows: int


def write(root: Path, kind: str, keys: dict[str, str], name: str, table: pa.Table) -> Part:
    """Write one part.

    Args:
        root: the store's folder.
        kind: one of `schema.KINDS`.
        keys: the values of the kind's partitions, in their order.
        name: the file's name without its ending.
        table: rows in the kind's schema.

    Raises:
        StoreError: the folder cannot be written, or the disk is full.
    """
    path = place(kind, keys) / f"{name}.parquet"
    wanted = schema.KINDS[kind].with_metadata({"bench_schema": str(schema.VERSION)})
    part = root / path.parent / f".{name}-{uuid.uuid4().hex[:8]}.part"
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.cast(wanted), part, compression="zstd")
        _sync(part)
        digest = sha256(part)
        part.replace(root / path)
        _sync(part.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StoreError(f"{root / path}: cannot be written ({reason}); free space or choose another --store") from None
    return Part(path.as_posix(), digest, table.num_rows)


def place(kind: str, keys: dict[str, str]) -> Path:
    """The folder below the store's that holds the parts of a kind with these keys."""
    return Path(kind, *(f"{key}={quote(keys[key], safe=' ')}" for key in schema.PARTITIONS[kind]))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
