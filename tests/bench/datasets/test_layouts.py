"""Folders as people have them: what is read, what is not taken for a class, and what is said where nothing fits."""

import re
import shlex
from pathlib import Path

import pytest
from folders import add, classes, found, known, picture, save

from bench.cli import app
from bench.datasets import cards, curating
from bench.datasets.audit import Audit
from bench.errors import BenchError
from bench.running import runner
from bench.study import study

STUDY = study.parse("s", 'datasets = ["mine"]\nmodels = ["mean-colour"]\n[protocol]\nfolds = 2\nrepeats = 1\n', "s")


def place(folder: Path, *patterns: str, each: int = 12) -> Path:
    """Images at `ill/{n}.png` and the like, no two alike."""
    for number, pattern in enumerate(patterns):
        for n in range(each):
            save(folder / pattern.format(n=n, p=n // 3), 1000 * number + n)
    return folder


def refused(root: Path, folder: Path, **options: object) -> str:
    with pytest.raises(BenchError) as caught:
        add(root, folder, **options)
    assert "\n" not in str(caught.value)
    assert not (root / "data").exists(), "nothing is written"
    return str(caught.value)


def said(audit: Audit, kind: str) -> list[str]:
    return [finding.what for finding in audit.findings if finding.kind == kind]


# --- A given split


@pytest.mark.parametrize("names", [("train", "test"), ("Train", "Test", "val"), ("training_set", "test_images")])
def test_parts_with_pictures_right_in_them_are_no_classes(names: tuple[str, ...], tmp_path: Path) -> None:
    folder = classes(tmp_path / "images", names)
    message = refused(tmp_path, folder)
    assert "are called as the parts of a split, and hold pictures right in them, not class folders" in message
    folder.rename(tmp_path / "mine")  # as a folder that nobody added
    (tmp_path / "data").mkdir()
    (tmp_path / "mine").rename(tmp_path / "data" / "mine")
    with pytest.raises(BenchError, match="are called as the parts of a split"):
        runner.prepare(STUDY, known(tmp_path))


def test_a_given_split_wins_against_other_folders(tmp_path: Path) -> None:
    folder = classes(tmp_path / "images" / "train").parent
    place(folder, "test/ill/{n}.png", "test/well/{n}.png", "docs/{n}.png", "samples/{n}.png")
    path, dataset, audit = add(tmp_path, folder, duplicates="keep")
    assert cards.read(path).parts == ("train", "test")
    assert dataset.classes == ("ill", "well")
    assert said(audit, "not read") == [
        "Images beside the given split (24): docs/0.png, docs/1.png, docs/10.png and 21 more"
    ]


def test_a_split_whose_classes_lie_outside_too_is_asked_about(tmp_path: Path) -> None:
    folder = place(classes(tmp_path / "images"), "test/ill/{n}.png", "test/well/{n}.png")
    assert "the class folder 'ill' stands both in it and in test" in refused(tmp_path, folder)


def test_a_part_beside_two_classes_is_no_class(tmp_path: Path) -> None:
    _, dataset, audit = add(tmp_path, place(tmp_path / "images", "ill/{n}.png", "well/{n}.png", "test/{n}.png"))
    assert dataset.classes == ("ill", "well")
    assert "Folders called as the parts of a split, which are no classes (12): test/0.png" in said(audit, "not read")[0]


def test_a_class_that_is_called_as_a_part_is_told(tmp_path: Path) -> None:
    _, dataset, audit = add(tmp_path, place(tmp_path / "images", "control/{n}.png", "test/{n}.png"))
    assert dataset.classes == ("control", "test")
    assert said(audit, "classes called as parts") == [
        "'test' is called as a part of a split is, and counts as a class here"
    ]


@pytest.mark.parametrize("other", ["Ill", "ill ", "ILL", "ｉll"])
def test_classes_that_differ_in_case_or_a_space_are_told(other: str, tmp_path: Path) -> None:
    *_, audit = add(tmp_path, place(tmp_path / "images", "ill/{n}.png", other + "/{n}.png", "well/{n}.png"))
    assert [finding.kind for finding in audit.problems] == ["classes nearly alike"]
    assert repr(other) in said(audit, "classes nearly alike")[0]
    assert "are called nearly alike" in runner.prepare(STUDY, known(tmp_path)).remarks[0]


# --- Folders in folders


def test_folders_in_class_folders_are_groups(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "ill/P{p}/{n}.png", "well/Q{p}/{n}.png", "well/Q0/deep/{n}.png")
    path, dataset, audit = add(tmp_path, folder)
    assert cards.read(path).subfolders == "groups"
    assert len(dataset.images) == 36
    assert {image.group for image in dataset.images} == {f"{k}{p}" for k in "PQ" for p in range(4)}
    assert "ill/P0/0.png" in dataset.ids
    assert "--subfolders plain" in next(f.mend for f in audit.findings if f.kind == "groups")
    assert known(tmp_path).load("mine") == dataset
    _, plain, _ = add(tmp_path / "again", folder, subfolders="plain")
    assert plain.ids == dataset.ids
    assert len(set(plain.groups)) == 36


def test_folders_in_class_folders_that_nobody_added_name_the_way(tmp_path: Path) -> None:
    folder = place(tmp_path / "data" / "mine", "ill/P{p}/{n}.png", "well/Q{p}/{n}.png")
    with pytest.raises(BenchError, match=f"`bench dataset add mine {folder}` says what lies there"):
        known(tmp_path).load("mine")
    assert len(add(tmp_path, folder)[1].images) == 24


def test_folders_whose_names_say_nothing_are_no_groups(tmp_path: Path) -> None:
    path, dataset, _ = add(tmp_path, place(tmp_path / "images", "ill/images/{n}.png", "well/images/{n}.png"))
    assert cards.read(path).subfolders == "plain"
    assert len(set(dataset.groups)) == 24


def test_a_given_split_of_patients_folders(tmp_path: Path) -> None:
    folder = place(
        tmp_path / "images",
        "train/ill/P{p}/{n}.png",
        "train/well/Q{p}/{n}.png",
        "test/ill/R{p}/{n}.png",
        "test/well/S{p}/{n}.png",
    )
    path, dataset, _ = add(tmp_path, folder)
    assert (cards.read(path).parts, cards.read(path).subfolders) == (("train", "test"), "groups")
    assert len(set(dataset.groups)) == 16


def test_patients_that_hold_classes_are_no_classes(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "P{p}/ill/{n}.png", "P{p}/well/{n}.png")
    assert "P0, P1, P2 and 1 more each hold folders called ill, well" in refused(tmp_path, folder)


# --- Masks

MASKS = {
    "a folder": ("masks/{n}.png", "masks"),
    "a folder in capitals": ("Ground Truth/{n}.png", "Ground Truth"),
    "one for a class": ("ill_masks/{n}.png", "ill_masks"),
    "beside": ("ill/{n}_mask.png", "ill"),
    "beside, numbered": ("ill/{n}_mask_1.png", "ill"),
    "before": ("ill/mask_{n}.png", "ill"),
    "another word": ("ill/{n}-segmentation.png", "ill"),
    "in capitals": ("ill/{n}_GT.png", "ill"),
}


@pytest.mark.parametrize("kind", MASKS)
def test_masks_are_no_images(kind: str, tmp_path: Path) -> None:
    pattern, label = MASKS[kind]
    folder = place(tmp_path / "images", "ill/{n}.png", "well/{n}.png", pattern)
    assert "12 files are named as masks of others are" in refused(tmp_path, folder)
    path, dataset, audit = add(tmp_path, folder, masked="leave-out")
    assert dataset.counts() == {"ill": 12, "well": 12}
    assert cards.read(path).masks == "leave-out"
    assert "masks" not in [finding.kind for finding in audit.findings]
    assert "Masks (12): " in said(audit, "not read")[0]
    assert runner.prepare(STUDY, known(tmp_path)).remarks == ()
    path, dataset, _ = add(tmp_path / "again", folder, masked="keep")
    assert sum(dataset.counts().values()) == 36
    assert runner.prepare(STUDY, known(tmp_path / "again")).remarks == ()
    assert label in dataset.classes


def test_masks_that_came_later_stop_a_run(tmp_path: Path) -> None:
    folder = classes(tmp_path / "images")
    add(tmp_path, folder)
    save(folder / "ill" / "000_mask.png", 9999)
    with pytest.raises(
        BenchError, match=r"files are named as masks of others are \(1\): ill/000_mask.png; write masks"
    ):
        runner.prepare(STUDY, known(tmp_path))


def test_masks_in_folders_of_class_folders(tmp_path: Path) -> None:
    folder = place(
        tmp_path / "images", "ill/images/{n}.png", "ill/masks/{n}.png", "well/images/{n}.png", "well/masks/{n}.png"
    )
    assert "24 files are named as masks" in refused(tmp_path, folder)
    assert add(tmp_path, folder, masked="leave-out")[1].counts() == {"ill": 12, "well": 12}


@pytest.mark.parametrize(
    "patterns",
    [
        ("with_mask/{n}.png", "without_mask/{n}.png"),
        ("ill/with_mask_{n}.png", "well/without_mask_{n}.png"),
        ("seg/{n}.png", "band/{n}.png"),
        ("label 1/{n}.png", "label 2/{n}.png"),
        ("unmasked/{n}.png", "masked/{n}.png"),
    ],
)
def test_classes_about_masks_are_classes(patterns: tuple[str, ...], tmp_path: Path) -> None:
    assert sum(add(tmp_path, place(tmp_path / "images", *patterns))[1].counts().values()) == 24


# --- Where nothing fits


def write(folder: Path, name: str, lines: list[str]) -> None:
    (folder / name).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (("{n}.png",), "12 pictures right in it and in no class folder"),
        (("ill/{n}.png", "x{n}.png"), "at least two class folders with images, found 1 (ill); 12 pictures beside it"),
        (("images/{n}.png", "masks/{n}.png"), "found 1 (images); masks holds masks, it seems"),
        (("a/b/c/{n}.png",), "12 pictures in one folder alone, a/b/c/"),
    ],
)
def test_what_was_found_is_named(patterns: tuple[str, ...], message: str, tmp_path: Path) -> None:
    assert message in refused(tmp_path, place(tmp_path / "images", *patterns))


@pytest.mark.parametrize(
    ("ending", "mend"), [("dcm", "Fiji"), ("czi", "QuPath"), ("heic", "ImageMagick"), ("webp", "-format png *.webp")]
)
def test_pictures_of_other_kinds_are_named_with_what_converts_them(ending: str, mend: str, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / "images" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / "ab"[number % 2] / f"{number}.{ending}").write_bytes(b"x")
    message = refused(tmp_path, tmp_path / "images")
    assert f"no images that can be read, but 5 .{ending} files" in message
    assert mend in message


@pytest.mark.parametrize("ending", ["jfif", "JPE", "jif", "pjpeg"])
def test_jpeg_files_by_other_names_are_read(ending: str, tmp_path: Path) -> None:
    folder = classes(tmp_path / "images")
    picture(7777).save(folder / "ill" / "x.jpg")
    (folder / "ill" / "x.jpg").rename(folder / "ill" / f"x.{ending}")
    assert f"ill/x.{ending}" in add(tmp_path, folder)[1].ids


def test_pictures_without_an_ending_are_told(tmp_path: Path) -> None:
    folder = classes(tmp_path / "images")
    (folder / "ill" / "000.png").rename(folder / "ill" / "000")
    (folder / "ill" / "read.me").write_text("words")
    *_, audit = add(tmp_path, folder)
    assert sorted(said(audit, "not read"), reverse=True) == [
        "Pictures without the ending of one (1): ill/000",
        "Files that are no images (1): ill/read.me",
    ]


# --- The command that is offered works


def offered(message: str) -> list[str]:
    return shlex.split(re.search(r"bench (dataset add .*)", message)[1])  # type: ignore[index]


TABLES = {
    "filename,label": "{c}{n}.png,{c}",
    "image_id,diagnosis,age,patient_id": "{c}{n},{c},4{n},P{p}",
    "path;class": "imgs/{c}{n}.png;{c}",
    "id\tlabel": "{c}{n}\t{c}",
    "n,File,Dx Type": "{n},some/where/imgs/{c}{n}.png,{c}",
}


@pytest.mark.parametrize("header", TABLES)
def test_a_table_is_found_and_the_command_that_takes_it_works(header: str, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    folder = place(tmp_path / "im ages", "imgs/ill{n}.png", "imgs/well{n}.png")
    lines = [TABLES[header].format(c=c, n=n, p=n // 3) for c in ("ill", "well") for n in range(12)]
    write(folder, "labels.csv", [header, *lines])
    message = refused(tmp_path, folder)
    assert "labels.csv lists them, it seems: its column" in message
    done = CliRunner().invoke(app, [*offered(message), "--data", str(tmp_path / "data")])
    assert done.exit_code == 0, done.output
    dataset = known(tmp_path).load("mine")
    assert dataset.counts() == {"ill": 12, "well": 12}
    assert len(set(dataset.groups)) == (4 if "patient_id" in header else 24)


def test_folders_further_down_are_offered(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "a b/c/ill/{n}.png", "a b/c/well/{n}.png", "a b/masks/{n}.png")
    assert offered(refused(tmp_path, folder)) == ["dataset", "add", "mine", str(folder / "a b" / "c")]


def test_a_table_of_other_classes_than_the_folders_is_told(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "part1/x{n}.png", "part2/y{n}.png")
    write(folder, "meta.csv", ["image,dx", *(f"{k}{n},{'ab'[n % 2]}" for k in "xy" for n in range(12))])
    *_, audit = add(tmp_path, folder)
    assert "with other classes than the folders in 'dx' (1): meta.csv" in said(audit, "not read")[0]
    write(folder, "meta.csv", ["image,dx", *(f"{k}{n},{k}" for k in "xy" for n in range(12))])
    *_, audit = add(tmp_path / "again", folder)
    assert said(audit, "not read") == ["Files that are no images (1): meta.csv"]


def test_a_manifest_that_lists_some_of_the_images(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "ill{n}.png", "well{n}.png")
    write(folder, "manifest.csv", ["path,label", *(f"{c}{n}.png,{c}" for c in ("ill", "well") for n in range(8))])
    _, dataset, audit = add(tmp_path, folder)
    assert dataset.counts() == {"ill": 8, "well": 8}
    assert "Images that the manifest does not list (8): " in said(audit, "not read")[0]
    assert len(found(audit, "not read")) == 8


def test_a_manifest_elsewhere_and_its_copy(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "ill{n}.png", "well{n}.png")
    write(tmp_path, "t.tsv", ["f\tc", *(f"images/{c}{n}.png\t{c}" for c in ("ill", "well") for n in range(12))])
    options = {"manifest": tmp_path / "t.tsv", "columns": {"path": "F", "label": "C"}}
    path, dataset, _ = add(tmp_path, folder, **options)
    assert (cards.read(path).manifest, cards.read(path).columns) == ("../t.tsv", {"path": "F", "label": "C"})
    assert dataset.counts() == {"ill": 12, "well": 12}
    _, copied, _ = add(tmp_path / "again", folder, copy=True, **options)
    assert copied.content_hash == dataset.content_hash
    assert cards.read(tmp_path / "again" / "data" / "mine.toml").manifest == "t.tsv"


@pytest.mark.parametrize(
    ("mark", "held"),
    [
        ("1.0", True),
        ("true", True),
        ("True", True),
        ("1", True),
        ("0.0", False),
        ("nan", False),
        ("NA", False),
        ("False", False),
        ("", False),
    ],
)
def test_a_holdout_may_be_marked_as_tables_mark_things(mark: str, held: bool, tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "ill{n}.png", "well{n}.png", each=3)
    lines = [f"{c}{n}.png,{c},{mark if n == 0 else 0}" for c in ("ill", "well") for n in range(3)]
    write(folder, "manifest.csv", ["path,label,holdout", *lines])
    _, dataset, _ = add(tmp_path, folder)
    assert [image.id for image in dataset.images if image.held] == ["ill/ill0.png", "well/well0.png"] * held


def test_missing_groups_of_a_table_are_not_one_group(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "ill{n}.png", "well{n}.png")
    lines = [f"{c}{n}.png,{c},{'nan' if n < 6 else f'P{n}{c}'}" for c in ("ill", "well") for n in range(12)]
    write(folder, "manifest.csv", ["path,label,group", *lines])
    assert len(set(add(tmp_path, folder)[1].groups)) == 24


def test_names_may_be_composed_otherwise_in_tables_and_cards(tmp_path: Path) -> None:
    composed, apart = "caf\u00e9", "cafe\u0301"
    folder = place(tmp_path / "images", apart + "/" + apart + "{n}.png", "well/{n}.png")
    lines = [f"{composed}/{composed}{n}.png,{composed}" for n in range(12)] + [f"well/{n}.png,well" for n in range(12)]
    write(tmp_path, "t.csv", ["path,label", *lines])
    _, dataset, _ = add(tmp_path, folder, manifest=tmp_path / "t.csv")
    assert dataset.counts() == {composed: 12, "well": 12}
    path, *_ = add(tmp_path / "again", folder)
    text = path.read_text().replace(apart, composed)
    path.write_text(f'left_out = ["{composed}/{composed}0.png"]\nsame = [["{composed}1", "{composed}2"]]\n{text}')
    dataset = known(tmp_path / "again").load("mine")
    assert dataset.counts() == {composed: 11, "well": 12}
    assert len(set(dataset.groups)) == 22
    assert curating.look(known(tmp_path / "again"), dataset).slips == ()


def test_one_name_of_a_table_for_two_files_is_asked_about(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "x/{n}.png", "y/{n}.png")
    write(folder, "manifest.csv", ["path,label", "0.png,ill", "y/1.png,well"])
    assert "line 2: '0.png' may be x/0.png or y/0.png; write the path" in refused(tmp_path, folder)


def test_lines_without_a_file_are_counted(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "{n}.png")
    write(folder, "manifest.csv", ["path,label", *(f"{n}.png,{'ab'[n % 2]}" for n in range(15))])
    assert refused(tmp_path, folder).startswith(
        f"{folder}/manifest.csv: 3 lines without a file in {folder}: '12.png' (line 14), '13.png' (line 15), '14.png' "
        "(line 16); mend the path or the line, or leave such lines out with --missing leave-out"
    )


def test_all_that_is_wrong_with_a_table_is_told_at_once(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "{n}.png")
    lines = ["0.png,a", "x.png,b", "1.png,", "0.png,b", *(f"gone{n}.png,a" for n in range(4)), "../y.png,b", "2.png,a"]
    write(folder, "manifest.csv", ["path,label", *lines])
    message = refused(tmp_path, folder)
    assert (
        f": 5 lines without a file in {folder}: 'x.png' (line 3), 'gone0.png' (line 6), 'gone1.png' (line 7) and 2"
        in message
    )
    assert "; 1 line naming a file that stands above already: '0.png' (line 5, as line 2); " in message
    assert "; 1 line without a label: '1.png' (line 4); 1 line leading to no file inside" in message


def test_lines_without_a_file_are_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "ill{n}.png", "well{n}.png")
    lines = [f"{c}{n}.png,{c}" for c in ("ill", "well") for n in range(14)]
    write(folder, "manifest.csv", ["path,label", *lines])
    path, dataset, audit = add(tmp_path, folder, missing="leave-out")
    assert said(audit, "not read") == [
        "Lines of the table without a file (4): ill12.png, ill13.png, well12.png and 1 more"
    ]
    card = cards.read(path)
    assert (card.missing, card.left_out, card.counts) == ("leave-out", (), {"ill": 12, "well": 12})
    assert known(tmp_path).load("mine") == dataset
    assert runner.prepare(STUDY, known(tmp_path)).remarks == ()
    write(folder, "manifest.csv", ["path,label", *lines, "ill0.png,well"])
    with pytest.raises(BenchError, match=r"line 30: 'ill0\.png' stands in line 2 already"):
        known(tmp_path).load("mine")
    there = [line for line in lines if (folder / line.partition(",")[0]).is_file()]
    write(folder, "manifest.csv", ["path,label", *there])
    path, *_ = add(tmp_path / "again", folder, missing="leave-out")
    assert cards.read(path).missing is None, "there was nothing to leave out"
    write(folder, "manifest.csv", ["path,label", *lines])
    with pytest.raises(BenchError, match="4 lines without a file"):
        curating.update(known(tmp_path / "again"), "mine")
    *_, changed = curating.update(known(tmp_path / "again"), "mine", missing="leave-out")
    assert changed == ["missing = 'leave-out': lines of the table without a file"]
    write(folder, "manifest.csv", ["path,label", "x.png,a", "y.png,b"])
    assert "none of its lines names a file in" in refused(tmp_path / "third", folder, missing="leave-out")


def test_lines_are_left_out_of_tables_alone(tmp_path: Path) -> None:
    assert "--missing is about the lines of a table" in refused(
        tmp_path, classes(tmp_path / "images"), missing="leave-out"
    )


@pytest.mark.parametrize("named", [{"path": "dx", "label": "file"}, {"path": "note", "label": "dx"}])
def test_a_column_that_names_no_files_is_told_with_the_one_that_does(named: dict[str, str], tmp_path: Path) -> None:
    """Path and label swapped, or another column taken for that of paths: on the command line, and in a card by hand."""
    from typer.testing import CliRunner

    folder = place(tmp_path / "im ages", "ill{n}.png", "well{n}.png")
    lines = [f"{c}{n},{c},{'x' * 300}" for c in ("ill", "well") for n in range(12)]
    write(folder, "t.csv", ["file,dx,note", *lines])
    message = refused(tmp_path, folder, manifest=folder / "t.csv", columns=named)
    assert f"no line of its column {named['path']!r} names a file, but 'file' does" in message
    assert ("the two are swapped, it seems" in message) == (named["label"] == "file")
    options = shlex.split(re.search(r"--manifest .*(?=, or `columns`)", message)[0])  # type: ignore[index]
    done = CliRunner().invoke(app, ["dataset", "add", "mine", str(folder), *options, "--data", str(tmp_path / "data")])
    assert done.exit_code == 0, done.output
    assert known(tmp_path).load("mine").counts() == {"ill": 12, "well": 12}
    table = ", ".join(f'{ours} = "{theirs}"' for ours, theirs in named.items())
    (tmp_path / "data" / "mine.toml").write_text(f'images = "{folder}"\nmanifest = "t.csv"\ncolumns = {{{table}}}\n')
    with pytest.raises(BenchError, match=f"no line of its column '{named['path']}' names a file, but 'file' does"):
        known(tmp_path).load("mine")


def test_images_of_a_table_are_called_by_their_paths(tmp_path: Path) -> None:
    """In all that an audit says, in what an update and a run say; and the card takes these names as well as the ids."""
    folder = place(tmp_path / "images", "a/{n}.png", "b/{n}.png")
    write(folder, "manifest.csv", ["path,label", *(f"{c}/{n}.png,{k}" for k, c in enumerate("ab") for n in range(12))])
    (folder / "a" / "1.png").write_bytes((folder / "a" / "0.png").read_bytes())
    picture(2).resize((60, 60)).save(folder / "a" / "3.png")
    (folder / "a" / "4.png").write_bytes(b"no image")
    (folder / "b" / "5.png").write_bytes((folder / "a" / "5.png").read_bytes())
    message = refused(tmp_path, folder)
    assert "the first is a/5.png = b/5.png; remove" in message
    path, dataset, audit = add(tmp_path, folder, duplicates="leave-out")
    every = " ".join((*audit.sentences, *(finding.mend for finding in audit.findings)))
    for words in ("a/0.png = a/1.png", "a/2.png ≈ a/3.png", "cannot be used: a/4.png cannot", "a/5.png = b/5.png"):
        assert words in every
    assert not re.search(r"\b[01]/[ab]/", every)
    assert cards.read(path).left_out == ("0/a/4.png", "0/a/5.png", "1/b/5.png")
    for sentence in cards.read(path).found:
        assert not re.search(r"\b[01]/[ab]/", sentence)
    path.write_text(
        f'images = "{folder}"\nmanifest = "manifest.csv"\nleft_out = ["a/4.png", "b/5.png"]\n'
        'same = [["a/2.png", "a/3.png"]]\ncounts = {0 = 11, 1 = 11}\n'
    )
    dataset = known(tmp_path).load("mine")
    assert dataset.counts() == {"0": 11, "1": 11}
    assert len(set(dataset.groups)) == 20
    assert curating.look(known(tmp_path), dataset) == curating.Upkeep()
    (folder / "b" / "6.png").write_bytes((folder / "a" / "6.png").read_bytes())
    (refused_,) = curating.look(known(tmp_path), known(tmp_path).load("mine")).refused
    assert "a/6.png = b/6.png; remove" in refused_
    (folder / "b" / "7.png").write_bytes(b"neither")
    *_, changed = curating.update(known(tmp_path), "mine", duplicates="keep")
    assert "left out by now: b/7.png" in changed
    assert "kept together by now, under `same`: a/6.png ≈ b/6.png" in changed
    assert curating.update(known(tmp_path), "mine")[-1] == []


CARDS = {
    'manifest = "gone.csv"': "no table gone.csv in ",
    'manifest = "one.csv"': "one.csv: all lines have the label 'a'; a dataset needs two at least",
    'manifest = "t.csv"\nclasses = ["a", "c"]': "t.csv: the card of 'mine' does not name the class 'b'; add it",
    'manifest = "t.csv"\nmissing = "keep"': "mine.toml: missing must be leave-out, not 'keep'",
    'missing = "leave-out"': "mine.toml: missing is about lines of a manifest, and there is none",
    'manifest = "t.csv"\n[recipe]\nimage_size = 16': "mine.toml: recipe: image_size must be 32 to 2048 pixels, not 16",
    'manifest = "t.csv"\n[recipe]\nsize = 96': "mine.toml: recipe: unknown recipe field 'size'; known: aug",
}


@pytest.mark.parametrize("text", CARDS)
def test_a_card_by_hand_gets_its_sentence(text: str, tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "{n}.png")
    write(folder, "one.csv", ["path,label", *(f"{n}.png,a" for n in range(12))])
    write(folder, "t.csv", ["path,label", *(f"{n}.png,{'abc'[n % 3]}" for n in range(12))])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.toml").write_text(f'images = "{folder}"\n{text}\n')
    with pytest.raises(BenchError) as caught:
        known(tmp_path).load("mine")
    assert CARDS[text] in str(caught.value)
    assert "class folder" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_of_another_machine_are_found_by_their_ends(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "a/{n}.png", "b/{n}.png")
    elsewhere = save(tmp_path / "elsewhere" / "a" / "0.png", 0)
    write(folder, "manifest.csv", ["path,label", *(f"/home/kim/{c}/{n}.png,{c}" for c in "ab" for n in range(12))])
    assert add(tmp_path, folder)[1].counts() == {"a": 12, "b": 12}
    write(folder, "manifest.csv", ["path,label", f"{elsewhere},a", "b/0.png,b"])
    assert f"{str(elsewhere)!r} is no file inside" in refused(tmp_path / "again", folder)


def test_many_classes_of_few_images_are_one_problem(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "{n}.png")
    write(folder, "manifest.csv", ["path,label", *(f"{n}.png,c{n % 9}" for n in range(12))])
    *_, audit = add(tmp_path, folder)
    assert said(audit, "too few images") == [
        "9 classes have usable images too few for a holdout and 5 folds: c0 has 2, c1 has 2, c2 has 2 and 6 more"
    ]


def test_a_spreadsheet_is_no_table(tmp_path: Path) -> None:
    folder = place(tmp_path / "images", "{n}.png")
    (folder / "t.xlsx").write_bytes(b"PK\3\4")
    assert "save it as CSV in UTF-8" in refused(tmp_path, folder, manifest=folder / "t.xlsx")
