"""Where a dataset's images come from: the table `[fetch]` of its card."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import UsageError

ARRANGEMENTS = ("class folders", "fields", "crops", "counted")
"""How archives become class folders; `arranging` holds a function for each."""


@dataclass(frozen=True)
class Archive:
    """One zip or tar file: its name in the folder of archives, addresses to try in order, its SHA-256 where known.

    Without an address somebody has to put the file there: a login is needed.
    """

    file: str
    urls: tuple[str, ...] = ()
    sha256: str | None = None


@dataclass(frozen=True)
class Source:
    """What `bench dataset fetch` does for a dataset.

    `steps` are printed where an archive cannot be had automatically; `{archives}` and `{images}` in them stand for the
    folders where archives and images go. `count` names the objects that the arrangement `counted` counts.
    """

    arrangement: str = "class folders"
    archives: tuple[Archive, ...] = ()
    steps: tuple[str, ...] = ()
    count: tuple[str, ...] = ()


def parse(values: Mapping[str, Any], where: str) -> Source:
    """A source from the table's values; `where` names the card in errors.

    Raises:
        UsageError: a field is unknown or of the wrong kind.
    """
    known = {"arrangement": str, "archives": list, "steps": list, "count": list}
    _check(values, known, f"{where}: fetch")
    arrangement = values.get("arrangement", "class folders")
    if arrangement not in ARRANGEMENTS:
        raise UsageError(f"{where}: fetch.arrangement must be one of {', '.join(ARRANGEMENTS)}, not {arrangement!r}")
    archives = []
    for item in values.get("archives", []):
        _check(item, {"file": str, "urls": list, "sha256": str}, f"{where}: fetch.archives")
        name = item.get("file", "")
        if not name or name.startswith(".") or not set(name).isdisjoint("/\\:"):
            raise UsageError(f"{where}: fetch.archives needs `file`, a name without a folder, not {name!r}")
        archives.append(Archive(name, tuple(item.get("urls", ())), item.get("sha256")))
    return Source(arrangement, tuple(archives), tuple(values.get("steps", ())), tuple(values.get("count", ())))


def _check(values: object, known: Mapping[str, type], where: str) -> None:
    if not isinstance(values, Mapping):
        raise UsageError(f"{where} must be a table, not {values!r}")
    for key, value in values.items():
        if key not in known:
            raise UsageError(f"{where}: unknown field {key!r}; known: {', '.join(known)}")
        if type(value) is not known[key]:
            kind = "words in quotes" if known[key] is str else "a list"
            raise UsageError(f"{where}: {key} must be {kind}, not {value!r}")
        if type(value) is list and key != "archives" and (wrong := [item for item in value if type(item) is not str]):
            raise UsageError(f"{where}: {key} must hold texts, not {wrong[0]!r}")
