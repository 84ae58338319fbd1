"""Steps of preprocessing: each against arithmetic of another library, and what must hold for all of them."""

import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from bench.datasets import Library, decoded, pixels
from bench.datasets.synthetic.proteins import PROTEINS
from bench.images import preprocessing
from bench.images.preprocessing import STEPS, Image
from bench.planning import plan
from bench.planning.plan import Cell
from bench.running import runner
from bench.study import study
from bench.study.recipe import Recipe
from bench.training import cells
from bench.training.material import Place

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=25)
BINARY = ("otsu", "adaptive-mean")
COLOURLESS = (*BINARY, "sobel", "lbp", "grey")
any_image = st.integers(8, 24).flatmap(lambda side: arrays(np.uint8, (side, side, 3)))


@pytest.fixture(scope="module")
def picture() -> Image:
    return PROTEINS.image("lysosomes", 3, size=96)


def luminance(image: Image) -> Image:
    return np.rint(image @ np.array([0.2125, 0.7154, 0.0721])).astype(np.uint8)


@pytest.mark.parametrize("name", STEPS)
@repeatable
@given(any_image)
def test_every_step_gives_an_image_whatever_the_image(name: str, image: Image) -> None:
    before = image.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = STEPS[name](image)
    assert (made.shape, made.dtype) == (image.shape, np.uint8)
    assert (image == before).all()
    assert (made == STEPS[name](image)).all()
    if name in COLOURLESS:
        assert (made == made[..., :1]).all()
    if name in BINARY:
        assert set(np.unique(made)) <= {0, 255}
    if name == "lbp":
        assert set(np.unique(made)) <= set(np.rint(np.arange(10) * 255 / 9))


@pytest.mark.parametrize("colour", [(0, 0, 0), (7, 7, 7), (255, 255, 255), (200, 3, 90)])
@pytest.mark.parametrize("name", STEPS)
def test_an_image_without_contrast_gets_none(name: str, colour: tuple[int, int, int]) -> None:
    flat = np.full((40, 40, 3), colour, dtype=np.uint8)
    made = STEPS[name](flat)
    assert (made == made[0, 0]).all()
    if name in ("clahe", "erode-dilate"):
        assert (made == flat).all()
    if name in (*BINARY, "sobel", "tophat"):
        assert not made.any()


def test_grey_is_the_luminance_and_stays(picture: Image) -> None:
    made = STEPS["grey"](picture)
    assert np.abs(made[..., 0].astype(int) - luminance(picture)).max() <= 1  # where rounding meets a half
    assert (STEPS["grey"](made) == made).all()


def test_otsu_splits_where_the_classes_differ_most(picture: Image) -> None:
    grey = luminance(picture)
    spread = {
        t: (grey <= t).mean() * (grey > t).mean() * (grey[grey > t].mean() - grey[grey <= t].mean()) ** 2
        for t in range(int(grey.min()), int(grey.max()))
    }
    assert (STEPS["otsu"](picture)[..., 0] == 255 * (grey > max(spread, key=lambda t: spread[t]))).mean() > 0.999


def test_the_local_threshold_is_the_mean_of_a_window(picture: Image) -> None:
    grey = luminance(picture).astype(float)
    mean = ndimage.convolve(grey, np.full((13, 13), 1 / 169), mode="reflect")  # an eighth of 96 px is 12, made odd
    assert (STEPS["adaptive-mean"](picture)[..., 0] == 255 * (grey > mean + 1)).mean() > 0.999


def test_sobel_is_the_gradient_on_one_scale_for_all() -> None:
    step = np.zeros((20, 20, 3), dtype=np.uint8)
    step[:, 10:] = 100
    made = STEPS["sobel"](step)
    assert set(np.unique(made)) == {0, 100}
    assert (np.flatnonzero(made[5, :, 0]) == [9, 10]).all()
    assert STEPS["sobel"]((step * 2).astype(np.uint8)).max() == 200
    grey = luminance(PROTEINS.image("er", 2, size=64)).astype(float)
    wanted = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1)) / 4
    assert np.abs(STEPS["sobel"](PROTEINS.image("er", 2, size=64))[..., 0] - wanted).max() < 1


def test_openings_and_top_hats_are_those_of_scipy(picture: Image) -> None:
    """At 96 px the disk of `erode-dilate` is a square of 3 px; `tophat` removes what is wider than 13 px."""
    opened = np.stack([ndimage.grey_opening(picture[..., c], (3, 3)) for c in range(3)], axis=2)
    assert (STEPS["erode-dilate"](picture)[2:-2, 2:-2] == opened[2:-2, 2:-2]).all()
    dots = np.full((96, 96, 3), 100, dtype=np.uint8)
    dots[20:23, 20:23], dots[60:63, 60:63], dots[40:56, 70:90] = 180, 30, 220
    small = STEPS["tophat"](dots)
    assert (small[20:23, 20:23] == 80).all()  # bright
    assert (small[60:63, 60:63] == 70).all()  # dark
    assert not small[44:52, 76:84].any()  # large


def test_lbp_tells_flat_from_edge_and_spot() -> None:
    image = np.full((30, 30, 3), 50, dtype=np.uint8)
    image[:, 15:] = 200
    image[5, 5] = 250
    codes = np.rint(STEPS["lbp"](image)[..., 0] / 255 * 9).astype(int)
    assert codes[20, 5] == codes[0, 0] == 8  # every neighbour is as bright
    assert codes[5, 5] == 0  # none is
    assert codes[20, 15] == 5  # those on three of eight sides are darker


def test_clahe_stretches_what_is_faint_and_keeps_the_hue(picture: Image) -> None:
    from skimage.color import rgb2hsv

    faint = (picture // 4).astype(np.uint8)
    made = STEPS["clahe"](faint)
    assert made.std() > 2 * faint.std()
    coloured = (np.ptp(faint, axis=2) > 20) & (np.ptp(made, axis=2) > 20)
    turned = np.abs(rgb2hsv(made) - rgb2hsv(faint))[..., 0][coloured]
    assert np.minimum(turned, 1 - turned).max() < 0.02


def test_steps_follow_one_another(picture: Image) -> None:
    made = preprocessing.apply(picture, ["tophat", "otsu"])
    assert (made == STEPS["otsu"](STEPS["tophat"](picture))).all()
    assert (made != preprocessing.apply(picture, ["otsu", "tophat"])).any()
    assert preprocessing.apply(picture, []) is picture


def test_a_step_sees_one_scale_at_every_size() -> None:
    """The same scene at twice the size comes out as the same scene: windows are shares of the side."""
    small = PROTEINS.image("nucleus", 1, size=96)
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    for name in ("adaptive-mean", "tophat", "otsu", "clahe"):
        there = STEPS[name](large)[::2, ::2]
        assert np.corrcoef(STEPS[name](small).ravel(), there.ravel())[0, 1] > 0.9, name


# In a run


def cell(library: Library, small_study: study.Study, **changes: object) -> Cell:
    """A cell of `tiny` at 48 px with some fields of its recipe changed."""
    chosen = replace(small_study, models=("efficientnet-lite0-lower",), recipe=replace(small_study.recipe, **changes))
    return runner.prepare(chosen, library).cells[0]


def test_pixels_are_made_once_and_are_the_steps_of_each_image(
    library: Library, small_study: study.Study, tmp_path: Path
) -> None:
    made = cell(library, small_study, preprocessing=("clahe", "sobel"))
    told: list[int] = []
    first = pixels.load(made.dataset, made.recipe, tmp_path, lambda: told.append(1))
    plain = decoded.load(made.dataset, 48, tmp_path)
    assert len(told) == len(first) == len(plain) == 72
    for before, after in zip(plain, first, strict=True):
        assert (after == preprocessing.apply(before, ("clahe", "sobel"))).all()
    assert (pixels.load(made.dataset, made.recipe, tmp_path, lambda: told.append(1)) == first).all()
    assert len(told) == 72
    other = pixels.load(made.dataset, replace(made.recipe, preprocessing=("sobel", "clahe")), tmp_path)
    assert (other != first).any()
    assert pixels.load(made.dataset, replace(made.recipe, preprocessing=()), tmp_path).tobytes() == plain.tobytes()


def test_a_new_version_of_the_steps_makes_their_trials_and_pixels_new(
    library: Library, small_study: study.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, made = cell(library, small_study), cell(library, small_study, preprocessing=("otsu",))
    pixels.load(made.dataset, made.recipe, tmp_path)
    monkeypatch.setattr(preprocessing, "VERSION", preprocessing.VERSION + 1)
    assert cell(library, small_study).id == plain.id
    assert cell(library, small_study, preprocessing=("otsu",)).id != made.id
    pixels.load(made.dataset, made.recipe, tmp_path)
    assert len(list(tmp_path.glob("images/*-otsu-*.npy"))) == 2


def test_a_cell_sees_nothing_but_what_the_steps_leave(
    library: Library, small_study: study.Study, tmp_path: Path, one_thread: None
) -> None:
    """Statistics, features and predictions are those of black and white images; files of features are kept apart."""
    import torch

    means = []
    for steps in ((), ("otsu",), ("grey",)):
        made = cell(library, small_study, preprocessing=steps)
        ((finished, *_),) = cells.run(made, Place(tmp_path, torch.device("cpu")), lambda share: None)
        seen = pixels.load(made.dataset, made.recipe, tmp_path)
        outside = np.setdiff1d(np.arange(72), made.trials[0].split.holdout)
        assert finished.row["mean"] == pytest.approx((seen[outside] / 255).mean((0, 1, 2)).tolist())
        assert finished.row["recipe"] == made.recipe.name
        means.append(finished.row["mean"])
    assert len({tuple(mean) for mean in means}) == 3
    assert len(list(tmp_path.glob("features/*.npy"))) == 3


def test_every_share_of_the_training_images_draws_on_one_file_of_features(
    library: Library, small_study: study.Study, tmp_path: Path, one_thread: None
) -> None:
    import torch

    rows, predictions, kept = [], [], set[str]()
    for fraction in (1.0, 0.3, 0.6):
        made = cell(library, small_study, train_fraction=fraction)
        ((finished, *_),) = cells.run(made, Place(tmp_path, torch.device("cpu")), lambda share: None)
        rows.append(finished.row)
        predictions.append([(p["subset"], p["image_id"]) for p in finished.predictions])
        kept |= {path.name for path in tmp_path.glob("features/*.npy")}
        assert len(kept) == 1
    assert rows[0]["mean"] == rows[1]["mean"] == rows[2]["mean"]
    assert predictions[0] == predictions[1] == predictions[2]
    sizes = sorted(row["train_images"] for row in rows)
    assert all(a < b for a, b in pairwise(sizes))
    assert len({row["split_hash"] for row in rows}) == len({row["trial_id"] for row in rows}) == 3
    assert {row["test_images"] for row in rows} == {rows[0]["test_images"]}


def test_a_plain_recipe_is_what_it_was(library: Library, small_study: study.Study) -> None:
    """Written out and at their defaults, the new fields change no identity and no split."""
    plain = cell(library, small_study)
    spelled = cell(library, small_study, preprocessing=(), train_fraction=1.0)
    assert [trial.id for trial in plain.trials] == [trial.id for trial in spelled.trials]
    assert plan.Cell.cost(plain) == spelled.cost()
    assert pixels.source(Recipe()) == ()
