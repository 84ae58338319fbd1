"""Masks that lie among images: pictures of where something is, drawn for segmentation, and of no class.

Names alone tell: a folder `masks`, or `ill_masks` beside `ill`; a file `7_mask.png` beside `7.png`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol as Shape
from typing import TypeVar

WORDS = frozenset(
    {
        "mask",
        "masks",
        "seg",
        "segmentation",
        "segmentations",
        "groundtruth",
        "groundtruths",
        "gt",
        "label",
        "labels",
        "annotation",
        "annotations",
    }
)
PLAIN = frozenset(
    {
        "image",
        "images",
        "img",
        "imgs",
        "im",
        "picture",
        "pictures",
        "photo",
        "photos",
        "raw",
        "original",
        "originals",
        "orig",
        "binary",
        "data",
        "file",
        "files",
    }
)
"""Words that tell nothing of what a picture shows."""


class Named(Shape):
    """What is asked of an image: its class and its file."""

    @property
    def label(self) -> str:
        """The name of its class."""

    @property
    def path(self) -> Path:
        """Its file."""


Entry = TypeVar("Entry", bound=Named)


def found(entries: Sequence[Entry]) -> list[Entry]:
    """Those of some images that are named as masks of others are."""
    labels = {entry.label for entry in entries}
    whole = {label for label in labels if is_folder(label, labels - {label})}
    folders = {entry.path.parent for entry in entries}
    below = {folder for folder in folders if is_folder(folder.name, ())}
    of_files = _files([entry.path for entry in entries if entry.label not in whole])
    return [entry for entry in entries if entry.label in whole or entry.path.parent in below or entry.path in of_files]


def is_folder(name: str, others: Iterable[str]) -> bool:
    """Whether a folder is called as one of masks is; `others` lie beside it."""
    all_of_it = words(name)
    rest = [word for word in all_of_it if word not in WORDS - {"seg"}]  # a neutrophil may be `seg`, a segmented one
    if len(rest) == len(all_of_it):
        return False
    return not set(rest) - PLAIN or any(rest == words(other) for other in others)


def _files(paths: Sequence[Path]) -> set[Path]:
    """Files named as masks of other files of their folder are; where most have one, also those that lost theirs."""
    beside: dict[Path, set[tuple[str, ...]]] = {}
    marked: list[tuple[Path, list[str], int]] = []
    for path in paths:
        name = words(path.stem)
        at = next((place for place, word in enumerate(name) if word in WORDS), None)
        if at is None:
            beside.setdefault(path.parent, set()).add(_bare(name))
        else:
            marked.append((path, name, at))
    paired = {
        path
        for path, name, at in marked
        if {_bare(name[:at]), _bare(name[:at] + name[at + 1 :])} & (beside.get(path.parent, set()) - {()})
    }
    folders, all_marked = Counter(path.parent for path in paired), Counter(path.parent for path, *_ in marked)
    return {path for path, *_ in marked if path in paired or 2 * folders[path.parent] > all_marked[path.parent]}


def _bare(name: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in name if word not in PLAIN)


def words(name: str) -> list[str]:
    """The words of a name: `ISIC_0012_Segmentation` → isic, 0012, segmentation; `ground truth` is one word here."""
    found = re.findall(r"[^\W\d_]+|\d+", name.lower())
    return re.sub(r"ground (truths?)\b", r"ground\1", " ".join(found)).split()
