"""Folders of pictures, and adding them as a dataset, for the tests of datasets."""

from pathlib import Path

import numpy as np
from PIL import Image

from bench.datasets import Dataset, Library, curating
from bench.datasets.audit import Audit


def picture(seed: int, size: int = 96) -> Image.Image:
    """A smooth coloured picture, another one for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)


def save(path: Path, seed: int, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed).save(path, **options)
    return path


def known(root: Path) -> Library:
    return Library((root / "data",), root / "cache")


def add(root: Path, folder: Path, **options: object) -> tuple[Path, Dataset, Audit]:
    told: list[Audit] = []
    path, dataset = curating.add(known(root), "mine", folder, tell=told.append, **options)  # type: ignore[arg-type]
    return path, dataset, told[0]


def found(audit: Audit, kind: str) -> list[str]:
    """The ids that findings of a kind concern."""
    return sorted(image for finding in audit.findings if finding.kind == kind for image in finding.images)


def classes(root: Path, names: tuple[str, ...] = ("ill", "well"), each: int = 12) -> Path:
    """A folder of class folders, no two images alike, names a number alone."""
    for label, name in enumerate(names):
        for number in range(each):
            save(root / name / f"{number:03}.png", 1000 * label + number)
    return root
