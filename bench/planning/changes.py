"""What changed between the images of the trials that are in the store and those at hand, file by file."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from store import Store, query

if TYPE_CHECKING:
    from bench.datasets import Dataset, Library

SHOWN = 3
READ_OTHERWISE = "the images are the same files, read otherwise (by `range` in the card, or turned as EXIF says)"


def told(old: Mapping[str, str], new: Mapping[str, str], called: Callable[[str], str] = str) -> str:
    """What happened to some images, in a few words; nothing where they are the same.

    Args:
        old: the SHA-256 of each image as it was, by its id.
        new: and as it is. The same bytes under another id are an image that was renamed.
        called: what people find an image of an id by; both are told of one that stands in another class.
    """
    place = defaultdict(list)
    for image_id in sorted(old, reverse=True):
        if new.get(image_id) != old[image_id]:
            place[old[image_id]].append(image_id)
    was = {
        image_id: place[digest].pop()
        for image_id, digest in sorted(new.items())
        if old.get(image_id) != digest and place.get(digest)
    }
    renamed = [
        f"{called(before)} → {called(after)}" for after, before in was.items() if _label(before) == _label(after)
    ]
    moved = [f"{before} → {after}" for after, before in was.items() if _label(before) != _label(after)]
    left, come = old.keys() - set(was.values()), new.keys() - was.keys()
    found = {
        "renamed": renamed,
        "moved to another class": moved,
        "added": list(map(called, sorted(come - left))),
        "removed": list(map(called, sorted(left - come - new.keys()))),
        "altered": [called(i) for i in sorted(left & come) if old[i] != new[i]],
    }
    return "; ".join(f"{len(names)} {verb}: {_some(names)}" for verb, names in found.items() if names)


def since_planned(store: Store, library: "Library", names: Iterable[str] = ()) -> dict[tuple[str, str], str]:
    """Why trials that the store counts as done are not of the images at hand: by study and dataset, a sentence.

    Datasets that are not at hand are passed over.

    Args:
        store: has the plans, with the images as they were.
        library: has the images as they are.
        names: only these datasets; all where there are none.
    """
    planned = query(
        store,
        """
        select distinct on (study, dataset) study, dataset, dataset_hash, dataset_card from plans
        where current order by study, dataset, planned_at desc
        """,
    ).to_pylist()
    wanted = (set(names) or {row["dataset"] for row in planned}) & set(library.known())
    asked: dict[tuple[str, str, int], str | None] = {}  # many studies plan the same images, and files are listed slowly
    found = {}
    for row in planned:
        if row["dataset"] not in wanted:
            continue
        version = row["dataset"], row["dataset_hash"], _most(row)
        if version not in asked:
            asked[version] = _since(store, library, *version)
        if said := asked[version]:
            found[row["study"], row["dataset"]] = said
    return found


def _most(row: Mapping[str, Any]) -> int:
    """The images of the largest class, as the plan's card has them."""
    return max(json.loads(row["dataset_card"]).get("at_hand", {}).values(), default=0)


def _since(store: Store, library: "Library", name: str, dataset_hash: str, most: int) -> str | None:
    try:
        card = library.card(name)
        folder = library.image_folder(card)
        if card.generator or folder is None:
            return None
        dataset = library.load(card.name)
        if dataset.content_hash == dataset_hash:
            return None
        # A study may have drawn fewer of each class.
        if max(dataset.counts().values()) > most > 1:
            drawn = library.load(card.name, images_per_class=most)
            if drawn.content_hash == dataset_hash:
                return None
    except BenchError as error:
        return f"the images at hand cannot be used: {error}"
    old, new = of_version(store, name, dataset_hash), digests(dataset)
    if old == new:
        return f"{READ_OTHERWISE}, than these trials saw"
    which = told(old, new, dataset.called)
    return f"the images at hand are others than these trials saw{f' ({which})' if which else ''}"


def of_version(store: Store, dataset: str, dataset_hash: str) -> dict[str, str]:
    """The SHA-256 of each image of a version of a dataset, by its id, as the store lists it."""
    sql = "select image_id, sha256 from images where dataset = ? and dataset_hash = ?"
    return dict(store.read(lambda connection: connection.execute(sql, [dataset, dataset_hash]).fetchall(), sql))


def digests(dataset: "Dataset") -> dict[str, str]:
    """The SHA-256 of each image at hand, by its id."""
    return {image.id: image.sha256 for image in dataset.images}


def _label(image_id: str) -> str:
    return image_id.partition("/")[0]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
