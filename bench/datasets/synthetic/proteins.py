"""The built-in dataset ``synthetic-proteins``: synthesized fluorescence images of cells.

Every image shows two to five cells as a three-colour microscope would: nuclei in red, cell bodies in blue, and in
green one protein whose place in the cell is the class. It imitates the synthesized protein patterns of the Murphy
Lab's CellOrganizer (Murphy 2012, "CellOrganizer: Image-derived models of subcellular organization and protein
distribution", Methods in Cell Biology 110). Its models were learned from micrographs; the shapes here
(``cells``) come from simple distributions chosen by eye. So a score on this dataset says that the software
works and how models fare on a task of texture and place; it says nothing about biology.

The task's difficulty comes from what makes real micrographs difficult: focus, weak expression, protein astray in the
cytoplasm, haze, noise, cells cut by the border. The brightness of the channels is drawn alike for all classes.
"""

from __future__ import annotations

import numpy as np

from bench.datasets.synthetic.cells import PATTERNS, CellWindow, cells
from bench.datasets.synthetic.drawing import MARGIN, Array, Generator, blurred, photographed

_BRIGHTNESS = np.array([[0.35, 1.0, 0.25], [0.9, 1.0, 0.75]])  # of red, green, blue: least, most


def _exposure(scene: np.random.Generator, camera: np.random.Generator, pattern: str, pixels: int) -> Array:
    """A camera's counts (3, H, W), 1 at saturation: shot noise, read noise, and an offset of stray light."""
    nuclei, protein, bodies, stray = _microscope(scene, _scene(scene, pattern, pixels), pixels)
    light = np.stack([nuclei, _green(scene, protein, stray), bodies]) * scene.uniform(*_BRIGHTNESS)[:, None, None]
    light = light * _illumination(scene, pixels)
    photons = scene.uniform(60, 300)
    offset = scene.uniform(0.005, 0.04, (3, 1, 1))
    return photographed(camera, light + offset, photons, (photons * scene.uniform(0.004, 0.015)) ** 2)


def _scene(rng: np.random.Generator, pattern: str, pixels: int) -> Array:
    """Densities of dye (4, H, W) before the optics, margin included: nuclei, protein, cell bodies, stray protein."""
    side = pixels + 2 * round(MARGIN * pixels)
    scene = np.zeros((4, side, side))
    for cell in cells(rng):
        window = CellWindow(cell, pixels)
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
    focus = np.clip(rng.lognormal(np.log(0.0046), 0.45), 0.003, 0.015)
    haze = rng.uniform(0.1, 0.45)
    return blurred(scene, pixels, [(1 - haze, focus), (haze, 0.03)])


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


PROTEINS = Generator(
    version=1,
    classes=("er", "golgi", "lysosomes", "microtubules", "mitochondria", "nucleus"),
    images_per_class=101,
    exposure=_exposure,
)
