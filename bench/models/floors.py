"""The floor of every chart: what a logistic regression does with a few numbers that need no network."""

import numpy as np
from numpy.typing import NDArray

from bench.models.registry import Floor, model


@model(
    "mean-colour",
    family="Floor",
    kind="floor",
    version=1,
    cost=0.5,
    frozen="mean and deviation of each channel",
    trained="a logistic regression on six numbers",
)
def mean_colour() -> Floor:
    """Mean and deviation of red, green and blue: what colour alone tells."""

    def describe(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        flat = pixels.reshape(len(pixels), -1, 3) / 255
        return np.concatenate([flat.mean(1), flat.std(1)], axis=1)

    return Floor(describe)


@model(
    "pixel-ratio",
    family="Floor",
    kind="floor",
    version=1,
    cost=0.5,
    frozen="share of pixels brighter than Otsu's threshold",
    trained="a logistic regression on one number",
)
def pixel_ratio() -> Floor:
    """The share of bright pixels (Otsu 1979), which the study itself suggests for counting reticulocytes."""
    from skimage.color import rgb2gray
    from skimage.filters import threshold_otsu

    def share(image: NDArray[np.uint8]) -> object:
        grey = rgb2gray(image)
        return (grey > threshold_otsu(grey)).mean()  # type: ignore[no-untyped-call]

    def describe(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.array([[share(image)] for image in pixels])

    return Floor(describe)
