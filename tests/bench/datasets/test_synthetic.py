"""The built-in protein patterns: the same everywhere, told by texture and not by colour. And folders of images."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.datasets import Library
from bench.datasets.synthetic.drawing import Generator
from bench.datasets.synthetic.generators import GENERATORS, write
from bench.datasets.synthetic.proteins import PROTEINS
from bench.errors import UsageError

Pixels = npt.NDArray[np.uint8]

# Mean red, green and blue, and the deviation of green, of image 0 at 64 pixels.
GOLDEN = {
    "er": (13.46, 23.85, 19.17, 27.16),
    "golgi": (18.64, 24.71, 30.91, 27.55),
    "lysosomes": (13.25, 22.37, 66.41, 42.73),
    "microtubules": (24.01, 17.01, 64.53, 14.23),
    "mitochondria": (19.7, 17.44, 41.81, 13.92),
    "nucleus": (21.83, 34.12, 54.25, 37.53),
}

patterns = st.sampled_from(PROTEINS.classes)


@cache
def sample(images_per_class: int = 20) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """(N, 64, 64, 3) in [0, 1], and the class numbers."""
    images = [PROTEINS.image(p, k, size=64) for p in PROTEINS.classes for k in range(images_per_class)]
    return np.stack(images) / 255, np.repeat(np.arange(len(PROTEINS.classes)), images_per_class)


def balanced_accuracy(features: npt.NDArray[np.float64], labels: npt.NDArray[np.intp]) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, class_weight="balanced"))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(model, features, labels, cv=folds, scoring="balanced_accuracy").mean())


def correlation(a: Pixels, b: Pixels) -> float:
    return float(np.corrcoef(a.astype(float).ravel(), b.astype(float).ravel())[0, 1])


def smaller(image: Pixels, size: int) -> Pixels:
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BOX))


def test_the_classes_are_those_of_the_card() -> None:
    assert PROTEINS.classes == ("er", "golgi", "lysosomes", "microtubules", "mitochondria", "nucleus")


@pytest.mark.parametrize("pattern", PROTEINS.classes)
def test_pixels_change_only_with_the_version(pattern: str) -> None:
    image = PROTEINS.image(pattern, 0, size=64).astype(float)
    found = (*image.mean(axis=(0, 1)), image[:, :, 1].std())
    assert PROTEINS.version == 1, "new pixels: write new golden figures"
    # Tolerant of rounding, not of another draw.
    assert found == pytest.approx(GOLDEN[pattern], abs=0.02), "the images have changed: raise VERSION"


def test_another_process_draws_the_same() -> None:
    code = (
        "import sys; from bench.datasets.synthetic.proteins import PROTEINS;"
        "sys.stdout.buffer.write(PROTEINS.image('er', 5, size=64, seed=2).tobytes())"
    )
    drawn = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert drawn == PROTEINS.image("er", 5, size=64, seed=2).tobytes()


@settings(max_examples=12, deadline=None)
@given(patterns, st.integers(0, 10_000), st.integers(64, 300), st.integers(0, 2**40))
def test_every_image_is_whole_and_repeatable(pattern: str, index: int, size: int, seed: int) -> None:
    image = PROTEINS.image(pattern, index, size=size, seed=seed)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    assert all(np.ptp(image[:, :, channel]) > 10 for channel in range(3))  # no channel is empty
    assert np.array_equal(image, PROTEINS.image(pattern, index, size=size, seed=seed))


@settings(max_examples=8, deadline=None)
@given(patterns, st.integers(0, 1000), st.sampled_from([128, 256, 448]))
def test_a_scene_is_the_same_at_every_size(pattern: str, index: int, size: int) -> None:
    small, large = PROTEINS.image(pattern, index, size=64), smaller(PROTEINS.image(pattern, index, size=size), 64)
    assert all(correlation(small[:, :, channel], large[:, :, channel]) > 0.95 for channel in range(3))
    # As bright, too: nothing is scaled by what happens to fall on one pixel.
    assert small.mean(axis=(0, 1)) == pytest.approx(large.mean(axis=(0, 1)), rel=0.05, abs=1.5)


def test_arguments_choose_the_scene() -> None:
    image = PROTEINS.image("er", 0, size=64)
    others = [
        PROTEINS.image("golgi", 0, size=64),
        PROTEINS.image("er", 1, size=64),
        PROTEINS.image("er", 0, size=64, seed=1),
    ]
    assert all(correlation(image[:, :, 2], other[:, :, 2]) < 0.9 for other in others)


def test_nuclei_lie_in_cells() -> None:
    images, _ = sample()
    for image in images:
        red, blue = image[:, :, 0], image[:, :, 2]
        dark, bright = np.quantile(blue, [0.02, 0.95])
        nuclei, bodies = red > red.max() / 2, blue > dark + 0.25 * (bright - dark)
        assert 0.005 < nuclei.mean() < 0.3
        assert (nuclei & ndimage.binary_fill_holes(bodies)).sum() > 0.9 * nuclei.sum()


def test_the_protein_is_where_its_name_says() -> None:
    images, labels = sample()
    nuclei = images[..., 0] > images[..., 0].max((1, 2), keepdims=True) / 2
    bright = images[..., 1] >= np.quantile(images[..., 1], 0.97, axis=(1, 2), keepdims=True)
    share = (bright & nuclei).sum((1, 2)) / bright.sum((1, 2))
    inside = {pattern: share[labels == number].mean() for number, pattern in enumerate(PROTEINS.classes)}
    assert inside.pop("nucleus") > 0.85
    assert max(inside.values()) < 0.65  # the filaments run over the nucleus, the rest does not


def test_mean_colour_does_not_tell_the_class() -> None:
    images, labels = sample()
    assert balanced_accuracy(np.hstack([images.mean((1, 2)), images.std((1, 2))]), labels) < 0.5


def test_texture_does() -> None:
    images, labels = sample()
    red, green = images[..., 0], images[..., 1]
    green = (green - green.mean((1, 2), keepdims=True)) / green.std((1, 2), keepdims=True)
    scales = [green - ndimage.gaussian_filter(green, (0, sigma, sigma)) for sigma in (0.7, 1.5, 3, 6)]
    nuclei = red > red.max((1, 2), keepdims=True) / 2
    features = [band.std((1, 2)) for band in scales] + [(band**3).mean((1, 2)) for band in scales]
    features += [(green * nuclei).sum((1, 2)) / nuclei.sum((1, 2)), (green**3).mean((1, 2))]
    assert balanced_accuracy(np.stack(features, axis=1), labels) > 0.5


@pytest.mark.parametrize(
    ("pattern", "index", "size", "seed", "complaint"),
    [
        ("cytoskeleton", 0, 64, 0, "unknown class 'cytoskeleton': choose one of er, golgi"),
        ("er", -1, 64, 0, "must not be negative"),
        ("er", 0, 64, -1, "must not be negative"),
        ("er", 0, 63, 0, "between 64 and 1024 pixels, got 63"),
        ("er", 0, 1025, 0, "between 64 and 1024 pixels, got 1025"),
    ],
)
def test_bad_arguments(pattern: str, index: int, size: int, seed: int, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        PROTEINS.image(pattern, index, size=size, seed=seed)


# Writing a folder

both = pytest.mark.parametrize("generator", GENERATORS.values(), ids=list(GENERATORS))


@both
def test_writes_a_folder_a_class(generator: Generator, tmp_path: Path) -> None:
    folder, told, last = tmp_path / "data" / "built-in", list[tuple[int, int]](), generator.classes[-1]
    write(generator, folder, images_per_class=2, size=64, seed=3, progress=lambda done, of: told.append((done, of)))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    assert files == {f"{name}/{name}-00{k}.png" for name in generator.classes for k in range(2)}
    with Image.open(folder / last / f"{last}-001.png") as image:
        assert np.array_equal(np.asarray(image), generator.image(last, 1, size=64, seed=3))
    assert told == [(k, len(files)) for k in range(1, len(files) + 1)]
    assert list(folder.parent.iterdir()) == [folder]  # nothing left beside it


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "proteins").mkdir()
    write(PROTEINS, tmp_path / "proteins", images_per_class=1, size=64)
    assert not list((tmp_path / "proteins").iterdir())


@both
def test_an_interrupted_run_leaves_nothing(generator: Generator, tmp_path: Path) -> None:
    def interrupt(done: int, _: int) -> None:
        assert not (tmp_path / "built-in").exists()  # it appears at the end, not before
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(generator, tmp_path / "built-in", images_per_class=1, size=64, progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "proteins"

    def overtake(done: int, of: int) -> None:
        if done == of:
            write(PROTEINS, folder, images_per_class=1, size=64)

    write(PROTEINS, folder, images_per_class=1, size=64, progress=overtake)
    assert sorted(path.name for path in folder.iterdir()) == sorted(PROTEINS.classes)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("arguments", [{"images_per_class": 0}, {"size": 10}, {"seed": -1}])
def test_bad_arguments_write_nothing(tmp_path: Path, arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must"):
        write(PROTEINS, tmp_path / "proteins", **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


# Cards name generators


def test_each_generator_fits_the_card_that_names_it_and_has_a_folder_of_its_own(tmp_path: Path) -> None:
    library = Library((tmp_path,), tmp_path / "cache")
    folders = {}
    for name, generator in GENERATORS.items():
        card = library.card(f"synthetic-{name}")
        assert card.generator == name
        assert card.classes == generator.classes
        assert card.counts == dict.fromkeys(generator.classes, generator.images_per_class)
        folders[name] = library.image_folder(card)
    # Folders of these names lie in caches already.
    assert folders == {name: tmp_path / "cache" / f"synthetic-{name}-v1" for name in GENERATORS}


def test_a_card_that_names_no_generator_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('title = "Mine"\ngenerator = "reticulocyte"\n')
    with pytest.raises(UsageError, match=r"unknown generator 'reticulocyte'; did you mean 'reticulocytes'"):
        Library((tmp_path,), tmp_path / "cache").load("mine")
