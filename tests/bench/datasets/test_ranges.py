"""A dataset of more than 8 bits: its range is decided once, stands in the card, and is part of what trials are of."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from paths import SHARED
from PIL import Image

from bench.datasets import Dataset, Library, cards, curating, decoded
from bench.datasets.audit import Audit
from bench.errors import BenchError, UsageError
from bench.images.headers import PLAIN
from bench.planning import status
from bench.running import runner
from bench.study import study
from store import Store

STUDY = study.parse("s", 'title = ""\ndatasets = ["mine"]\nmodels = ["mean-colour"]\n[recipe]\nimage_size = 32\n', "s")


def known(root: Path) -> Library:
    return Library((root / "data",), root / "cache")


def add(root: Path, folder: Path) -> tuple[Path, Dataset, Audit]:
    told: list[Audit] = []
    path, dataset = curating.add(known(root), "mine", folder, tell=told.append)
    return path, dataset, told[0]


def made(root: Path, draw: Callable[[np.random.Generator, int], np.ndarray], each: int = 12) -> Path:
    """Two classes of images that a function draws, given a generator and the class."""
    for label in range(2):
        (root / "im" / "ab"[label]).mkdir(parents=True)
        for number in range(each):
            values = draw(np.random.default_rng(100 * label + number), label)
            Image.fromarray(values).save(root / "im" / "ab"[label] / f"{number:02}.tif")
    return root / "im"


def floats(random: np.random.Generator, label: int) -> np.ndarray:
    return random.normal(0.3 + 0.3 * label, 0.08, (40, 40)).clip(0, 1).astype(np.float32)


def twelve_bits(random: np.random.Generator, label: int) -> np.ndarray:
    return random.normal(1500 + 800 * label, 300, (40, 40)).clip(0, 4095).astype(np.uint16)


def said(audit: Audit, kind: str) -> str:
    return next(f"{finding.what} → {finding.mend}" for finding in audit.findings if finding.kind == kind)


@pytest.mark.parametrize(
    ("draw", "line", "scale"),
    [
        (floats, "range = [0, 1]", (0.0, 1.0)),
        (twelve_bits, "range = [0, 4095]", (0.0, 4095.0)),
        (lambda random, label: twelve_bits(random, label) * 16, 'range = "full"', "full"),
        (lambda random, label: twelve_bits(random, label).astype(np.int32) - 2000, "range = [-", None),
    ],
)
def test_the_card_has_the_range_that_add_saw_and_brightness_is_kept(
    draw: Callable[[np.random.Generator, int], np.ndarray], line: str, scale: object, tmp_path: Path
) -> None:
    path, dataset, audit = add(tmp_path, made(tmp_path, draw))
    assert line in path.read_text()
    assert scale in (None, dataset.card.range)
    assert {image.scale for image in dataset.images} == {dataset.card.range}
    assert "24 files with more than 8 bits a pixel" in said(audit, "16 bits")
    assert "65535" not in said(audit, "16 bits") or draw is not floats
    means = decoded.load(dataset, 32, tmp_path / "cache").mean((1, 2, 3))
    assert means[:12].max() < means[12:].min()
    assert means[12:].mean() - means[:12].mean() > 30
    thumbnails = [float(scan.thumbnail.mean()) for scan in audit.scans if scan.thumbnail is not None]
    assert thumbnails == pytest.approx(means.tolist(), abs=1.5)


def test_what_is_no_number_is_named(tmp_path: Path) -> None:
    def draw(random: np.random.Generator, label: int) -> np.ndarray:
        values = floats(random, label)
        values[0, 0] = np.nan if label else 0
        return values

    *_, audit = add(tmp_path, made(tmp_path, draw))
    assert "12 files with pixels that are no numbers (NaN or infinite), 12 in all: b/00.tif" in said(
        audit, "no numbers"
    )


def test_a_picture_of_no_numbers_is_left_out(tmp_path: Path) -> None:
    folder = made(tmp_path, floats)
    Image.fromarray(np.full((40, 40), np.nan, np.float32)).save(folder / "a" / "00.tif")
    _, dataset, audit = add(tmp_path, folder)
    assert audit.unreadable == dataset.card.left_out == ("a/00.tif",)
    assert "no pixel of it is a number" in said(audit, "unreadable")


def test_photos_that_are_turned_are_named_and_shown_upright(tmp_path: Path) -> None:
    folder = tmp_path / "im"
    for label in range(2):
        (folder / "ab"[label]).mkdir(parents=True)
        for number in range(12):
            pixels = np.zeros((40, 60, 3), np.uint8)
            pixels[:20] = np.random.default_rng(number + 50 * label).integers(150, 255, (20, 60, 3))
            image = Image.fromarray(pixels).transpose(Image.Transpose.ROTATE_90) if label else Image.fromarray(pixels)
            about = image.getexif()
            about[274] = 6 if label else 1
            image.save(folder / "ab"[label] / f"{number}.jpg", exif=about)
    _, dataset, audit = add(tmp_path, folder)
    assert "12 files with a picture that is upright by its EXIF orientation alone" in said(audit, "turned")
    assert {(scan.width, scan.height) for scan in audit.scans} == {(60, 40)}
    pixels = decoded.load(dataset, 32, tmp_path / "cache")
    assert pixels[:, :12].min() > 100
    assert pixels[:, 20:].max() < 60
    assert [image.key == image.sha256 for image in dataset.images] == [True] * 12 + [False] * 12


def test_trials_are_of_a_range_and_say_so_when_it_changed(tmp_path: Path) -> None:
    path, dataset, _ = add(tmp_path, made(tmp_path, twelve_bits))
    store = Store(tmp_path / "store", create=True)
    first = runner.prepare(STUDY, known(tmp_path))
    runner.run(first, store, tmp_path / "cache", "cpu", limit=2)
    before = decoded.load(dataset, 32, tmp_path / "cache").copy()
    path.write_text(path.read_text().replace("range = [0, 4095]", "range = [0, 8190]"))
    second = runner.prepare(STUDY, known(tmp_path))
    assert not {trial.id for trial in first.cells[0].trials} & {trial.id for trial in second.cells[0].trials}
    assert second.drawn[0].identity == first.drawn[0].identity, "the splits stay"
    after = decoded.load(second.drawn[0].dataset, 32, tmp_path / "cache")
    assert np.abs(after - before / 2).max() <= 2
    (row,) = status.cells(store, library=known(tmp_path))
    assert "the same files, read otherwise" in row["why"]
    (cause,) = status.trained_anew(store, "s", second.cells)
    assert "`range` in the card" in cause


def test_the_percentiles_of_all_images_are_one_range(tmp_path: Path) -> None:
    path, dataset, _ = add(tmp_path, made(tmp_path, twelve_bits))
    path.write_text(path.read_text().replace("range = [0, 4095]", 'range = "percentiles"'))
    dataset = known(tmp_path).load("mine")
    ((low, high),) = {image.scale for image in dataset.images}  # type: ignore[misc]
    every = np.concatenate([np.asarray(Image.open(image.path)).ravel() for image in dataset.images])
    assert (low, high) == pytest.approx(np.quantile(every, (0.002, 0.998)), abs=20)
    means = decoded.load(dataset, 32, tmp_path / "cache").mean((1, 2, 3))
    assert means[:12].max() < means[12:].min()


def test_a_card_from_before_there_were_ranges(tmp_path: Path) -> None:
    """16-bit images stay what they were, with a word about it; of floats nobody can know, and a run says so."""
    made(tmp_path / "data", twelve_bits).rename(tmp_path / "data" / "mine")
    dataset = known(tmp_path).load("mine")
    assert [image.key for image in dataset.images] == [image.sha256 for image in dataset.images]
    (remark,) = curating.look(known(tmp_path), dataset).remarks
    assert 'range = "full"' in remark
    assert "`bench dataset add mine " in remark
    _, dataset = curating.add(known(tmp_path), "mine", tmp_path / "data" / "mine")
    assert curating.look(known(tmp_path), dataset).remarks == ()


def test_floats_without_a_range_are_refused_with_the_way_out(tmp_path: Path) -> None:
    made(tmp_path / "data", floats).rename(tmp_path / "data" / "mine")
    with pytest.raises(BenchError, match=r"no card says which .* become black and white: .*`bench dataset add mine /"):
        runner.prepare(STUDY, known(tmp_path))
    (tmp_path / "data" / "mine.toml").write_text("# mine\ntitle = 'Mine'\n")
    with pytest.raises(BenchError, match=r"`bench dataset add mine --update` looks"):
        runner.prepare(STUDY, known(tmp_path))
    path, dataset, told = curating.update(known(tmp_path), "mine")
    assert dataset.card.range == (0, 1)
    assert path.read_text().startswith("# mine\n")
    assert any(sentence.startswith("range = [0, 1]") for sentence in told)
    assert curating.update(known(tmp_path), "mine")[2] == []
    assert runner.prepare(STUDY, known(tmp_path)).cells


def test_images_that_come_later_do_not_move_a_range(tmp_path: Path) -> None:
    folder = made(tmp_path, floats)
    add(tmp_path, folder)
    Image.fromarray(np.linspace(0, 9, 1600, dtype=np.float32).reshape(40, 40)).save(folder / "a" / "more.tif")
    told: list[Audit] = []
    _, dataset, _ = curating.update(known(tmp_path), "mine", tell=told.append)
    assert dataset.card.range == (0, 1)
    assert "values beyond are cut" in said(told[0], "16 bits")


@pytest.mark.parametrize("line", ["range = 'all'", "range = [1]", "range = [2, 1]", "range = [0, nan]", "range = 7"])
def test_a_range_that_is_none_is_a_usage_error(line: str) -> None:
    with pytest.raises(UsageError, match=r"x: range must be \"full\", \"percentiles\" or two numbers"):
        cards.parse("mine", line, "x")


@pytest.mark.parametrize("name", ["covid-ct", "malaria", "reticulocytes", "t-cells", "wbc-raw", "wbc-segmented"])
def test_the_published_images_are_what_they_were(name: str, tmp_path: Path) -> None:
    """None has more than 8 bits or is turned, so that their identities are those of the published trials."""
    if not (SHARED / name).is_dir():
        pytest.skip(f"no images of {name} in {SHARED}; set BENCH_SHARED_DATA to the folder that holds them")
    dataset = Library((SHARED,), tmp_path).load(name)
    assert {image.reading for image in dataset.images} == {PLAIN}
    assert dataset.card.content in (None, dataset.content_hash)
