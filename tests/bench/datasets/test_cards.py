"""The dataset cards that ship: whole, consistent, and true of the real images where these are at hand."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from paths import ROOT, SHARED

from bench.datasets import cards

FOLDER = ROOT / "bench" / "datasets" / "cards"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
BUILT_IN = ["synthetic-proteins", "synthetic-reticulocytes"]
REAL = ["covid-ct", "malaria", "reticulocytes", "wbc-raw", "wbc-segmented"]

REQUIRED = {
    "title": str,
    "task": str,
    "classes": list,
    "counts": dict,
    "source": str,
    "citation": str,
    "licence": str,
    "show_images": bool,
    "difficulty": str,
    "notes": list,
}
OPTIONAL = {
    "groups": str,
    "same": list,
    "images_per_class": int,
    "splits_from": str,
    "generator": str,
    "recipe": dict,
    "literature": list,
    "fetch": dict,
    "content": str,
    "pixels": str,
}
LITERATURE = {"model": str, "score": float, "metric": str, "protocol": str, "reference": str}


@cache
def read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def class_files(name: str, label: str) -> list[Path]:
    """The files of a class, or a skipped test where the real images are not at hand."""
    folder = SHARED / name / label
    if not folder.is_dir():
        pytest.skip(f"no images of {name} in {SHARED}; set BENCH_SHARED_DATA to the folder that holds them")
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def group(name: str, stem: str) -> str | None:
    found = re.search(read(name)["groups"], stem)
    return found[1] if found else None


def test_every_dataset_of_the_study_has_a_card() -> None:
    assert {*REAL, *BUILT_IN, "murphy-proteins", "t-cells"} == set(NAMES) == set(cards.shipped())


@pytest.mark.parametrize("name", NAMES)
def test_fields_are_known_and_of_their_kind(name: str) -> None:
    card = read(name)
    assert REQUIRED.keys() <= card.keys() <= REQUIRED.keys() | OPTIONAL.keys()
    for key, value in card.items():
        assert isinstance(value, {**REQUIRED, **OPTIONAL}[key]), key
        assert value or value is False, f"{key} is empty"
    assert all(isinstance(note, str) and "\n" not in note for note in card["notes"])
    assert all("\n" not in card[key] for key, kind in REQUIRED.items() if kind is str)


@pytest.mark.parametrize("name", NAMES)
def test_classes_are_those_counted(name: str) -> None:
    card = read(name)
    assert list(card["counts"]) == card["classes"]
    assert len(set(card["classes"])) == len(card["classes"]) >= 2
    assert all(type(count) is int and count > 0 for count in card["counts"].values())
    if cap := card.get("images_per_class"):
        assert max(card["counts"].values()) <= cap


@pytest.mark.parametrize("name", [name for name in NAMES if "groups" in read(name)])
def test_group_rule_has_one_capturing_group(name: str) -> None:
    assert re.compile(read(name)["groups"]).groups == 1


@pytest.mark.parametrize("name", [name for name in NAMES if "literature" in read(name)])
def test_literature_is_complete(name: str) -> None:
    results = read(name)["literature"]
    assert len(results) <= 3
    for result in results:
        assert {key: type(value) for key, value in result.items()} == LITERATURE
        assert 0 < result["score"] <= 1


@pytest.mark.parametrize("name", [name for name in NAMES if "splits_from" in read(name)])
def test_inherited_splits_come_from_a_dataset_with_the_same_classes(name: str) -> None:
    parent = read(read(name)["splits_from"])
    assert read(name)["classes"] == parent["classes"]
    assert "splits_from" not in parent


def test_only_our_own_images_are_shown() -> None:
    assert [name for name in NAMES if read(name)["show_images"]] == BUILT_IN


@pytest.mark.parametrize(
    ("name", "stem", "expected"),
    [
        ("malaria", "C100P61ThinF_IMG_20150918_144104_cell_163", "C100"),
        ("malaria", "C37BP2_thinF_IMG_20150620_131423a_cell_1", "C37"),
        ("malaria", "C1_thinF_IMG_20150604_104722_cell_9", "C1"),
        ("covid-ct", "2020.03.18.20038125-p16-56-1", "2020.03.18.20038125"),
        ("covid-ct", "2020.02.26.20026989-p34-114_1%0", "2020.02.26.20026989"),
        (
            "covid-ct",
            "Some-paper-presenting-a-case_2020_Journal-p1-12%3",
            "Some-paper-presenting-a-case_2020_Journal",
        ),
        ("covid-ct", "PIIS0140673620301549_0%1", "PIIS0140673620301549"),
        ("covid-ct", "PIIS0140673620301549_2", "PIIS0140673620301549"),
        ("covid-ct", "PIIS0140673620303603%8", "PIIS0140673620303603"),
        ("covid-ct", "14%0", "14%"),  # a patient, not the one of 14, 15 or 1428
        ("covid-ct", "14", "1"),
        ("covid-ct", "15", "1"),
        ("covid-ct", "1428", "14"),
        ("covid-ct", "7", None),
    ],
)
def test_group_of_a_file_name(name: str, stem: str, expected: str | None) -> None:
    assert group(name, stem) == expected


@pytest.mark.parametrize("patient", [range(23, 27), range(575, 577), range(1098, 1102), range(1497, 1502)])
def test_neighbouring_numbers_of_a_covid_ct_patient_stay_together(patient: range) -> None:
    stems = [str(number) for number in patient if number != 1098]  # which is another patient's
    assert len({group("covid-ct", stem) for stem in stems}) == 1


@pytest.mark.parametrize("name", REAL)
def test_counts_are_those_of_the_real_images(name: str) -> None:
    card = read(name)
    assert {label: len(class_files(name, label)) for label in card["classes"]} == card["counts"]
    assert {path.name for path in (SHARED / name).iterdir() if path.is_dir()} == set(card["classes"])


@pytest.mark.parametrize(
    ("name", "label", "groups", "shared"),
    [
        ("malaria", "Parasitized", 95, 472),
        ("malaria", "Uninfected", 186, 456),
        ("covid-ct", "CT_COVID", 58, 348),
        ("covid-ct", "CT_NonCOVID", 79, 386),
    ],
)
def test_groups_of_the_real_images(name: str, label: str, groups: int, shared: int) -> None:
    """`groups` groups, and `shared` images that are not alone in theirs."""
    found = [group(name, path.stem) or path.name for path in class_files(name, label)]
    assert len(set(found)) == groups
    assert sum(found.count(one) > 1 for one in found) == shared


def test_segmented_cells_are_named_as_the_fields_that_they_come_from() -> None:
    for label in read("wbc-segmented")["classes"]:
        fields = {path.stem for path in class_files("wbc-raw", label)}
        assert {path.stem for path in class_files("wbc-segmented", label)} <= fields
