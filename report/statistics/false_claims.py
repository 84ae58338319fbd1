"""How probable it is that "this model is better" is false, from paired answers (Christodoulou et al. 2025)."""

import numpy as np
from numpy.typing import ArrayLike

DRAWS = 4000
PRIOR = 0.25
"""Of each of the four things that can happen to an image that both models are asked about."""


def false_claim(
    labels: ArrayLike, one: ArrayLike, other: ArrayLike, *, groups: ArrayLike | None = None, seed: int = 0
) -> float:
    """The posterior probability that the first model's balanced accuracy is not above the second's.

    Of the images of a class each is recognised by both models, by one of them, or by none; the shares of these four
    have a Dirichlet posterior, so that models that fail on the same images are told apart by fewer (arXiv 2505.04720
    estimates how alike models answer from elsewhere; paired answers tell it). `labels`, `one`, `other` are (N,), the
    latter whether, or in what share of cases, each recognises an image. Images of a group count as one where groups
    are given: each class counts for as many as its groups are worth, (Σ n_g)² / Σ n_g².

    Raises ValueError: shapes that do not fit, no image.
    """
    truth = np.unique(np.asarray(labels), return_inverse=True)[1]
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    unit = np.arange(truth.size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if truth.size == 0 or not truth.shape == first.shape == second.shape == unit.shape:
        raise ValueError("labels, answers and groups must be alike in length and not empty")
    rng = np.random.default_rng(seed)
    lead = np.zeros(DRAWS)
    for c in range(int(truth.max()) + 1):
        own = truth == c
        a, b = first[own], second[own]
        both = np.minimum(a, b)
        counts = np.array([both.sum(), (a - both).sum(), (b - both).sum(), (1 - np.maximum(a, b)).sum()])
        sizes = np.bincount(unit[own])
        worth = sizes.sum() / float((sizes**2).sum())  # of one image
        shares = rng.dirichlet(counts * worth + PRIOR, DRAWS)
        lead += shares[:, 1] - shares[:, 2]
    return float((lead <= 0).mean())
