"""How a dataset lies on disk, and which files of it are images: folders in, a list of entries out; nothing is decoded.

Three layouts: class folders, of images or of folders of images; class folders in `train`, `test` and `holdout` folders;
files that a manifest lists. `recognising` tells which of them a folder has.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.datasets import manifests, masks
from bench.datasets.cards import Card

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".bmp", ".dib", ".tif", ".tiff"}
)
PARTS = ("train", "training", "val", "valid", "validation", "dev", "eval", "test", "testing", "holdout")
"""Folders that are no classes but parts of a dataset which somebody has split, in the order of their use."""

PICTURES = frozenset(
    {
        ".gif",
        ".webp",
        ".heic",
        ".heif",
        ".avif",
        ".dcm",
        ".dicom",
        ".svs",
        ".ndpi",
        ".mrxs",
        ".scn",
        ".czi",
        ".nd2",
        ".lif",
        ".oib",
        ".oif",
        ".vsi",
        ".jp2",
        ".j2k",
        ".jxl",
        ".npy",
        ".npz",
        ".svg",
        ".nii",
        ".nrrd",
        ".mha",
        ".mhd",
        ".psd",
        ".raw",
        ".ppm",
        ".pgm",
        ".tga",
    }
)
MAGIC = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"GIF8")
"""How files of pictures begin."""


@dataclass(frozen=True)
class Entry:
    """One image file as its layout names it.

    `id` is `<class>/<file name>`, or `<class>/<path>` where several folders may hold one name. `listed` is the path
    from the folder of images where a manifest lists it: no folder is called as its class there. `group` is what a
    manifest says, or the folder between class and file; `part` is the folder of a given split; `held` marks the given
    holdout.
    """

    id: str
    label: str
    path: Path
    group: str | None = None
    part: str = ""
    held: bool = False
    listed: str = ""

    @property
    def name(self) -> str:
        """What people find it by."""
        return self.listed or self.id

    @property
    def names(self) -> tuple[str, ...]:
        """All that a card may call it."""
        return self.id, self.name, self.path.stem


def at_hand(card: Card, folder: Path) -> bool:
    """Whether a folder holds what the card's layout asks for."""
    if card.manifest:
        return (folder / card.manifest).is_file()
    return any(class_folders(folder / part, deep=bool(card.subfolders)) for part in card.parts or ("",))


def entries(card: Card, folder: Path) -> list[Entry]:
    """Every image of a dataset, class by class in order of name, and within a class in order of path.

    Raises:
        BenchError: a line of the manifest names no image.
    """
    found = list(_listed(card, folder) if card.manifest else _walked(card, folder))
    if card.masks == "leave-out":
        dropped = {entry.path for entry in masks.found(found)}
        found = [entry for entry in found if entry.path not in dropped]
    return sorted(found, key=lambda entry: (entry.label, entry.path))


def _listed(card: Card, folder: Path) -> Iterator[Entry]:
    for row in _manifest(card, folder).rows:
        yield Entry(f"{row.label}/{row.path}", row.label, folder / row.path, row.group, held=row.held, listed=row.path)


def _manifest(card: Card, folder: Path) -> manifests.Listed:
    assert card.manifest is not None
    return manifests.read(folder / card.manifest, folder, SUFFIXES, card.columns, card.missing == "leave-out")


def lacking(card: Card, folder: Path) -> list[str]:
    """What lines of the manifest name of which there is no file, where the card has them left out."""
    return _manifest(card, folder).missing if card.missing else []


def _walked(card: Card, folder: Path) -> Iterator[Entry]:
    for part in card.parts or ("",):
        places = class_folders(folder / part, deep=bool(card.subfolders))
        for place in places if part else without_parts(places, card.classes):
            for path in sorted(_images_below(place)) if card.subfolders else image_files(place):
                inside = path.relative_to(place).parts
                group = inside[0] if card.subfolders == "groups" and len(inside) > 1 else None
                if group and not set(masks.words(group)) - masks.PLAIN:
                    group = None  # `images` is nobody's name
                between = f"{part}/" if part else ""
                yield Entry(
                    f"{place.name}/{between}{'/'.join(inside)}", place.name, path, group, part, part == card.holdout
                )


def leftovers(folder: Path, listed: Sequence[Entry], card: Card) -> dict[str, list[str]]:
    """What lies in a folder and is not read: for each reason the paths from the folder, in order."""
    taken = {entry.path for entry in listed} | {entry.path.parent for entry in listed}
    taken.add(folder / (card.manifest or ""))
    left: dict[str, list[str]] = {}
    for path in walk(folder):
        if path not in taken:
            left.setdefault(_reason(path, path.relative_to(folder).parts[0], card), []).append(
                str(path.relative_to(folder))
            )
    if empty := [] if card.manifest else _empty_folders(folder, card):
        left["Empty folders, which are no classes"] = empty
    if lost := lacking(card, folder):
        left["Lines of the table without a file"] = lost
    return {reason: sorted(paths) for reason, paths in left.items()}


def _empty_folders(folder: Path, card: Card) -> list[str]:
    """The folders beside those of classes that hold nothing, at any depth."""
    beside = [place for part in card.parts or ("",) for place in (folder / part).iterdir()]
    return [str(place.relative_to(folder)) for place in beside if is_empty(place)]


def is_empty(place: Path) -> bool:
    """Whether a folder of somebody's holds nothing, at any depth, but what is hidden."""
    if not place.is_dir() or place.is_symlink() or place.name.startswith((".", "__MACOSX")):
        return False
    return all(path.name.startswith(".") for path in walk(place))


def class_folders(folder: Path, *, deep: bool = False) -> list[Path]:
    """The folders in `folder` that hold images, by name; `deep` ones hold them in folders of their own too."""
    if not folder.is_dir():
        return []
    holds: Callable[[Path], object] = (lambda place: next(_images_below(place), None)) if deep else image_files
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".") and holds(p))


def image_files(folder: Path) -> list[Path]:
    """The files right in `folder` that are named as images are, by name."""
    return sorted(p for p in folder.iterdir() if is_image_name(p) and p.is_file())


def is_image_name(path: Path) -> bool:
    """Whether a file is called as an image that can be read."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def without_parts(places: Sequence[Path], classes: Sequence[str] = ()) -> list[Path]:
    """Without folders that are called as the parts of a split are, where two others at least remain.

    `classes` are what the card names; a folder among them is one.
    """
    others = [place for place in places if part_rank(place.name) is None or place.name in classes]
    return others if len(others) > 1 else list(places)


def part_rank(name: str) -> int | None:
    """Where a part of a split stands in the order of use, told by its folder's name: `Test`, `train_set`."""
    found = re.fullmatch(rf"({'|'.join(PARTS)})(?:[-_ ]?(?:set|data|images?|split))?", name.lower())
    return PARTS.index(found[1]) if found else None


def walk(folder: Path) -> Iterator[Path]:
    """All files below, and linked folders, which are not followed, since they may lead round in a circle."""
    for place, folders, names in os.walk(folder, followlinks=False):
        linked = [name for name in folders if Path(place, name).is_symlink()]
        # Hidden folders hold nobody's images.
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        yield from (Path(place, name) for name in [*names, *linked])


def _images_below(folder: Path) -> Iterator[Path]:
    return (path for path in walk(folder) if is_image_name(path) and path.is_file())


def _reason(path: Path, top: str, card: Card) -> str:
    if path.is_symlink() and not path.exists():
        return "Links that lead nowhere or in a circle"
    if path.is_dir():
        return "Linked folders"
    if path.name.startswith("."):
        return "Hidden files"
    if path.suffix.lower() in SUFFIXES:
        return _why_not(path, top, card)
    if path.suffix.lower() in PICTURES:
        return "Pictures of a kind that is not read"
    return "Pictures without the ending of one" if _begins_as_a_picture(path) else "Files that are no images"


def _why_not(path: Path, top: str, card: Card) -> str:
    """Why an image is not part of the dataset, although its name is that of one."""
    if card.masks == "leave-out" and _may_be_mask(path):
        return "Masks"
    if card.manifest:
        return "Images that the manifest does not list"
    if card.parts and top not in card.parts:
        return "Images beside the given split"
    if not card.parts and part_rank(top) is not None and top != path.name:
        return "Folders called as the parts of a split, which are no classes"
    return "Images that are in no class folder"


def _may_be_mask(path: Path) -> bool:
    return bool(masks.WORDS & {word for part in path.parts[-3:] for word in masks.words(part)})


def _begins_as_a_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(MAGIC)
    except OSError:
        return False
