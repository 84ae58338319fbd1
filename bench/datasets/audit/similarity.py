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
FEW, LEAST_OF_FEW = 20, 0.8
"""Pictures below which there are too few thirds to compare with, and what is asked for then."""


def pairs(pictures: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Positions (i, j), i < j, of (N, 64, 64) grey pictures that are the same."""
    if len(pictures) < 2:
        return []
    grey = pictures.astype(np.float32)
    space, levels = views.Space(grey), registering.levels(grey)
    near = np.array(sorted(space.nearest()), dtype=np.int64).reshape(-1, 2)
    if not len(near):
        return []
    others = _others(len(grey))
    random = space.poses(*others.T)
    apart = registering.matches(levels, random)
    telling = _telling(random, apart, len(grey))
    usual = float(np.quantile(_scores(apart, random, telling), 0.75))
    scores = np.maximum(
        *(
            _scores(registering.matches(levels, poses), poses, telling)
            for poses in (space.poses(near[:, 0], near[:, 1]), space.poses(near[:, 1], near[:, 0]))
        )
    )
    thirds = _of_thirds(near, scores, len(grey))
    clearly = scores - thirds >= np.minimum(AHEAD, NEARER * (1 - thirds))
    least = LEAST if len(grey) >= FEW else LEAST_OF_FEW
    same = (scores >= min(BASE + SLOPE * max(usual, 0), MOST)) | (clearly & (scores >= least))
    return [(first, second) for first, second in near[same].tolist()]


def clusters(count: int, joined: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Positions of 0 … count-1 that hang together by pairs; those that stand alone are left away."""
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
