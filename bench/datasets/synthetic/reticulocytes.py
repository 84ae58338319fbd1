"""The built-in dataset ``synthetic-reticulocytes``: fields of cat's blood in which blue cells are to be counted.

The class is the number of reticulocytes whose centres lie inside the image (``blood`` has the exact rule).
The look is that of the real dataset ``reticulocytes``: a smear stained with new methylene blue in transmitted light,
grey-green red cells, reticulum blue, Heinz bodies, platelets, dirt on the lens, violet corners. Absorbances were set
by eye beside those images, and no pixel of theirs is used. The black bars of the real images are left out, so that at
256 pixels a cell is as many pixels wide as it is there.

Light passes through the dyes (Beer and Lambert's law), then the optics, then meets the camera's noise. What would tell
the number by mean colour alone is drawn alike for all classes, and widely: exposure, stain, tint, plain cells,
platelets. Some of it stays, since more blue cells are more blue.
"""

from __future__ import annotations

import numpy as np

from bench.datasets.synthetic.blood import COUNTS, RedCell, red_cells
from bench.datasets.synthetic.drawing import (
    MARGIN,
    Array,
    Complex,
    Generator,
    Outline,
    Window,
    blurred,
    disc,
    photographed,
    worms,
)

# Absorbance (natural logarithm) of red, green and blue light.
_HAEMOGLOBIN = np.array([0.27, 0.125, 0.11])
_BLUE = np.array([1.2, 0.52, 0.03])  # new methylene blue on reticulum
_HEINZ = np.array([0.8, 0.36, 0.12])
_PLATELET = np.array([0.55, 0.3, 0.1])
_DIRT = np.array([0.5, 0.55, 0.35])

_GAP = 0.0035  # half the bright line between two cells that touch


def _exposure(scene: np.random.Generator, camera: np.random.Generator, name: str, pixels: int) -> Array:
    """A camera's counts (3, H, W), 1 at saturation."""
    cells = red_cells(scene, name)
    absorbance = _dyes(scene, cells, pixels)
    focus = np.clip(scene.lognormal(np.log(0.0036), 0.35), 0.0022, 0.0085)
    crisp = scene.uniform(0.0, 0.5)  # the camera's own sharpening draws bright rims around cells
    through = blurred(np.exp(-absorbance), pixels, [(1 + crisp, focus), (-crisp, 2.5 * focus)])
    light = through * _illumination(scene, pixels)
    photons = np.exp(scene.uniform(np.log(2500), np.log(20000)))
    return photographed(camera, light, photons, (photons * scene.uniform(0.001, 0.004)) ** 2)


def _dyes(rng: np.random.Generator, cells: list[RedCell], pixels: int) -> Array:
    """Absorbance (3, H, W) of the smear, margin included."""
    side = pixels + 2 * round(MARGIN * pixels)
    canvas = np.zeros((3, side, side))
    stain, counterstain = rng.uniform(0.55, 1.3), rng.uniform(0.65, 1.4)
    haemoglobin = counterstain * _HAEMOGLOBIN * np.exp(rng.normal(0, 0.06, 3))
    tint, pallor = 0.09 * rng.uniform() ** 2, rng.uniform(0, 0.3)
    for number, cell in enumerate(cells):
        window = Window(cell.outline.centre, cell.outline.reach + 0.012, pixels)
        neighbours = [other.outline for k, other in enumerate(cells) if k != number]
        body, profile = _body(rng, window, cell, neighbours, pallor)
        uneven = 1 + 0.06 * window.noise(rng, 0.03)
        specks = stain * cell.strength * _specks(window, cell.specks, cell.speck_radius)
        blue = stain * cell.tint * uneven + tint * profile + specks
        layers = [(haemoglobin, profile * uneven * rng.uniform(0.85, 1.15)), (_BLUE, blue)]
        if cell.heinz is not None:
            lump = _specks(window, np.array([cell.heinz]), np.array([rng.uniform(0.01, 0.016)]))
            layers.append((_HEINZ, stain * rng.uniform(0.4, 1.0) * lump))
        if cell.glint is not None:
            ring, core = (_specks(window, np.array([cell.glint]), np.array([r])) for r in (0.013, 0.007))
            layers.append((np.ones(3), rng.uniform(0.2, 0.5) * ring - rng.uniform(0.6, 1.2) * core))
        canvas[:, *window.place] += body * sum(colour[:, None, None] * layer for colour, layer in layers)
    for points, radii, colour in _debris(rng, cells):
        window = Window(complex(points.mean()), 0.05, pixels)
        canvas[:, *window.place] += stain * colour[:, None, None] * _specks(window, points, radii)
    return canvas


def _body(
    rng: np.random.Generator, window: Window, cell: RedCell, neighbours: list[Outline], pallor: float
) -> tuple[Array, Array]:
    """Where the cell is, 0 to 1, and how thick it is there: pale in the middle, a rim at the edge."""
    edge, points = cell.outline, window.points
    fraction = edge.fraction(points)
    depth = (1 - fraction) * edge.radius
    soft = 0.003
    for other in neighbours:
        apart = other.centre - edge.centre
        distance = abs(apart)
        if distance < edge.reach + other.reach + 2 * _GAP:
            along = ((points - edge.centre) * np.conj(apart / distance)).real
            line = (distance**2 + edge.radius**2 - other.radius**2) / (2 * distance) - _GAP
            depth = -soft * np.logaddexp(-depth / soft, -(line - along) / soft)  # the smaller, with a rounded corner
    middle = edge.centre + 0.15 * edge.radius * rng.uniform() * np.exp(2j * np.pi * rng.uniform())
    width = edge.radius * rng.uniform(0.25, 0.5)
    pale = pallor * rng.uniform(0.2, 1.0) * np.exp(-((np.abs(points - middle) / width) ** 2))
    rim = 0.12 * np.exp(-((depth / edge.radius - 0.1) ** 2) / 0.01)
    return np.clip(depth / 0.004 + 0.5, 0, 1), 1 - pale + rim


def _specks(window: Window, points: Complex, radii: Array) -> Array:
    """Density of droplets, near 1 in each and where they overlap: stain saturates."""
    drops, weight = 24, 2.2 * np.pi * radii[:, None] ** 2 / 24
    return np.asarray(1 - np.exp(-window.splat(points[:, None] + radii[:, None] * disc(1, drops), weight)))


def _debris(rng: np.random.Generator, cells: list[RedCell]) -> list[tuple[Complex, Array, Array]]:
    """Points, radii and colour of the platelets and of the dirt that lie between the cells."""
    found = []
    for most, grains, spread, sizes, colour in (
        (int(rng.integers(1, 10)), 8, 0.012, (0.003, 0.009), _PLATELET),
        (7, 1, 0.0, (0.0025, 0.0045), _DIRT),
    ):
        count = int(rng.integers(0, most + 1))
        middles = rng.uniform(0, 1, (count, 2)) @ np.array([1, 1j])
        offsets = spread * rng.normal(0, 0.6, (2, count, grains))
        radii = rng.uniform(*sizes, (count, grains))
        strength = rng.uniform(0.4, 1.5, count)
        for k in range(count):
            points = middles[k] + offsets[0, k] + 1j * offsets[1, k]
            if all(abs(middles[k] - cell.outline.centre) > cell.outline.reach + 2.5 * spread for cell in cells):
                found.append((points, radii[k], strength[k] * colour))
    return found


def _illumination(rng: np.random.Generator, pixels: int) -> Array:
    """Light (3, H, W): brightest near the middle, violet in the corners, with soft shadows of dirt on the lens."""
    level = rng.uniform(0.46, 0.76)
    white = level * np.array([0.99, 1.02, 0.97]) * np.exp(rng.normal(0, 0.025, 3))
    x, y = rng.uniform(0.3, 0.7, 2)
    grid = (np.arange(pixels) + 0.5) / pixels
    distance = (grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2
    fall = rng.uniform(0.15, 0.5) * np.array([0.9, 1.0, 0.6]) * rng.uniform(0.85, 1.15, 3)
    veil = blurred(_dust(rng, pixels)[None], pixels, [(1, rng.uniform(0.006, 0.01))])
    light = white[:, None, None] * (1 - fall[:, None, None] * distance) * np.exp(-veil)
    return np.asarray(np.clip(light, 0, None))


def _dust(rng: np.random.Generator, pixels: int) -> Array:
    """Absorbance (H, W) of what lies on the lens, in focus and with its margin: round spots and a hair."""
    side = pixels + 2 * round(MARGIN * pixels)
    canvas = np.zeros((side, side))
    count = int(rng.integers(3, 9))
    middles = rng.uniform(0, 1, (count, 2)) @ np.array([1, 1j])
    radii, depths = rng.uniform(0.006, 0.018, count), rng.uniform(0.05, 0.3, count)
    hair = worms(rng, middles[:1], rng.uniform(0.08, 0.2, 1), 60, bend=1.5).ravel()
    for middle, radius, depth in zip(middles[1:], radii[1:], depths[1:], strict=True):
        window = Window(complex(middle), 0.03, pixels)
        canvas[window.place] += depth * _specks(window, np.array([middle]), np.array([radius]))
    window = Window(complex(hair.mean()), 0.22, pixels)
    canvas[window.place] += 0.7 * depths[0] * _specks(window, hair, np.full(hair.size, 0.005))
    return canvas


RETICULOCYTES = Generator(version=1, classes=tuple(COUNTS), images_per_class=100, exposure=_exposure)
