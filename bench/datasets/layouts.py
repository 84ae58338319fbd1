"""How a dataset lies on disk, and which files of it are images: folders in, a list of entries out; no file is opened.

Three layouts: class folders; class folders in `train`, `test` and `holdout` folders; files that a manifest lists.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.datasets import manifests
from bench.datasets.cards import Card
from bench.errors import BenchError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
PARTS = ("train", "training", "val", "valid", "validation", "test", "testing", "holdout")
"""Folders that are no classes but parts of a dataset which somebody has split."""

PICTURES = frozenset(
    {".gif", ".webp", ".heic", ".avif", ".dcm", ".svs", ".czi", ".nd2", ".lif", ".jp2", ".npy", ".svg"}
)


@dataclass(frozen=True)
class Entry:
    """One image file as its layout names it.

    `id` is `<class>/<file name>`, or `<class>/<path>` where several folders may hold one name. `group` is what a
    manifest says; `part` is the folder of a given split; `held` marks the given holdout.
    """

    id: str
    label: str
    path: Path
    group: str | None = None
    part: str = ""
    held: bool = False


def recognise(folder: Path) -> dict[str, Any]:
    """The fields of a card that say how a folder is laid out: none of them for plain class folders.

    Raises:
        BenchError: nothing in the folder fits, or two manifests do.
    """
    if manifest := manifests.find(folder):
        return {"manifest": manifest.name}
    if class_folders(folder):
        return {}
    inside = [path for path in sorted(folder.iterdir()) if path.name.lower() in PARTS and path.is_dir()]
    parts = [path.name for path in sorted(inside, key=lambda p: PARTS.index(p.name.lower())) if class_folders(path)]
    if not parts:
        raise BenchError(f"{folder}: no images; expected <class>/<file>.png (or .jpg, .bmp, .tif) in it")
    held = [name for name in parts if name.lower() == "holdout" and len(parts) > 1]
    return {"parts": tuple(parts)} | ({"holdout": held[0]} if held else {})


def at_hand(card: Card, folder: Path) -> bool:
    """Whether a folder holds what the card's layout asks for."""
    if card.manifest:
        return (folder / card.manifest).is_file()
    return any(class_folders(folder / part) for part in card.parts or ("",))


def entries(card: Card, folder: Path) -> list[Entry]:
    """Every image of a dataset, class by class in order of name, and within a class in order of path.

    Raises:
        BenchError: a line of the manifest names no image.
    """
    if card.manifest:
        rows = manifests.read(folder / card.manifest, SUFFIXES)
        found = [
            Entry(f"{row.label}/{row.path}", row.label, folder / row.path, row.group, held=row.held) for row in rows
        ]
        return sorted(found, key=lambda entry: (entry.label, entry.path))
    found = []
    for part in card.parts or ("",):
        for place in class_folders(folder / part):
            between = f"{part}/" if part else ""
            found += [
                Entry(f"{place.name}/{between}{path.name}", place.name, path, part=part, held=part == card.holdout)
                for path in image_files(place)
            ]
    return sorted(found, key=lambda entry: (entry.label, entry.path))


def leftovers(folder: Path, listed: list[Entry], card: Card) -> dict[str, list[str]]:
    """What lies in a folder and is not read: for each reason the paths from the folder, in order."""
    taken = {entry.path for entry in listed} | {entry.path.parent for entry in listed}
    taken.add(folder / (card.manifest or ""))
    left: dict[str, list[str]] = {}
    for path in _walked(folder):
        if path not in taken:
            left.setdefault(_reason(path), []).append(str(path.relative_to(folder)))
    return {reason: sorted(paths) for reason, paths in left.items()}


def class_folders(folder: Path) -> list[Path]:
    """The folders in `folder` that hold images, by name."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".") and image_files(p))


def image_files(folder: Path) -> list[Path]:
    """The files right in `folder` that are named as images are, by name."""
    found = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    return sorted(p for p in found if p.is_file())


def _walked(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, followlinks=False):
        # Links are not followed, since they may lead round in a circle; hidden folders hold nobody's images.
        linked = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        yield from (Path(place, name) for name in [*names, *linked])


def _reason(path: Path) -> str:
    if path.is_symlink() and not path.exists():
        return "Links that lead nowhere or in a circle"
    if path.is_dir():
        return "Linked folders"
    if path.name.startswith("."):
        return "Hidden files"
    if path.suffix.lower() in SUFFIXES:
        return "Images that are in no class folder"
    if path.suffix.lower() in PICTURES:
        return "Pictures of a kind that is not read"
    return "Files that are no images"
