"""Splits as the store keeps them: where each image stands in each repeat."""

from collections.abc import Iterable, Sequence

import numpy as np

from bench.study.protocol import Split
from store import PlaceRow


def places(splits: Sequence[Split], image_ids: Sequence[str]) -> list[PlaceRow]:
    """Where images stand, a row for each in each repeat: the `fold` that tests it, None in the holdout."""
    rows: list[PlaceRow] = []
    told = set[int]()
    for split in splits:
        tested = [(split.fold, position) for position in split.test]
        held = [(None, position) for position in split.holdout] if split.repeat not in told else []
        told.add(split.repeat)
        rows += [{"repeat": split.repeat, "image_id": image_ids[i], "fold": fold} for fold, i in [*tested, *held]]
    return rows


def from_places(rows: Iterable[PlaceRow], image_ids: Sequence[str]) -> dict[tuple[int, int], Split]:
    """The splits that `places` told of, by repeat and fold."""
    position = {image_id: number for number, image_id in enumerate(image_ids)}
    stands: dict[int, dict[int | None, list[int]]] = {}
    for row in rows:
        stands.setdefault(row["repeat"], {}).setdefault(row["fold"], []).append(position[row["image_id"]])
    splits = {}
    for repeat, folds in stands.items():
        held = np.sort(np.array(folds.pop(None, []), dtype=np.int64))
        rest = np.setdiff1d(np.arange(len(image_ids)), held)
        for fold, tested in folds.items():
            test = np.sort(np.array(tested, dtype=np.int64))
            splits[repeat, fold or 0] = Split(repeat, fold or 0, np.setdiff1d(rest, test), test, held)
    return splits
