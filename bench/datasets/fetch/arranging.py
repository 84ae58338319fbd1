"""From the files of a dataset's archives to its class folders, one function for each arrangement.

Each yields a class, a file name and the file's bytes. `published` maps the image ids (`<class>/<file name>`) of the
published results to SHA-256; it may be empty.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bench.datasets import Card, layouts, loading
from bench.datasets.fetch import annotations
from bench.datasets.fetch.archives import Files
from bench.errors import BenchError

if TYPE_CHECKING:
    from PIL import Image

Placed = Iterator[tuple[str, str, bytes]]

BARS, BLACK = 30, 8
"""A reticulocyte image has bars if the outermost rows, so many, are on average darker than this (of 255).

The 566 images of the published results have bars of 45 rows or more, and 4.1 at most.
"""


def class_folders(files: Files, card: Card, published: Mapping[str, str], count: Sequence[str]) -> Placed:
    """Images that lie in a folder named as a class; of a class with more than the card wants, those published.

    Where no published list is at hand, as many are loading.drawn as `bench` draws by itself, by their names alone.
    """
    found = {(path.parent.name, path.name): files[str(path)] for path in _images(files)}
    for label in card.classes:
        names = [name for folder, name in found if folder == label]
        if card.images_per_class is not None and len(names) > card.images_per_class:
            listed = [name for name in names if f"{label}/{name}" in published]
            names = listed or loading.drawn(names, card.images_per_class)
        for name in names:
            yield label, name, found[label, name]()


def fields(files: Files, card: Card, published: Mapping[str, str], count: Sequence[str]) -> Placed:
    """BCCD's pictures, of the classes that the published results give them: BCCD itself does not name any."""
    classes = _published_classes(card, published)
    for path in _images(files):
        if path.stem in classes:
            yield classes[path.stem], path.name, files[str(path)]()


def crops(files: Files, card: Card, published: Mapping[str, str], count: Sequence[str]) -> Placed:
    """BCCD's pictures cut at the box of the white cell, as PNG; only pictures with exactly one such box.

    The pixels are those of the published results. The bytes of a PNG also depend on the zlib that packs them.
    """
    classes = _published_classes(card, published)
    labels = _labels(files)
    for path in _images(files):
        if path.stem not in classes or path.stem not in labels:
            continue
        boxes = [o.box for o in annotations.objects(labels[path.stem](), f"{path.stem}.xml") if o.name == "WBC"]
        if len(boxes) == 1:
            packed = BytesIO()
            _decoded(files[str(path)](), path.name).convert("RGB").crop(boxes[0]).save(packed, "PNG")
            yield classes[path.stem], f"{path.stem}.png", packed.getvalue()


def counted(files: Files, card: Card, published: Mapping[str, str], count: Sequence[str]) -> Placed:
    """Images sorted by how many objects their annotations name: the k-th class holds k, the last one as many or more.

    Without `count`, images and classes are those of the published results; where no list of these is at hand, the
    card's own names are counted in all images with black bars above and below.
    """
    classes = {} if count else _classes(published)
    kept = {PurePosixPath(image_id).stem for image_id in published}
    names = frozenset(count or (card.fetch.count if card.fetch else ()))
    labels = _labels(files)
    for path in _images(files):
        if path.stem in classes:
            yield classes[path.stem], path.name, files[str(path)]()
        elif not classes and path.stem in labels and (not kept or path.stem in kept):
            found = annotations.objects(labels[path.stem](), f"{path.stem}.xml")
            number = sum(one.name in names for one in found)
            content = files[str(path)]()
            if number and (kept or _has_bars(content, path.name)):
                yield card.classes[min(number, len(card.classes)) - 1], path.name, content


FUNCTIONS: dict[str, Callable[[Files, Card, Mapping[str, str], Sequence[str]], Placed]] = {
    "class folders": class_folders,
    "fields": fields,
    "crops": crops,
    "counted": counted,
}


def _images(files: Files) -> list[PurePosixPath]:
    return [path for path in map(PurePosixPath, files) if path.suffix.lower() in layouts.SUFFIXES]


def _labels(files: Files) -> dict[str, Callable[[], bytes]]:
    return {path.stem: files[str(path)] for path in map(PurePosixPath, files) if path.suffix.lower() == ".xml"}


def _classes(published: Mapping[str, str]) -> dict[str, str]:
    return {path.stem: path.parent.name for path in map(PurePosixPath, published)}


def _published_classes(card: Card, published: Mapping[str, str]) -> dict[str, str]:
    if not published:
        raise BenchError(
            f"the source of {card.name} does not say which class an image belongs to, the published results do; "
            "name them with --store (they lie in `results` of this project)"
        )
    return _classes(published)


def _has_bars(content: bytes, name: str) -> bool:
    import numpy as np

    rows = np.asarray(_decoded(content, name).convert("L"))
    return bool(max(rows[:BARS].mean(), rows[-BARS:].mean()) < BLACK)


def _decoded(content: bytes, name: str) -> "Image.Image":
    from PIL import Image

    try:
        image = Image.open(BytesIO(content))
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BenchError(f"{name} in the archive cannot be read as an image ({error})") from None
    return image
