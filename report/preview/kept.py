"""What of an old site is still true: files by the content that they were made from.

A site lists, in a hidden file, what each of its files was made from (a key that whoever made it chose) and the hash of
its bytes. Where the next site would make a file from the same, the old one is taken as it lies there: unless somebody
has changed it since.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

NAME = ".bench-kept.json"
Keys = Callable[[], Mapping[str, str]]
"""What each file of the new site is made from, by its path in the site; asked once the pages are there."""


def no_keys() -> Mapping[str, str]:
    """Nothing is known of what pages are made from, so all of them are drawn."""
    return {}


@dataclass
class Kept:
    """The files of an old site by their keys, and those of the new one as they come.

    Attributes:
        site: the folder of the old site; there need be none.
        after: what stood at the end of each of its pages, and may have changed without the page.
        taken: the files that were taken from it.
    """

    site: Path
    keys: Keys = no_keys
    after: str = ""
    taken: list[str] = field(default_factory=list)
    _old: dict[str, dict[str, object]] = field(default_factory=dict)
    _new: dict[str, dict[str, object]] = field(default_factory=dict)

    @classmethod
    def of(cls, site: Path, keys: Keys = no_keys) -> "Kept":
        """What a folder lists; nothing where it holds no site, or a list that cannot be read."""
        try:
            listed = json.loads((site / NAME).read_text(encoding="utf-8"))
            after, files = listed["after"], listed["files"]
            sound = isinstance(after, str) and all(isinstance(entry, dict) for entry in files.values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            sound, after, files = False, "", {}
        return cls(site, keys, after if sound else "", [], files if sound else {})

    def bytes_of(self, name: str, key: str) -> bytes | None:
        """A file of the old site that was made from the same, as it was made; else None."""
        entry = self._old.get(name, {})
        if not key or entry.get("key") != key:
            return None
        try:
            content = (self.site / name).read_bytes()
        except OSError:
            return None
        return content if _hash(content) == entry.get("hash") else None

    def page(self, name: str, key: str, after: str) -> tuple[str, list[str]] | None:
        """A page of the old site with the new site's end, and the files that it links to; None where it is to be drawn.

        `after` is what stands at the end of every page now.
        """
        content, end = self.bytes_of(name, key), self.after.strip()
        if content is None:
            return None
        text = content.decode("utf-8")
        if bool(end) != bool(after.strip()) or (end and text.count(end) != 1):
            return None
        links = self._old[name].get("links")
        self.taken.append(name)
        return (text.replace(end, after.strip()) if end else text), list(links) if isinstance(links, list) else []

    def note(self, name: str, key: str, content: bytes, links: Iterable[str] = ()) -> None:
        """Remember a file of the new site, if it is known what it was made from."""
        if key:
            self._new[name] = {"key": key, "hash": _hash(content), "links": sorted(links)}

    def write(self, folder: Path, after: str) -> None:
        """List the files of the new site in its folder, if it is known of any what it was made from."""
        if not self._new:
            return
        listed = {"after": after, "files": dict(sorted(self._new.items()))}
        (folder / NAME).write_text(json.dumps(listed, indent=0) + "\n", encoding="utf-8")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
