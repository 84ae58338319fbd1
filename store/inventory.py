"""Which parts lie in a store's folder, and which of them are as they were written.

A part is read through once, when it is first met, and compared with the SHA-256 that its name carries. What was seen is
noted in the user's cache folder, with the file's size, times and inode, so that the next reader looks at new files
alone. The note is a convenience: without it everything is read again, and `bench store check` never believes it.
"""

import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet as pq
from platformdirs import user_cache_path

from store import names, parts, schema
from store.errors import StoreError
from store.parts import Name


@dataclass(frozen=True)
class File:
    """A sound part: its kind, path below the store's folder, name, SHA-256 (its first 32 digits) and size in bytes."""

    kind: str
    path: str
    name: Name
    digest: str
    size: int

    @property
    def keys(self) -> dict[str, str]:
        """The values of its partitions, which the names of its folders tell."""
        return _keys(self.path)


@dataclass(frozen=True)
class Inventory:
    """What lies in a store: the sound parts, and those that are left out, each with the reason."""

    files: tuple[File, ...]
    left_out: Mapping[str, str]

    @property
    def misnamed(self) -> dict[str, str]:
        """Those of the left out that are so because of a name which this project does not write."""
        return {path: fault for path, fault in self.left_out.items() if names.RULE in fault}

    def of(self, kind: str) -> list[File]:
        """The sound parts of a kind."""
        return [file for file in self.files if file.kind == kind]


def _keys(path: str) -> dict[str, str]:
    named = (folder.partition("=") for folder in path.split("/")[1:-1])
    return {key: unquote(value) for key, _, value in named}


def take(root: Path, keys: Mapping[str, str] | None = None, *, trust: bool = True) -> Inventory:
    """List the parts of a store.

    Args:
        root: the store's folder.
        keys: values of partitions, such as one dataset's; None for all.
        trust: whether a part that was found sound before, and looks untouched, is sound.

    Raises:
        StoreError: a folder cannot be listed.
    """
    noted = _read_note(root) if trust else {}
    seen: dict[str, list[object]] = {}
    files, left_out = [], {}
    try:
        listed = _stable(root, keys or {})
    except OSError as error:
        raise StoreError(f"{error.filename or root} cannot be read ({error.strerror or error})") from None
    for kind, path, status in listed:
        mark = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = noted.get(path)
        if fault := names.fault([_keys(path)]) or _misplaced(kind, path):
            left_out[path] = fault
            continue
        if known is not None and known[:4] == mark:
            digest, fault = str(known[4]), None
        else:
            digest, fault = _verify(root / path, kind)
        if fault == _GONE:
            continue
        if fault is not None:
            left_out[path] = fault
            continue
        seen[path] = [*mark, digest]
        files.append(File(kind, path, Name.of(path.rpartition("/")[2]), digest, status.st_size))
    if trust and any(noted.get(path) != mark for path, mark in seen.items()):
        _write_note(root, (noted if keys else {}) | seen)
    return Inventory(tuple(files), left_out)


def forget(root: Path) -> None:
    """Have the next reader look at every part again."""
    with suppress(OSError):
        _note(root).unlink()


def listing(root: Path, keys: Mapping[str, str]) -> frozenset[str]:
    """The paths of the parts of some partitions below the store's folder, sound or not."""
    return frozenset(path for _, path, _ in _listing(root, keys))


def age(path: Path) -> float:
    """Seconds since a file was written; 0 if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


Listed = tuple[str, str, os.stat_result]


def _stable(root: Path, keys: Mapping[str, str]) -> list[Listed]:
    """A listing that no compaction ran through: one that lacks nothing of the one before.

    A compaction adds the new part before it deletes what that replaces. A listing may miss both, but then the one
    before has what was deleted.
    """
    before = _listing(root, keys)
    while True:
        now = _listing(root, keys)
        if {path for _, path, _ in before} <= {path for _, path, _ in now}:
            return now
        before = now


def _listing(root: Path, keys: Mapping[str, str]) -> list[Listed]:
    # Trials come first: what they name was written before them, and so is found after them.
    found = []
    for kind in schema.KINDS:
        for folder in [folder for layout in schema.layouts(kind) for folder in _folders(root, kind, layout, keys)]:
            for entry in _entries(root / folder):
                if entry.name.endswith(parts.SUFFIX) and not entry.name.startswith("."):
                    with suppress(FileNotFoundError):
                        found.append((kind, f"{folder}/{entry.name}", _stat(entry)))
    return found


def _folders(root: Path, kind: str, layout: Sequence[str], keys: Mapping[str, str]) -> list[str]:
    """The folders of a kind that are nested as the layout says, below the store's."""
    folders = [kind]
    for key in layout:
        start = f"{key}="
        only = f"{start}{quote(keys[key], safe=' ')}" if key in keys else None
        folders = [
            f"{folder}/{entry.name}"
            for folder in folders
            for entry in _entries(root / folder)
            if entry.is_dir() and (entry.name == only if only else entry.name.startswith(start))
        ]
    return folders


def _misplaced(kind: str, path: str) -> str | None:
    """What is wrong with where a part lies: those of one version lie in the same kind of folder."""
    wanted = schema.partitions(kind, Name.of(path.rpartition("/")[2]).version)
    return None if tuple(_keys(path)) == wanted else "lies in a folder in which this version keeps none of its kind"


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return


def _stat(entry: "os.DirEntry[str]") -> os.stat_result:
    try:
        return entry.stat()
    except FileNotFoundError:
        raise
    except OSError:  # a link that leads to itself, say: it will be found unreadable
        return entry.stat(follow_symlinks=False)


_GONE = "is gone"


def _verify(path: Path, kind: str) -> tuple[str, str | None]:
    """The beginning of a file's SHA-256, and what is wrong with it, if anything is."""
    name = Name.of(path.name)
    try:
        if path.stat().st_size == 0:
            return "", "is empty"
        digest = parts.sha256(path)[:32]
    except FileNotFoundError:
        return "", _GONE
    except OSError as error:
        return "", f"cannot be read ({os.strerror(error.errno) if error.errno else error})"
    if name.version > schema.VERSION:
        return "", f"was written by a later version of bench (schema {name.version}); update bench"
    if name.digest and digest != name.digest:
        return digest, "was altered after it was written"
    if (named := names.columns(schema.stored_in(kind, name.version))) and (fault := _misnamed(path, named)):
        return digest, fault
    if name.digest:
        return digest, None
    # Version 1 has no digest in its names: what can be read, and looks like a part, is one.
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError, ValueError):
        return "", "is no Parquet file, or was cut or altered"
    wanted = {column: schema.KINDS[kind].field(column).type for column in schema.stored_in(kind, 1)}
    strange = [column for column in wanted if column not in table.column_names]
    strange += [c for c in wanted if c not in strange and table.schema.field(c).type != wanted[c]]
    return digest, f"is no part of a store (see its column {strange[0]!r})" if strange else None


def _misnamed(path: Path, named: list[str]) -> str | None:
    """What is wrong with the names in a part whose datasets or models are columns and no folders."""
    try:
        rows = pq.ParquetFile(path).read(columns=named)
        return names.fault(rows.group_by(rows.column_names).aggregate([]).to_pylist())
    except (pa.ArrowException, OSError, ValueError):
        return "is no Parquet file, or was cut or altered"


def cache_folder() -> Path:
    """Where what can be made again is kept: `BENCH_CACHE`, else the user's cache folder."""
    named = os.environ.get("BENCH_CACHE")
    return Path(named) if named else user_cache_path("bench-small-images")


def _note(root: Path) -> Path:
    # The rule of names is part of what was verified: notes from before it are not believed.
    known_as = hashlib.sha256(f"{names.NAME.pattern} {root.resolve()}".encode()).hexdigest()[:16]
    return cache_folder() / "verified" / f"{known_as}.json"


def _read_note(root: Path) -> dict[str, list[object]]:
    try:
        noted = json.loads(_note(root).read_text(encoding="utf-8"))
        return {str(path): mark for path, mark in noted.items() if len(mark) == 5}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write_note(root: Path, marks: Mapping[str, list[object]]) -> None:
    # Who may not write there, or has no room, reads everything again next time.
    note = _note(root)
    part = note.with_name(f"{note.name}-{uuid.uuid4().hex[:8]}")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(marks, separators=(",", ":")), encoding="utf-8")
        part.replace(note)
    except OSError:
        with suppress(OSError):
            part.unlink()
