"""From what the trials say of an image to one answer, and whether it may be trusted: pure functions, and one query.

The class is that of most trials, as in the store's votes; the probability is the mean of the trials' at a temperature
that was learned out of fold, and so was the certainty from which on an answer is trusted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import BenchError
from store import Store, certainty

VOTES = """
    with own as (select trial_id, dataset, dataset_hash from trials where cell_id = $cell and status = 'done')
    select v.subset, v.label, v.predicted, v.probabilities, coalesce(i.image_group, v.image_id)
    from vote((select list(trial_id) from own)) v
    left join (select distinct dataset, dataset_hash from own) o on true
    left join images i on i.dataset = o.dataset and i.dataset_hash = o.dataset_hash and i.image_id = v.image_id
    order by v.subset, v.image_id
"""
TRUST, INSPECT, UNREADABLE = "trust", "inspect", "unreadable"


@dataclass(frozen=True)
class Rule:
    """When an answer is trusted, and how that fares.

    Attributes:
        wanted: the share of trusted answers that may be wrong.
        temperature: of the mean probabilities.
        threshold: an answer is trusted where its probability is at least this; infinite where none may be.
        coverage: the share of the images that is trusted, out of fold, each class weighing alike.
        error: the share of these that is wrong; NaN where none is trusted.
        held: how many images the holdout has; `trusted` of them are, and `wrong` of these are wrong.
        units: how many groups of images there are among the trusted ones; as many as images where each is alone.
    """

    wanted: float
    temperature: float
    threshold: float
    coverage: float
    error: float
    held: int
    trusted: int
    wrong: int
    units: int


@dataclass(frozen=True)
class Judged:
    """An image with its answer.

    Attributes:
        name: the file as it was given.
        path: where it lies.
        status: `trust`, `inspect` or `unreadable`.
        label: the class; empty where the file cannot be read.
        probability: that of the class, calibrated.
        agreement: the share of the trials that say this class.
        unlike: the share of the training images that are nearer to the others than this image is to them.
        warnings: what is unlike the training images, or why it cannot be read.
        probabilities: of every class, calibrated.
        nearest: which training images are the nearest, by their place.
    """

    name: str
    path: str
    status: str
    label: str = ""
    probability: float = 0.0
    agreement: float = 0.0
    unlike: float = 0.0
    warnings: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    nearest: tuple[int, ...] = ()


def vote(chances: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What T trials say together of n images: how many vote for each class, and its mean probability, (n, C) each."""
    p = np.asarray(chances, dtype=np.float64)
    ballots = np.eye(p.shape[2], dtype=np.int64)[p.argmax(2)]
    return ballots.sum(0), p.mean(0)


def elected(votes: ArrayLike, means: ArrayLike) -> NDArray[np.int64]:
    """The class of most votes for each of n images; a tie goes to the higher mean probability, then the first class."""
    counts, p = np.asarray(votes), np.asarray(means, dtype=np.float64)
    leading = counts == counts.max(1, keepdims=True)
    chosen: NDArray[np.int64] = np.where(leading, p, -1.0).argmax(1)
    return chosen


def learn(store: Store, cell_id: str, classes: Sequence[str], wanted: float) -> Rule:
    """The temperature and threshold of a cell, from its votes out of fold, and how they fare on its holdout.

    Raises:
        BenchError: the store has no votes out of fold of the cell.
    """
    rows = store.read(lambda connection: connection.execute(VOTES, {"cell": cell_id}).fetchall(), VOTES)
    truth, predicted, p, group = {}, {}, {}, {}
    for side in ("test", "holdout"):
        own = [row for row in rows if row[0] == side]
        truth[side] = np.array([classes.index(row[1]) for row in own], dtype=np.int64)
        predicted[side] = np.array([classes.index(row[2]) for row in own], dtype=np.int64)
        p[side] = np.array([row[3] for row in own], dtype=np.float64).reshape(-1, len(classes))
        group[side] = np.array([row[4] for row in own])
    if not len(truth["test"]):
        raise BenchError(f"{store.root} has no votes out of fold of this model, by which it could be judged")
    found = certainty.temperature(p["test"], truth["test"])
    sure = {
        side: certainty.tempered(p[side], found)[np.arange(len(truth[side])), predicted[side]]
        if len(p[side])
        else p[side]
        for side in truth
    }
    wrong = {side: predicted[side] != truth[side] for side in truth}
    limit = certainty.threshold(sure["test"], wrong["test"], certainty.balanced_weights(truth["test"]), wanted)
    kept = sure["holdout"] >= limit.value
    return Rule(
        wanted,
        found,
        limit.value,
        limit.coverage,
        limit.error,
        len(kept),
        int(kept.sum()),
        int(wrong["holdout"][kept].sum()),
        len(set(group["holdout"][kept])),
    )


def _sure(p: NDArray[np.float64], chosen: NDArray[np.int64], temperature: float) -> NDArray[np.float64]:
    """The calibrated probability of the class that was chosen, (n,)."""
    return certainty.tempered(p, temperature)[np.arange(len(p)), chosen] if len(p) else np.empty(0)


def judge(name: str, row: dict[str, Any], classes: Sequence[str], rule: Rule) -> Judged:
    """An image's answer, from a line of the records.

    An image that is far from all training images is to be inspected, however sure the answer is.
    """
    if "error" in row:
        return Judged(name, row["path"], UNREADABLE, warnings=(row["error"],))
    votes, means = np.array([row["votes"]]), np.array([row["means"]])
    chosen = int(elected(votes, means)[0])
    p = certainty.tempered(means, rule.temperature)[0]
    trusted = p[chosen] >= rule.threshold and not row["far"]
    return Judged(
        name,
        row["path"],
        TRUST if trusted else INSPECT,
        classes[chosen],
        float(p[chosen]),
        float(votes[0, chosen] / votes[0].sum()),
        row["unlike"],
        tuple(row["warnings"]),
        tuple(p.tolist()),
        tuple(row["nearest"]),
    )
