"""Finding and listing the images of a dataset: files in, one frozen value out. Decoding comes later.

A dataset lies in `<data folder>/<name>/<class>/<file>`, or where its card says. Nothing is copied.
"""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from bench import cache as cache_
from bench.datasets import cards, digests, layouts
from bench.datasets.cards import Card
from bench.datasets.layouts import Entry, class_folders
from bench.datasets.synthetic import generators
from bench.errors import BenchError, UsageError, unknown
from bench.images import PLAIN, Reading, Scale, Seen, decoding, ranges
from bench.study import protocol


@dataclass(frozen=True)
class Image:
    """One image file, with the `id` of its layout; `group` is shared by images that must stay together.

    `held` marks images of a holdout that came with the dataset. `reading` is what its header says, and `scale` what of
    its values become black and white where they are deep.
    """

    id: str
    label: int
    path: Path
    sha256: str
    group: str
    held: bool = False
    reading: Reading = PLAIN
    scale: Scale = None

    @property
    def key(self) -> str:
        """The identity of its pixels: the bytes, and what decoding depends on besides.

        That is the SHA-256 itself where it is decoded as before there were ranges, so that no older trial is stale.
        """
        how = decoding.beyond_bytes(self.reading, self.scale)
        return hashlib.sha256(f"{self.sha256} {how}".encode()).hexdigest() if how else self.sha256


@dataclass(frozen=True)
class Dataset:
    """A dataset whose images are at hand. `classes` is in the card's order, which labels index."""

    card: Card
    classes: tuple[str, ...]
    images: tuple[Image, ...]

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.card.name

    @property
    def labels(self) -> list[int]:
        """(N,) class numbers."""
        return [image.label for image in self.images]

    @property
    def groups(self) -> list[str]:
        """(N,) group names; exact copies of an image share one, and so do images that the card calls the same."""
        sets = _joined([set(map(composed, names)) for names in self.card.same])
        same = {name: f"same {number}" for number, names in enumerate(sets) for name in names}
        groups = protocol.merge_groups([i.group for i in self.images], [i.sha256 for i in self.images])
        keys = []
        for image in self.images:
            names = (composed(name) for name in (image.id, self.called(image.id), image.path.stem))
            keys.append(next((same[name] for name in names if name in same), image.id))
        return protocol.merge_groups(groups, keys)

    @property
    def held(self) -> list[bool] | None:
        """(N,) which images belong to the holdout that came with the dataset; None where none came."""
        marks = [image.held for image in self.images]
        return marks if any(marks) else None

    @property
    def ids(self) -> list[str]:
        """(N,) image ids."""
        return [image.id for image in self.images]

    @cached_property
    def content_hash(self) -> str:
        """The identity of the content: which pixels stand in which class. Titles and groups do not matter."""
        return protocol.fingerprint(sorted((i.id, self.classes[i.label], i.key) for i in self.images))

    @cached_property
    def order_hash(self) -> str:
        """The identity of the list, for caches of arrays in its order; the card's order of classes shapes it."""
        return protocol.fingerprint([i.key for i in self.images])

    def called(self, image_id: str) -> str:
        """What people find an image by, of this dataset or of what it was: where a manifest lists it, its path."""
        labels = sorted(self.classes, key=len, reverse=True) if self.card.manifest else ()
        label = next((label for label in labels if composed(image_id).startswith(f"{composed(label)}/")), None)
        return image_id if label is None else composed(image_id)[len(composed(label)) + 1 :]

    def counts(self) -> dict[str, int]:
        """Images in each class."""
        labels = self.labels
        return {name: labels.count(number) for number, name in enumerate(self.classes)}


@dataclass(frozen=True)
class Library:
    """The datasets within reach: those in the data folders, and the built-in ones, kept in `cache`.

    `notice` is told, in a sentence, of what takes a while. `options` are what names the folders on a command line, with
    a space before, where a command needs to be told.
    """

    folders: tuple[Path, ...]
    cache: Path
    notice: Callable[[str], None] = lambda _: None
    options: str = ""

    def card(self, name: str) -> Card:
        """The card of a dataset: the user's, else ours, else a bare one for a folder of images."""
        for folder in self.folders:
            if (path := folder / f"{name}.toml").is_file():
                return cards.read(path)
        ours = cards.shipped()
        if name in ours:
            return ours[name]
        if any((folder / name).is_dir() for folder in self.folders):
            return Card(cards.check_name(name), title=name)
        places = " or ".join(map(str, self.folders))
        raise UsageError(f"{unknown('dataset', name, {*ours, *self.at_hand()})} (looked in {places})")

    def known(self) -> list[str]:
        """Every dataset that has a card or a folder of images."""
        return sorted({*cards.shipped(), *self._own(), *self.at_hand()})

    def at_hand(self) -> list[str]:
        """Datasets of the data folders whose images are there, in order of name; built-in ones not among them.

        One with a card that cannot be read is among them: whoever asks for it is told what is wrong.
        """
        names = {
            path.name
            for folder in self.folders
            if folder.is_dir()
            for path in folder.iterdir()
            if path.is_dir() and cards.NAME.fullmatch(path.name) and class_folders(path)
        }
        return sorted(names | {name for name in self._own() if self._has_images(name)})

    def image_folder(self, card: Card) -> Path | None:
        """The folder that holds a dataset's class folders, or None where it is not at hand."""
        if card.generator:
            return self.cache / f"{card.name}-v{generators.named(card.generator).version}"
        if card.images:
            places = [folder / card.images for folder in self.folders]  # an absolute path stays as it is
        else:
            places = [folder / card.name for folder in self.folders]
        return next((place for place in places if layouts.at_hand(card, place)), None)

    def load(self, name: str, *, images_per_class: int | None = None) -> Dataset:
        """List and hash a dataset's images, drawing `images_per_class` of each class where there are more.

        Raises:
            UsageError: nobody knows the dataset.
            BenchError: its images are not at hand, or the folder does not fit the card.
        """
        card = self.card(name)
        folder = self.image_folder(card)
        if folder is None:
            places = " or ".join(str(f / (card.images or name)) for f in self.folders)
            if card.manifest:
                raise BenchError(
                    f"dataset {name!r}: no table {card.manifest} in {places}, which its card names under `manifest`"
                )
            lying = next((place / name for place in self.folders if (place / name).is_dir()), None)
            hint = f"; `bench dataset add {name} {lying}{self.options}` says what lies there" if lying else ""
            hint = f"; `bench dataset fetch {name}{self.options}` gets them, or says how" if card.fetch else hint
            raise BenchError(f"dataset {name!r}: no images in {places}; expected <class>/<file>.png there{hint}")
        if card.generator:
            if not folder.is_dir():
                self.notice(f"drawing the images of {name}, once (they are kept in {folder})")
            generators.write(generators.named(card.generator), folder)
        caps = [cap for cap in (card.images_per_class, images_per_class) if cap]
        return listed(card, folder, min(caps, default=None), self.cache)

    def _has_images(self, name: str) -> bool:
        try:
            return self.image_folder(self.card(name)) is not None
        except UsageError:
            return True

    def _own(self) -> list[str]:
        files = (path for folder in self.folders if folder.is_dir() for path in folder.glob("*.toml"))
        return [path.stem for path in files if cards.NAME.fullmatch(path.stem)]


def listed(card: Card, folder: Path, cap: int | None, cache: Path) -> Dataset:
    """The images in `folder`, hashed; of a class with more than `cap`, a draw that depends on names alone.

    Raises:
        BenchError: the folder does not fit the card, or shows fewer than two classes.
    """
    left_out = set(map(composed, card.left_out))
    named = {composed(name): name for name in card.classes}
    of_class: dict[str, list[Entry]] = {}
    for entry in layouts.entries(card, folder):
        if left_out.isdisjoint(map(composed, (entry.id, entry.name))):
            its_class = entry.label if entry.label in card.classes else named.get(composed(entry.label), entry.label)
            of_class.setdefault(its_class, []).append(entry)
    classes = card.classes or tuple(sorted(of_class))
    if missing := [name for name in classes if name not in of_class]:
        raise BenchError(f"{folder}: no images for class {missing[0]!r}, which the card of {card.name!r} names")
    strange = [name for name in of_class if name not in classes]
    if strange and card.manifest:
        raise BenchError(
            f"{folder / card.manifest}: the card of {card.name!r} does not name the class {strange[0]!r}; add it "
            "to the card's classes, or strike its lines out"
        )
    if strange:
        raise BenchError(
            f"{folder}: the card of {card.name!r} does not name the class folder {strange[0]!r}; "
            "add it to the card's classes or move the folder away"
        )
    if len(classes) < 2 and card.manifest:
        raise BenchError(
            f"{folder / card.manifest}: all lines have the label {classes[0]!r}; a dataset needs two at least"
        )
    if len(classes) < 2:
        raise BenchError(f"{folder}: a dataset needs at least two class folders with images, found {len(classes)}")
    chosen: list[tuple[int, Entry]] = []
    for label, name in enumerate(classes):
        of_path = {os.fspath(entry.path): entry for entry in of_class[name]}
        chosen += [(label, of_path[path]) for path in drawn(list(of_path), cap)]
    index = cache / "digests" / f"{card.name}-{protocol.fingerprint(os.fspath(folder.absolute()))}.npy"
    known = digests.read([entry.path for _, entry in chosen], index)
    images = []
    for (label, entry), (digest, reading) in zip(chosen, known, strict=True):
        group = entry.group or group_of(card, entry.path) or entry.id
        images.append(Image(entry.id, label, entry.path, digest, group, entry.held, reading))
    return Dataset(card, classes, tuple(scaled(images, card, cache)))


def scaled(images: Sequence[Image], card: Card, cache: Path) -> list[Image]:
    """Images with the range of their card, where they are deep. Its percentiles are taken of all of them, once."""
    deep = [image for image in images if Reading.DEEP in image.reading]
    scale = card.range
    if scale == ranges.PERCENTILES and deep:
        name = f"{card.name}-{protocol.fingerprint(sorted(image.sha256 for image in deep))}.npy"
        low, high = cache_.kept(cache / "ranges" / name, lambda: _percentiles(deep)).tolist()
        scale = low, high
    return [replace(image, scale=scale) if Reading.DEEP in image.reading else image for image in images]


def _percentiles(images: Sequence[Image]) -> NDArray[np.float64]:
    def seen(image: Image) -> Seen:
        return decoding.opened_deep(image.path, decoding.contents(image.path)).seen()

    with ThreadPoolExecutor() as pool:
        return np.array(ranges.percentiles(list(pool.map(seen, images))))


def _joined(sets: Sequence[set[str]]) -> list[set[str]]:
    """Sets with those that share a member made one."""
    apart: list[set[str]] = []
    for one in sets:
        near = [other for other in apart if other & one]
        apart = [*(other for other in apart if not other & one), one.union(*near)]
    return apart


def composed(name: str) -> str:
    """A name with its accents in one sign each: disks keep them apart or not, and cards and tables travel."""
    return normalize("NFC", name)


def drawn(names: list[str], cap: int | None) -> list[str]:
    """The file names of a class, sorted; where there are more than `cap`, a draw that depends on names alone."""
    if cap is None or len(names) <= cap:
        return sorted(names)
    by_hash = sorted(sorted(names), key=lambda name: hashlib.sha256(f"0:{PurePath(name).stem}".encode()).digest())
    return sorted(by_hash[:cap])


def group_of(card: Card, path: PurePath) -> str | None:
    """The group that the card's rule reads from a file's name, if any."""
    found = re.search(card.groups, path.stem) if card.groups else None
    return found[1] if found else None
