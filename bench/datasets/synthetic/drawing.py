"""What the generators of built-in datasets share: the identity of an image, shapes on a grid of pixels, optics, camera.

Lengths are in *scene units*: the side of the image is 1. Points are complex numbers, x + iy with y downwards.

Nothing that is drawn at random depends on a computed pixel, no random draw depends on the number of pixels, and all
arithmetic is in double precision: rounding that differs between processors can move a stray pixel by one level of 255,
never a scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy import sparse  # which takes a fifth of a second to load; nothing is drawn in most commands

Array: TypeAlias = npt.NDArray[np.float64]
Complex: TypeAlias = npt.NDArray[np.complex128]
Pixels: TypeAlias = npt.NDArray[np.uint8]

SMALLEST, NATIVE, LARGEST = 64, 256, 1024

MARGIN = 1 / 16
"""Width of the frame that is drawn around the image and cut off, so that blur does not end at the border."""


@dataclass(frozen=True)
class Generator:
    """Draws the images of one dataset.

    Attributes:
        version: part of the dataset's identity; any change that moves a pixel must raise it.
        classes: names, in the order that the random streams know.
        images_per_class: how many the dataset has.
        exposure: (scene's stream, camera's stream, class, pixels along a side) → counts (3, H, W), 1 at saturation.
    """

    version: int
    classes: tuple[str, ...]
    images_per_class: int
    exposure: Callable[[np.random.Generator, np.random.Generator, str, int], Array]

    def streams(self, name: str, index: int, seed: int = 0) -> tuple[np.random.Generator, np.random.Generator]:
        """The random numbers of an image: those of its scene, and those of the camera's noise.

        Raises ValueError for an unknown class, or a negative index or seed.
        """
        if name not in self.classes:
            raise ValueError(f"unknown class {name!r}: choose one of {', '.join(self.classes)}")
        if index < 0 or seed < 0:
            raise ValueError(f"index and seed must not be negative, got index {index} and seed {seed}")
        sequence = np.random.SeedSequence([self.version, seed, self.classes.index(name), index])
        scene, camera = (np.random.Generator(np.random.PCG64(child)) for child in sequence.spawn(2))
        return scene, camera

    def image(self, name: str, index: int, *, size: int = NATIVE, seed: int = 0) -> Pixels:
        """One image, (size, size, 3) uint8, red, green, blue; the same for the same arguments.

        The scene depends on ``name``, ``index`` and ``seed`` alone: another ``size`` shows the same scene with finer
        or coarser pixels. Images smaller than about 170 pixels are drawn larger and binned, as a camera bins.

        Raises ValueError as ``streams`` does, or for a size outside 64 to 1024.
        """
        if not SMALLEST <= size <= LARGEST:
            raise ValueError(f"size must lie between {SMALLEST} and {LARGEST} pixels, got {size}")
        scene, camera = self.streams(name, index, seed)
        binning = max(1, round(NATIVE / size))
        counts = self.exposure(scene, camera, name, size * binning)
        counts = counts.reshape(3, size, binning, size, binning).mean(axis=(2, 4))
        return np.ascontiguousarray(np.round(np.clip(counts, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0))


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

    @property
    def reach(self) -> float:
        """No point of the outline is farther from the centre."""
        return self.radius * (1 + float(np.abs(self.harmonics).sum()))


def outline(rng: np.random.Generator, centre: complex, radius: float, roughness: float, elongation: float) -> Outline:
    """A random outline; ``roughness`` and ``elongation`` are shares of the radius."""
    orders = np.arange(2, 8)
    size = roughness * rng.standard_normal(orders.size) / orders**1.2
    size[0] += elongation
    size *= min(1.0, 0.5 / float(np.abs(size).sum()))  # keeps the radius between half and one and a half
    phase = rng.uniform(0, 2 * np.pi, orders.size)
    return Outline(centre, radius, size * np.exp(1j * phase))


class Window:
    """The pixels of the canvas around a point: where they are, and the two ways of drawing on them."""

    def __init__(self, centre: complex, reach: float, pixels: int) -> None:
        """``pixels`` is the number of pixels along the image's side, margin not counted."""
        self.pixels, self.pad = pixels, round(MARGIN * pixels)
        low = [int(np.floor((c - reach) * pixels)) for c in (centre.real, centre.imag)]
        high = [int(np.ceil((c + reach) * pixels)) for c in (centre.real, centre.imag)]
        self.left, self.top = (max(v, -self.pad) for v in low)
        self.right, self.bottom = (min(v, pixels + self.pad) for v in high)
        self.x = (np.arange(self.left, self.right) + 0.5) / pixels
        self.y = (np.arange(self.top, self.bottom) + 0.5) / pixels
        self.points = self.x[None, :] + 1j * self.y[:, None]

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


@lru_cache(maxsize=16)
def _splines(pixels: int, grain: float) -> sparse.csr_array:
    """Values (canvas pixels, knots) of the cubic B-splines whose knots stand every ``grain`` along the canvas.

    Sparse not for memory but for time: four knots reach a pixel, and no threads of BLAS are woken for a small product.
    """
    from scipy import sparse

    pad, knots = round(MARGIN * pixels), round((1 + 2 * MARGIN) / grain) + 4
    position = (np.arange(-pad, pixels + pad) + 0.5) / pixels
    t = np.abs((position[:, None] + MARGIN) / grain + 1 - np.arange(knots))
    return sparse.csr_array(np.where(t < 1, 2 / 3 - t**2 + t**3 / 2, np.clip(2 - t, 0, None) ** 3 / 6))


def worms(rng: np.random.Generator, start: Complex, length: Array, steps: int, bend: float) -> Complex:
    """Smoothly curved filaments (N, steps) about N points, in random directions."""
    heading = rng.uniform(0, 2 * np.pi, (start.size, 1))
    turn = np.cumsum(rng.normal(0, bend / np.sqrt(steps), (start.size, steps)), axis=1)
    turn += rng.normal(0, bend, (start.size, 1)) * np.linspace(0, 1, steps)
    path = np.cumsum(np.exp(1j * (heading + turn)), axis=1) / steps
    return np.asarray(start[:, None] + length[:, None] * (path - path.mean(axis=1, keepdims=True)))


def disc(radius: float, count: int) -> Complex:
    """Offsets (count,) that fill a disc evenly: Vogel's spiral."""
    number = np.arange(count)
    return np.asarray(radius * np.sqrt((number + 0.5) / count) * np.exp(1j * np.pi * (3 - np.sqrt(5)) * number))


def blurred(canvas: Array, pixels: int, parts: Iterable[tuple[float, float]]) -> Array:
    """A canvas (C, H, W) through the optics, margin cut off: the sum of Gaussian blurs (share, sigma), at least 0."""
    from scipy import fft

    side = canvas.shape[-1]
    transfer = np.zeros((side, side // 2 + 1))
    for share, sigma in parts:
        down, across = (
            np.exp(-2 * (np.pi * sigma * frequency) ** 2)
            for frequency in (fft.fftfreq(side, 1 / pixels), fft.rfftfreq(side, 1 / pixels))
        )
        transfer += share * np.outer(down, across)
    inside = slice((side - pixels) // 2, (side + pixels) // 2)
    return np.asarray(np.clip(fft.irfft2(fft.rfft2(canvas) * transfer, s=(side, side))[:, inside, inside], 0, None))


def photographed(camera: np.random.Generator, light: Array, photons: float, read_variance: float) -> Array:
    """A camera's counts (3, H, W), 1 at saturation, where ``photons`` saturate a pixel: shot noise and read noise.

    Poisson's and the read noise are drawn together as the square of a normal variable about the root of the photons
    and the read variance (Anscombe 1948; Murtagh, Starck & Bijaoui 1995): their mean and variance from a few photons
    up, and exactly one draw a pixel.
    """
    root = np.sqrt(photons * light + read_variance)
    return np.asarray(((root + camera.standard_normal(light.shape) / 2) ** 2 - read_variance) / photons)
