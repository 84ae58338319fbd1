"""The built-in datasets: their generators by name, and writing a folder of their images."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from bench.datasets.synthetic.drawing import NATIVE, Generator
from bench.datasets.synthetic.proteins import PROTEINS
from bench.datasets.synthetic.reticulocytes import RETICULOCYTES
from bench.errors import unknown

GENERATORS: Mapping[str, Generator] = {"proteins": PROTEINS, "reticulocytes": RETICULOCYTES}
"""By the name that a card gives."""


def named(name: str) -> Generator:
    """The generator that a card names.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in GENERATORS:
        raise unknown("generator", name, GENERATORS)
    return GENERATORS[name]


def write(
    generator: Generator,
    folder: Path,
    *,
    images_per_class: int | None = None,
    size: int = NATIVE,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write ``<folder>/<class>/<class>-000.png`` and so on; a folder that is there already is left as it is.

    The images are written to a hidden folder beside it, which takes the name at the end: ``folder`` is whole or absent
    however the process ends. ``progress`` is told (images written, images in all) after each image.

    Raises ValueError as ``Generator.image`` does, or if ``images_per_class`` is below 1.
    """
    count = generator.images_per_class if images_per_class is None else images_per_class
    if count < 1:
        raise ValueError(f"images_per_class must be at least 1, got {count}")
    if folder.exists():
        return
    part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
    try:
        for number, name in enumerate(generator.classes):
            (part / name).mkdir(parents=True)
            for index in range(count):
                image = Image.fromarray(generator.image(name, index, size=size, seed=seed))
                # Noise hardly compresses: trying harder takes as long as drawing and saves a tenth.
                image.save(part / name / f"{name}-{index:03d}.png", compress_level=1)
                if progress is not None:
                    progress(number * count + index + 1, len(generator.classes) * count)
        try:
            part.rename(folder)
        except OSError:  # another process was faster, and wrote the same images
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
