"""A recipe: everything that shapes training, as one frozen value.

Its name is made from its content, so the same name is always the same recipe, in every study.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from bench.errors import UsageError, unknown
from bench.images import preprocessing

PROCEDURE = 1
"""Raise it when decoding, augmentation or training changes a result: trials become stale, caches are remade."""

AUGMENTATIONS = ("rotate-flip", "none")
RATES = ("learning_rate", "train_fraction")
ABOUT = {
    "image_size": "pixels of a side, 32 to 2048",
    "epochs": "how often training goes through as many images as there are",
    "batch_size": "images that one step is taken on, at least 2",
    "learning_rate": "of Adam, below 10",
    "augmentation": f"what training images are varied by: {' or '.join(AUGMENTATIONS)}",
    "views": "varied copies of an image that a frozen network sees; 0 for two an epoch",
    "preprocessing": "a list of steps, one after another; none where it is empty",
    "train_fraction": "the share of each class's training images that is trained on, above 0",
}
"""What the keys of `[recipe]` mean; the README has them as a table, and a test compares the two."""


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; the defaults are those of the study that this project reproduces.

    `image_size` is in pixels, `views` the number of augmented copies of each image that a frozen backbone sees and that
    each split draws its own from (0: two for each epoch), `preprocessing` names steps of
    `bench.images.preprocessing`, and `train_fraction` is the share of each class of a trial's training images that it
    trains on.
    """

    image_size: int = 224
    epochs: int = 8
    batch_size: int = 8
    learning_rate: float = 1e-3
    augmentation: str = "rotate-flip"
    views: int = 0
    preprocessing: tuple[str, ...] = ()
    train_fraction: float = 1.0

    def __post_init__(self) -> None:
        whole = ("image_size", "epochs", "batch_size", "views")
        for name in whole:
            if isinstance(value := getattr(self, name), bool) or not isinstance(value, int):
                raise UsageError(f"recipe: {name} must be a whole number, not {value!r}")
        if not 32 <= self.image_size <= 2048:
            raise UsageError(f"recipe: image_size must be 32 to 2048 pixels, not {self.image_size}")
        if self.epochs < 1:
            raise UsageError(f"recipe: epochs must be at least 1, not {self.epochs}")
        if self.batch_size < 2:
            raise UsageError(f"recipe: batch_size must be at least 2 (batch norm), not {self.batch_size}")
        for name in RATES:
            if isinstance(value := getattr(self, name), bool) or not isinstance(value, int | float):
                raise UsageError(f"recipe: {name} must be a number, not {value!r}")
        if not 0 < self.learning_rate < 10:
            raise UsageError(f"recipe: learning_rate must lie between 0 and 10, not {self.learning_rate}")
        if self.views < 0:
            raise UsageError(f"recipe: views must be 0 (two an epoch) or more, not {self.views}")
        if self.augmentation not in AUGMENTATIONS:
            known = ", ".join(AUGMENTATIONS)
            raise UsageError(f"recipe: augmentation must be one of {known}, not {self.augmentation!r}")
        if not isinstance(self.preprocessing, tuple) or not all(isinstance(step, str) for step in self.preprocessing):
            raise UsageError(f"recipe: preprocessing must be a list of steps, not {self.preprocessing!r}")
        for step in self.preprocessing:
            if step not in preprocessing.STEPS:
                raise unknown("preprocessing step", step, preprocessing.STEPS)
        if not 0 < self.train_fraction <= 1:
            raise UsageError(f"recipe: train_fraction must be above 0 and at most 1, not {self.train_fraction}")

    @property
    def name(self) -> str:
        """A short name: the image size, then whatever differs from the study's own recipe."""
        short = {
            "epochs": "ep",
            "batch_size": "b",
            "learning_rate": "lr",
            "augmentation": "aug-",
            "views": "views",
            "preprocessing": "",
            "train_fraction": "train",
        }
        parts = [f"{self.image_size}px"]
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if value != field.default:
                parts.append(short[field.name] + _text(value))
        return "-".join(parts)

    @property
    def view_count(self) -> int:
        """Augmented copies of each training image that a frozen backbone sees; a split draws its own from them."""
        return 0 if self.augmentation == "none" else (self.views or 2 * self.epochs)

    def with_overrides(self, overrides: dict[str, Any], where: str) -> Self:
        """This recipe with some fields replaced; `where` names the file or option in errors."""
        known = {f.name for f in fields(self)}
        for name in overrides:
            if name not in known:
                raise UsageError(f"{where}: unknown recipe field {name!r}; known: {', '.join(sorted(known))}")
        values = dict(overrides)
        for name, value in overrides.items():
            if name in RATES and type(value) is int:
                values[name] = float(value)
            elif name == "preprocessing" and isinstance(value, list):
                values[name] = tuple(value)
        return replace(self, **values)

    def identity(self) -> dict[str, Any]:
        """What of the recipe shapes a trial: the fields that differ from their defaults, so that a field which a
        later version adds makes no older trial stale.
        """
        changed = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return changed | self._versions()

    def as_dict(self) -> dict[str, Any]:
        """Plain fields, and the versions of the code that they meet, for the store."""
        return asdict(self) | self._versions()

    def _versions(self) -> dict[str, int]:
        own = {"preprocessing_version": preprocessing.VERSION} if self.preprocessing else {}
        return {"procedure": PROCEDURE} | own


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "+".join(value)
    if isinstance(value, float):
        return short if float(short := f"{value:g}") == value else repr(value)
    return str(value)
