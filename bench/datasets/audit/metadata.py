"""What tells the class without a look at the picture: a small model on the file's type, mode, size and borders alone.

Where it scores above chance the classes differ in how they were taken, cut or stored, and a network may learn that
instead of what is to be told apart. Dark borders may also be the ground around a small cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.datasets.audit.scanning import Scan

FOLDS, DRAWS, DARK = 5, 1000, 12
BORDERS = "dark borders"
ALL = "file type, colours, size and borders together"

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Tell:
    """Balanced accuracy of a small tree on one property, with its 95 % interval; `chance` is one in the classes."""

    of: str
    score: float
    low: float
    high: float
    chance: float

    @property
    def clear(self) -> bool:
        """Whether it is better than chance beyond doubt, and by enough to matter."""
        return self.low > self.chance + 0.05


def properties(scans: Sequence[Scan]) -> dict[str, Matrix]:
    """What is known of each file but the picture, (N, features) each; what is the same for all is left away."""
    sizes = np.log([[scan.width, scan.height] for scan in scans])
    found = {
        "file type": _one_hot([scan.format for scan in scans]),
        "colours": _one_hot([scan.mode for scan in scans]),
        "size in pixels": np.column_stack([sizes, sizes[:, 0] - sizes[:, 1]]),
        BORDERS: np.array([[border(scan)] for scan in scans]),
    }
    return {name: values for name, values in found.items() if np.ptp(values, axis=0).max() > 1e-9}


def tells(scans: Sequence[Scan], groups: Sequence[str]) -> list[Tell]:
    """How well each property, and all of them, tell the classes of at least five groups; the best first.

    Cross-validated, with the images of one group on one side; the interval is that of a bootstrap over groups.
    """
    labels = np.array([scan.label for scan in scans])
    apart = {label: len({g for g, one in zip(groups, labels, strict=True) if one == label}) for label in set(labels)}
    usable = [place for place, label in enumerate(labels) if apart[label] >= FOLDS]
    if len({labels[place] for place in usable}) < 2:
        return []
    kept = [scans[place] for place in usable]
    classes, numbers = np.unique(labels[usable], return_inverse=True)
    _, group_of = np.unique(np.array(groups, dtype=object)[usable].astype(str), return_inverse=True)
    found = properties(kept)
    if len(found) > 1:
        found[ALL] = np.column_stack(list(found.values()))
    scored = [_tell(name, values, numbers, group_of, len(classes)) for name, values in found.items()]
    return sorted(scored, key=lambda tell: -tell.score)


def border(scan: Scan) -> float:
    """The share of the picture that lies in dark rows and columns along its edges."""
    assert scan.thumbnail is not None
    picture = scan.thumbnail
    down, across = (np.flatnonzero(picture.max(axis=axis) > DARK) for axis in (1, 0))
    if not len(down):
        return 1.0
    inside = (down[-1] - down[0] + 1) * (across[-1] - across[0] + 1)
    return float(1 - inside / picture.size)


def _one_hot(values: Sequence[str]) -> Matrix:
    kinds = sorted(set(values))
    return np.array([[value == kind for kind in kinds] for value in values], dtype=np.float64)


def _tell(name: str, values: Matrix, labels: NDArray[np.int64], groups: NDArray[np.int64], classes: int) -> Tell:
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.tree import DecisionTreeClassifier

    hit = np.zeros(len(labels))
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(values, labels, groups):
        tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=5, class_weight="balanced", random_state=0)
        hit[test] = tree.fit(values[train], labels[train]).predict(values[test]) == labels[test]
    # Hits and images by group and class, so that the bootstrap draws groups.
    hits, counts = np.zeros((2, groups.max() + 1, classes))
    np.add.at(hits, (groups, labels), hit)
    np.add.at(counts, (groups, labels), 1)
    random = np.random.default_rng(0)
    drawn = [_balanced(hits, counts, random.integers(0, len(hits), len(hits))) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Tell(name, float((hits.sum(0) / counts.sum(0)).mean()), float(low), float(high), 1 / classes)


def _balanced(hits: Matrix, counts: Matrix, drawn: NDArray[np.int64]) -> float:
    times = np.bincount(drawn, minlength=len(hits))
    total = times @ counts
    return float(((times @ hits)[total > 0] / total[total > 0]).mean())
