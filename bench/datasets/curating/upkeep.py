"""Whether a dataset still is what its card says: names and bytes alone are asked, no image is decoded.

`add` looks at every picture, once. What people change afterwards, in the folder or in the card, is looked at before
every run.
"""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.datasets import Dataset, Entry, Library, cards, layouts, loading, masks
from bench.datasets.audit import names, nearly_alike
from bench.images import Reading


@dataclass(frozen=True)
class Upkeep:
    """Sentences: `refused` is what `add` would refuse, `changed` where the images are not those that the card counts,
    `slips` what the card names and nobody has; `remarks` is the rest, which an audit finds too.
    """

    refused: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    slips: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def all(self) -> tuple[str, ...]:
        """All but what is refused."""
        return (*self.changed, *self.slips, *self.remarks)


def look(library: Library, dataset: Dataset, images_per_class: int | None = None) -> Upkeep:
    """What a dataset's card says and its files do not bear out.

    Args:
        library: where the dataset is from.
        dataset: as it was loaded.
        images_per_class: the cap that it was loaded with.
    """
    card, folder = dataset.card, library.image_folder(dataset.card)
    if card.generator or folder is None:
        return Upkeep()
    entries = layouts.entries(card, folder)
    refused = [
        *_no_classes(dataset),
        *_masks(dataset, entries),
        *_contradictions(dataset),
        *_rule_that_fits_nothing(dataset, entries),
        *_no_range(library, dataset),
    ]
    changed = miscounted(dataset, images_per_class)
    if card == cards.shipped().get(card.name):  # those that ship are known to fit, and say why some files do not
        return Upkeep(tuple(refused), tuple(changed))
    slips, remarks = _names_of_nothing(dataset, entries), _rule_that_fits_some(dataset, entries)
    remarks += _full_range(library, dataset)
    remarks += [
        f"the classes {' and '.join(map(repr, same))} are called nearly alike" for same in nearly_alike(dataset.classes)
    ]
    return Upkeep(tuple(refused), tuple(changed), tuple(slips), tuple(remarks))


def miscounted(dataset: Dataset, images_per_class: int | None = None) -> list[str]:
    """Where the number of images is not the card's, a sentence each."""
    counted = dataset.counts()
    wanted = {name: min(count, images_per_class or count) for name, count in dataset.card.counts.items()}
    return [
        f"class {name!r} has {counted.get(name, 0)} images; the card says {expected}"
        for name, expected in wanted.items()
        if counted.get(name, 0) != expected
    ]


def unruled(dataset: Dataset, entries: Iterable[Entry]) -> tuple[list[str], int]:
    """The names that the card's rule for groups should be read from and is not, and how many it is read from."""
    used = set(dataset.ids)
    asked = [entry for entry in entries if entry.id in used and not entry.group]
    fitting = {image.id for image in dataset.images if image.group != image.id}
    lone = [entry.name for entry in asked if entry.id not in fitting]
    return lone, len(asked) - len(lone)


def _no_classes(dataset: Dataset) -> list[str]:
    """Folders of a given split whose images were taken for classes, unless the card says that they are."""
    named = dataset.card.classes or dataset.card.parts or dataset.card.manifest
    if named or any(layouts.part_rank(name) is None for name in dataset.classes):
        return []
    return [
        f"{' and '.join(dataset.classes)} are called as the parts of a split, and hold no class folders; sort the "
        "images of each into folders of their classes, or name them under `classes` in a card if they are classes"
    ]


def _masks(dataset: Dataset, entries: Sequence[Entry]) -> list[str]:
    """Files that are named as masks of others are."""
    if dataset.card.manifest or dataset.card.masks:
        return []
    used = set(dataset.ids)
    found = masks.found([entry for entry in entries if entry.id in used])
    if not found:
        return []
    return [
        f"files are named as masks of others are ({len(found)}): {names([entry.name for entry in found])}; write "
        'masks = "leave-out" in its card, or masks = "keep" if they are images like the others (`bench dataset add` '
        "writes a card, with --masks)"
    ]


def _contradictions(dataset: Dataset) -> list[str]:
    """Pictures that stand in several classes as the same bytes, unless the card says that they do."""
    said = [set(same) for same in dataset.card.same]
    by_bytes = defaultdict(list)
    for image in dataset.images:
        by_bytes[image.sha256].append(image)
    torn = [
        [image.id for image in same]
        for same in by_bytes.values()
        if len({image.label for image in same}) > 1
        and not any(all(known & {i.id, dataset.called(i.id), i.path.stem} for i in same) for known in said)
    ]
    if not torn:
        return []
    shown = names([" = ".join(map(dataset.called, ids[:4])) for ids in torn])
    number = "1 picture stands" if len(torn) == 1 else f"{len(torn)} pictures stand"
    return [
        f"{number} in more than one class, as the same bytes: {shown}; remove "
        "the wrong files, or name them in the card: under `left_out` none is used, under `same` all are"
    ]


def _no_range(library: Library, dataset: Dataset) -> list[str]:
    """Values of which nobody can know what is black and what white."""
    lost = [
        dataset.called(image.id)
        for image in dataset.images
        if Reading.UNSCALED in image.reading and image.scale is None
    ]
    if not lost:
        return []
    return [
        f"images hold float or signed values, or more than 16 bits ({len(lost)}), and no card says which of these "
        f"become black and white: {names(lost)}; {_decides(library, dataset)}"
    ]


def _full_range(library: Library, dataset: Dataset) -> list[str]:
    """Images of 16 bits with a card from before there were ranges, or none."""
    deep = [
        dataset.called(image.id) for image in dataset.images if Reading.DEEP in image.reading and image.scale is None
    ]
    if not deep or _no_range(library, dataset):
        return []
    return [
        f"no card says which values of its images of more than 8 bits ({len(deep)}) become black and white, so all "
        f'that the files can hold do (range = "full"); {_decides(library, dataset)}'
    ]


def _decides(library: Library, dataset: Dataset) -> str:
    card = f"{dataset.name}.toml"
    own = any((folder / card).is_file() for folder in library.folders)
    where = "--update" if own else shlex.quote(str(library.image_folder(dataset.card)))
    return f"`bench dataset add {dataset.name} {where}{library.options}` looks at the values and writes a `range`"


def _rule_that_fits_nothing(dataset: Dataset, entries: Sequence[Entry]) -> list[str]:
    lone, fitting = unruled(dataset, entries)
    if dataset.card.groups is None or fitting or not lone:
        return []
    stem = next(entry.path.stem for entry in entries if entry.name == lone[0])
    return [f"the rule groups = '{dataset.card.groups}' fits no file name, such as {stem!r}; mend it in the card"]


def _rule_that_fits_some(dataset: Dataset, entries: Sequence[Entry]) -> list[str]:
    lone, fitting = unruled(dataset, entries)
    if dataset.card.groups is None or not fitting or not lone:
        return []
    return [
        f"the rule groups = '{dataset.card.groups}' fits {fitting} of {fitting + len(lone)} file names; each other "
        f"image is a group of its own: {names(lone)}"
    ]


def _names_of_nothing(dataset: Dataset, entries: Sequence[Entry]) -> list[str]:
    """What the card names under `same` and `left_out` although there is no such file: slips of the pen, mostly."""
    ids = {loading.composed(name) for entry in entries for name in (entry.id, entry.name)}
    known = ids | {loading.composed(entry.path.stem) for entry in entries}
    of_field = {
        "same": [name for same in dataset.card.same for name in same if loading.composed(name) not in known],
        "left_out": [name for name in dataset.card.left_out if loading.composed(name) not in ids],
    }
    return [
        f"`{field}` in the card names {len(lost)} that {'is' if len(lost) == 1 else 'are'} not there: {names(lost)}"
        for field, lost in of_field.items()
        if lost
    ]
