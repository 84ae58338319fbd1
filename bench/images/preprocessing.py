"""Named steps between a decoded image and a model: pure functions, (H, W, 3) uint8 in, (H, W, 3) uint8 out.

They are applied after resizing, at the recipe's size: the files of a dataset differ in size, and a window of so many
pixels would mean another thing in each of them. So windows are shares of the side, the same share of every image.

All arithmetic is scikit-image's. *Luminance* is the weighted sum of red, green and blue of its `rgb2gray`, in 8 bits.
A step that needs one channel gives three equal ones, so that any model can follow. An image of one grey or colour has
no contrast to stretch and no edges: no step makes any up.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION = 1
"""Raise it when a step changes an image: its trials become stale, what is kept of it is made again."""

Image = NDArray[np.uint8]
Step = Callable[[Image], Image]


def apply(image: Image, steps: Sequence[str]) -> Image:
    """An image after the steps of these names, one after another."""
    for name in steps:
        image = STEPS[name](image)
    return image


def grey(image: Image) -> Image:
    """Luminance in three equal channels: what is left without colour."""
    return _three(_luminance(image))


def clahe(image: Image) -> Image:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994) of the value channel, hue and saturation kept.

    skimage's `equalize_adapthist` with its own settings: tiles of an eighth of the side, clip limit 0.01. The value of
    HSV is the largest of red, green and blue, so that a stain or dye of any colour is stretched alike.
    """
    from skimage.exposure import equalize_adapthist

    if np.ptp(image.max(2)) == 0:
        return image  # equalised it would be white
    return _eight_bit(equalize_adapthist(image))


def otsu(image: Image) -> Image:
    """White where luminance is above Otsu's threshold for this image (Otsu 1979), black elsewhere."""
    from skimage.filters import threshold_otsu

    luminance = _luminance(image)
    return _mask(luminance > threshold_otsu(luminance))  # type: ignore[no-untyped-call]


def adaptive_mean(image: Image) -> Image:
    """White where luminance is more than one level of 255 above the mean around it, black elsewhere.

    skimage's `threshold_local` with the method `mean`; the window is a square of an eighth of the side, at least 3 px,
    and odd. The one level keeps flat areas black.
    """
    from skimage.filters import threshold_local

    luminance = _luminance(image).astype(np.float64)
    side = max(3, min(luminance.shape) // 8 | 1)
    return _mask(luminance > threshold_local(luminance, side, method="mean", offset=-1))  # type: ignore[no-untyped-call]


def sobel(image: Image) -> Image:
    """Magnitude of the luminance's gradient by Sobel's 3 × 3 filters; a straight edge gives its own height in levels.

    The scale is the same for all images, so that an image with faint edges does not look like one with sharp ones.
    skimage's divides by √2, and so keeps the upper values for corners that few images have; here these are cut at 255.
    """
    from skimage.filters import sobel as magnitude

    return _three(_eight_bit(magnitude(_luminance(image)) * math.sqrt(2)))  # type: ignore[no-untyped-call]


def gaussian_blur(image: Image) -> Image:
    """A Gaussian blur, channel by channel: noise and fine grain go, shapes and colours stay.

    skimage's `gaussian`; its standard deviation is a hundredth of the side, at least half a pixel. Outside, the border
    goes on.
    """
    from skimage.filters import gaussian

    sigma = max(0.5, min(image.shape[:2]) / 100)
    return _eight_bit(gaussian(image, sigma, mode="nearest", channel_axis=2))  # type: ignore[no-untyped-call]


def tophat(image: Image) -> Image:
    """What is small, bright or dark alike: the sum of the white and the black top-hat, channel by channel.

    That is closing − opening (the self-complementary top-hat; Soille 2003, Morphological Image Analysis, ch. 4) with a
    disk whose radius is a sixteenth of the side, at least 1 px. Dyes are bright on dark and stains dark on bright:
    either top-hat alone would be blind to one of them.
    """
    from skimage.morphology import closing, opening

    disk = _disk(image, 16)
    return _by_channel(image, lambda channel: closing(channel, disk) - opening(channel, disk))


def erode_dilate(image: Image) -> Image:
    """Opening, an erosion and then a dilation, channel by channel: bright specks go, what is larger keeps its shape.

    With a disk whose radius is a sixty-fourth of the side, at least 1 px.
    """
    from skimage.morphology import opening

    disk = _disk(image, 64)
    return _by_channel(image, lambda channel: opening(channel, disk))


def lbp(image: Image) -> Image:
    """Uniform local binary patterns of the luminance (Ojala et al. 2002): which kind of edge, corner or spot is here.

    skimage's `local_binary_pattern`, 8 neighbours at 1 px, method `uniform`: the codes 0 to 8 count the neighbours that
    are as bright as the pixel in one run, 9 is every other pattern; scaled to 0 to 255. Outside, the border goes on.
    """
    from skimage.feature import local_binary_pattern

    padded = np.pad(_luminance(image), 1, mode="edge")
    codes = local_binary_pattern(padded, 8, 1, method="uniform")[1:-1, 1:-1]  # type: ignore[no-untyped-call]
    return _three(_eight_bit(codes / 9))


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "gaussian-blur": gaussian_blur,
        "clahe": clahe,
        "otsu": otsu,
        "adaptive-mean": adaptive_mean,
        "sobel": sobel,
        "tophat": tophat,
        "erode-dilate": erode_dilate,
        "lbp": lbp,
        "grey": grey,
    }
)
"""Every step by its name in a recipe."""


def _luminance(image: Image) -> NDArray[np.uint8]:
    from skimage.color import rgb2gray

    return _eight_bit(rgb2gray(image))


def _eight_bit(values: Any) -> NDArray[np.uint8]:
    made: NDArray[np.uint8] = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return made


def _mask(where: NDArray[np.bool_]) -> Image:
    return _three(where.astype(np.uint8) * np.uint8(255))


def _three(channel: NDArray[np.uint8]) -> Image:
    return np.repeat(channel[..., None], 3, axis=2)


def _by_channel(image: Image, step: Callable[[Any], Any]) -> Image:
    return np.stack([step(np.ascontiguousarray(image[..., number])) for number in range(3)], axis=2)


def _disk(image: Image, share: int) -> object:
    from skimage.morphology import disk

    # In a sequence of small footprints: seven times as fast as the disk itself at 224 px, and a round shape too.
    return disk(max(1, min(image.shape[:2]) // share), decomposition="sequence")  # type: ignore[no-untyped-call]
