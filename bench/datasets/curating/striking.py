"""What a person struck out of `same` stays apart, also where a new picture resembles both sides of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from bench.datasets.audit import Audit, names

if TYPE_CHECKING:
    from scipy.cluster.hierarchy import DisjointSet

Ids = tuple[str, ...]
Pair = tuple[str, str]


def kept(
    alike: Sequence[Ids], told: Sequence[Ids], same: Sequence[Collection[str]], audit: Audit, called: Mapping[str, str]
) -> tuple[list[Ids], list[str]]:
    """What of sets that were found alike is to be kept together, and a sentence where what was struck out forbids it.

    A picture that resembles both of two that were struck out comes to the first of them.

    Args:
        alike: sets of ids, none of which was told before.
        told: those that were; what of these the card does not call the same any more was struck out.
        same: the ids that the card calls the same.
        audit: has the images, and on which side each stands.
        called: what people find an image by.
    """
    images, by_bytes, by_side = [scan.id for scan in audit.scans], defaultdict(list), defaultdict(list)
    for scan in audit.scans:
        by_bytes[scan.sha256].append(scan.id)
        by_side[audit.together.get(scan.id, scan.id)].append(scan.id)
    there, said_same = set(images), [[image for image in ids if image in set(images)] for ids in same]
    one, stand = _joined(images, [*by_bytes.values(), *said_same]), _joined(images, by_side.values())
    struck = [pair for ids in told for pair in combinations([i for i in ids if i in there], 2)]
    struck = [pair for pair in struck if not one.connected(*pair)]
    moot = {pair for pair in struck if stand.connected(*pair)}  # of one group, and together anyway
    together: list[Ids] = []
    said: list[str] = []
    for ids in alike:
        parts: list[list[str]] = []
        apart: Pair | None = None
        for image in ids:
            between = [_struck_between(image, part, struck, moot, stand) for part in parts]
            apart = apart or next((pair for pair in between if pair), None)
            if None in between:
                parts[between.index(None)].append(image)
            else:
                parts.append([image])
        new = [tuple(part) for part in parts if len(part) > 1]
        for first, image in ((part[0], image) for part in new for image in part):
            stand.merge(first, image)
        together += new
        if apart:
            said.append(_conflict(ids, apart, new, called))
    return together, said


def _joined(images: Sequence[str], sets: Iterable[Sequence[str]]) -> "DisjointSet":
    from scipy.cluster.hierarchy import DisjointSet

    joined = DisjointSet(images)
    for first, image in ((one[0], image) for one in sets for image in one):
        joined.merge(first, image)
    return joined


def _struck_between(
    image: str, part: Sequence[str], struck: Sequence[Pair], moot: set[Pair], stand: "DisjointSet"
) -> Pair | None:
    """A pair that was struck out and would be joined if an image came to others."""
    for pair in struck:
        for here, there in (pair, pair[::-1]):
            if pair in moot:
                joins = image == here and there in part
            else:
                joins = stand.connected(image, here) and any(stand.connected(member, there) for member in part)
            if joins:
                return pair
    return None


def _conflict(ids: Ids, apart: Pair, new: Sequence[Ids], called: Mapping[str, str]) -> str:
    def shown(some: Sequence[str], sign: str = " ≈ ") -> str:
        return sign.join(called.get(image, image) for image in some)

    left = f", so {names([shown(part) for part in new])} alone is kept together" if new else ""
    return (
        f"{shown(ids)} look alike, but {shown(apart, ' and ')} were struck out of `same` and stay apart{left}; if that "
        "is wrong, write the right set under `same` in the card"
    )
