"""Which holdout and folds a small dataset can be cut into: what is advised works, and nothing smaller would."""

import itertools
from pathlib import Path

import pytest
from folders import add, known, save

from bench import datasets
from bench.datasets import feasible
from bench.datasets.audit import balance
from bench.errors import BenchError
from bench.study.protocol import Protocol, draw_splits


def works(labels: list[int], groups: list[str], share: float, folds: int) -> bool:
    names = [str(n) for n in range(max(labels) + 1)]
    try:
        draw_splits(labels, groups, Protocol(holdout=share, folds=folds), names)
    except BenchError:
        return False
    return True


@pytest.mark.parametrize("small", range(1, 7))
@pytest.mark.parametrize("large", [6, 40])
def test_the_advice_is_the_nearest_that_works(small: int, large: int) -> None:
    labels = [0] * small + [1] * large
    groups = [str(n) for n in range(len(labels))]
    found = feasible.numbers(labels, groups, None, Protocol())
    grid = itertools.product(range(5, 1, -1), feasible.SHARES)
    assert (found and (found.folds, found.holdout)) == next(
        ((folds, share) for folds, share in grid if works(labels, groups, share, folds)), None
    )
    assert (found is None) == (small < feasible.LEAST)


def test_groups_count_not_images() -> None:
    labels, groups = [0, 1] * 48, [f"P{n // 2 % 4}" for n in range(96)]
    found = feasible.numbers(labels, groups, None, Protocol())
    assert found is not None
    assert found.folds <= 3
    assert works(labels, groups, found.holdout or 0, found.folds)
    two = [f"P{n // 2 % 2}" for n in range(96)]
    assert feasible.numbers(labels, two, None, Protocol()) is None


def test_a_given_holdout_stays() -> None:
    labels, marked = [0] * 4 + [1] * 9, [True] + [False] * 3 + [True] * 3 + [False] * 6
    groups = [str(n) for n in range(13)]
    found = feasible.numbers(labels, groups, marked, Protocol())
    assert found == feasible.Numbers(None, 3)
    assert found.options(Protocol()) == " --folds 3"


def test_what_works_already_needs_no_options() -> None:
    labels, groups = [0, 1] * 30, [str(n) for n in range(60)]
    found = feasible.numbers(labels, groups, None, Protocol())
    assert found is not None
    assert found.options(Protocol()) == ""


def folder(root: Path, ill: int, well: int) -> Path:
    for label, count in (("ill", ill), ("well", well)):
        for n in range(count):
            save(root / label / f"{n}.png", n + 100 * (label == "ill"))
    return root


@pytest.mark.parametrize("ill", [3, 4, 5])
def test_an_audit_and_an_error_say_the_numbers_that_work(ill: int, tmp_path: Path) -> None:
    _, dataset, audit = add(tmp_path, folder(tmp_path / "images", ill, 30))
    found = feasible.of(dataset, Protocol())
    assert found is not None
    (finding,) = audit.problems
    assert f"{found.folds} folds work:{found.options(Protocol())}; more images" in finding.mend
    with pytest.raises(BenchError) as caught:
        datasets.splits(known(tmp_path), dataset, Protocol())
    assert str(caught.value).endswith(f"{found.folds} folds work:{found.options(Protocol())}")
    datasets.splits(known(tmp_path), dataset, Protocol(holdout=found.holdout or 0.1, folds=found.folds))


def test_that_nothing_works_is_said_too(tmp_path: Path) -> None:
    _, dataset, audit = add(tmp_path, folder(tmp_path / "images", 2, 30))
    assert audit.problems[0].mend.startswith("No holdout and folds work: every class needs images of 3 groups")
    assert "no holdout and folds work" in balance(known(tmp_path), dataset)
