"""What people change after a dataset was added, in its folder or its card, is looked at before every run."""

from pathlib import Path

import pytest
from folders import add, classes, known, save
from PIL import Image

from bench.datasets import cards, curating
from bench.datasets.audit import examine
from bench.errors import BenchError, UsageError
from bench.running import runner
from bench.study import study

STUDY = study.parse("s", 'datasets = ["mine"]\nmodels = ["mean-colour"]\n[protocol]\nfolds = 2\nrepeats = 1\n', "s")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images a class, of six patients each."""
    for label in ("ill", "well"):
        for number in range(12):
            save(tmp_path / "images" / label / f"P{number // 2}{label}_{number}.png", 100 * (label == "ill") + number)
    return tmp_path / "images"


def write(root: Path, line: str) -> None:
    """Put a line into the card, in the place of the one of that field."""
    path = root / "data" / "mine.toml"
    field = line.partition(" ")[0]
    kept = [old for old in path.read_text().splitlines() if not old.startswith(f"{field} ")]
    path.write_text("\n".join([line, *kept]))


def prepare(root: Path) -> runner.Prepared:
    return runner.prepare(STUDY, known(root))


def test_nothing_is_said_of_what_nobody_touched(folder: Path, tmp_path: Path) -> None:
    add(tmp_path, folder, groups="^(P[0-9]+[a-z]+)_")
    assert prepare(tmp_path).remarks == ()
    assert curating.look(known(tmp_path), known(tmp_path).load("mine")) == curating.Upkeep()


@pytest.mark.parametrize("rule", ["^(patient[0-9]+)", "^(p[0-9]+)_", "(X)"])
def test_a_rule_that_fits_no_file_stops_a_run(rule: str, folder: Path, tmp_path: Path) -> None:
    add(tmp_path, folder)
    write(tmp_path, f"groups = '{rule}'")
    with pytest.raises(BenchError) as caught:
        prepare(tmp_path)
    assert str(caught.value).startswith(f"dataset 'mine': the rule groups = '{rule}' fits no file name, such as 'P0ill")
    audit = examine(known(tmp_path), known(tmp_path).load("mine"))
    assert [finding.kind for finding in audit.problems] == ["no groups"]


def test_a_rule_that_fits_some_files_says_which_it_does_not(folder: Path, tmp_path: Path) -> None:
    (folder / "ill" / "P0ill_0.png").rename(folder / "ill" / "scan 7.png")
    *_, audit = add(tmp_path, folder, groups="^(P[0-9]+[a-z]+)_")
    (said,) = [finding for finding in audit.findings if finding.kind == "in no group"]
    assert said.what == "12 groups for 23 of 24 images, none for ill/scan 7.png"
    assert said.images == ("ill/scan 7.png",)
    assert prepare(tmp_path).remarks == (
        "mine: the rule groups = '^(P[0-9]+[a-z]+)_' fits 23 of 24 file names; each other image is a group of its own: "
        "ill/scan 7.png",
    )


def test_a_rule_that_keeps_nothing_together_is_told(tmp_path: Path) -> None:
    *_, audit = add(tmp_path, classes(tmp_path / "images", names=("a", "b")))
    *_, audit = add(tmp_path / "other", tmp_path / "images", groups=r"^(\d+)")  # 000 to 011 in either class
    assert "side of every split" in next(f.mend for f in audit.findings if f.kind == "groups")
    for path in (tmp_path / "images" / "b").iterdir():
        path.rename(path.with_stem(f"{path.stem}b"))
    *_, audit = add(tmp_path / "third", tmp_path / "images", groups=r"^(\d+b?)")
    assert "nothing is kept together" in next(f.mend for f in audit.findings if f.kind == "groups")


def test_a_picture_that_was_copied_into_a_second_class_stops_a_run(folder: Path, tmp_path: Path) -> None:
    add(tmp_path, folder)
    copy = folder / "well" / "new.png"
    copy.write_bytes((folder / "ill" / "P0ill_0.png").read_bytes())
    with pytest.raises(BenchError) as caught:
        prepare(tmp_path)
    assert str(caught.value) == (
        "dataset 'mine': 1 picture stands in more than one class, as the same bytes: ill/P0ill_0.png = well/new.png; "
        "remove the wrong files, or name them in the card: under `left_out` none is used, under `same` all are"
    )
    write(tmp_path, 'same = [["ill/P0ill_0.png", "well/new.png"]]')
    assert prepare(tmp_path).remarks == ("mine: class 'well' has 13 images; the card says 12",)
    write(tmp_path, "same = []")
    write(tmp_path, 'left_out = ["ill/P0ill_0.png", "well/new.png"]')
    assert prepare(tmp_path).remarks == ("mine: class 'ill' has 11 images; the card says 12",)


def test_what_was_kept_when_it_was_added_is_kept(folder: Path, tmp_path: Path) -> None:
    (folder / "well" / "new.png").write_bytes((folder / "ill" / "P0ill_0.png").read_bytes())
    _, dataset, _ = add(tmp_path, folder, duplicates="keep")
    assert dataset.card.same == (("ill/P0ill_0.png", "well/new.png"),)
    assert prepare(tmp_path).remarks == ()


def test_a_dataset_nobody_asked_for_by_name_is_left_out_with_the_reason(folder: Path, tmp_path: Path) -> None:
    add(tmp_path, folder)
    write(tmp_path, "groups = '^(patient)'")
    classes(tmp_path / "data" / "other")
    all_at_hand = study.parse("s", 'models = ["mean-colour"]\n[protocol]\nfolds = 2\n', "s.toml")
    prepared = runner.prepare(all_at_hand, known(tmp_path))
    assert [drawn.dataset.name for drawn in prepared.drawn] == ["other"]
    assert "fits no file name" in prepared.absent["mine"]


def test_names_of_nothing_in_a_card_are_told(folder: Path, tmp_path: Path) -> None:
    add(tmp_path, folder)
    write(tmp_path, 'same = [["P0ill_0", "P0ill_l"]]')
    write(tmp_path, 'left_out = ["ill/gone.png", "well/P0well_0.pgn"]')
    assert prepare(tmp_path).remarks == (
        "mine: `same` in the card names 1 that is not there: P0ill_l",
        "mine: `left_out` in the card names 2 that are not there: ill/gone.png, well/P0well_0.pgn",
    )


def test_a_study_that_draws_fewer_images_misses_none(folder: Path, tmp_path: Path) -> None:
    add(tmp_path, folder)
    few = study.parse("s", 'datasets = ["mine"]\nmodels = ["mean-colour"]\nimages_per_class = 8\n', "s.toml")
    assert runner.prepare(few, known(tmp_path)).remarks == ()


# --- Bringing a card up to date

WRITTEN = """# My own words, on top.
title = "Ill and well"   # and beside
task = "Tell the ill from the well"
classes = ["well", "ill"]   # in this order
counts = {well = 12, ill = 12}
source = "Our clinic"
notes = [
    "Taken in spring.",   # by Kim
]
images = "IMAGES"
# Split by default: as it was.
groups = '^(P[0-9]+[a-z]+)_'

[recipe]
image_size = 64
"""


def update(root: Path, **options: object) -> list[str]:
    path, dataset, changed = curating.update(known(root), "mine", **options)  # type: ignore[arg-type]
    assert dataset == known(root).load("mine")
    assert path == root / "data" / "mine.toml"
    assert curating.look(known(root), dataset).changed == ()
    return changed


@pytest.fixture
def written(folder: Path, tmp_path: Path) -> Path:
    """The card of those images, as a person wrote it."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "mine.toml"
    path.write_text(WRITTEN.replace("IMAGES", str(folder)))
    return path


def test_where_nothing_changed_nothing_is_written(written: Path, tmp_path: Path) -> None:
    before = written.read_text().replace("as it was.", "")
    assert update(tmp_path) == []
    after = written.read_text()
    assert [line for line in after.splitlines() if "Split by default" not in line] == [
        line for line in before.splitlines() if "Split by default" not in line
    ]


def test_an_update_keeps_what_a_person_wrote(folder: Path, written: Path, tmp_path: Path) -> None:
    save(folder / "ill" / "P90ill_0.png", 900)
    save(folder / "healed" / "P91healed_0.png", 901)
    save(folder / "healed" / "P91healed_1.png", 902)
    (folder / "well" / "P0well_0.png").unlink()
    (folder / "ill" / "P92ill_0.png").write_bytes(b"no image")
    with Image.open(folder / "ill" / "P0ill_0.png") as image:
        image.resize((70, 70)).save(folder / "ill" / "P93ill_0.png")
    assert update(tmp_path) == [
        "class 'healed' is new, with 2 images",
        "class 'well': 12 → 11 images",
        "class 'ill': 12 → 14 images",
        "left out by now: ill/P92ill_0.png",
        "kept together by now, under `same`: ill/P0ill_0.png ≈ ill/P93ill_0.png",
    ]
    text = written.read_text()
    for line in WRITTEN.replace("IMAGES", str(folder)).splitlines():
        if not line.startswith(("classes", "counts", "# Split")):
            assert line in text.splitlines()
    card = cards.read(written)
    assert card.classes == ("well", "ill", "healed")
    assert card.counts == {"well": 11, "ill": 14, "healed": 2}
    assert (card.left_out, card.recipe) == (("ill/P92ill_0.png",), {"image_size": 64})
    assert "as it was" not in text
    assert update(tmp_path) == []


def test_an_update_refuses_what_adding_would(folder: Path, written: Path, tmp_path: Path) -> None:
    (folder / "well" / "P9well_1.png").write_bytes((folder / "ill" / "P0ill_0.png").read_bytes())
    before = written.read_bytes()
    with pytest.raises(BenchError, match="1 picture stands in more than one class"):
        update(tmp_path)
    assert written.read_bytes() == before
    assert update(tmp_path, duplicates="keep") == [
        "class 'well': 12 → 13 images",
        "kept together by now, under `same`: ill/P0ill_0.png ≈ well/P9well_1.png",
    ]
    assert update(tmp_path) == []
    with pytest.raises(UsageError, match="--groups '\\(X\\)' fits no file name"):
        update(tmp_path, groups="(X)")
    assert update(tmp_path, groups="^(P.)") == ["groups = '^(P.)', before '^(P[0-9]+[a-z]+)_'"]


def test_what_a_person_strikes_out_stays_out(folder: Path, tmp_path: Path) -> None:
    """Pairs that were told before are not put back; one with an image that was not there then is."""
    for number in range(3):
        with Image.open(folder / "ill" / f"P{number // 2}ill_{number}.png") as image:
            image.resize((70, 70)).save(folder / "ill" / f"again{number}.png")
    (folder / "well" / "new.png").write_bytes((folder / "ill" / "P5ill_11.png").read_bytes())
    _, dataset, _ = add(tmp_path, folder, duplicates="leave-out")
    card = dataset.card
    assert len(card.same) == len(card.told) == 3
    path = tmp_path / "data" / "mine.toml"
    text = path.read_text()
    start = text.index("same = [")
    path.write_text(text[:start] + "same = []" + text[text.index("\n]", start) + 2 :])
    assert update(tmp_path) == []
    with Image.open(folder / "well" / "P0well_0.png") as image:
        image.resize((70, 70)).save(folder / "well" / "P0well_90.png")
    assert update(tmp_path)[-1] == "kept together by now, under `same`: well/P0well_0.png ≈ well/P0well_90.png"
    after = cards.read(path)
    assert after.same == (("well/P0well_0.png", "well/P0well_90.png"),)
    assert set(after.told) == {*card.told, *after.same}
    assert card.left_out == after.left_out
    (torn,) = [sentence for sentence in card.found if "as the same bytes" in sentence]
    assert torn in after.found
    assert "told" not in after.published()
    assert update(tmp_path) == []


def test_an_update_follows_images_that_moved(folder: Path, written: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(BenchError, match=r"no images of 'mine' in .*images; name the folder"):
        update(tmp_path)
    assert update(tmp_path, folder=tmp_path / "elsewhere") == [f"images are in {tmp_path / 'elsewhere'} now"]


def test_what_was_not_added_cannot_be_updated(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no card wbc-raw\.toml in .* to bring up to date"):
        curating.update(known(tmp_path), "wbc-raw")


def test_sets_that_overlap_in_a_card_are_one(folder: Path, written: Path, tmp_path: Path) -> None:
    write(tmp_path, 'same = [["P0ill_0", "P1ill_2"], ["P1ill_2", "P2ill_4"], ["P3ill_6", "P4ill_8"]]')
    dataset = known(tmp_path).load("mine")
    group = dict(zip(dataset.ids, dataset.groups, strict=True))
    assert group["ill/P0ill_0.png"] == group["ill/P1ill_2.png"] == group["ill/P2ill_4.png"] != group["ill/P3ill_6.png"]


def strike_out(path: Path, *kept: tuple[str, ...]) -> None:
    """Write other sets under `same`, as a person does."""
    text = path.read_text()
    start = text.index("same = [")
    path.write_text(text[:start] + f"same = {[list(ids) for ids in kept]}" + text[text.index("\n]", start) + 2 :])


def sides(root: Path, *images: str) -> list[int]:
    """On which side images stand, numbered as they come."""
    dataset = known(root).load("mine")
    group = dict(zip(dataset.ids, dataset.groups, strict=True))
    first = list(dict.fromkeys(group[image] for image in images))
    return [first.index(group[image]) for image in images]


@pytest.mark.parametrize("name", ["0new.png", "P9new.png"])
@pytest.mark.parametrize("copied", [False, True])
def test_a_new_picture_does_not_bring_back_what_was_struck_out(
    name: str, copied: bool, folder: Path, tmp_path: Path
) -> None:
    """It resembles both, or resembles one and is a copy of the other: before them or after them in order."""
    one, other, new = "ill/P0ill_0.png", "ill/P1ill_2.png", f"ill/{name}"
    with Image.open(folder / one) as image:
        image.resize((70, 70)).save(folder / other)
        path, *_ = add(tmp_path, folder)
        assert sides(tmp_path, one, other) == [0, 0]
        strike_out(path)
        assert update(tmp_path) == []
        assert "≈" not in str(examine(known(tmp_path), known(tmp_path).load("mine")).sentences), "is not told again"
        image.resize((80, 80)).save(folder / new)
    if copied:
        (folder / new).write_bytes((folder / other).read_bytes())
    *_, said = update(tmp_path)
    if copied:
        assert sides(tmp_path, one, other, new) == [0, 1, 1]
    else:
        assert sides(tmp_path, one, other, new) == [0, 1, 0]
        assert f"{one} and {other} were struck out of `same` and stay apart, so " in said
        assert said.endswith("alone is kept together; if that is wrong, write the right set under `same` in the card")
    assert update(tmp_path) == [], "is told once"
    strike_out(path, (other, new))
    assert update(tmp_path) == []
    assert sides(tmp_path, one, other, new) == [0, 1, 1]
