"""Who is trained on what, and what a trial is called: pure functions, no torch, no files.

A dataset gives up a holdout once; the rest is cut into k folds, drawn anew in every repeat. Images that
share a group (a patient, a slide, an exact copy) never stand on both sides of a cut. One small splitter
serves both cuts. It is our own, because the splits are the identity of every result: a library's next
release must not be able to redraw them.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, UsageError

VERSION = 1
"""Raise it when a change here redraws any split: the store then knows its trials as stale."""

Indices = NDArray[np.int64]
GROUPS = ("kept", "ignored")
FIRST = ("holdout", "folds", "seed")
"""The fields that identities have named since the first trials, whatever they stand at."""


@dataclass(frozen=True)
class Protocol:
    """A share of each class held out, then `folds`-fold cross-validation `repeats` times.

    `groups` is `kept`, or `ignored` to split image by image, as if none belonged together, not even copies: what a
    careless split would have claimed. Trials of the two are never compared but with each other.
    """

    holdout: float = 0.1
    folds: int = 5
    repeats: int = 4
    seed: int = 0
    groups: str = "kept"

    def __post_init__(self) -> None:
        if not 0 < self.holdout < 0.9:
            raise UsageError(f"protocol: holdout must lie between 0 and 0.9, not {self.holdout}")
        if self.folds < 2:
            raise UsageError(f"protocol: folds must be at least 2, not {self.folds}")
        if self.repeats < 1:
            raise UsageError(f"protocol: repeats must be at least 1, not {self.repeats}")
        if self.groups not in GROUPS:
            raise UsageError(f"protocol: groups must be one of {', '.join(GROUPS)}, not {self.groups!r}")

    def as_dict(self) -> dict[str, object]:
        """Plain fields and the version of the splitter, for the store."""
        return asdict(self) | {"version": VERSION}

    def identity(self) -> dict[str, object]:
        """What of the protocol shapes a trial: the first fields, and of later ones those that differ from their
        defaults, so that a field which a later version adds makes no older trial stale. Repeats only add trials.
        """
        shaping = {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default or field.name in FIRST
        }
        shaping.pop("repeats", None)
        return shaping | {"version": VERSION}

    @property
    def mark(self) -> str:
        """What the names of recipes end in where the groups are ignored, so that no table mixes the two."""
        return "" if self.groups == "kept" else f"-groups-{self.groups}"


@dataclass(frozen=True, eq=False)
class Split:
    """One repeat's fold: positions in the dataset's list of images, each sorted."""

    repeat: int
    fold: int
    train: Indices
    test: Indices
    holdout: Indices


def rng(*key: int | str) -> np.random.Generator:
    """A generator that depends on the key alone, the same on every machine."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def fingerprint(value: object) -> str:
    """20 hex digits of the SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def assign(
    labels: Sequence[int] | Indices,
    groups: Sequence[str],
    shares: Sequence[float],
    generator: np.random.Generator,
) -> Indices:
    """Deal groups of images into bins so that each class fills every bin by its share.

    The groups that are hardest to place (large, one-sided) go first, each to where the chi-square distance from the
    wanted counts gains most. Where every image is its own group, class counts differ from exact shares by less than
    one.

    Args:
        labels: (N,) class numbers.
        groups: (N,) group names; images of one group share a bin.
        shares: one positive number for each bin; they sum to 1.
        generator: breaks the ties.

    Returns:
        (N,) the bin of each image.
    """
    names, group_of = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    classes, label_of = np.unique(np.asarray(labels), return_inverse=True)
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (group_of, label_of), 1)
    order = generator.permutation(len(names))
    order = order[np.argsort(-np.sqrt((counts[order] ** 2).sum(1)), kind="stable")]
    wanted = np.outer(shares, counts.sum(0))  # (bins, classes) images
    placed = np.zeros_like(wanted)
    bin_of = np.empty(len(names), dtype=np.int64)
    for group in order:
        # What the group adds to each bin's chi-square, the squared distance from its share over that share.
        added = (counts[group] * (2 * (placed - wanted) + counts[group]) / wanted).sum(1)
        # Where several gain alike: the emptiest bin, then the lowest number.
        fullness = placed.sum(1) / wanted.sum(1)
        best = np.lexsort((np.arange(len(shares)), fullness.round(9), added.round(9)))[0]
        bin_of[group] = best
        placed[best] += counts[group]
    return bin_of[group_of]


def holdout_mask(labels: Sequence[int], groups: Sequence[str], protocol: Protocol) -> NDArray[np.bool_]:
    """Which images are held out, fixed for the dataset: (N,) bool."""
    shares = (protocol.holdout, 1 - protocol.holdout)
    bins = assign(labels, groups, shares, rng("holdout", VERSION, protocol.seed))
    return np.equal(bins, 0)


def given_holdout(groups: Sequence[str], marked: Sequence[bool]) -> NDArray[np.bool_]:
    """A holdout that came with the dataset, and with each image of it the others of its group: (N,) bool."""
    theirs = {group for group, mark in zip(groups, marked, strict=True) if mark}
    return np.array([group in theirs for group in groups], dtype=bool)


def draw_splits(
    labels: Sequence[int],
    groups: Sequence[str],
    protocol: Protocol,
    classes: Sequence[str],
    marked: Sequence[bool] | None = None,
) -> list[Split]:
    """All splits of a protocol, repeat by repeat; repeat r's folds do not depend on the number of repeats.

    Where groups are few a repeat may draw a fold again; see `distinct`. `marked` is a holdout that came with the
    dataset, (N,); where it is None the holdout is drawn.

    Raises:
        BenchError: a class is too small, or its groups too coarse, to be in every fold and in the holdout.
    """
    target = np.asarray(labels)
    held = holdout_mask(labels, groups, protocol) if marked is None else given_holdout(groups, marked)
    rest = np.flatnonzero(~held)
    _require(target[held], classes, "the holdout")
    splits = []
    for repeat in range(protocol.repeats):
        shares = [1 / protocol.folds] * protocol.folds
        generator = rng("folds", VERSION, protocol.seed, repeat, protocol.folds)
        fold_of = assign(target[rest], [groups[int(i)] for i in rest], shares, generator)
        for fold in range(protocol.folds):
            test, train = rest[fold_of == fold], rest[fold_of != fold]
            _require(target[test], classes, f"each of {protocol.folds} folds")
            splits.append(Split(repeat, fold, train, test, np.flatnonzero(held)))
    return splits


def distinct(splits: Sequence[Split]) -> list[Split]:
    """The splits without those that an earlier one equals: five groups have five folds, however often they are drawn,
    and a trial that is trained twice is no more evidence.
    """
    first: dict[bytes, Split] = {}
    for split in splits:
        first.setdefault(b"|".join(part.tobytes() for part in (split.train, split.test)), split)
    return list(first.values())


def subset(
    split: Split, labels: Sequence[int] | Indices, image_ids: Sequence[str], fraction: float, seed: int
) -> Split:
    """The split with a share of each class of its training images, at least two of a class that has them.

    For each repeat and fold there is one order of the training images, whatever the fraction, the model and the order
    of the list; the first of each class are taken. So a smaller set is part of every larger one. Test fold and holdout
    stay as they are.

    Args:
        split: what the share is taken of.
        labels: (N,) class numbers.
        image_ids: (N,) names, no two alike.
        fraction: above 0 and at most 1; at 1 the split is returned as it is.
        seed: the protocol's.
    """
    if fraction == 1:
        return split
    by_name = sorted(split.train.tolist(), key=lambda place: image_ids[place])
    order = rng("subset", seed, split.repeat, split.fold).permutation(np.array(by_name, dtype=np.int64))
    label_of = np.asarray(labels)[order]
    kept = []
    for label in np.unique(label_of):
        those = order[label_of == label]
        # Rounded first: 0.55 × 100 is 55.00000000000001.
        kept.append(those[: max(2, math.ceil(round(fraction * len(those), 9)))])
    return replace(split, train=np.sort(np.concatenate(kept)))


def inherit_splits(
    parent: Sequence[Split],
    parent_keys: Sequence[str],
    keys: Sequence[str],
    labels: Sequence[int],
    classes: Sequence[str],
) -> list[Split]:
    """A derived dataset's splits: each image stands where the parent's image of the same key stands.

    Raises:
        BenchError: an image has no counterpart, or a class misses from a fold.
    """
    place = {key: i for i, key in enumerate(parent_keys)}
    missing = [key for key in keys if key not in place]
    if missing:
        raise BenchError(f"{len(missing)} images have no counterpart to take a split from, the first is {missing[0]}")
    origin = np.array([place[key] for key in keys])
    target = np.asarray(labels)
    splits = []
    for split in parent:
        parts = [np.flatnonzero(np.isin(origin, part)) for part in (split.train, split.test, split.holdout)]
        for part, where in zip(parts, ("training", "a test fold", "the holdout"), strict=True):
            _require(target[part], classes, where)
        splits.append(Split(split.repeat, split.fold, *parts))
    return splits


def _require(present: Indices, classes: Sequence[str], where: str) -> None:
    for number, name in enumerate(classes):
        if not (present == number).any():
            raise BenchError(
                f"class {name!r} has too few images (or groups of images) to be in {where}; add images"
                + (" or ask for fewer --folds" if "fold" in where else "")
            )


def merge_groups(groups: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Join groups in which images share a key (the hash of an exact copy, say), so that no pair can cross a cut."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    first: dict[str, str] = {}
    for group, key in zip(groups, keys, strict=True):
        a, b = find(group), find(first.setdefault(key, group))
        leader[max(a, b)] = min(a, b)
    return [find(group) for group in groups]


def split_hash(split: Split, image_ids: Sequence[str]) -> str:
    """The identity of a split: which images stand where, in any order of the list."""
    parts = (split.train, split.test, split.holdout)
    return fingerprint([sorted(image_ids[i] for i in part) for part in parts])


def trial_id(cell_id: str, split: Split, image_ids: Sequence[str]) -> str:
    """The identity of a trial: what its cell has in common, and its split."""
    return fingerprint([cell_id, split.repeat, split.fold, split_hash(split, image_ids)])
