"""Images that show the same picture although their bytes differ: resized, stored anew, brighter, turned by quarters,
mirrored, cropped or shifted by up to a tenth.

Pictures that may be the same (`views`) are laid one on the other (`registering`), and their fine detail is compared
field by field. What other pictures of the dataset show in a field as well says nothing: black bars and outlines agree
in any two. So each picture is laid on a few others at random, and a field counts by how little it agrees there.

Two are the same if they agree far better than others of the dataset do at random, or clearly better than each of them
does with any third.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bench.datasets.audit import registering, views
from bench.datasets.audit.views import Array, Places

OTHERS, USUAL = 8, 0.5
LEAST_FIELDS = 1.0
"""Fields that must count, all weights together."""
BASE, SLOPE, MOST = 0.6, 0.8, 0.97
"""Agreement that is enough: so much, and so much more for what three in four pictures reach at random, but no more than
the last.
"""
LEAST, AHEAD, NEARER = 0.5, 0.2, 0.55
"""Agreement that may be enough where it is so far ahead of that with any third, or by such a part nearer to 1."""
SMALL, SHOWN, FAINT = 32, 44, 8
"""Pixels of a file's shorter side, and fields of 64 that show something, below which near copies are not sought; grey
levels between black and white below which a picture is of one colour.

Of 200 photos of 25 × 25 pixels, half of them crops with one edge, 56 pairs were taken for one, and as many once they
were enlarged to 64; all but a few of the pictures had fewer such fields. Of cells, clouds and CT slices 99 in 100 have
48 or more.
"""
LONG = 300
"""Pictures in a chain up to which all are compared with all."""
FEW, LEAST_OF_FEW = 20, 0.8
"""Pictures below which there are too few thirds to compare with, and what is asked for then."""


def sets(pictures: NDArray[np.uint8], sides: Sequence[int]) -> list[list[int]]:
    """Positions of (N, 64, 64) grey pictures that are the same, set by set; `sides` are the pixels of their files along
    the shorter side.

    Of pictures that are `small_or_plain` those alone are the same whose grey values are equal.
    """
    if not len(pictures):
        return []
    sought = np.flatnonzero(~small_or_plain(pictures, sides))
    near = clusters(pictures[sought], pairs(pictures[sought]))
    found = [[int(sought[place]) for place in places] for places in near]
    taken = {place for places in found for place in places}
    by_values: dict[bytes, list[int]] = {}
    for place, picture in enumerate(pictures):
        if place not in taken and int(picture.max()) - int(picture.min()) >= FAINT:
            by_values.setdefault(picture.tobytes(), []).append(place)
    return sorted(found + [places for places in by_values.values() if len(places) > 1])


def small_or_plain(pictures: NDArray[np.uint8], sides: Sequence[int]) -> NDArray[np.bool_]:
    """(N,) pictures that show too little to tell a near copy from another of their kind: a digit of 8 × 8 pixels, or
    one straight edge, lies on many others as well as on its own copy.
    """
    detail = registering.levels(pictures.astype(np.float32)).detail
    plain = registering.shown(detail) < SHOWN
    return (np.array(sides) < SMALL) | plain


def pairs(pictures: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Positions (i, j), i < j, of (N, 64, 64) grey pictures that are the same."""
    if len(pictures) < 2:
        return []
    space = views.Space(pictures.astype(np.float32))
    near = np.array(sorted(space.nearest()), dtype=np.int64).reshape(-1, 2)
    if not len(near):
        return []
    compared = _Compared(space)
    scores = compared.scores(near)
    thirds = _of_thirds(near, scores, len(pictures))
    clearly = scores - thirds >= np.minimum(AHEAD, NEARER * (1 - thirds))
    least = LEAST if len(pictures) >= FEW else LEAST_OF_FEW
    same = (scores >= min(BASE + SLOPE * max(compared.usual, 0), MOST)) | (clearly & (scores >= least))
    return [(first, second) for first, second in near[same].tolist()]


def clusters(pictures: NDArray[np.uint8], joined: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Positions of pictures that are the same by pairs, where each resembles most of the others of its set.

    A chain of pictures of which each is like the next alone is no set: its links are compared all with all, and what
    holds together by half of them or less falls apart. Those that stand alone are left away.
    """
    chains = _chains(len(pictures), joined)
    if all(len(chain) == 2 for chain in chains):
        return chains
    compared = _Compared(views.Space(pictures.astype(np.float32)))
    return sorted(places for chain in chains for places in _close(chain, set(joined), compared))


class _Compared:
    """Pictures ready to be laid on each other, and what they reach at random."""

    def __init__(self, space: views.Space) -> None:
        self.space, self.levels = space, registering.levels(space.pictures)
        others = _others(len(space.pictures))
        random = space.poses(*others.T)
        apart = registering.matches(self.levels, random)
        self.telling = _telling(random, apart, len(space.pictures))
        self.usual = float(np.quantile(_scores(apart, random, self.telling), 0.75))

    def scores(self, pairs: Places) -> Array:
        """(K,) how well pairs agree, the better of one laid on the other and the other on the one."""
        both = (self.space.poses(pairs[:, 0], pairs[:, 1]), self.space.poses(pairs[:, 1], pairs[:, 0]))
        return cast(Array, np.maximum(*(_scores(registering.matches(self.levels, p), p, self.telling) for p in both)))


def _chains(count: int, joined: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Positions of 0 … count-1 that hang together by pairs."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not joined:
        return []
    rows, columns = np.array(joined).T
    graph = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(count, count))
    _, member = connected_components(graph, directed=False)
    together: dict[int, list[int]] = {}
    for place in sorted({*rows.tolist(), *columns.tolist()}):
        together.setdefault(int(member[place]), []).append(place)
    return list(together.values())


def _close(chain: list[int], joined: set[tuple[int, int]], compared: _Compared) -> list[list[int]]:
    """The sets that a chain falls into, when all of it are compared with each other (a part, where it is very long)."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    count = len(chain)
    if count == 2:
        return [chain]
    first, second = np.triu_indices(count, 1)
    if count > LONG:
        chosen = np.sort(np.random.default_rng(0).choice(len(first), count * LONG // 2, replace=False))
        first, second = first[chosen], second[chosen]
    places = np.array(chain)
    asked = np.stack([places[first], places[second]], axis=1)
    same = (compared.scores(asked) >= LEAST) | np.array([tuple(pair) in joined for pair in asked.tolist()])
    alike = np.zeros((count, count), dtype=bool)
    alike[first, second] = alike[second, first] = same
    if count > LONG:
        share = alike.sum(1) / np.maximum(np.bincount(np.concatenate([first, second]), minlength=count), 1)
        kept = [place for place, part in zip(chain, share, strict=True) if part > 0.5]
        return [kept] if len(kept) > 1 else []
    apart = squareform(np.where(np.eye(count, dtype=bool), 0.0, 1.0 - alike))
    member = fcluster(linkage(apart, "average"), 0.5 - 1e-9, "distance")
    return [
        [chain[place] for place in kept]
        for number in sorted(set(member.tolist()))
        if len(kept := _of_most(np.flatnonzero(member == number).tolist(), alike)) > 1
    ]


def _of_most(members: list[int], alike: NDArray[np.bool_]) -> list[int]:
    """Members without those that resemble half of the others or fewer, the least alike first."""
    while len(members) > 1:
        counts = alike[np.ix_(members, members)].sum(1)
        if counts.min() > (len(members) - 1) / 2:
            break
        members = [member for place, member in enumerate(members) if place != int(counts.argmin())]
    return members


def _others(count: int) -> Places:
    """(M, 2) each picture with a few others, drawn."""
    few, random = min(OTHERS, count - 1), np.random.default_rng(0)
    drawn = np.stack([random.choice(count - 1, few, replace=False) for _ in range(count)])
    drawn += drawn >= np.arange(count)[:, None]
    return np.stack([np.repeat(np.arange(count), few), drawn.ravel()], axis=1)


def _telling(poses: views.Poses, found: registering.Matches, count: int) -> Array:
    """(N, 8, 8) how much fields of each picture tell: 1 less the agreement that half of the others fall short of.

    One of no agreement is reckoned among them, lest copies alone say what is usual in a small dataset.
    """
    agreement = np.stack(
        [views.turned_back(fields, int(turn)) for fields, turn in zip(found.there, poses.turn, strict=True)]
    )
    by_picture = agreement.reshape(count, -1, registering.FIELDS, registering.FIELDS)
    with_none = np.concatenate([by_picture, np.zeros_like(by_picture[:, :1])], axis=1)
    return cast(Array, 1 - np.clip(np.quantile(with_none, USUAL, axis=1), 0, 1)).astype(np.float32)


def _of_thirds(near: Places, scores: Array, count: int) -> Array:
    """(K,) the best score that either picture of a pair has with another one."""
    best: list[list[float]] = [[0, 0] for _ in range(count)]
    order = np.argsort(scores, kind="stable")
    for score, pair in zip(scores[order].tolist(), near[order].tolist(), strict=True):
        for place in pair:
            best[place] = [score, best[place][0]]
    first, second = np.array(best, dtype=np.float32).T
    thirds = [np.where(scores >= first[places], second[places], first[places]) for places in near.T]
    return cast(Array, np.maximum(*thirds))


def _scores(found: registering.Matches, poses: views.Poses, telling: Array) -> Array:
    """(K,) the agreement of pairs by what the fields of the one tell and by what those of the other do, on average."""
    turns = zip(poses.one, poses.turn, strict=True)
    there = _mean(found.there, found.there_shown, np.stack([views.turned(telling[i], int(t)) for i, t in turns]))
    back = _mean(found.back, found.back_shown, telling[poses.other])
    return cast(Array, (there + back) / 2)


def _mean(agreement: Array, shown: registering.Shown, telling: Array) -> Array:
    """(K,) the mean over fields that show something, each by how much it tells; 0 where too few do."""
    weights = telling * shown
    total = weights.sum((1, 2))
    return cast(Array, np.where(total > LEAST_FIELDS, (weights * agreement).sum((1, 2)) / np.maximum(total, 1e-6), 0))
