"""A dataset's splits: those that are kept, else drawn; its own, or those of the dataset that it derives from.

What was drawn once is kept in the store and not drawn again: a library's next release might draw otherwise. A fold that
an earlier repeat had already is left out: see `protocol.distinct`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from bench.datasets import feasible
from bench.datasets.loading import Dataset, Library
from bench.errors import BenchError, UsageError
from bench.study import from_places, protocol
from store import PlaceRow

Kept = Callable[[Dataset, str], Iterable[PlaceRow]]
"""Given a dataset and the identity of its splits, what is kept of them, as `protocol.places` has it."""


@dataclass(frozen=True)
class Drawn:
    """A dataset with its splits; `identity` names what they depend on, `parent` is where they come from, if so."""

    dataset: Dataset
    identity: str
    splits: list[protocol.Split]
    parent: "Drawn | None" = None

    def family(self) -> Iterator["Drawn"]:
        """This one, and those that it derives from."""
        yield self
        if self.parent is not None:
            yield from self.parent.family()


def splits(library: Library, dataset: Dataset, wanted: protocol.Protocol) -> list[protocol.Split]:
    """A dataset's splits where nothing is kept; see `draw`."""
    return draw(library, dataset, wanted, lambda dataset, identity: ()).splits


def draw(library: Library, dataset: Dataset, wanted: protocol.Protocol, kept: Kept) -> Drawn:
    """A dataset's splits, its own or those of the dataset that it derives from.

    Raises:
        BenchError: a class is too small, or the parent's images are not at hand.
    """
    try:
        parent = _parent(library, dataset, wanted, kept)
        groups = dataset.ids if wanted.groups == "ignored" else dataset.groups
        together = sorted(zip(dataset.ids, groups, dataset.held or [False] * len(dataset.ids), strict=True))
        origin = [parent.dataset.content_hash, parent.identity] if parent else []
        identity = protocol.fingerprint([wanted.identity(), together, *origin])
        if parent is not None:
            of_parent, keys = _keys(parent.dataset), _keys(dataset)
            inherited = protocol.inherit_splits(parent.splits, of_parent, keys, dataset.labels, dataset.classes)
            return Drawn(dataset, identity, protocol.distinct(inherited), parent)
        known = from_places(kept(dataset, identity), dataset.ids)
        held = dataset.held
        if known:  # a repeat that is asked for later has the same holdout
            held = [False] * len(dataset.ids)
            for position in next(iter(known.values())).holdout:
                held[position] = True
        try:
            drawn = protocol.draw_splits(dataset.labels, groups, wanted, dataset.classes, held)
        except BenchError as error:
            raise BenchError(feasible.explained(error, dataset, groups, wanted)) from None
        chosen = [known.get((split.repeat, split.fold), split) for split in drawn]
        return Drawn(dataset, identity, protocol.distinct(chosen))
    except UsageError:
        raise
    except BenchError as error:
        raise BenchError(f"dataset {dataset.name!r}: {error}") from None


def _parent(library: Library, dataset: Dataset, wanted: protocol.Protocol, kept: Kept) -> Drawn | None:
    name = dataset.card.splits_from
    if name is None:
        return None
    try:
        parent = library.load(name)
        if parent.card.splits_from is not None:
            raise BenchError(f"that one takes its own from {parent.card.splits_from!r}; name the first of them")
    except BenchError as error:
        raise BenchError(f"takes its splits from {name!r}, but {error}") from None
    return draw(library, parent, wanted, kept)


def _keys(dataset: Dataset) -> list[str]:
    return [str(PurePath(image.id).with_suffix("")) for image in dataset.images]
