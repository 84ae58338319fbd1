"""The commands that are printed can be typed as they stand, and each command says what changed since."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from commands import Run

QUICK = ("--model", "mean-colour", "--image-size", "32", "--repeats", "1")


@pytest.fixture
def images(data: Path, tmp_path: Path) -> Path:
    """A copy of the tests' images."""
    return Path(shutil.copytree(data / "tiny", tmp_path / "my images"))


def printed(text: str, beginning: str) -> list[str]:
    """The arguments of the command that follows some words."""
    return shlex.split(re.search(rf"{re.escape(beginning)}bench ([^`\n]*)", text)[1])  # type: ignore[index]


def test_what_is_printed_as_next_works(bench: Run, images: Path) -> None:
    code, out, _ = bench("dataset", "add", "mine", images, "--data", "my data")
    assert code == 0
    after = printed(out, "next: ")
    assert after == ["run", "--dataset", "mine", "--data", "my data"]
    code, out, err = bench(*after, *QUICK, "--store", "my store")
    assert (code, err) == (0, "")
    code, out, err = bench(*printed(out, "`"), "--engine", "preview", "-o", "site")
    assert (code, err) == (0, "")
    assert "pages drawn" in out


def test_what_is_printed_for_few_images_works(bench: Run, images: Path) -> None:
    for path in sorted((images / "er").iterdir())[4:]:
        path.unlink()
    _, out, _ = bench("dataset", "add", "mine", images, "--data", "d")
    assert out.count("too few") == 1, "is told once"
    after = printed(out, "next: ")
    assert after[:3] == ["run", "--dataset", "mine"]
    assert bench(*after, *QUICK, "--store", "s")[0] == 0
    code, _, err = bench("run", "--dataset", "mine", "--data", "d", "--store", "t", *QUICK)
    assert code == 1
    assert re.search(r"a holdout of 0\.\d+ and \d folds work: --holdout 0\.\d+ --folds \d", err)
    for path in sorted((images / "er").iterdir())[2:]:
        path.unlink()
    _, out, _ = bench("dataset", "add", "two", images, "--data", "d")
    assert "bench run" not in out
    assert "No holdout and folds work" in " ".join(out.split())


def test_an_unknown_dataset_says_where_it_looked(bench: Run, images: Path) -> None:
    bench("dataset", "add", "mine", images, "--data", "d")
    code, _, err = bench("run", "--dataset", "mine")
    assert code == 2
    assert "unknown dataset 'mine'" in err
    assert "(looked in data)" in err


def test_one_rename_is_told_by_dry_run_check_and_status(bench: Run, images: Path) -> None:
    options = ("--data", "d", "--store", "s")
    bench("dataset", "add", "mine", images, "--data", "d")
    bench("run", "--dataset", "mine", *options, *QUICK)
    first = sorted((images / "er").iterdir())[0]
    first.rename(first.with_name("another.png"))
    said = f"1 renamed: er/{first.name} → er/another.png"
    code, out, _ = bench("run", "--dataset", "mine", *options, *QUICK, "--dry-run")
    assert code == 0
    assert said in " ".join(out.split())
    code, out, _ = bench("dataset", "check", "mine", *options)
    assert code == 0
    assert said in out
    assert printed(out, "and `") == ["run", "--dataset", "mine", "--data", "d", "--store", "s"]
    for places in (("--data", "d"), ()):  # where the images were is remembered
        assert said in bench("status", "--store", "s", *places)[1]
        assert said in bench("status", "--store", "s", *places, "--format", "json")[1].replace("\\u2192", "→")
    assert "5 trials trained" in bench("run", "--dataset", "mine", *options, *QUICK)[1]
    assert said not in bench("dataset", "check", "mine", *options)[1]
    assert "stale: the images changed" in bench("status", "--store", "s")[1]


def test_status_passes_over_images_that_are_not_here(bench: Run, trained: Path, tmp_path: Path) -> None:
    code, out, err = bench("status", "--store", trained, "--data", tmp_path / "nothing")
    assert (code, err) == (0, "")
    assert "images at hand" not in out


def test_a_run_says_which_counts_differ(bench: Run, images: Path) -> None:
    bench("dataset", "add", "mine", images, "--data", "d")
    sorted((images / "er").iterdir())[0].unlink()
    _, out, _ = bench("run", "--dataset", "mine", "--data", "d", "--store", "s", *QUICK, "--dry-run")
    assert "mine: class 'er' has 23 images; the card says 24" in out


def test_a_broken_card_stops_no_other(bench: Run, images: Path, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        bench("dataset", "add", name, images, "--data", "d")
    card = tmp_path / "d" / "one.toml"
    card.write_text(card.read_text(), encoding="utf-8-sig")  # as some editors store it
    (tmp_path / "d" / "two.toml").write_text("title = ")
    code, out, _ = bench("dataset", "list", "--data", "d")
    assert code == 0
    assert "two is left out: d/two.toml: not valid TOML" in out
    assert {"one", "three"} <= set(out.split())
    code, out, _ = bench("run", "--data", "d", "--store", "s", *QUICK, "--dry-run")
    assert code == 0
    assert "two is left out: d/two.toml: not valid TOML" in out
    assert {"one", "three"} <= set(out.split())
    code, _, err = bench("run", "--dataset", "two", "--data", "d", "--store", "s")
    assert code == 2
    assert err.startswith("bench: d/two.toml: not valid TOML")


def test_a_study_with_a_byte_order_mark(bench: Run, images: Path, tmp_path: Path) -> None:
    bench("dataset", "add", "mine", images)
    (tmp_path / "st.toml").write_text('models = ["mean-colour"]\n', encoding="utf-8-sig")
    assert bench("run", "st.toml", "--dry-run")[0] == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('notes = "One."', "notes must be a list, not 'One.'; write notes = [\"One.\"]"),
        ('show_images = "yes"', "show_images must be true or false, not 'yes'; write show_images = true, or false"),
        (
            "images_per_class = 2.5",
            "images_per_class must be a whole number, not 2.5; for example images_per_class = 500",
        ),
        ('masks = "drop"', "masks must be leave-out or keep, not 'drop'"),
    ],
)
def test_a_field_of_the_wrong_kind_gets_an_example(line: str, said: str, bench: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.toml").write_text(line + "\n")
    code, _, err = bench("dataset", "check", "mine")
    assert (code, err.strip()) == (2, f"bench: data/mine.toml: {said}")


def test_update_on_the_command_line(bench: Run, images: Path) -> None:
    code, _, err = bench("dataset", "add", "mine")
    assert (code, "name the folder of the images too" in err) == (2, True)
    bench("dataset", "add", "mine", images, "--data", "d")
    code, _, err = bench("dataset", "add", "mine", images, "--data", "d")
    assert (code, "bring its card up to date with --update" in err) == (2, True)
    sorted((images / "er").iterdir())[0].unlink()
    code, out, err = bench("dataset", "add", "mine", "--update", "--data", "d")
    assert (code, err) == (0, "")
    assert "mine: class 'er': 24 → 23 images" in out
    assert "card brought up to date: d/mine.toml" in out
    assert printed(out, "next: ") == ["run", "--dataset", "mine", "--data", "d"]
    assert "nothing to change" in bench("dataset", "add", "mine", "--update", "--data", "d")[1]
    assert bench("dataset", "add", "mine", "--update", "--data", "d", "--copy")[0] == 2


def test_commands_that_are_offered_keep_what_was_given(bench: Run, images: Path) -> None:
    """Each is typed as it stands, until one adds the dataset: no option is lost on the way."""
    first = sorted((images / "er").iterdir())[0]
    other = next(place for place in sorted(images.iterdir()) if place.name != "er")
    (other / "copy of er.png").write_bytes(first.read_bytes())
    for path in sorted((images / "er").iterdir())[:3]:
        (images / "er" / f"{path.stem}_mask.png").write_bytes(path.read_bytes()[:-1] + b"x")
    code, _, err = bench("dataset", "add", images, "mine", "--data", "my data", "--groups", "(.+)")
    assert code == 2
    code, _, err = bench(*printed(err, "it seems: "))
    assert (code, "more than one class" in err) == (1, True)
    code, _, err = bench(*printed(err, "or keep: "))
    assert (code, "named as masks of others" in err) == (1, True)
    last = printed(err, "the others: ")
    assert last == [
        *("dataset", "add", "mine", str(images), "--groups", "(.+)"),
        *("--duplicates", "leave-out", "--masks", "leave-out", "--data", "my data"),
    ]
    code, out, err = bench(*last)
    assert (code, err) == (0, "")
    assert bench(*printed(out, "next: "), *QUICK, "--dry-run")[0] == 0
    code, _, err = bench("dataset", "add", "mine", images, "--data", "my data", "--groups", "^(.)")
    assert code == 2
    code, out, err = bench(*printed(err, "with --update: "))
    assert (code, err) == (0, "")
    assert "mine: groups = '^(.)', before '(.+)'" in out
    assert bench(*printed(out, "next: "), *QUICK, "--dry-run")[0] == 0
