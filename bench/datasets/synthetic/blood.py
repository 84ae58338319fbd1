"""A field of cat's blood as red cells with specks, no pixel yet: what ``reticulocytes`` photographs.

The counting rule is exact. A *reticulocyte* is a red cell with three specks of stained reticulum or more; every other
red cell has one at most. A reticulocyte *counts* if its centre lies inside the image, whatever the border cuts off.
To keep the rule plain to the eye, no centre lies within about a fifth of a cell's radius of the border, and every
speck of a reticulocyte that counts shows.

Cats have two kinds (Vinicki et al. 2018, arXiv:1803.04873, counts the first): *aggregate* ones with clumps or a net,
in a cell tinted blue, and *punctate* ones with a few fine specks. Both count here. What surrounds them is drawn alike
for all classes: the number of plain cells inside the image, the cells with centres outside it, how they crowd.

Lengths are in scene units (see ``drawing``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bench.datasets.synthetic.drawing import Array, Complex, Outline, outline, worms

COUNTS = {"n1": (1, 1), "n2": (2, 2), "n3": (3, 3), "n4": (4, 4), "n5plus": (5, 7)}
"""Fewest and most reticulocytes that count, by class."""

CLEAR = 0.015
"""No centre lies nearer than this to the border, inside or outside."""

_OUTSIDE = 0.05  # a centre farther out than this leaves too little of the cell in view
_CANDIDATES = 3000
_NOWHERE: Complex = np.zeros(0, np.complex128)


@dataclass(frozen=True)
class RedCell:
    """A red cell.

    Attributes:
        outline: its edge, where no neighbour presses it.
        tint: blue of the whole cell, as a share of a speck's.
        specks: (K,) points, the specks of reticulum; those of a clump overlap.
        speck_radius: (K,) lengths.
        strength: how dark the specks are.
        heinz: centre of a Heinz body, a round pale blue lump at the edge that is no reticulum.
        glint: centre of a refractile artefact, bright within a dark ring.
    """

    outline: Outline
    tint: float = 0.0
    specks: Complex = field(default_factory=lambda: _NOWHERE)
    speck_radius: Array = field(default_factory=lambda: np.zeros(0))
    strength: float = 0.0
    heinz: complex | None = None
    glint: complex | None = None

    @property
    def inside(self) -> bool:
        """Whether the centre lies inside the image."""
        return bool(0 < self.outline.centre.real < 1 and 0 < self.outline.centre.imag < 1)

    @property
    def reticulocyte(self) -> bool:
        """Whether it holds at least three specks."""
        return self.specks.size >= 3

    @property
    def counts(self) -> bool:
        """Whether it is one of the cells whose number is the class."""
        return self.inside and self.reticulocyte


def red_cells(rng: np.random.Generator, name: str) -> list[RedCell]:
    """The red cells of a field of this class."""
    low, high = COUNTS[name]
    young = int(rng.integers(low, high + 1))
    plain, beyond = int(rng.integers(2, 17)), int(rng.integers(0, 5))
    inside = rng.permutation(np.arange(young + plain) < young)  # any place may be a reticulocyte's
    outside = rng.uniform(size=beyond) < rng.uniform(0, 0.8)
    reticulocyte = np.concatenate([inside, outside])
    typical = rng.uniform(0.056, 0.068)
    radii = typical * np.clip(rng.lognormal(0, 0.08, reticulocyte.size), 0.85, 1.2)
    radii[reticulocyte] *= rng.uniform(0.98, 1.12, int(reticulocyte.sum()))  # young red cells are larger
    centres = _places(rng, radii, inside.size)
    aggregate = rng.uniform(size=radii.size) < rng.uniform(0.2, 0.95)
    heinz = 0.4 * rng.uniform() ** 2  # some cats have them in many cells
    return [
        _cell(rng, complex(centre), float(radius), heinz, young=bool(y), aggregate=bool(a))
        for centre, radius, y, a in zip(centres, radii, reticulocyte, aggregate, strict=True)
    ]


def _places(rng: np.random.Generator, radii: Array, inside: int) -> Complex:
    """A centre for each cell, the first ``inside`` of them in the image, the others beyond its border.

    Cells stand apart or touch; where two touch they may press each other flat by an eighth.
    """
    anywhere = rng.uniform(-_OUTSIDE, 1 + _OUTSIDE, (_CANDIDATES, 2)) @ np.array([1, 1j])
    crowded = rng.uniform(0.0, 0.6) ** 1.5
    beside = rng.uniform(size=_CANDIDATES) < crowded
    neighbour, squeeze = rng.uniform(size=_CANDIDATES), rng.uniform(0.88, 1.06, _CANDIDATES)
    direction = np.exp(2j * np.pi * rng.uniform(size=_CANDIDATES))
    typical = radii.mean()
    centres, placed = np.zeros(radii.size, np.complex128), np.zeros(radii.size, bool)
    for k in range(_CANDIDATES):
        centre, (done,) = anywhere[k], np.nonzero(placed)
        partner = done[int(neighbour[k] * done.size)] if done.size and beside[k] else None
        if partner is not None:
            centre = centres[partner] + (radii[partner] + typical) * squeeze[k] * direction[k]
        depth = min(centre.real, 1 - centre.real, centre.imag, 1 - centre.imag)
        if abs(depth) < CLEAR or depth < -_OUTSIDE:
            continue
        waiting = np.nonzero(~placed[:inside] if depth > 0 else ~placed[inside:])[0]
        if not waiting.size:
            continue
        cell = int(waiting[0]) + (0 if depth > 0 else inside)
        if (np.abs(centres[done] - centre) < 0.88 * (radii[done] + radii[cell])).any():
            continue
        centres[cell], placed[cell] = centre, True
        if placed.all():
            return centres
    raise RuntimeError(f"no room for {radii.size} cells")  # they cover under half of the field, so this was never seen


def _cell(
    rng: np.random.Generator, centre: complex, radius: float, heinz: float, *, young: bool, aggregate: bool
) -> RedCell:
    edge = outline(rng, centre, radius, roughness=0.035, elongation=rng.gamma(1.5, 0.02))
    if young:
        return _aggregate(rng, edge) if aggregate else _punctate(rng, edge)
    tint, extra, angle = rng.uniform(0, 0.06), rng.uniform(), rng.uniform(0, 2 * np.pi)
    place = complex(edge.at(np.sqrt(rng.uniform(0.05, 0.6)), np.array(angle)))
    if extra < heinz:
        return RedCell(edge, tint, heinz=complex(edge.at(np.array(rng.uniform(0.75, 0.92)), np.array(angle))))
    if extra > 0.94:
        return RedCell(edge, tint, glint=place)
    if extra > 0.84:
        speck = np.array([radius * rng.uniform(0.05, 0.09)])
        return RedCell(edge, tint, np.array([place]), speck, strength=rng.uniform(0.4, 0.9))
    return RedCell(edge, tint)


def _aggregate(rng: np.random.Generator, edge: Outline) -> RedCell:
    """Clumps: chains of granules that overlap, some of them grown into a net about the middle."""
    net = rng.uniform() < 0.3
    clumps, steps = int(rng.integers(4, 8) if net else rng.integers(3, 7)), 7
    spread = rng.uniform(0.1, 0.45, clumps) if net else np.sqrt(rng.uniform(0.08, 0.55, clumps))
    angle = 2 * np.pi * (np.arange(clumps) + rng.uniform(-0.45, 0.45, clumps)) / clumps + rng.uniform(0, 2 * np.pi)
    length = edge.radius * rng.uniform(0.2, 0.75, clumps) * (1.3 if net else 1.0)
    chains = worms(rng, edge.at(spread, angle), length, steps, bend=1.6)
    jitter = rng.normal(0, 0.045, (2, clumps, steps)) * edge.radius
    size = edge.radius * rng.uniform(0.055, 0.12, (clumps, 1)) * rng.uniform(0.75, 1.25, (clumps, steps))
    specks = (chains + jitter[0] + 1j * jitter[1]).ravel()
    tint = rng.uniform(0.04, 0.22)
    return RedCell(edge, tint, _in_view(specks, edge.centre), size.ravel(), strength=rng.uniform(0.75, 1.1))


def _punctate(rng: np.random.Generator, edge: Outline) -> RedCell:
    """Single specks that stand apart, in a cell hardly bluer than a plain one."""
    count = int(rng.integers(4, 13))
    angle = 2 * np.pi * (np.arange(count) + rng.uniform(-0.45, 0.45, count)) / count + rng.uniform(0, 2 * np.pi)
    specks = edge.at(np.sqrt(rng.uniform(0.1, 0.65, count)), angle)
    size = edge.radius * rng.uniform(0.035, 0.1, count)
    size[:3] = np.maximum(size[:3], 0.065 * edge.radius)  # three that can be seen
    tint = rng.uniform(0, 0.1)
    return RedCell(edge, tint, _in_view(specks, edge.centre), size, strength=rng.uniform(0.5, 1.0))


def _in_view(specks: Complex, centre: complex) -> Complex:
    """The specks, those beyond the border that the centre lies within mirrored to the other side of the centre."""
    axes = []
    for speck, middle in ((specks.real, centre.real), (specks.imag, centre.imag)):
        beyond = ((speck < 0.005) | (speck > 0.995)) & (0 < middle < 1)
        axes.append(np.where(beyond, 2 * middle - speck, speck))
    return np.asarray(axes[0] + 1j * axes[1])
