"""Comparing the images at hand with those of the published results.

The card names the identity of these images, the store holds their list. The same identity means the same files in the
same classes; where it differs the list tells which files do.
"""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath

from bench.datasets import Card, Dataset
from bench.study import fingerprint
from store import Store

SHOWN = 4


@dataclass(frozen=True)
class Comparison:
    """Sentences: `problems` are differences between images, `notes` explain what is no difference between them."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def published(card: Card, root: Path) -> dict[str, str]:
    """Image id → SHA-256 of the images that the published results are of; empty where the store does not list them."""
    if card.content is None or not root.is_dir():
        return {}
    sql = "select image_id, sha256 from images where dataset = ? and dataset_hash = ? order by image_id"
    return dict(Store(root).read(lambda connection: connection.execute(sql, [card.name, card.content]).fetchall()))


def compare(dataset: Dataset, listed: Mapping[str, str]) -> Comparison:
    """How a dataset differs from what its card promises, by the list of `published`, which may be empty."""
    card = dataset.card
    if card.content in (None, dataset.content_hash):
        return Comparison()
    stale = "the published results are not of these files: they count as stale here, and `bench run` trains anew"
    if card.pixels is not None and pixels(dataset) == card.pixels:
        return Comparison(
            notes=(f"every pixel is as published, but the files are packed otherwise (another zlib); {stale}",)
        )
    if not listed:
        return Comparison(
            problems=(
                f"not the images of the published results (content {dataset.content_hash}, the card says "
                f"{card.content}); --store with these results tells which files differ",
                stale,
            )
        )
    here = {image.id: image.sha256 for image in dataset.images}
    missing = {image_id: sha256 for image_id, sha256 in listed.items() if image_id not in here}
    extra = {image_id: sha256 for image_id, sha256 in here.items() if image_id not in listed}
    was = {sha256: image_id for image_id, sha256 in missing.items()}
    moved = {image_id: was[sha256] for image_id, sha256 in extra.items() if sha256 in was}
    found = {
        "published with other bytes": [i for i in listed if i in here and here[i] != listed[i]],
        "published under another name or class": [f"{i} (published: {old})" for i, old in sorted(moved.items())],
        "published, but missing here": sorted(missing.keys() - set(moved.values())),
        "not among the published images": sorted(extra.keys() - moved.keys()),
    }
    return Comparison(problems=(*(f"{k} ({len(v)}): {_some(v)}" for k, v in found.items() if v), stale))


def pixels(dataset: Dataset) -> str | None:
    """The identity of the decoded pixels, whatever files they are in; None where a file is no image."""
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(_decoded, (image.path for image in dataset.images)))
    if None in digests:
        return None
    named = zip(dataset.images, digests, strict=True)
    return fingerprint(sorted((str(PurePath(image.id).with_suffix("")), digest) for image, digest in named))


def _decoded(path: Path) -> str | None:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return hashlib.sha256(f"{image.size}".encode() + image.convert("RGB").tobytes()).hexdigest()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _some(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
