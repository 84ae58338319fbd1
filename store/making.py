"""Making a folder a store, and telling whether it is one."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store import inventory, parts, schema
from store.errors import StoreError

MARKER = "store.json"


def is_made(root: Path) -> bool:
    """Whether somebody has made this folder a store."""
    return (root / MARKER).exists()


def opened(root: Path, *, create: bool) -> bool:
    """Check that a folder is a store; with `create`, make it one where it is empty or of an earlier version.

    Returns:
        Whether it holds parts of an earlier version, asked only with `create`.

    Raises:
        StoreError: it is no store, or one of a later version, or it lies where it would read as a part of one.
    """
    marker = root / MARKER
    if create and not marker.exists():
        _mark(root)
    if not root.is_dir():
        raise StoreError(f"{root}: no results store there; `bench run` makes one, --store names another")
    try:
        version = json.loads(marker.read_text(encoding="utf-8"))["bench_store"]
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{root} is no results store (it has no {MARKER}); --store names another folder") from None
    if not isinstance(version, int) or version > schema.VERSION:
        raise StoreError(f"{root} was written by a later version of bench (schema {version}); update bench")
    for above in root.resolve().parts:
        if above.partition("=")[0] in {key for keys in schema.PARTITIONS.values() for key in keys} and "=" in above:
            raise StoreError(f"{root} lies in {above!r}, which reads as a part of a store; move it elsewhere")
    if create and version < schema.VERSION:
        _mark(root)
    return create and any(
        parts.Name.of(Path(path).name).version < schema.VERSION for path in inventory.listing(root, {})
    )


def require_store_or_empty(root: Path) -> None:
    """Refuse a place in which no store can be, or be made: so that a long run fails before it begins.

    Raises:
        StoreError: it is a file, or lies in one, or it holds other things; or it is to be made where nothing can be.
    """
    with _said(root):
        if root.exists() and not root.is_dir():
            raise StoreError(f"{root} is a file; --store names a folder")
        above = next(place for place in (root, *root.absolute().parents) if os.path.lexists(place))
        if not above.is_dir():
            raise StoreError(f"{root}: cannot be written ({above} is no folder); choose another --store")
        # Listed first: a run that starts beside this one makes the marker, under another name, before anything else.
        others = any(not path.name.startswith(f".{MARKER}-") for path in root.iterdir()) if root.is_dir() else False
        if others and not is_made(root):
            raise StoreError(f"{root} holds other things than results; --store names an empty or new folder")
        if not others and not os.access(above, os.W_OK | os.X_OK):
            raise StoreError(f"{root}: cannot be written ({above} may not be); choose another --store")


@contextmanager
def _said(root: Path) -> Iterator[None]:
    """What the system says of a folder, in a sentence."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StoreError(f"{root}: cannot be written ({reason}); choose another --store") from None


def _mark(root: Path) -> None:
    with _said(root):
        require_store_or_empty(root)
        root.mkdir(parents=True, exist_ok=True)
        # Two runs may start at once; the later rename writes the same words.
        part = root / f".{MARKER}-{uuid.uuid4().hex[:8]}"
        part.write_text(json.dumps({"bench_store": schema.VERSION}) + "\n", encoding="utf-8")
        parts.sync(part)
        part.replace(root / MARKER)
        parts.sync(root)
