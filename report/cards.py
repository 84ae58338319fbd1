"""What cards tell the pages: words from outside, a type for each, so that a wrong key is found by mypy."""

from typing import NotRequired, TypedDict


class Paper(TypedDict):
    """What a card says of another work on such images: words from outside, and a score as a fraction."""

    model: str
    score: float
    metric: str
    protocol: str
    reference: str


class DatasetCard(TypedDict):
    """What the pages show of a dataset's card: words from outside."""

    title: str
    classes: list[str]
    at_hand: dict[str, int]
    task: NotRequired[str]
    difficulty: NotRequired[str]
    notes: NotRequired[list[str]]
    found: NotRequired[list[str]]
    source: NotRequired[str]
    citation: NotRequired[str]
    licence: NotRequired[str]
    splits_from: NotRequired[str]
    generator: NotRequired[str]
    literature: NotRequired[list[Paper]]


class ModelCard(TypedDict):
    """What the pages show of a model: words from outside."""

    family: str
    weights: str
    frozen: str
    trained: str
