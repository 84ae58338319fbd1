"""Images that show the same picture although their bytes differ: resized, stored anew, turned or mirrored.

A perceptual hash is the signs of an image's lowest frequencies (pHash). Smooth cells on a plain ground have nearly the
same signs, all of them, so here the frequencies keep their values and pictures are compared by a cosine, every pair.
Two pictures are the same if they agree as they are, and agree still when what is common to the dataset counts less:
black bars and round outlines are no likeness. So are two that are a hundred times as close as pictures of the dataset
are, even where hundreds of copies are what it has in common.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

FREQUENCIES = 16
ALIKE, STILL_ALIKE = 0.97, 0.93
"""The least cosines of two pictures as they are, and beyond what the dataset has in common. On five real datasets every
pair above both showed one thing, and of copies at half the size or of poor quality 19 in 20 were above both.
"""
CLOSE, SAMPLE = 0.01, 500
BLOCK, CELLS = 1024, 2**24

Vectors = NDArray[np.float32]


def spectra(thumbnails: NDArray[np.uint8]) -> Vectors:
    """(N, 256) of length 1 for (N, S, S) grey pictures, each frequency times its height; 0 for one of a single grey."""
    from scipy import fft

    values = fft.dctn(thumbnails.astype(np.float32), axes=(1, 2), norm="ortho")[:, :FREQUENCIES, :FREQUENCIES]
    across, down = np.meshgrid(np.arange(FREQUENCIES), np.arange(FREQUENCIES))
    weighted = (values * np.hypot(across, down)).reshape(len(thumbnails), -1)
    length = np.linalg.norm(weighted, axis=1, keepdims=True)
    faint = length < 8 * FREQUENCIES  # waves of less than a grey level: rounding, rather than a picture
    return np.where(faint, 0, weighted / np.maximum(length, 1e-9)).astype(np.float32)


def pairs(thumbnails: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Positions (i, j), i < j, of pictures that are the same, perhaps turned by quarters or mirrored."""
    if len(thumbnails) < 2:
        return []
    straight = spectra(thumbnails)
    lessening = _what_is_common_less(straight)
    special = _unit(straight @ lessening)
    some = straight[:: -(-len(straight) // SAMPLE)]
    close = 1 - CLOSE * float(np.quantile(1 - some @ some.T, 0.75))
    block = min(BLOCK, -(-CELLS // len(straight)))  # so that memory does not grow with the square of the images
    found: set[tuple[int, int]] = set()
    for turned in _turned(thumbnails):
        other = spectra(turned)
        for start in range(0, len(straight), block):
            rows = other[start : start + block]
            cosines = np.triu(rows @ straight[start:].T, 1)
            if cosines.max() >= ALIKE:
                still = _unit(rows @ lessening) @ special[start:].T >= STILL_ALIKE
                first, second = np.nonzero((cosines >= ALIKE) & (still | (cosines >= close)))
                found.update(zip((first + start).tolist(), (second + start).tolist(), strict=True))
    return sorted(found)


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


def _what_is_common_less(vectors: Vectors) -> Vectors:
    """(D, D) that scales directions in which a dataset is large down to the mean, and leaves the others."""
    variance, directions = np.linalg.eigh(vectors.T @ vectors / len(vectors))
    mean = max(float(variance.sum()) / min(vectors.shape), 1e-9)
    lessening: Vectors = directions / np.sqrt(np.maximum(variance, np.float32(mean)))
    return lessening


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.maximum(np.sqrt((vectors * vectors).sum(1, keepdims=True)), np.float32(1e-9))
    return unit


def _turned(pictures: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """As they are, turned by each quarter, and all that mirrored."""
    for quarters in range(4):
        turned = np.rot90(pictures, quarters, axes=(1, 2))
        yield turned
        yield turned[:, :, ::-1]
