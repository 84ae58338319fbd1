"""How recall varies from group to group of images, and what a new group may expect."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

FEWEST_GROUPS = 5
MOST_ALIKE = 0.9
LEAST_ALIKE = 1e-3


@dataclass(frozen=True)
class GroupSpread:
    """The mean recall of groups, and the range in which nine of ten new groups are expected; NaN on too few groups.

    `alike` is how much the images of one group have in common (the correlation of a beta-binomial); 0 where groups
    differ no more than their few images make them.
    """

    mean: float
    low: float
    high: float
    alike: float
    groups: int


def group_spread(hits: ArrayLike, images: ArrayLike) -> GroupSpread:
    """The spread of true recall over groups, from `hits` (G,) of `images` (G,) in each.

    Each group has a recall of its own, from a Beta distribution, and its hits are binomial (beta-binomial; Griffiths
    1973). The ends are the 5 % and 95 % quantiles of the recall of a group that was not seen, averaged over all means
    and correlations by their likelihood, so that few groups give a wide range. Hits may be fractions: means of what
    several repeats said.

    Raises ValueError: counts outside 0 ≤ hits ≤ images, or a group without an image.
    """
    h, n = np.asarray(hits, np.float64), np.asarray(images, np.float64)
    if h.ndim != 1 or h.shape != n.shape or h.size == 0 or not np.all((h >= 0) & (h <= n + 1e-9) & (n > 0)):
        raise ValueError("hits must lie between 0 and images, and every group have an image")
    h = np.minimum(h, n)
    if h.size < FEWEST_GROUPS:
        return GroupSpread(float(h.sum() / n.sum()), np.nan, np.nan, np.nan, h.size)
    means, alikes = np.linspace(0.01, 0.99, 50), np.geomspace(LEAST_ALIKE, MOST_ALIKE, 24)
    m, r = (grid.ravel() for grid in np.meshgrid(means, alikes, indexing="ij"))
    a, b = m * (1 - r) / r, (1 - m) * (1 - r) / r
    logs = (special.betaln(a[:, None] + h, b[:, None] + n - h) - special.betaln(a, b)[:, None]).sum(axis=1)
    # Every correlation is as likely as any other beforehand, though small ones lie closer on the grid.
    weight = np.exp(logs - logs.max()) * np.tile(np.gradient(alikes), means.size)
    weight /= weight.sum()
    tells = weight > weight.max() * 1e-5
    at = np.linspace(0, 1, 201)
    below = weight[tells] @ special.betainc(a[tells, None], b[tells, None], at) / weight[tells].sum()
    low, high = np.interp([0.05, 0.95], below, at)
    return GroupSpread(float(weight @ m), float(low), float(high), float(weight @ r), h.size)
