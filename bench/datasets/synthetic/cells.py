"""Cells, and the six places of a protein in them, as densities of dye: what ``proteins`` photographs.

As in CellOrganizer, a nucleus conditions the cell's outline and both condition the protein's compartment, but every
distribution here is simple and chosen by eye. The ideas: outlines as smooth closed curves (Zhao & Murphy 2007,
"Automated learning of generative models for subcellular location"), compartments of droplets and threads as objects
placed by their distance between nucleus and membrane (Peng & Murphy 2011, "Image-derived, three-dimensional
generative models of cellular organization"), microtubules as persistent curves that grow from a centrosome (Shariff,
Murphy & Rohde 2010, "A generative model of microtubule distributions, and indirect estimation of its parameters from
fluorescence microscopy images").

Lengths are in scene units (see ``drawing``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.datasets.synthetic.drawing import Array, Complex, Outline, Window, disc, outline, worms


@dataclass(frozen=True)
class Cell:
    """A cell body and the nucleus in it."""

    body: Outline
    nucleus: Outline


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
    body = outline(rng, centre, radius, roughness=0.18, elongation=rng.uniform(0.02, 0.2))
    shift = radius * rng.uniform(0, 0.2) * np.exp(1j * rng.uniform(0, 2 * np.pi))
    inner = radius * rng.uniform(0.34, 0.44)
    return Cell(body, outline(rng, centre + shift, inner, roughness=0.05, elongation=rng.uniform(0, 0.13)))


class CellWindow(Window):
    """The pixels around one cell, and what lies in them."""

    def __init__(self, cell: Cell, pixels: int) -> None:
        """``pixels`` is the number of pixels along the image's side, margin not counted."""
        super().__init__(cell.body.centre, cell.body.reach + 0.01, pixels)
        self.body_fraction = cell.body.fraction(self.points)
        self.nucleus_fraction = cell.nucleus.fraction(self.points)
        self.body = _inside(self.body_fraction, cell.body.radius)
        self.nucleus = _inside(self.nucleus_fraction, cell.nucleus.radius)
        self.cytoplasm = self.body * (1 - self.nucleus)
        # A cell on glass is a dome, thickest over the nucleus: what fills it looks brightest there.
        self.thickness = self.body * np.sqrt(np.clip(1.05 - self.body_fraction**2, 0, None))


def _inside(fraction: Array, radius: float) -> Array:
    """1 inside an outline, 0 outside, with a flank of about 0.008 scene units."""
    return np.asarray(np.clip((1 - fraction) * radius / 0.008 + 0.5, 0, 1))


def _around_nucleus(rng: np.random.Generator, cell: Cell, count: int, spread: float, reach: float = 0.95) -> Complex:
    """Random points of the cytoplasm; the larger ``spread``, the closer to the nucleus they crowd."""
    angle = rng.uniform(0, 2 * np.pi, count)
    edge = cell.body.at(np.full(count, reach), angle)
    start = cell.nucleus.at(np.full(count, 1.1), angle)
    return np.asarray(start + (edge - start) * rng.uniform(0, 1, count) ** spread)


def _er(rng: np.random.Generator, cell: Cell, window: CellWindow) -> Array:
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


def _golgi(rng: np.random.Generator, cell: Cell, window: CellWindow) -> Array:
    """Golgi apparatus: a cluster of short stacked ribbons in a crescent on one side of the nucleus."""
    stacks, steps = int(rng.integers(9, 26)), 40
    side, arc = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.1)
    angle = side + arc * rng.normal(0, 0.6, stacks)
    start = cell.nucleus.at(1.12 + rng.gamma(1.5, 0.12, stacks), angle)
    ribbons = worms(rng, start, rng.uniform(0.02, 0.09, stacks), steps, bend=0.9)
    brightness = rng.uniform(0.4, 1.0, (stacks, 1, 1))
    return window.splat(ribbons[..., None] + disc(0.0045, 8), brightness) * window.body


def _lysosomes(rng: np.random.Generator, cell: Cell, window: CellWindow) -> Array:
    """Lysosomes: many round droplets of uneven size over the cytoplasm, crowded around the nucleus."""
    count = int(rng.integers(20, 70))
    centres = _around_nucleus(rng, cell, count, spread=rng.uniform(0.7, 1.6))
    size = np.clip(rng.lognormal(np.log(0.0095), 0.35, (count, 1)), 0.004, 0.02)
    brightness = size**1.5 * rng.uniform(0.3, 1.0, (count, 1))
    return window.splat(centres[:, None] + size * disc(1, 40), brightness) * window.body


def _microtubules(rng: np.random.Generator, cell: Cell, window: CellWindow) -> Array:
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


def _mitochondria(rng: np.random.Generator, cell: Cell, window: CellWindow) -> Array:
    """Mitochondria: short curved threads, here fused into long ones, there broken into grains."""
    count, steps = int(rng.integers(30, 75)), 50
    centres = _around_nucleus(rng, cell, count, spread=rng.uniform(0.8, 1.5), reach=0.9)
    length = np.clip(rng.lognormal(np.log(rng.uniform(0.033, 0.09)), 0.45, count), 0.012, 0.18)
    threads = worms(rng, centres, length, steps, bend=1.1)
    brightness = length[:, None, None] * rng.uniform(0.5, 1.0, (count, 1, 1))
    return window.splat(threads[..., None] + disc(0.0038, 6), brightness) * window.cytoplasm


def _nucleus(rng: np.random.Generator, cell: Cell, window: CellWindow) -> Array:
    """A nuclear protein: chromatin texture with dark nucleoli."""
    count = int(rng.integers(1, 5))
    spots = cell.nucleus.at(rng.uniform(0.1, 0.7, count), rng.uniform(0, 2 * np.pi, count))
    density = window.nucleus * np.exp(0.25 * window.noise(rng, 0.02))
    for spot, radius in zip(spots, rng.uniform(0.012, 0.026, count), strict=True):
        density *= 1 - 0.85 * np.exp(-((np.abs(window.points - spot) / radius) ** 4))
    return density


PATTERNS: dict[str, Callable[[np.random.Generator, Cell, CellWindow], Array]] = {
    "er": _er,
    "golgi": _golgi,
    "lysosomes": _lysosomes,
    "microtubules": _microtubules,
    "mitochondria": _mitochondria,
    "nucleus": _nucleus,
}
"""Each draws a density (h, w) over the cell's window; its scale is arbitrary."""
