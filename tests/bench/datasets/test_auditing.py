"""What is found in images and file names: near duplicates, groups, what tells the class. On drawn and real images."""

import io
from collections.abc import Callable
from functools import cache, partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from paths import SHARED
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.metrics import balanced_accuracy_score
from sklearn.tree import DecisionTreeClassifier

from bench.datasets import Card, grouping, layouts
from bench.datasets.audit import Audit, auditing, metadata, registering, remembered, scanning, similarity, views
from bench.datasets.audit.scanning import Scan
from bench.datasets.layouts import Entry

Draw = Callable[[int], Image.Image]
REAL = ["covid-ct", "malaria", "reticulocytes", "wbc-raw", "wbc-segmented"]


# --- Near duplicates


def cell(seed: int, size: int = 120) -> Image.Image:
    """A pale disc on black with a few dark spots: as alike as cells are."""
    random, (y, x) = np.random.default_rng(seed), np.mgrid[:size, :size] / size
    wide, high, shade = random.uniform(0.8, 1.2), random.uniform(0.8, 1.2), random.uniform(150, 220)
    values = np.where(wide * (x - 0.5) ** 2 + high * (y - 0.5) ** 2 < 0.2, shade, 0.0)
    for _ in range(4):
        a, b = random.uniform(0.25, 0.75, 2)
        values -= 70 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.004) * (values > 0)
    values += random.normal(0, 2, values.shape)
    return Image.fromarray(np.repeat(values.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2))


def field(seed: int) -> Image.Image:
    """A pale picture, brighter somewhere, with black bars above and below, and a few dark cells."""
    random, (y, x) = np.random.default_rng(seed), np.mgrid[:120, :120] / 120
    values = 190 + random.uniform(-30, 30) * x + random.uniform(-30, 30) * y + random.normal(0, 1.5, x.shape)
    for a, b in random.uniform(0.2, 0.8, (4, 2)):
        values -= 80 * (np.hypot(x - a, y - b) < 0.07)
    values[(y < 0.2) | (y > 0.8)] = 2
    return Image.fromarray(np.repeat(values.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2))


def smooth(seed: int) -> Image.Image:
    """Coloured clouds, unlike any other."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((120, 120), Image.Resampling.BICUBIC)


def pictures_of(drawn: list[Image.Image], folder: Path) -> np.ndarray:
    """The grey pictures that a scan keeps, by way of files."""
    entries = []
    for number, image in enumerate(drawn):
        path = folder / f"{number}.png"
        image.save(path)
        entries.append(Entry(path.name, "a", path))
    return np.array([scan.picture for scan in scanning.scan(entries)])


def stored_anew(image: Image.Image, scale: float, quality: int) -> Image.Image:
    small = image.resize((round(image.width * scale), round(image.height * scale)))
    small.save(buffer := io.BytesIO(), "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


@pytest.mark.parametrize("draw", [cell, field])
@pytest.mark.parametrize("count", [2, 12, 150])
def test_copies_are_found_among_pictures_that_are_alike(draw: Draw, count: int, tmp_path: Path) -> None:
    pictures = [draw(seed) for seed in range(count)]
    changed = [
        stored_anew(pictures[0], 0.6, 80),
        stored_anew(pictures[1], 1.5, 60).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        pictures[0].rotate(90),
    ]
    found = similarity.sets(pictures_of([*pictures, *changed], tmp_path), [120] * (count + 3))
    assert found[:2] == [[0, count, count + 2], [1, count + 1]]
    assert sum(map(len, found[2:])) <= count // 75, "of pictures so alike, two in a hundred may be taken for one"


def moved(image: Image.Image, across: int, down: int, filled: str) -> Image.Image:
    """A picture of which another part is seen; what it did not show is black, or as its edge."""
    room = max(abs(across), abs(down))
    wide = np.pad(np.asarray(image), ((room, room), (room, room), (0, 0)), mode=filled)  # type: ignore[call-overload]
    rows, columns = slice(room - down, room - down + image.height), slice(room - across, room - across + image.width)
    return Image.fromarray(wide[rows, columns])


def made(image: Image.Image, kind: str, random: np.random.Generator) -> Image.Image:
    """A copy as people make them, more or less so."""
    tenth = image.width // 10, image.height // 10
    if kind == "turned":
        return image.rotate(90 * int(random.integers(1, 4)), expand=True)
    if kind == "mirrored":
        return image.transpose(Image.Transpose(int(random.integers(2))))
    if kind == "resized":
        return stored_anew(image, random.uniform(0.5, 1.6), 90)
    if kind == "brighter":
        by = random.uniform(1.1, 1.35)
        return image.point(lambda value: min(255, round(value * by + 5)))
    if kind == "cropped":
        left, top, right, bottom = (int(random.integers(tenth[k % 2] + 1)) for k in range(4))
        return image.crop((left, top, image.width - right, image.height - bottom))
    across, down = (int(random.integers(-most, most + 1)) for most in tenth)
    return moved(image, across, down, "constant" if random.random() < 0.5 else "edge")


KINDS = ("turned", "mirrored", "resized", "brighter", "cropped", "shifted")


def recalled_and_wrong(pictures: list[Image.Image], folder: Path) -> tuple[float, int]:
    """The share of made copies that are found, one of each of the first 96 pictures, and the pairs that are none."""
    random = np.random.default_rng(0)
    copies = [made(image, KINDS[n % 6], random) for n, image in enumerate(pictures[:96])]
    shown = pictures_of([*pictures, *copies], folder)
    found = [pair for same in similarity.sets(shown, [80] * len(shown)) for pair in combinations(same, 2)]
    true = {(n, len(pictures) + n) for n in range(len(copies))}
    return len(true & set(found)) / len(true), len(set(found) - true)


@pytest.mark.parametrize("draw", [cell, pytest.param(field, marks=pytest.mark.long), smooth])
def test_made_copies_are_found_and_nothing_else(draw: Draw, tmp_path: Path) -> None:
    recall, wrong = recalled_and_wrong([draw(seed) for seed in range(150)], tmp_path)
    assert recall >= 0.95
    assert wrong <= 0.01 * 96


@pytest.mark.parametrize("name", ["malaria", pytest.param("t-cells", marks=pytest.mark.long)])
def test_made_copies_of_real_images_are_found_and_nothing_else(name: str, tmp_path: Path) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip(f"no images of {name} in {SHARED}; set BENCH_SHARED_DATA to the folder that holds them")
    paths = sorted((SHARED / name).glob("*/*.png"))
    chosen = np.random.default_rng(5).permutation(len(paths))[:150]
    recall, wrong = recalled_and_wrong([Image.open(paths[k]).convert("RGB") for k in chosen], tmp_path)
    assert recall >= 0.95
    assert wrong <= 0.01 * 96


def barred(seed: int, kind: str) -> Image.Image:
    """Noise, or a disc or ring at a random place, and nothing from row 53 on."""
    random, (y, x) = np.random.default_rng(seed), np.mgrid[:80, :80]
    values = random.integers(0, 256, (80, 80)).astype(float)
    if kind != "noise":
        far = np.hypot(x - random.uniform(15, 65), y - random.uniform(15, 45))
        shape = far < 11 if kind == "disc" else np.abs(far - 11) < 3
        values = np.where(shape, 200, 60) + random.normal(0, 6, far.shape)
    values[53:] = 0
    return Image.fromarray(np.repeat(values.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2))


@pytest.mark.parametrize("kind", ["noise", "disc", "ring"])
@pytest.mark.parametrize("count", [30, 120])
def test_black_borders_make_no_two_pictures_one(kind: str, count: int, tmp_path: Path) -> None:
    assert similarity.pairs(pictures_of([barred(seed, kind) for seed in range(count)], tmp_path)) == []


def test_many_copies_of_a_few_pictures_are_told_apart(tmp_path: Path) -> None:
    """As where somebody has made more images out of five: what the dataset has in common are the copies then."""
    random = np.random.default_rng(0)
    many = [stored_anew(smooth(seed), random.uniform(0.4, 1.5), 40) for seed in range(5) for _ in range(30)]
    found = similarity.sets(pictures_of(many, tmp_path), [120] * 150)
    assert [{place // 30 for place in together} for together in found] == [{0}, {1}, {2}, {3}, {4}]
    assert sum(map(len, found)) >= 148


def digits() -> list[Image.Image]:
    """Handwritten digits of 8 × 8 pixels, no two of them one."""
    return [Image.fromarray((values * 255 / 16).round().astype(np.uint8)) for values in load_digits().images[:160]]


def edged(seed: int, size: int = 25) -> Image.Image:
    """A crop of little: a pale ground that ends in one straight edge, as wide views cut small do."""
    random, (y, x) = np.random.default_rng(seed), np.mgrid[:size, :size] / size
    slope, shade = random.uniform(-0.2, 0.2), random.uniform(60, 250)
    values = np.where(y > random.uniform(0.1, 0.7) + slope * x, shade + random.uniform(-9, 9) * x, 1)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("side", [8, 64])
def test_tiny_digits_are_one_only_where_they_are_equal(side: int, tmp_path: Path) -> None:
    drawn = [digit.resize((side, side), Image.Resampling.BICUBIC) for digit in digits()]
    brighter = [digit.point(lambda value: value // 2 + 90) for digit in drawn[:20]]
    found = similarity.sets(pictures_of([*drawn, drawn[4], *brighter], tmp_path), [side] * 181)
    assert [4, 160] in [same[:2] for same in found]
    assert sum(len(set(same) - {same[0], 160, 161 + same[0]}) for same in found) <= 3
    assert len(found) == 1 or side == 64


@pytest.mark.parametrize("size", [25, 100])
def test_crops_with_one_edge_are_not_one_picture(size: int, tmp_path: Path) -> None:
    shown = pictures_of([edged(seed, size) for seed in range(100)], tmp_path)
    assert similarity.small_or_plain(shown, [size] * 100).all()
    assert similarity.sets(shown, [size] * 100) == []
    assert similarity.sets(np.concatenate([shown, shown[7:8]]), [size] * 101) == [[7, 100]]


def test_a_chain_of_links_is_no_set(tmp_path: Path) -> None:
    """Views that move on by a tenth: each is like the next, and the first is unlike the last."""
    large = smooth(0).resize((300, 120))
    chain = [large.crop((12 * step, 0, 12 * step + 120, 120)) for step in range(12)]
    shown = pictures_of([*chain, *(smooth(seed) for seed in range(1, 40))], tmp_path)
    links = [(step, step + 1) for step in range(11)]
    found = similarity.clusters(shown, links)
    assert found
    assert max(map(len, found)) <= 8
    assert not any({0, 11} <= set(same) for same in found)
    found = similarity.clusters(shown, [(30, 31), (31, 32), (32, 33)])
    assert max(map(len, found)) == 2


def test_pictures_of_one_colour_are_like_no_other(tmp_path: Path) -> None:
    plain = [Image.new("RGB", (50, 50), (shade, shade, shade)) for shade in (0, 0, 128, 255)]
    assert similarity.pairs(pictures_of([*plain, cell(0)], tmp_path)) == []
    assert similarity.pairs(np.zeros((0, 64, 64), np.uint8)) == []
    assert similarity.pairs(np.zeros((9, 64, 64), np.uint8)) == []


@pytest.mark.parametrize("turn", range(8))
def test_turned_frequencies_are_those_of_turned_pictures(turn: int) -> None:
    pictures = np.random.default_rng(0).uniform(0, 255, (5, 64, 64)).astype(np.float32)
    posed = np.ascontiguousarray(views.turned(pictures, turn))
    assert np.array_equal(views.turned_back(posed, turn), pictures)
    space = views.Space(pictures)
    expected = space._whitened(views.spectra(posed, [views.CENTRE])[:, 0])
    assert space.centres[turn] == pytest.approx(expected, abs=1e-4)


def test_a_pose_is_refined_to_where_the_picture_lies() -> None:
    """A window of a large picture, against the whole: place and scale as they were cut, to a fifth of a pixel."""
    large = np.asarray(smooth(3).resize((640, 640)).convert("L"), dtype=np.float32)
    one = np.array(Image.fromarray(large[38:600, 20:620]).resize((64, 64), Image.Resampling.BOX))
    other = np.array(Image.fromarray(large).resize((64, 64), Image.Resampling.BOX))
    level = registering.levels(np.stack([one, other]))
    place = np.array([[[0.5, 1.0], [0.5, 1.0]]], dtype=np.float32)
    for pictures in (level.half, level.whole):
        place = registering._refined(pictures[:1], pictures[1:], place)
    (across, down) = place[0]
    assert across == pytest.approx([(20 + 620) / 1280, 600 / 640], abs=0.2 / 64)
    assert down == pytest.approx([(38 + 600) / 1280, 562 / 640], abs=0.2 / 64)


def test_pairs_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    drawn = [smooth(seed) for seed in range(40)] + [made(smooth(k), KINDS[k % 6], random) for k in range(12)]
    pictures = pictures_of(drawn, tmp_path)
    expected = similarity.pairs(pictures)
    assert {(k, 40 + k) for k in range(12)} == set(expected)
    monkeypatch.setattr(views, "BLOCK", 7)
    monkeypatch.setattr(registering, "CHUNK", 11)
    assert similarity.pairs(pictures) == expected


# --- What tells the class


def record(number: int, label: str, kind: str = "PNG", width: int = 100, mode: str = "RGB") -> Scan:
    thumbnail = np.random.default_rng(number).integers(20, 255, (32, 32), dtype=np.uint8)
    entry = Entry(f"{label}/{number}.png", label, Path(f"{number}.png"))
    return Scan(entry, 1, str(number), "", kind, mode, width, 80, thumbnail=thumbnail)


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_what_holds_of_one_class_alone_tells_it_and_chance_does_not() -> None:
    random = np.random.default_rng(0)
    scans = [
        record(n, "abc"[n % 3], "JPEG" if n % 3 == 2 else "PNG", mode="RGB" if random.random() < 0.5 else "L")
        for n in range(240)
    ]
    tells = {tell.of: tell for tell in metadata.tells(scans, names(240))}
    assert set(tells) == {"file type", "colours", metadata.ALL}
    assert tells["file type"].score == pytest.approx(2 / 3)  # `c` is known, and one of the two others
    assert tells["file type"].clear
    assert not tells["colours"].clear
    assert tells["colours"].low < 1 / 3 == tells["colours"].chance < tells["colours"].high


def test_the_score_is_scikit_learns_balanced_accuracy() -> None:
    random = np.random.default_rng(1)
    labels = ["a"] * 150 + ["b"] * 40
    scans = [
        record(n, label, width=int(random.normal(100 + 15 * (label == "b"), 10))) for n, label in enumerate(labels)
    ]
    (tell,) = metadata.tells(scans, names(190))
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=5, class_weight="balanced", random_state=0)
    values = metadata.properties(scans)["size in pixels"]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(tree, values, labels, cv=folds, groups=np.unique(names(190), return_inverse=True)[1])
    assert tell.score == pytest.approx(balanced_accuracy_score(labels, predicted), abs=1e-12)
    assert tell.low < tell.score < tell.high


def test_a_property_of_few_patients_proves_little() -> None:
    """Two hundred files, but of twenty patients, each with a size of their own: score and interval know."""
    random = np.random.default_rng(0)
    widths = random.integers(100, 160, 20) + 10 * (np.arange(20) % 2)
    scans = [record(n, "ab"[n % 2], width=int(widths[n % 20])) for n in range(200)]
    (alone,), (grouped,) = metadata.tells(scans, names(200)), metadata.tells(scans, [str(n % 20) for n in range(200)])
    assert alone.clear
    assert grouped.score < alone.low
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_black_borders_are_measured() -> None:
    scan = record(0, "a")
    assert scan.thumbnail is not None
    assert metadata.border(scan) == 0
    scan.thumbnail[:8] = 3
    assert metadata.border(scan) == 0.25
    scan.thumbnail[:, 24:] = 3
    assert metadata.border(scan) == 1 - 0.75 * 0.75
    scan.thumbnail[:] = 0
    assert metadata.border(scan) == 1


@pytest.mark.parametrize("count", [0, 1, 4, 9])
def test_of_few_images_nothing_is_claimed(count: int) -> None:
    scans = [record(n, "ab"[n % 2], "PNG" if n % 2 else "JPEG") for n in range(count)]
    assert metadata.tells(scans, names(count)) == []
    assert isinstance(auditing.audit(Card("x", ""), scans, {}), Audit)


# --- Groups in file names


@pytest.mark.parametrize(
    ("stems", "group"),
    [
        ([f"C{n // 4}P61ThinF_IMG_2015_cell_{n}" for n in range(40)], "C3"),
        ([f"patient_{n // 4}_slice_{n % 4}" for n in range(40)], "patient_3"),
        ([f"{n // 4:03}_{n % 4}" for n in range(40)], "003"),
        ([f"{n // 4:03}-left-{n % 4}" for n in range(40)], "003-left"),
        ([f"smith{'abcdefghij'[n // 4]} {n % 4}" for n in range(40)], "smithd"),
        ([f"2020.03.{n // 4}-p{n % 4}-7" for n in range(40)], "2020.03.3"),
    ],
)
def test_groups_are_guessed_from_names(stems: list[str], group: str) -> None:
    guesses = grouping.guesses(stems, [("ill", "well")[n % 2] for n in range(40)])
    assert guesses
    assert dict(guesses[0].sizes)[group] == 4
    assert len(guesses[0].sizes) == 10
    assert [grouping.read(guesses[0].rule, stem) for stem in stems[12:16]] == [group] * 4


@pytest.mark.parametrize(
    "stems",
    [
        [f"{n:04}" for n in range(60)],
        [f"cell_{n}" for n in range(60)],
        [f"cell{n % 30}" for n in range(60)],
        [f"{n % 30}" for n in range(60)],
        [f"{('ill', 'well')[n // 30]}_{n}" for n in range(60)],
        [f"BloodImage_{n:05}" for n in range(60)],
        [f"IMG-{n}-b" for n in range(60)],
    ],
)
def test_a_numbered_series_tells_of_no_groups(stems: list[str]) -> None:
    assert grouping.guesses(stems, [("ill", "well")[n // 30] for n in range(60)]) == []


# --- The real images


@cache
def real(name: str) -> Audit:
    """What is found in a real dataset of which nothing is known, or a skipped test."""
    if not (SHARED / name).is_dir():
        pytest.skip(f"no images of {name} in {SHARED}; set BENCH_SHARED_DATA to the folder that holds them")
    card, folder = Card(name, ""), SHARED / name
    entries = layouts.entries(card, folder)
    return auditing.audit(card, scanning.scan(entries), layouts.leftovers(folder, entries, card))


def pairs(name: str) -> set[str]:
    return {" ".join(Path(image).stem for image in same) for same in real(name).alike}


@pytest.mark.slow
def test_the_slides_of_malaria_are_guessed() -> None:
    first = real("malaria").guesses[0]
    assert (len(first.sizes), dict(first.sizes)["C99"]) == (192, 35)
    assert "groups across classes" in {finding.kind for finding in real("malaria").findings}


@pytest.mark.slow
def test_the_papers_of_covid_ct_are_guessed() -> None:
    sizes = dict(real("covid-ct").guesses[0].sizes)
    assert sizes["2020.02.25.20021568"] == 26
    assert sizes["PIIS0140673620303603"] > 1


@pytest.mark.slow
def test_the_file_type_of_covid_ct_tells_the_class() -> None:
    tells = {tell.of: tell for tell in real("covid-ct").tells}
    # 34 of 349 and 202 of 397 files are JPEG: a rule that says so has (315/349 + 202/397) / 2.
    assert tells["file type"].score == pytest.approx((315 / 349 + 202 / 397) / 2)
    assert tells["file type"].low > 0.65
    assert tells[metadata.ALL].low > 0.75
    said = next(finding.what for finding in real("covid-ct").findings if finding.kind == "tells the class")
    assert "JPEG is 10 % of CT_COVID, 51 % of CT_NonCOVID" in said


@pytest.mark.parametrize(
    ("name", "few"),
    [
        pytest.param("reticulocytes", "n5plus has 22", marks=pytest.mark.long),
        ("wbc-raw", "monocyte has 20"),
        pytest.param("wbc-segmented", "monocyte has 20", marks=pytest.mark.long),
    ],
)
def test_small_classes_are_named(name: str, few: str) -> None:
    said = [finding.what for finding in real(name).findings if finding.kind == "near-empty classes"]
    assert said == [f"Fewer than 25 images: {few}"]


@pytest.mark.slow
def test_near_duplicates_of_the_real_images_are_true() -> None:
    """Each was looked at: one picture or cell twice, or slices of one lung, next to each other mostly."""
    alike = [sorted(Path(image).stem for image in same) for same in real("covid-ct").alike]
    for pair in (("115", "117"), ("116", "118"), ("1215", "1216"), ("1330", "1331"), ("661", "662")):
        assert any(set(pair) <= set(same) for same in alike), pair
    torn = [same for same, whole in zip(alike, real("covid-ct").alike, strict=True) if len(set(map(label, whole))) > 1]
    assert torn == [["71%0", "kjr-21-e24-p5-29"], ["71%1", "kjr-21-e24-p5-31"]]
    assert pairs("wbc-raw") == {
        "BloodImage_00037 BloodImage_00038",
        "BloodImage_00227 BloodImage_00260",
        "BloodImage_00229 BloodImage_00258",
        "BloodImage_00230 BloodImage_00257",
        "BloodImage_00231 BloodImage_00256",
        "BloodImage_00382 BloodImage_00395",
        "BloodImage_00386 BloodImage_00391",
    }
    assert pairs("wbc-segmented") > pairs("wbc-raw"), "the slide was photographed twice, the second time from behind"
    assert pairs("reticulocytes") == set()
    assert pairs("malaria") <= {"C119P80ThinF_IMG_20151002_123911_cell_54 C119P80ThinF_IMG_20151002_124345_cell_43"}


def label(image_id: str) -> str:
    return image_id.partition("/")[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_images_can_all_be_read(name: str) -> None:
    assert real(name).unreadable == ()


def test_what_was_compared_once_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = pictures_of([*(cell(seed) for seed in range(30)), cell(3), cell(4), cell(3)], tmp_path)
    asked = partial(remembered.sets, shown, [80] * len(shown), tmp_path / "cache")
    first = asked()
    assert first == similarity.sets(shown, [80] * len(shown)) == [[3, 30, 32], [4, 31]]
    (file,) = (tmp_path / "cache" / "alike").iterdir()
    with monkeypatch.context() as other:
        other.setattr(similarity, "sets", lambda *_: pytest.fail("compared again"))
        assert asked() == first
    others = shown[:9], [80] * 9, tmp_path / "cache"
    assert [remembered.sets(*others), remembered.sets(*others)] == [[], []], "others are another question"
    file.write_bytes(file.read_bytes()[:-9])
    assert asked() == first, "what is not whole is made again"
    assert remembered.sets(shown, [8] * len(shown), tmp_path / "cache") == [[3, 30, 32], [4, 31]], "equal, if small"
