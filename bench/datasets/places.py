"""Where the images of a store's trials were last found, kept in the cache folder, so that the store names no places.

It is a convenience: without it `bench status` needs --data to say whether images changed.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from bench.datasets.loading import Library


def remember(store: Path, library: Library) -> None:
    """Note the data folders that a run into a store used; where nothing can be noted, nothing is."""
    with suppress(OSError):
        note = _note(store, library.cache)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps([str(folder.absolute()) for folder in library.folders]), encoding="utf-8")


def remembered(store: Path, cache: Path) -> tuple[Path, ...]:
    """The data folders that the last run into a store used."""
    try:
        return tuple(map(Path, json.loads(_note(store, cache).read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        return ()


def _note(store: Path, cache: Path) -> Path:
    return cache / "places" / f"{hashlib.sha256(str(store.resolve()).encode()).hexdigest()[:16]}.json"
