"""Asking a model about files: decoded in threads, a portion at a time; what was answered before is not asked again."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.images import Decoded, decoding
from bench.keeping import restored, surroundings
from bench.predicting.judging import vote
from bench.predicting.listing import Candidate
from bench.predicting.records import Records, stamp

PORTION = 64
"""Images that are decoded, asked about and written down together."""
LARGEST = 1_000_000_000
"""Bytes of a file; a larger one would take up memory before it is known whether it is an image."""


@dataclass(frozen=True)
class Answered:
    """A file and its line of the records; `new` where it was asked about just now."""

    candidate: Candidate
    row: dict[str, Any]
    new: bool


def ask(
    files: Sequence[Candidate],
    model: restored.Restored,
    around: surroundings.Surroundings,
    records: Records,
) -> Iterator[Answered]:
    """What a model says of each file, in their order; every portion is written down before it is yielded.

    Raises:
        BenchError: the records cannot be written.
    """
    asker, measure = model.asker(), around.measure()
    size, scale = model.kept.recipe.image_size, model.kept.header.scale

    def decoded(candidate: Candidate) -> Decoded | str:
        if candidate.fault:
            return candidate.fault
        try:
            if candidate.path.stat().st_size > LARGEST:
                return "the file is larger than a gigabyte"
            return decoding.decoded(candidate.path, size, scale)
        except BenchError as error:
            return " ".join(str(error).removeprefix(f"{candidate.path}").lstrip(": ").split())
        except MemoryError:
            return "it takes more memory than there is"
        except Exception as error:  # whatever a decoder says of hostile bytes, it costs this file alone
            return f"it cannot be decoded ({type(error).__name__})"

    def answered(portion: Sequence[Candidate], pictures: Sequence[Decoded | str]) -> Iterator[dict[str, Any]]:
        whole = [picture for picture in pictures if isinstance(picture, Decoded)]
        if whole:
            pixels = surroundings.preprocessed(model.kept, np.stack([picture.pixels for picture in whole]))
            said = asker(pixels)
            votes, means = vote(said.chances)
            unlike, nearest = measure.ask(said.features)
        place = 0
        for candidate, picture in zip(portion, pictures, strict=True):
            row: dict[str, Any] = {
                "path": os.path.abspath(candidate.path),  # noqa: PTH100
                "stamp": stamp(candidate.path),
            }
            if not isinstance(picture, Decoded):
                yield row | {"error": picture}
                continue
            far = bool(unlike[place] >= surroundings.FAR)
            warnings = [*around.unlike(picture), *(["unlike the training images"] if far else [])]
            yield row | {
                "votes": votes[place].tolist(),
                "means": means[place].tolist(),
                "unlike": round(float(unlike[place]), 6),
                "nearest": nearest[place].tolist(),
                "far": far,
                "warnings": warnings,
            }
            place += 1

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(files), PORTION):
            portion = files[start : start + PORTION]
            known = [records.get(candidate.path) for candidate in portion]
            new = [candidate for candidate, row in zip(portion, known, strict=True) if row is None]
            rows = iter(made := list(answered(new, list(pool.map(decoded, new)))))
            if made:
                records.add(made)
            for candidate, row in zip(portion, known, strict=True):
                yield Answered(candidate, row if row is not None else next(rows), row is None)
