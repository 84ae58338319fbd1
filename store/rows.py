"""The rows that a store takes and gives, one type for each kind: a wrong key is found before anything runs.

What the store adds itself (attempts, times, parts) is not among them. A test holds them against the schema.
"""

import datetime
from typing import NotRequired, TypedDict


class PredictionRow(TypedDict):
    """What a trial says of one image: a probability for each class."""

    subset: str
    image_id: str
    label: str
    predicted: str
    probabilities: list[float]


class TrialRow(TypedDict):
    """A trial that ended; what only a whole training knows is absent where it failed before its end."""

    trial_id: str
    cell_id: str
    dataset: str
    model: str
    recipe: str
    recipe_json: str
    protocol_json: str
    repeat: int
    fold: int
    dataset_hash: str
    split_hash: str
    model_version: int
    weights: str
    classes: list[str]
    train_images: int
    test_images: int
    holdout_images: int
    device: str
    versions_json: str
    status: str
    error: str | None
    mean: NotRequired[list[float]]
    std: NotRequired[list[float]]
    loss: NotRequired[list[float]]
    accuracy: NotRequired[list[float]]
    seconds: NotRequired[float]
    images_trained: NotRequired[int]
    peak_memory: NotRequired[int | None]
    parameters_trained: NotRequired[int]
    parameters_frozen: NotRequired[int]


class ActivationRow(TypedDict, total=False):
    """What a layer answers to one image; or, where it has no maps, the image's nearest ones."""

    image_id: str
    label: str
    layer: str
    maps: int
    height: int
    width: int
    values: bytes | None
    low: list[float] | None
    high: list[float] | None
    thumbnail: bytes | None
    weights: str
    mean_map: bytes
    deepest: str
    explained: str
    grad_cam: bytes
    nearest: list[str]
    likeness: list[float]


class ImageRow(TypedDict):
    """An image of a dataset, by name; a thumbnail only where the card allows it."""

    image_id: str
    label: str
    sha256: str
    image_group: str
    thumbnail: bytes | None


class PlaceRow(TypedDict):
    """Where an image stands in a repeat: the fold that tests it, None in the holdout."""

    repeat: int
    image_id: str
    fold: int | None


class PlanRow(TypedDict):
    """A trial that a study wants, with the cards as they were."""

    study_title: str
    dataset: str
    model: str
    recipe: str
    cell_id: str
    scheme: str
    trial_id: str
    repeat: int
    fold: int
    recipe_json: str
    protocol_json: str
    dataset_hash: str
    model_version: int
    weights: str
    unavailable: str | None
    dataset_card: str
    model_card: str


class ProgressRow(TypedDict):
    """A cell of a study in the view `progress`: how many of its trials are done."""

    study: str
    dataset: str
    model: str
    recipe: str
    cell_id: str
    scheme: str
    planned_at: datetime.datetime
    wanted: int
    done: int
    failed: int
    missing: int
    stale: int
    unavailable: str | None
    error: str | None
    devices: list[str]
    holdout_images: int | None
    seconds: float | None
