"""What people change after a dataset was added, in its folder or its card, is looked at before every run."""

from pathlib import Path

import pytest
from test_adding import add, classes, known, save

from bench import datasets, runner, study
from bench.errors import BenchError

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
    assert datasets.look(known(tmp_path), known(tmp_path).load("mine")) == datasets.Upkeep()


@pytest.mark.parametrize("rule", ["^(patient[0-9]+)", "^(p[0-9]+)_", "(X)"])
def test_a_rule_that_fits_no_file_stops_a_run(rule: str, folder: Path, tmp_path: Path) -> None:
    add(tmp_path, folder)
    write(tmp_path, f"groups = '{rule}'")
    with pytest.raises(BenchError) as caught:
        prepare(tmp_path)
    assert str(caught.value).startswith(f"dataset 'mine': the rule groups = '{rule}' fits no file name, such as 'P0ill")
    audit = datasets.examine(known(tmp_path), known(tmp_path).load("mine"))
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
    assert dataset.card.same == (["ill/P0ill_0.png", "well/new.png"],)
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
