"""The built-in dataset ``synthetic-proteins``: synthesized fluorescence images of cells.

Every image shows two to five cells as a three-colour microscope would: nuclei in red, cell bodies in blue, and in
green one protein whose place in the cell is the class. It imitates the synthesized protein patterns of the Murphy
Lab's CellOrganizer (Murphy 2012, "CellOrganizer: Image-derived models of subcellular organization and protein
distribution", Methods in Cell Biology 110). Its models were learned from micrographs; the shapes here
(``synthetic_cells``) come from simple distributions chosen by eye. So a score on this dataset says that the software
works and how models fare on a task of texture and place; it says nothing about biology.

The task's difficulty comes from what makes real micrographs difficult: focus, weak expression, protein astray in the
cytoplasm, haze, noise, cells cut by the border. The brightness of the channels is drawn alike for all classes.

Nothing that is drawn at random depends on a computed pixel, and all arithmetic is in double precision: rounding that
differs between processors can move a stray pixel by one level of 255, never a scene.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft

from bench.datasets.synthetic_cells import MARGIN, PATTERNS, Array, Window, cells

VERSION = 1
"""Part of the dataset's identity: any change that moves a pixel must raise it."""

PROTEIN_CLASSES: tuple[str, ...] = ("er", "golgi", "lysosomes", "microtubules", "mitochondria", "nucleus")

SMALLEST, NATIVE, LARGEST = 64, 256, 1024

_BRIGHTNESS = np.array([[0.35, 1.0, 0.25], [0.9, 1.0, 0.75]])  # of red, green, blue: least, most


def protein_image(pattern: str, index: int, *, size: int = NATIVE, seed: int = 0) -> npt.NDArray[np.uint8]:
    """One image, (size, size, 3) uint8, red, green, blue; the same for the same arguments.

    The scene depends on ``pattern``, ``index`` and ``seed`` alone: another ``size`` shows the same cells with finer
    or coarser pixels. Images smaller than about 170 pixels are drawn larger and binned, as a camera bins.

    Raises ValueError for an unknown pattern, a negative index or seed, or a size outside 64 to 1024.
    """
    if pattern not in PROTEIN_CLASSES:
        raise ValueError(f"unknown pattern {pattern!r}: choose one of {', '.join(PROTEIN_CLASSES)}")
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"size must lie between {SMALLEST} and {LARGEST} pixels, got {size}")
    if index < 0 or seed < 0:
        raise ValueError(f"index and seed must not be negative, got index {index} and seed {seed}")
    sequence = np.random.SeedSequence([VERSION, seed, PROTEIN_CLASSES.index(pattern), index])
    scene, camera = (np.random.Generator(np.random.PCG64(child)) for child in sequence.spawn(2))
    binning = max(1, round(NATIVE / size))
    pixels = size * binning
    nuclei, protein, bodies, stray = _microscope(scene, _scene(scene, pattern, pixels), pixels)
    light = np.stack([nuclei, _green(scene, protein, stray), bodies]) * scene.uniform(*_BRIGHTNESS)[:, None, None]
    counts = _exposure(scene, camera, light * _illumination(scene, pixels))
    counts = counts.reshape(3, size, binning, size, binning).mean(axis=(2, 4))
    return np.ascontiguousarray(np.round(np.clip(counts, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0))


def _scene(rng: np.random.Generator, pattern: str, pixels: int) -> Array:
    """Densities of dye (4, H, W) before the optics, margin included: nuclei, protein, cell bodies, stray protein."""
    side = pixels + 2 * round(MARGIN * pixels)
    scene = np.zeros((4, side, side))
    for cell in cells(rng):
        window = Window(cell, pixels)
        nuclei, protein, bodies, stray = scene[:, *window.place]  # views: what is added here lands in the scene
        nuclei += window.nucleus * np.exp(0.22 * window.noise(rng, 0.02)) * rng.uniform(0.7, 1.0)
        protein += PATTERNS[pattern](rng, cell, window) * rng.lognormal(0, 0.35)
        membrane = np.exp(-(((window.body_fraction - 1) * cell.body.radius / 0.007) ** 2))
        fill = window.thickness * (1 - 0.35 * window.nucleus) * (1 + 0.12 * window.noise(rng, 0.03))
        np.maximum(bodies, rng.uniform(0.7, 1.0) * fill + 0.35 * membrane, out=bodies)
        stray += window.thickness * np.exp(0.2 * window.noise(rng, 0.05))
    return scene


def _microscope(rng: np.random.Generator, scene: Array, pixels: int) -> Array:
    """The scene through the optics, margin cut off: a Gaussian focus, and haze from what lies above and below it."""
    side = scene.shape[-1]
    focus = np.clip(rng.lognormal(np.log(0.0046), 0.45), 0.003, 0.015)
    haze = rng.uniform(0.1, 0.45)
    transfer = np.zeros((side, side // 2 + 1))
    for share, sigma in ((1 - haze, focus), (haze, 0.03)):
        down, across = (
            np.exp(-2 * (np.pi * sigma * frequency) ** 2)
            for frequency in (fft.fftfreq(side, 1 / pixels), fft.rfftfreq(side, 1 / pixels))
        )
        transfer += share * np.outer(down, across)
    inside = slice((side - pixels) // 2, (side + pixels) // 2)
    return np.asarray(np.clip(fft.irfft2(fft.rfft2(scene) * transfer, s=(side, side))[:, inside, inside], 0, None))


def _green(rng: np.random.Generator, protein: Array, stray: Array) -> Array:
    """The green channel: the pattern, with protein astray in the whole cell up to a mean drawn alike for all classes.

    A pattern of few bright spots and one that fills the cell get the same contrast, and the sparse one more stray
    protein: neither the mean nor the deviation of green tells the class.
    """
    contrast = np.exp(rng.uniform(np.log(0.052), np.log(0.25)))
    mean = rng.uniform(0.02, 0.12)
    green = contrast * protein / (protein.std() ** 0.7 * (3 * protein.mean()) ** 0.3)
    return np.asarray(green + stray * (max(0.0, mean - green.mean()) / stray.mean()))


def _illumination(rng: np.random.Generator, pixels: int) -> Array:
    """Light (H, W) that falls off from a point near the middle, 1 there."""
    x, y = rng.uniform(0.25, 0.75, 2)
    grid = (np.arange(pixels) + 0.5) / pixels
    return np.asarray(1 - rng.uniform(0.1, 0.6) * ((grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2))


def _exposure(scene: np.random.Generator, camera: np.random.Generator, light: Array) -> Array:
    """A camera's counts (3, H, W), 1 at saturation: shot noise, read noise, and an offset of stray light.

    Poisson's and the read noise are drawn together as the square of a normal variable about the root of the photons
    and the read variance (Anscombe 1948; Murtagh, Starck & Bijaoui 1995): their mean and variance from a few photons
    up, and exactly one draw a pixel.
    """
    photons = scene.uniform(60, 300)
    offset = scene.uniform(0.005, 0.04, (3, 1, 1))
    read_variance = (photons * scene.uniform(0.004, 0.015)) ** 2
    root = np.sqrt(photons * (light + offset) + read_variance)
    return np.asarray(((root + camera.standard_normal(light.shape) / 2) ** 2 - read_variance) / photons)


def write_proteins(
    folder: Path,
    *,
    images_per_class: int = 101,
    size: int = NATIVE,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write ``<folder>/<class>/<class>-000.png`` and so on; a folder that is there already is left as it is.

    The images are written to a hidden folder beside it, which takes the name at the end: ``folder`` is whole or absent
    however the process ends. ``progress`` is told (images written, images in all) after each image.

    Raises ValueError as ``protein_image`` does, or if ``images_per_class`` is below 1.
    """
    if images_per_class < 1:
        raise ValueError(f"images_per_class must be at least 1, got {images_per_class}")
    if folder.exists():
        return
    part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
    try:
        for number, pattern in enumerate(PROTEIN_CLASSES):
            (part / pattern).mkdir(parents=True)
            for index in range(images_per_class):
                image = Image.fromarray(protein_image(pattern, index, size=size, seed=seed))
                # Noise hardly compresses: trying harder takes as long as drawing and saves a tenth.
                image.save(part / pattern / f"{pattern}-{index:03d}.png", compress_level=1)
                if progress is not None:
                    progress(number * images_per_class + index + 1, len(PROTEIN_CLASSES) * images_per_class)
        try:
            part.rename(folder)
        except OSError:  # another process was faster, and wrote the same images
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
