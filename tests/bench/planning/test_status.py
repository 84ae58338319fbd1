"""Why a trial is stale: in words that name what changed."""

import json
from typing import Any

import pytest

from bench.planning.status import causes_of
from bench.study import protocol, recipe
from bench.study.protocol import Protocol
from bench.study.recipe import Recipe

SAME = {
    "images": "h",
    "version": 1,
    "weights": "imagenet",
    "recipe": json.dumps(Recipe().as_dict()),
    "protocol": json.dumps(Protocol().as_dict()),
}
SEEN = {"a/1": "x", "a/2": "y", "b/1": "z"}


def causes(new: dict[str, Any], images: dict[str, str] | None = None) -> list[str]:
    row = {f"old_{key}": value for key, value in SAME.items()} | {f"new_{k}": v for k, v in (SAME | new).items()}
    return causes_of(row, SEEN, SEEN if images is None else images)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ({**SEEN, "b/2": "w"}, "1 added: b/2"),
        ({"a/2": "y", "b/1": "z"}, "1 removed: a/1"),
        ({**SEEN, "a/2": "other"}, "1 altered: a/2"),
        ({"a/1": "n", "a/2": "y", "c/1": "w"}, "1 added: c/1; 1 removed: b/1; 1 altered: a/1"),
        ({"a/1": "x", "a/9": "y", "b/1": "z"}, "1 renamed: a/2 → a/9"),
        ({"a/1": "x", "b/2": "y", "b/1": "z"}, "1 moved to another class: a/2 → b/2"),
        ({"a/1": "y", "a/2": "x", "b/1": "z"}, "2 renamed: a/2 → a/1, a/1 → a/2"),
        ({"a/2": "x", "a/3": "y", "b/1": "z"}, "2 renamed: a/1 → a/2, a/2 → a/3"),
        ({"a/1": "n", "a/3": "x", "a/2": "y", "b/1": "z"}, "1 renamed: a/1 → a/3; 1 added: a/1"),
        ({**SEEN, "a/3": "x"}, "1 added: a/3"),
        ({**SEEN, **{f"c/{n}": "n" for n in range(9)}}, "9 added: c/0, c/1, c/2, …"),
    ],
)
def test_images_are_named(images: dict[str, str], said: str) -> None:
    assert causes({"images": "other"}, images) == [f"the images changed ({said})"]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ({"version": 2}, "the model's version changed (1 → 2)"),
        ({"weights": "none"}, "the weights changed (imagenet → none)"),
        ({"recipe": json.dumps(Recipe(epochs=3).as_dict())}, "the recipe changed (epochs 8 → 3)"),
        ({"protocol": json.dumps(Protocol(folds=3).as_dict())}, "the protocol changed (folds 5 → 3)"),
        ({"protocol": json.dumps(Protocol(repeats=9).as_dict())}, "the splits changed (other groups of images)"),
    ],
)
def test_each_cause_is_told(new: dict[str, Any], said: str) -> None:
    assert causes(new) == [said]


def test_versions_of_our_own_code_are_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "PROCEDURE", 2)
    monkeypatch.setattr(protocol, "VERSION", 3)
    new = {"recipe": json.dumps(Recipe().as_dict()), "protocol": json.dumps(Protocol().as_dict())}
    assert causes(new) == ["the recipe changed (procedure 1 → 2)", "the protocol changed (version 1 → 3)"]
    first = {"recipe": json.dumps(vars(Recipe())), "protocol": json.dumps(vars(Protocol()))}
    assert causes_of(
        {f"old_{k}": v for k, v in (SAME | first).items()} | {f"new_{k}": v for k, v in SAME.items()}, {}, {}
    ) == ["the splits changed (other groups of images)"], "the first trials did not tell the versions, which were 1"
