"""The built-in reticulocytes: the class is the count, exactly, and little else tells it."""

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.datasets.synthetic.blood import CLEAR, RedCell, red_cells
from bench.datasets.synthetic.reticulocytes import RETICULOCYTES

Array = npt.NDArray[np.float64]

# Mean red, green and blue, and the deviation of red, of image 0 at 64 pixels.
GOLDEN = {
    "n1": (173.8, 178.92, 162.99, 10.77),
    "n2": (103.67, 110.74, 108.8, 15.14),
    "n3": (158.49, 161.73, 153.04, 18.56),
    "n4": (149.85, 166.03, 149.37, 21.19),
    "n5plus": (160.47, 171.25, 165.06, 19.76),
}

names = st.sampled_from(RETICULOCYTES.classes)
indices = st.integers(0, 100_000)


def field(name: str, index: int, seed: int = 0) -> list[RedCell]:
    """The truth of an image."""
    return red_cells(RETICULOCYTES.streams(name, index, seed)[0], name)


def sample(images_per_class: int = 40) -> tuple[Array, npt.NDArray[np.intp], list[list[RedCell]]]:
    """(N, 128, 128, 3) in [0, 1], the class numbers, the truth."""
    which = [(name, k) for name in RETICULOCYTES.classes for k in range(images_per_class)]
    images = np.stack([RETICULOCYTES.image(name, k, size=128) for name, k in which]) / 255
    labels = np.repeat(np.arange(len(RETICULOCYTES.classes)), images_per_class)
    return images, labels, [field(name, k) for name, k in which]


def balanced_accuracy(features: Array, labels: npt.NDArray[np.intp]) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, class_weight="balanced"))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(model, features, labels, cv=folds, scoring="balanced_accuracy").mean())


def absorbance(images: Array) -> Array:
    """(..., H, W) of red light, against the brightest parts of each image."""
    red = images[..., 0]
    return np.asarray(-np.log(np.clip(red / np.quantile(red, 0.8, axis=(-2, -1), keepdims=True), 0.02, None)))


def unevenness(dark: Array, cells: list[RedCell]) -> Iterator[tuple[bool, float]]:
    """For each cell whose centre is inside: whether it is a reticulocyte, and how uneven its pixels are."""
    grid = (np.arange(dark.shape[0]) + 0.5) / dark.shape[0]
    points = grid[None, :] + 1j * grid[:, None]
    for cell in cells:
        if cell.inside:
            values = np.sort(dark[cell.outline.fraction(points) < 0.8])
            yield (
                cell.reticulocyte,
                float((values[-values.size // 10 :].mean() - np.median(values)) / np.median(values)),
            )


# The same everywhere


@pytest.mark.parametrize("name", RETICULOCYTES.classes)
def test_pixels_change_only_with_the_version(name: str) -> None:
    image = RETICULOCYTES.image(name, 0, size=64).astype(float)
    found = (*image.mean(axis=(0, 1)), image[:, :, 0].std())
    assert RETICULOCYTES.version == 1, "new pixels: write new golden figures"
    # Tolerant of rounding, not of another draw.
    assert found == pytest.approx(GOLDEN[name], abs=0.02), "the images have changed: raise the version"


def test_another_process_draws_the_same() -> None:
    code = (
        "import sys; from bench.datasets.synthetic.reticulocytes import RETICULOCYTES;"
        "sys.stdout.buffer.write(RETICULOCYTES.image('n4', 5, size=64, seed=2).tobytes())"
    )
    drawn = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert drawn == RETICULOCYTES.image("n4", 5, size=64, seed=2).tobytes()


@settings(max_examples=6, deadline=None)
@given(names, indices, st.sampled_from([128, 300, 512]))
def test_a_scene_is_the_same_at_every_size(name: str, index: int, size: int) -> None:
    small, large = RETICULOCYTES.image(name, index, size=64), RETICULOCYTES.image(name, index, size=size)
    assert large.shape == (size, size, 3)
    shrunk = np.asarray(Image.fromarray(large).resize((64, 64), Image.Resampling.BOX))
    assert np.corrcoef(small[..., 0].ravel(), shrunk[..., 0].ravel())[0, 1] > 0.95
    assert small.mean(axis=(0, 1)) == pytest.approx(shrunk.mean(axis=(0, 1)), abs=1.5)


# The counting rule


@settings(max_examples=300, deadline=None)
@given(names, indices, st.integers(0, 2**40))
def test_the_class_is_the_number_of_reticulocytes_with_centres_inside(name: str, index: int, seed: int) -> None:
    cells = field(name, index, seed)
    number = sum(
        cell.specks.size >= 3 and 0 < cell.outline.centre.real < 1 and 0 < cell.outline.centre.imag < 1
        for cell in cells
    )
    assert f"n{number}" == name if number < 5 else name == "n5plus" and number <= 7
    assert number == sum(cell.counts for cell in cells)


@settings(max_examples=200, deadline=None)
@given(names, indices)
def test_no_cell_is_in_doubt(name: str, index: int) -> None:
    cells = field(name, index)
    for cell in cells:
        centre, specks = cell.outline.centre, cell.specks
        assert specks.size <= 1 or specks.size >= 4
        depth = min(centre.real, 1 - centre.real, centre.imag, 1 - centre.imag)
        assert abs(depth) >= CLEAR
        if cell.counts:  # nothing that tells what it is lies beyond the border, or beyond its own edge
            assert min(specks.real.min(), specks.imag.min(), 1 - specks.real.max(), 1 - specks.imag.max()) > 0
            assert np.median(cell.outline.fraction(specks)) < 0.9
    for k, cell in enumerate(cells):  # no cell hides another
        for other in cells[:k]:
            apart = abs(cell.outline.centre - other.outline.centre)
            assert apart > 0.87 * (cell.outline.radius + other.outline.radius)


def test_the_pixels_show_which_cells_are_reticulocytes() -> None:
    found = []
    for name in RETICULOCYTES.classes:
        for index in range(8):
            found += unevenness(absorbance(RETICULOCYTES.image(name, index) / 255), field(name, index))
    truth, value = zip(*found, strict=True)
    assert roc_auc_score(truth, value) > 0.95


# What tells the class


@pytest.mark.slow
def test_the_plain_cells_do_not_tell_the_class() -> None:
    plain = np.array(
        [
            [sum(cell.inside and not cell.reticulocyte for cell in cells), sum(not cell.inside for cell in cells)]
            for name in RETICULOCYTES.classes
            for cells in (field(name, k) for k in range(200))
        ]
    )
    labels = np.repeat(np.arange(5), 200)
    assert balanced_accuracy(plain.astype(float), labels) < 0.26  # 0.2 is chance
    means = [plain[labels == number, 0].mean() for number in range(5)]
    assert np.ptp(means) < 1.5  # of a deviation of 4.3


@pytest.mark.slow
def test_counting_tells_the_class_and_colour_hardly() -> None:
    images, labels, fields = sample()
    means, deviations = images.mean((1, 2)), images.std((1, 2))
    # Told where the cells are but not what they are: how many are less even than each of five bars.
    counts = [
        [sum(value > bar for _, value in unevenness(dark, cells)) for bar in (0.2, 0.3, 0.4, 0.5, 0.7)]
        for dark, cells in zip(absorbance(images), fields, strict=True)
    ]
    assert balanced_accuracy(means, labels) < 0.28  # 0.2 is chance
    assert balanced_accuracy(np.hstack([means, deviations]), labels) < 0.37
    assert balanced_accuracy(np.array(counts, float), labels) > 0.48
