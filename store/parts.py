"""Parts: Parquet files that are either whole or not there, and whose names tell what their bytes must be.

A part is written under a name that no reader's pattern matches, synced, renamed, and its folders synced. The name it is
given holds its SHA-256, so that a part of any kind can be checked by itself.
"""

import contextlib
import hashlib
import os
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from store import names, schema
from store.errors import StoreError

SUFFIX = ".parquet"
UNFINISHED = ".part"
_NAME = re.compile(r"(?P<stem>.+)\.(?P<digest>[0-9a-f]{32})\.v(?P<version>[0-9]{1,4})\.parquet")


@dataclass(frozen=True)
class Name:
    """What a part's file name says: `digest` is the beginning of its SHA-256, empty in version 1."""

    stem: str
    digest: str
    version: int

    @classmethod
    def of(cls, name: str) -> "Name":
        """Read a file name."""
        found = _NAME.fullmatch(name)
        if found is None:
            return cls(name.removesuffix(SUFFIX), "", 1)
        return cls(found["stem"], found["digest"], int(found["version"]))


@dataclass(frozen=True)
class Part:
    """A part that was written: path below the store, SHA-256 of the file."""

    path: str
    sha256: str


def write(root: Path, kind: str, keys: dict[str, str], stem: str, table: pa.Table) -> Part:
    """Write a table in the kind's schema as one part; see `publish`."""
    if named := names.columns(table.column_names):
        names.require(table.select(named).group_by(named).aggregate([]).to_pylist())
    wanted = schema.KINDS[kind].with_metadata({"bench_schema": str(schema.VERSION)})
    return publish(root, kind, keys, stem, lambda path: pq.write_table(table.cast(wanted), path, compression="zstd"))


def publish(root: Path, kind: str, keys: dict[str, str], stem: str, save: Callable[[Path], object]) -> Part:
    """Let `save` write a Parquet file, and make it a part.

    Args:
        root: the store's folder.
        kind: one of `schema.KINDS`.
        keys: the values of the kind's partitions.
        stem: what the file's name begins with.
        save: writes the file to the path that it is given.

    Raises:
        StoreError: the dataset or model is no name, the folder cannot be written, or the disk is full.
    """
    names.require([keys])
    folder = place(kind, keys)
    unfinished = root / folder / f".{stem}-{uuid.uuid4().hex[:8]}{UNFINISHED}"
    try:
        _make(root, root / folder)
        save(unfinished)
        sync(unfinished)
        digest = sha256(unfinished)
        path = folder / f"{stem}.{digest[:32]}.v{schema.VERSION}{SUFFIX}"
        unfinished.replace(root / path)
        sync(root / folder)
    except BaseException as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        if not isinstance(error, OSError):
            raise
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StoreError(
            f"{root / folder}: a part cannot be written ({reason}); free space or choose another --store"
        ) from None
    return Part(path.as_posix(), digest)


def place(kind: str, keys: dict[str, str]) -> Path:
    """The folder below the store's that holds the parts of a kind with these keys."""
    return Path(kind, *(f"{key}={quote(keys[key], safe=' ')}" for key in schema.PARTITIONS[kind]))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Have a file or folder on the disk before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make(root: Path, folder: Path) -> None:
    """Make a folder and those above it, each of which is then on the disk."""
    if folder.is_dir():
        return
    _make(root, folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)
