"""Holding the images at hand against a dataset's card."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from bench.datasets import Dataset, Image
from bench.errors import BenchError
from bench.images import decode


def problems(dataset: Dataset) -> list[str]:
    """What does not fit, a sentence each: counts, unreadable files, exact copies across classes."""
    found = []
    counted = dataset.counts()
    for name, expected in dataset.card.counts.items():
        if counted.get(name, 0) != expected:
            found.append(f"class {name!r} has {counted.get(name, 0)} images; the card says {expected}")
    with ThreadPoolExecutor() as pool:
        found += [reason for reason in pool.map(_unreadable, dataset.images) if reason]
    copies: dict[str, list[Image]] = defaultdict(list)
    for image in dataset.images:
        copies[image.sha256].append(image)
    for same in copies.values():
        if len({image.label for image in same}) > 1:
            found.append(f"the same file stands in two classes: {', '.join(image.id for image in same)}")
    return found


def _unreadable(image: Image) -> str | None:
    try:
        decode(image.path, 64)
    except BenchError as error:
        return str(error)
    return None
