"""Cells, and the six places of a protein in them, as densities of dye on a grid of pixels: ``synthetic`` draws with it.

As in CellOrganizer, a nucleus conditions the cell's outline and both condition the protein's compartment, but every
distribution here is simple and chosen by eye. The ideas: outlines as smooth closed curves (Zhao & Murphy 2007,
"Automated learning of generative models for subcellular location"), compartments of droplets and threads as objects
placed by their distance between nucleus and membrane (Peng & Murphy 2011, "Image-derived, three-dimensional
generative models of cellular organization"), microtubules as persistent curves that grow from a centrosome (Shariff,
Murphy & Rohde 2010, "A generative model of microtubule distributions, and indirect estimation of its parameters from
fluorescence microscopy images").

Lengths are in *scene units*: the side of the image is 1. Points are complex numbers, x + iy with y downwards. No
random draw depends on the number of pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

MARGIN = 1 / 16
"""Width of the frame that is drawn around the image and cut off, so that blur does not end at the border."""

Array: TypeAlias = npt.NDArray[np.float64]
Complex: TypeAlias = npt.NDArray[np.complex128]


@dataclass(frozen=True)
class Outline:
    """A smooth star-shaped outline: radius(angle) = radius · (1 + Re Σ harmonics[k] · e^{i(k+2)·angle})."""

    centre: complex
    radius: float
    harmonics: Complex

    def edge(self, direction: Complex) -> Array:
        """Distance from the centre to the outline towards each unit vector of ``direction``."""
        total = np.zeros(direction.shape, np.complex128)
        for coefficient in self.harmonics[::-1]:  # Horner: cheaper and more exact than a cosine a harmonic
            total = (total + coefficient) * direction
        return self.radius * (1 + (total * direction).real)

    def fraction(self, points: Complex) -> Array:
        """Distance of points from the centre as a share of the way to the outline: below 1 is inside."""
        offset = points - self.centre
        distance = np.abs(offset) + 1e-9
        return distance / self.edge(offset / distance)

    def at(self, fraction: Array, angle: Array) -> Complex:
        """The points at this share of the way to the outline, towards these angles."""
        direction = np.exp(1j * angle)
        return np.asarray(self.centre + fraction * self.edge(direction) * direction)


@dataclass(frozen=True)
class Cell:
    """A cell body and the nucleus in it."""

    body: Outline
    nucleus: Outline


def _outline(rng: np.random.Generator, centre: complex, radius: float, roughness: float, elongation: float) -> Outline:
    orders = np.arange(2, 8)
    size = roughness * rng.standard_normal(orders.size) / orders**1.2
    size[0] += elongation
    size *= min(1.0, 0.5 / float(np.abs(size).sum()))  # keeps the radius between half and one and a half
    phase = rng.uniform(0, 2 * np.pi, orders.size)
    return Outline(centre, radius, size * np.exp(1j * phase))


def cells(rng: np.random.Generator) -> list[Cell]:
    """Two to five cells that hardly overlap; a centre may lie so near the border that the cell is cut."""
    wanted = int(rng.integers(2, 6))
    typical = rng.uniform(0.25, 0.31) if wanted < 4 else rng.uniform(0.21, 0.25)
    candidates = rng.uniform(0.0, 1.0, (400, 2)) @ np.array([1, 1j])
    candidates[0] = 0.5 + 0.5j + 0.4 * (candidates[0] - 0.5 - 0.5j)  # one cell is always well in view
    radii = typical * rng.uniform(0.88, 1.14, candidates.size)
    chosen: list[int] = []
    for k in range(candidates.size):
        if all(abs(candidates[k] - candidates[j]) > 1.02 * (radii[k] + radii[j]) for j in chosen):
            chosen.append(k)
        if len(chosen) == wanted:
            break
    return [_cell(rng, complex(candidates[k]), float(radii[k])) for k in chosen]


def _cell(rng: np.random.Generator, centre: complex, radius: float) -> Cell:
    body = _outline(rng, centre, radius, roughness=0.18, elongation=rng.uniform(0.02, 0.2))
    shift = radius * rng.uniform(0, 0.2) * np.exp(1j * rng.uniform(0, 2 * np.pi))
    inner = radius * rng.uniform(0.34, 0.44)
    return Cell(body, _outline(rng, centre + shift, inner, roughness=0.05, elongation=rng.uniform(0, 0.13)))


class Window:
    """The pixels around one cell: where they are, what lies in them, and the two ways of drawing on them."""

    def __init__(self, cell: Cell, pixels: int) -> None:
        """``pixels`` is the number of pixels along the image's side, margin not counted."""
        self.pixels, self.pad = pixels, round(MARGIN * pixels)
        reach = cell.body.radius * (1 + float(np.abs(cell.body.harmonics).sum())) + 0.01
        low = [int(np.floor((c - reach) * pixels)) for c in (cell.body.centre.real, cell.body.centre.imag)]
        high = [int(np.ceil((c + reach) * pixels)) for c in (cell.body.centre.real, cell.body.centre.imag)]
        self.left, self.top = (max(v, -self.pad) for v in low)
        self.right, self.bottom = (min(v, pixels + self.pad) for v in high)
        self.x = (np.arange(self.left, self.right) + 0.5) / pixels
        self.y = (np.arange(self.top, self.bottom) + 0.5) / pixels
        points = self.x[None, :] + 1j * self.y[:, None]
        self.body_fraction = cell.body.fraction(points)
        self.nucleus_fraction = cell.nucleus.fraction(points)
        self.body = _inside(self.body_fraction, cell.body.radius)
        self.nucleus = _inside(self.nucleus_fraction, cell.nucleus.radius)
        self.cytoplasm = self.body * (1 - self.nucleus)
        # A cell on glass is a dome, thickest over the nucleus: what fills it looks brightest there.
        self.thickness = self.body * np.sqrt(np.clip(1.05 - self.body_fraction**2, 0, None))

    @property
    def place(self) -> tuple[slice, slice]:
        """Where the window lies on the canvas, which begins at the margin's corner."""
        return (
            slice(self.top + self.pad, self.bottom + self.pad),
            slice(self.left + self.pad, self.right + self.pad),
        )

    def noise(self, rng: np.random.Generator, grain: float) -> Array:
        """Smooth random field, deviation about 1, features ``grain`` long: cubic B-splines over white noise."""
        rows, columns = (_splines(self.pixels, grain)[part] for part in self.place)
        values = 2 * rng.standard_normal((rows.shape[1], rows.shape[1]))
        return np.asarray((columns @ (rows @ values).T).T)

    def splat(self, points: Complex, weight: Array | float = 1.0) -> Array:
        """Sum of points, each shared between its four nearest pixels, as weight per unit area of the scene."""
        height, width = self.y.size, self.x.size
        column = points.ravel().real * self.pixels - self.left - 0.5
        row = points.ravel().imag * self.pixels - self.top - 0.5
        weights = np.broadcast_to(weight, points.shape).ravel()
        keep = (column >= 0) & (column < width - 1) & (row >= 0) & (row < height - 1)
        column, row, weights = column[keep], row[keep], weights[keep] * self.pixels**2
        c, r = column.astype(np.intp), row.astype(np.intp)
        u, v = column - c, row - r
        at = r * width + c
        total = np.zeros(height * width)
        for step, share in (
            (0, (1 - u) * (1 - v)),
            (1, u * (1 - v)),
            (width, (1 - u) * v),
            (width + 1, u * v),
        ):
            total += np.bincount(at + step, weights * share, minlength=height * width)
        return total.reshape(height, width)


def _inside(fraction: Array, radius: float) -> Array:
    """1 inside an outline, 0 outside, with a flank of about 0.008 scene units."""
    return np.asarray(np.clip((1 - fraction) * radius / 0.008 + 0.5, 0, 1))


@lru_cache(maxsize=16)
def _splines(pixels: int, grain: float) -> sparse.csr_array:
    """Values (canvas pixels, knots) of the cubic B-splines whose knots stand every ``grain`` along the canvas.

    Sparse not for memory but for time: four knots reach a pixel, and no threads of BLAS are woken for a small product.
    """
    pad, knots = round(MARGIN * pixels), round((1 + 2 * MARGIN) / grain) + 4
    position = (np.arange(-pad, pixels + pad) + 0.5) / pixels
    t = np.abs((position[:, None] + MARGIN) / grain + 1 - np.arange(knots))
    return sparse.csr_array(np.where(t < 1, 2 / 3 - t**2 + t**3 / 2, np.clip(2 - t, 0, None) ** 3 / 6))


def _worms(rng: np.random.Generator, start: Complex, length: Array, steps: int, bend: float) -> Complex:
    """Smoothly curved filaments (N, steps) from N starting points, in random directions."""
    heading = rng.uniform(0, 2 * np.pi, (start.size, 1))
    turn = np.cumsum(rng.normal(0, bend / np.sqrt(steps), (start.size, steps)), axis=1)
    turn += rng.normal(0, bend, (start.size, 1)) * np.linspace(0, 1, steps)
    path = np.cumsum(np.exp(1j * (heading + turn)), axis=1) / steps
    return np.asarray(start[:, None] + length[:, None] * (path - path.mean(axis=1, keepdims=True)))


def _disc(radius: float, count: int) -> Complex:
    """Offsets (count,) that fill a disc evenly: Vogel's spiral."""
    number = np.arange(count)
    return np.asarray(radius * np.sqrt((number + 0.5) / count) * np.exp(1j * np.pi * (3 - np.sqrt(5)) * number))


def _around_nucleus(rng: np.random.Generator, cell: Cell, count: int, spread: float, reach: float = 0.95) -> Complex:
    """Random points of the cytoplasm; the larger ``spread``, the closer to the nucleus they crowd."""
    angle = rng.uniform(0, 2 * np.pi, count)
    edge = cell.body.at(np.full(count, reach), angle)
    start = cell.nucleus.at(np.full(count, 1.1), angle)
    return np.asarray(start + (edge - start) * rng.uniform(0, 1, count) ** spread)


def _er(rng: np.random.Generator, cell: Cell, window: Window) -> Array:
    """Endoplasmic reticulum: sheets and a fine net that fade with the distance from a bright nuclear rim."""
    net = np.zeros_like(window.body)
    for grain in rng.uniform(0.018, 0.03, 2):
        net += np.exp(-((window.noise(rng, grain) / 0.35) ** 2))
    distance = np.clip(window.nucleus_fraction - 1, 0, None) * cell.nucleus.radius
    halo = np.exp(-distance / (cell.body.radius * rng.uniform(0.15, 0.45)))
    rim = np.exp(-((distance / 0.008) ** 2))
    uneven = np.exp(0.35 * window.noise(rng, 0.06))
    sheets = rng.uniform(0.15, 0.6)
    return window.cytoplasm * uneven * (halo * (sheets + net) + 0.5 * rim + 0.06 * net)


def _golgi(rng: np.random.Generator, cell: Cell, window: Window) -> Array:
    """Golgi apparatus: a cluster of short stacked ribbons in a crescent on one side of the nucleus."""
    stacks, steps = int(rng.integers(9, 26)), 40
    side, arc = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.1)
    angle = side + arc * rng.normal(0, 0.6, stacks)
    start = cell.nucleus.at(1.12 + rng.gamma(1.5, 0.12, stacks), angle)
    ribbons = _worms(rng, start, rng.uniform(0.02, 0.09, stacks), steps, bend=0.9)
    brightness = rng.uniform(0.4, 1.0, (stacks, 1, 1))
    return window.splat(ribbons[..., None] + _disc(0.0045, 8), brightness) * window.body


def _lysosomes(rng: np.random.Generator, cell: Cell, window: Window) -> Array:
    """Lysosomes: many round droplets of uneven size over the cytoplasm, crowded around the nucleus."""
    count = int(rng.integers(20, 70))
    centres = _around_nucleus(rng, cell, count, spread=rng.uniform(0.7, 1.6))
    size = np.clip(rng.lognormal(np.log(0.0095), 0.35, (count, 1)), 0.004, 0.02)
    brightness = size**1.5 * rng.uniform(0.3, 1.0, (count, 1))
    return window.splat(centres[:, None] + size * _disc(1, 40), brightness) * window.body


def _microtubules(rng: np.random.Generator, cell: Cell, window: Window) -> Array:
    """Microtubules: long thin bent filaments from a centrosome beside the nucleus to the cell's edge."""
    count, steps = int(rng.integers(45, 110)), 150
    centrosome = cell.nucleus.at(np.array(rng.uniform(0.7, 1.25)), np.array(rng.uniform(0, 2 * np.pi)))
    end = cell.body.at(rng.uniform(0.6, 1.0, count), rng.uniform(0, 2 * np.pi, count))
    reach = (end - centrosome)[:, None]
    along = np.linspace(0, 1, steps)
    waves = np.sin(np.pi * np.outer([1, 2, 3, 5], along))
    bend = rng.normal(0, 1, (count, 4)) * np.array([0.13, 0.06, 0.035, 0.015])
    filaments = centrosome + reach * (along + 1j * (bend @ waves))
    return window.splat(filaments, np.abs(reach) * rng.uniform(0.5, 1.0, (count, 1))) * window.body


def _mitochondria(rng: np.random.Generator, cell: Cell, window: Window) -> Array:
    """Mitochondria: short curved threads, here fused into long ones, there broken into grains."""
    count, steps = int(rng.integers(30, 75)), 50
    centres = _around_nucleus(rng, cell, count, spread=rng.uniform(0.8, 1.5), reach=0.9)
    length = np.clip(rng.lognormal(np.log(rng.uniform(0.033, 0.09)), 0.45, count), 0.012, 0.18)
    threads = _worms(rng, centres, length, steps, bend=1.1)
    brightness = length[:, None, None] * rng.uniform(0.5, 1.0, (count, 1, 1))
    return window.splat(threads[..., None] + _disc(0.0038, 6), brightness) * window.cytoplasm


def _nucleus(rng: np.random.Generator, cell: Cell, window: Window) -> Array:
    """A nuclear protein: chromatin texture with dark nucleoli."""
    count = int(rng.integers(1, 5))
    spots = cell.nucleus.at(rng.uniform(0.1, 0.7, count), rng.uniform(0, 2 * np.pi, count))
    density = window.nucleus * np.exp(0.25 * window.noise(rng, 0.02))
    points = window.x[None, :] + 1j * window.y[:, None]
    for spot, radius in zip(spots, rng.uniform(0.012, 0.026, count), strict=True):
        density *= 1 - 0.85 * np.exp(-((np.abs(points - spot) / radius) ** 4))
    return density


PATTERNS: dict[str, Callable[[np.random.Generator, Cell, Window], Array]] = {
    "er": _er,
    "golgi": _golgi,
    "lysosomes": _lysosomes,
    "microtubules": _microtubules,
    "mitochondria": _mitochondria,
    "nucleus": _nucleus,
}
"""Each draws a density (h, w) over the cell's window; its scale is arbitrary."""
