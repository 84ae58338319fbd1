"""`bench dataset add`: every planted fault is found, every layout is read, and what is written can be run."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import add, classes, found, known, picture, save
from PIL import Image

from bench import datasets
from bench.datasets import cards, curating, decoded
from bench.datasets.audit import auditing, balance, examine
from bench.errors import BenchError, UsageError
from bench.study.protocol import Protocol

ODD = ["with space", "it's", 'quo"te', "50%", "血液", "<script>alert(1)<", "[red]x"]
BOMB = (50_000, 50_000)


def png_header(width: int, height: int) -> bytes:
    """The beginning of a PNG of a size, as Pillow writes it."""
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"IDAT" + zlib.compress(bytes(100))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in (header, body)
    )


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A given split of two classes, `ill` in PNG and `well` in JPEG, with one fault of each kind."""
    root = tmp_path_factory.mktemp("faulty")
    for number in range(36):
        part = ("train", "test", "holdout")[number % 3]
        save(root / part / "ill" / f"P{number // 3}_{number % 3 + 1}.png", number)
        save(root / part / "well" / f"P{20 + number}_1.jpg", 100 + number)

    def clone(source: str, target: str) -> None:
        (root / target).write_bytes((root / source).read_bytes())

    clone("train/ill/P0_1.png", "train/ill/copy.png")
    clone("train/ill/P1_1.png", "train/well/wrong.jpg")
    clone("train/well/P20_1.jpg", "test/well/again.jpg")
    picture(1).resize((60, 60)).save(root / "test/ill/small.png")  # P0_2, resized
    picture(100 + 1).transpose(Image.Transpose.ROTATE_90).save(root / "holdout/well/turned.jpg", quality=80)
    whole = (root / "train/well/P23_1.jpg").read_bytes()
    (root / "train/well/truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "train/ill/empty.png").write_bytes(b"")
    deep = np.asarray(picture(300).convert("L")).astype(np.uint16) * 257
    Image.fromarray(deep).save(root / "train/ill/deep.tif")
    picture(301).convert("CMYK").save(root / "train/well/print.jpg")
    picture(302).save(
        root / "train/ill/film.gif", save_all=True, append_images=[picture(303), picture(304)], duration=99
    )
    (root / "train/ill/Thumbs.db").write_bytes(b"x")
    (root / "train/ill/round.png").symlink_to(root / "train/ill/round.png")
    (root / "train/well/up").symlink_to(root)
    (root / "train/well/bomb.png").write_bytes(png_header(*BOMB))
    for number, name in enumerate(ODD):
        save(root / "train" / "ill" / f"{name}.png", 400 + number)
    save(root / "train" / "ill" / "deeper" / "lost.png", 500)
    return root


def test_every_planted_fault_is_found(faulty: Path, tmp_path: Path) -> None:
    before = sorted(os.walk(faulty))
    _, dataset, audit = add(tmp_path, faulty, duplicates="keep")
    assert sorted(os.walk(faulty)) == before, "nothing is changed"
    assert found(audit, "copies within a class") == [
        "ill/train/P0_1.png",
        "ill/train/copy.png",
        "well/test/again.jpg",
        "well/train/P20_1.jpg",
    ]
    said = next(finding.what for finding in audit.findings if finding.kind == "copies within a class")
    assert "1 of them in more than one of the given parts" in said
    assert found(audit, "copies across classes") == ["ill/train/P1_1.png", "well/train/wrong.jpg"]
    assert found(audit, "near duplicates") == [
        "ill/test/P0_2.png",
        "ill/test/small.png",
        "well/holdout/turned.jpg",
        "well/test/P21_1.jpg",
    ]
    assert found(audit, "groups across parts") == sorted(
        f"ill/{('train', 'test', 'holdout')[k]}/P{n}_{k + 1}.png" for n in range(12) for k in range(3)
    )
    assert len(found(audit, "groups across the holdout")) == 36
    assert (
        sorted(audit.unreadable)
        == found(audit, "unreadable")
        == [
            "ill/train/empty.png",
            "well/train/bomb.png",
            "well/train/truncated.jpg",
        ]
    )
    reasons = next(finding.what for finding in audit.findings if finding.kind == "unreadable")
    for word in ("truncated", "cannot identify", "pixels"):
        assert word in reasons
    assert found(audit, "16 bits") == ["ill/train/deep.tif"]
    assert found(audit, "CMYK") == ["well/train/print.jpg"]
    assert found(audit, "not read") == sorted(
        [f"train/ill/{name}" for name in ("film.gif", "Thumbs.db", "round.png", "deeper/lost.png")] + ["train/well/up"]
    )
    tells = {tell.of: tell for tell in audit.tells}
    assert tells["file type"].low > 0.9
    assert tells["file type"].chance == 0.5
    assert any("JPEG" in finding.what for finding in audit.findings if finding.kind == "tells the class")
    assert {f"ill/train/{name}.png" for name in ODD} < set(dataset.ids)
    assert all(finding.mend for finding in audit.findings)


def test_what_is_added_with_faults_can_be_run(faulty: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"ill/train/P1_1\.png = well/train/wrong\.jpg; remove .*--duplicates"):
        add(tmp_path, faulty)
    assert not (tmp_path / "data").exists()
    path, dataset, audit = add(tmp_path, faulty, duplicates="leave-out", groups=r"^(P\d+)_")
    card = cards.read(path)
    assert sorted(card.left_out) == sorted((*audit.unreadable, "ill/train/P1_1.png", "well/train/wrong.jpg"))
    assert not {*card.left_out} & {*dataset.ids}
    assert known(tmp_path).load("mine") == dataset
    assert decoded.load(dataset, 16, tmp_path / "cache").shape == (len(dataset.images), 16, 16, 3)
    assert (card.parts, card.holdout) == (("train", "test", "holdout"), "holdout")
    place = dict(zip(dataset.ids, dataset.groups, strict=True))
    assert place["ill/test/P0_2.png"] == place["ill/test/small.png"] == place["ill/train/copy.png"]
    for split in datasets.splits(known(tmp_path), dataset, Protocol(folds=3)):
        sides = {dataset.ids[i]: n for n, part in enumerate((split.train, split.test, split.holdout)) for i in part}
        assert {sides[i.id] for i in dataset.images if i.held} == {2}
        assert sides["ill/train/P0_1.png"] == 2, "its patient is in the given holdout"
        assert sides["well/test/P21_1.jpg"] == 2, "a turned copy is in the given holdout"
    again = examine(known(tmp_path), dataset)
    assert [finding.kind for finding in again.problems] == []
    assert "more that share a group or a copy with it" in balance(known(tmp_path), dataset)


def test_a_class_of_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    folder = classes(tmp_path / "images")
    for path in (folder / "well").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(BenchError, match="class 'well': none of its files can be used"):
        add(tmp_path, folder)
    assert not (tmp_path / "data").exists()


# --- Layouts


def manifest(folder: Path) -> pd.DataFrame:
    """Sixty images in two sites, listed in a table with patients of three, a holdout of one patient in ten."""
    rows = []
    for number in range(60):
        path = save(folder / f"site {number % 2}" / f"{number}.png", number)
        rows.append(
            (
                path.relative_to(folder).as_posix(),
                ("ill", "well")[number // 30],
                f"p{number // 3}",
                int(number // 3 % 10 == 0),
            )
        )
    return pd.DataFrame(rows, columns=["path", "label", "group", "holdout"])


WRITERS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "manifest.csv": lambda table, path: table.to_csv(path, index=False),
    "labels.csv": lambda table, path: table.to_csv(path, index=False, sep=";", encoding="utf-8-sig"),
    "Manifest.CSV": lambda table, path: table.rename(columns=str.upper).to_csv(path, index=False),
    "manifest.parquet": lambda table, path: table.to_parquet(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_manifest_says_what_is_what(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    table = manifest(folder)
    WRITERS[name](table, folder / name)
    (folder / "other.csv").write_text("a,b\n1,2\n")
    path, dataset, _ = add(tmp_path, folder)
    assert cards.read(path).manifest == name
    assert dataset.counts() == {"ill": 30, "well": 30}
    expected = {f"{row.label}/{row.path}": (row.group, bool(row.holdout)) for row in table.itertuples()}
    assert {image.id: (image.group, image.held) for image in dataset.images} == expected
    drawn = datasets.splits(known(tmp_path), dataset, Protocol())
    held = sorted(name for name, (_, mark) in expected.items() if mark)
    assert sorted(dataset.ids[i] for i in drawn[0].holdout) == held
    assert known(tmp_path).at_hand() == ["mine"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("gone.png,ill,,", "line 3: there is no file 'gone.png'"),
        ("../outside.png,ill,,", "line 3: '../outside.png' is no file inside"),
        ("/etc/passwd,ill,,", "line 3: '/etc/passwd' is no file inside"),
        ("b.png,,,", "line 3: no label for 'b.png'"),
        (",ill,,", "line 3: '' is no file inside"),
        ("a.png,well,,", "line 3: 'a.png' stands in line 2 already"),
        ("b.gif,well,,", "line 3: 'b.gif' is no image that can be read (.bmp, "),
        ("b.png,well,,perhaps", "line 3: holdout is 'perhaps'; write 1"),
    ],
)
def test_a_wrong_line_of_a_manifest_gets_its_sentence(line: str, problem: str, tmp_path: Path) -> None:
    for name in ("outside.png", "images/a.png", "images/b.png", "images/b.gif"):
        save(tmp_path / name, 0)
    path = tmp_path / "images" / "manifest.csv"
    path.write_text(f"path,label,group,holdout\na.png,ill,,\n{line}\n")
    with pytest.raises(BenchError) as caught:
        add(tmp_path, tmp_path / "images")
    assert str(caught.value).startswith(f"{path}, {problem}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"file,label\na.png,ill\n", "manifest.csv has no column 'path'; its columns are: file, label"),
        (b"", "manifest.csv has no column 'path'; its columns are: none"),
        (b"path,label\n", "manifest.csv has no lines below its header"),
        (b"path,label\n\xff\xfe.png,ill\n", "manifest.csv cannot be read ('utf-8' codec"),
    ],
)
def test_a_table_that_is_no_manifest_gets_its_sentence(text: bytes, problem: str, tmp_path: Path) -> None:
    save(tmp_path / "images" / "a.png", 0)
    (tmp_path / "images" / "manifest.csv").write_bytes(text)
    with pytest.raises(BenchError) as caught:
        add(tmp_path, tmp_path / "images")
    assert problem in str(caught.value)


def test_a_given_split_without_a_holdout_is_pooled(tmp_path: Path) -> None:
    for part in ("Train", "test"):
        classes(tmp_path / "images" / part)
    for path in (tmp_path / "images" / "test").rglob("*.png"):
        picture(int(path.stem) + 5000 + 100 * (path.parent.name == "ill")).save(path)
    _, dataset, _ = add(tmp_path, tmp_path / "images")
    assert dataset.counts() == {"ill": 24, "well": 24}
    assert len(set(dataset.ids)) == 48
    assert {"ill/Train/000.png", "ill/test/000.png"} < set(dataset.ids)
    assert dataset.held is None


def test_a_folder_that_lies_in_the_data_folder_can_be_added(tmp_path: Path) -> None:
    classes(tmp_path / "data" / "mine")
    assert add(tmp_path, tmp_path / "data" / "mine")[1].counts() == {"ill": 12, "well": 12}
    with pytest.raises(UsageError, match="'mine' exists already"):
        add(tmp_path, tmp_path / "data" / "mine")


@pytest.mark.parametrize("layout", ["classes", "parts", "manifest"])
def test_a_copy_needs_the_original_no_more(layout: str, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    if layout == "manifest":
        WRITERS["labels.csv"](manifest(folder), folder / "labels.csv")
    else:
        classes(folder / "train" if layout == "parts" else folder)
    path, dataset, _ = add(tmp_path, folder, copy=True)
    folder.rename(tmp_path / "gone")
    assert cards.read(path).images is None
    assert known(tmp_path).load("mine") == dataset
    assert all(image.path.is_relative_to(tmp_path / "data" / "mine") for image in dataset.images)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["mine", "mine.toml"]


# --- Groups and splits


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("(", "--groups is not a regular expression"),
        ("P", "--groups needs one capturing group"),
        ("^(P[0-9]+)", r"--groups '\^\(P\[0-9\]\+\)' fits no file name, such as '000'"),
    ],
)
def test_a_rule_for_groups_must_fit_before_anything_is_read(rule: str, problem: str, tmp_path: Path) -> None:
    told: list[object] = []
    with pytest.raises(UsageError, match=problem):
        add(tmp_path, classes(tmp_path / "images"), groups=rule, progress=lambda *done: told.append(done))
    assert told == []
    assert not (tmp_path / "data").exists()


def test_rules_that_were_guessed_stand_in_the_card_to_be_taken(tmp_path: Path) -> None:
    for number in range(48):
        save(tmp_path / "images" / ("ill", "well")[number % 2] / f"C{number // 4}P7_{number}.png", number)
    path, dataset, audit = add(tmp_path, tmp_path / "images")
    assert cards.read(path).groups is None
    assert len(set(dataset.groups)) == 48
    lines = [line for line in path.read_text().splitlines() if line.startswith("# groups = ")]
    assert len(lines) == len(audit.guesses) > 0
    path.write_text(path.read_text().replace(lines[0], lines[0].removeprefix("# ")))
    assert len(set(known(tmp_path).load("mine").groups)) == 12
    assert "12 groups of 4 images" in next(f.what for f in audit.findings if f.kind == "groups guessed")


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_belongs_together_is_split_in_any_layout(seed: int, tmp_path: Path) -> None:
    """Patients over parts and classes, copies and resized copies of other patients' images, in all layouts."""
    random, folder = np.random.default_rng(seed), tmp_path / "images"
    layout = ("classes", "parts", "manifest")[seed % 3]
    rows, bonds = [], []
    for number in range(120):
        label, patient = "ab"[int(random.integers(2))], int(random.integers(40))
        part = ("train", "test", "holdout")[int(random.choice(3, p=[0.6, 0.3, 0.1]))]
        place = {"classes": label, "parts": f"{part}/{label}", "manifest": part}[layout]
        path, kind = folder / place / f"P{patient}_{number}.png", int(random.integers(8))
        path.parent.mkdir(parents=True, exist_ok=True)
        same = [row for row in rows if row[1] == label] if kind < 2 else []
        if same:
            source = folder / same[int(random.integers(len(same)))][0]
            bonds.append((path, source))
            with Image.open(source) as image:
                (image if kind else image.resize((70, 70))).save(path)
        else:
            save(path, 10_000 * (seed + 1) + number)
        rows.append((path.relative_to(folder).as_posix(), label, f"P{patient}", part == "holdout"))
    if layout == "manifest":
        pd.DataFrame(rows, columns=["path", "label", "group", "holdout"]).to_csv(folder / "manifest.csv", index=False)
    _, dataset, _ = add(tmp_path, folder, groups=None if layout == "manifest" else r"^(P\d+)_", duplicates="keep")
    assert len(dataset.images) == 120
    position = {image.path: i for i, image in enumerate(dataset.images)}
    pairs = [(position[a], position[b]) for a, b in bonds]
    for label in {row[2] for row in rows}:
        members = [position[folder / row[0]] for row in rows if row[2] == label]
        pairs += [(members[0], other) for other in members]
    for split in datasets.splits(known(tmp_path), dataset, Protocol(folds=2, repeats=3)):
        side = np.full(120, -1)
        for number, part in enumerate((split.train, split.test, split.holdout)):
            side[part] = number
        assert all(side[a] == side[b] != -1 for a, b in pairs)
        if layout != "classes":
            assert all(side[position[folder / row[0]]] == 2 for row in rows if row[3])


def test_the_given_holdout_is_part_of_what_is_published(tmp_path: Path) -> None:
    for part in ("train", "holdout"):
        classes(tmp_path / "images" / part)
    for path in (tmp_path / "images" / "holdout").rglob("*.png"):
        picture(int(path.stem) + 7000 + 100 * (path.parent.name == "ill")).save(path)
    path, dataset, _ = add(tmp_path, tmp_path / "images")
    published = json.loads(json.dumps(cards.read(path).published()))
    assert published["holdout"] == "holdout"
    assert "images" not in published
    assert str(tmp_path) not in json.dumps(published)
    assert auditing.balance(known(tmp_path), dataset).startswith("Split by default: the given holdout, 50 % of each")


def test_copies_that_are_found_stay_on_one_side_and_the_card_counts_them(tmp_path: Path) -> None:
    """Cropped and shifted by a tenth, which no hash of the bytes or of the whole picture tells."""
    folder = classes(tmp_path / "im", each=24)
    for number in range(8):
        image = picture(number)
        image.crop((4, 9, 96, 90)).save(folder / "ill" / f"c{number}.png")
        moved = np.roll(np.asarray(picture(1000 + number)), (9, -7), (0, 1))
        Image.fromarray(moved).save(folder / "well" / f"s{number}.png")
    path, dataset, audit = add(tmp_path, folder)
    pairs = {frozenset((f"ill/{n:03}.png", f"ill/c{n}.png")) for n in range(8)}
    pairs |= {frozenset((f"well/{n:03}.png", f"well/s{n}.png")) for n in range(8)}
    assert {frozenset(same) for same in audit.alike} == pairs
    assert "# 16 pictures in 32 files, found by comparing all" in path.read_text()
    for split in datasets.splits(known(tmp_path), dataset, Protocol()):
        side = {dataset.ids[i]: k for k, part in enumerate((split.train, split.test, split.holdout)) for i in part}
        assert all(len({side[image] for image in pair}) == 1 for pair in pairs)
    (folder / "ill" / "more.png").write_bytes(b"")
    picture(5).transpose(Image.Transpose.ROTATE_180).save(folder / "ill" / "more.png")
    curating.update(known(tmp_path), "mine")
    assert "# 17 pictures in 33 files, found by comparing all" in path.read_text()


@pytest.mark.parametrize("groups", [None, "^(P[0-9])"])
def test_what_joins_too_much_is_named_among_the_problems(groups: str | None, tmp_path: Path) -> None:
    """Two patients; or two pictures, as the same bytes again and again. Image by image there would be splits."""
    for number in range(16):
        for label in ("ill", "well"):
            save(
                tmp_path / "im" / label / f"P{number // 8}-{number}.png",
                100 * (label == "ill") + number if groups else number // 8,
            )
    *_, audit = add(tmp_path, tmp_path / "im", groups=groups, duplicates="keep")
    (said,) = [finding for finding in audit.problems if finding.kind == "groups that cannot be cut"]
    if groups:
        assert said.what == ("The groups leave no holdout and folds: class 'ill' has images of 2 groups (P0, P1)")
    else:
        assert said.what.startswith("The sets under `same` and the copies join your 32 images into 2 groups")
        assert "same = []" in said.mend
    assert not audit.faulty


def test_advice_is_not_given_that_was_taken(faulty: Path, tmp_path: Path) -> None:
    *_, audit = add(tmp_path, faulty, duplicates="leave-out")
    mends = {finding.kind: finding.mend for finding in audit.findings}
    assert mends["copies across classes"] == "None of these is used: they stand under `left_out` in the card"
    assert mends["unreadable"].startswith("They are left out")
    assert not {"copies across classes", "unreadable"} & {finding.kind for finding in audit.problems}
    assert sorted(audit.dropped) == sorted(cards.read(tmp_path / "data" / "mine.toml").left_out)


def test_a_slip_in_the_name_of_a_column_keeps_the_groups(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    table = manifest(folder).rename(columns={"path": "file", "label": "digit", "group": "writer"})
    table.to_csv(folder / "labels.csv", index=False)
    given = {"path": "file", "label": "digit", "group": "writers"}
    with pytest.raises(BenchError, match=r"no column 'writers'.*did you mean 'writer'") as caught:
        add(tmp_path, folder, manifest=folder / "labels.csv", columns=given)
    assert str(caught.value).endswith("--path file --label digit --group writer")
    with pytest.raises(BenchError, match="--path file --label digit --group writer"):
        add(tmp_path, folder, manifest=folder / "labels.csv", columns={"path": "files", "label": "digit"})


def test_an_empty_folder_beside_the_classes_is_told(tmp_path: Path) -> None:
    folder = classes(tmp_path / "images")
    for name in ("healed/deep", "hidden", ".cache", "notes"):
        (folder / name).mkdir(parents=True)
    (folder / "hidden" / ".DS_Store").write_bytes(b"x")
    (folder / "notes" / "a.txt").write_bytes(b"x")
    *_, audit = add(tmp_path, folder)
    (said,) = [finding.what for finding in audit.findings if finding.what.startswith("Empty")]
    assert said == "Empty folders, which are no classes (2): healed, hidden"
    for path in (folder / "well").iterdir():
        path.unlink()
    with pytest.raises(BenchError, match=r"found 1 \(ill\); healed is empty; hidden is empty; well is empty"):
        add(tmp_path / "again", folder)


@pytest.mark.parametrize(("side", "size"), [(28, 32), (64, 64), (65, None)])
def test_small_pictures_come_with_a_size_that_saves_time(side: int, size: int | None, tmp_path: Path) -> None:
    for number in range(8):
        path = tmp_path / "images" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(number, side).crop((0, 0, side, 20)).save(path)
    path, _, audit = add(tmp_path, tmp_path / "images")
    said = [finding for finding in audit.findings if finding.kind == "small pictures"]
    if size is None:
        assert said == []
        return
    assert said[0].what == f"All pictures are small, of {side} pixels a side at most"
    assert f"--image-size {size} trains near their own size" in said[0].mend
    path.write_text(path.read_text() + f"\n[recipe]\nimage_size = {size}\n")
    again = examine(known(tmp_path), known(tmp_path).load("mine"))
    assert "small pictures" not in [finding.kind for finding in again.findings], "advice that was taken"


def test_a_class_with_one_image_is_told_once(tmp_path: Path) -> None:
    save(classes(tmp_path / "images") / "rare" / "x.png", 999)
    *_, audit = add(tmp_path, tmp_path / "images")
    assert [finding.kind for finding in audit.findings if "rare" in finding.what] == ["too few images"]
    assert audit.uncut
