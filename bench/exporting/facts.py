"""What an exported model says of itself, in its file: how images become its input, and what its outputs mean."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.images import Scale, ranges
from bench.predicting import Rule

DECODING = (
    "the first page or frame; upright as its EXIF orientation says; palettes and grey values as RGB, transparency "
    "dropped; 8 bits a channel"
)
RESIZING = (
    "to image_size × image_size, whatever the shape, bilinear with a support that grows with the reduction "
    "(antialiasing), as Pillow's Image.resize with Resampling.BILINEAR"
)


@dataclass(frozen=True)
class Facts:
    """What is known of an exported model.

    Attributes:
        dataset: what it was trained on.
        model: its name, with the version of its code.
        classes: in the order of the probabilities.
        image_size: pixels of a side.
        scale: what of values beyond 8 bits becomes black and white.
        rule: temperature and threshold.
        trials: how many vote.
        identity: the cell, and these very weights.
    """

    dataset: str
    model: str
    classes: tuple[str, ...]
    image_size: int
    scale: Scale
    rule: Rule
    trials: int
    identity: tuple[str, str]

    def beyond(self) -> str:
        """How values of more than 8 bits become 8."""
        if isinstance(self.scale, tuple):
            return f"{ranges.said(*self.scale)} become 0 to 255, what lies beyond is cut"
        return "all values that the file's bits can hold become 0 to 255"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; a threshold that nothing reaches is null."""
        rule = asdict(self.rule)
        rule = {key: value if value == value and abs(value) != float("inf") else None for key, value in rule.items()}
        return {
            "dataset": self.dataset,
            "model": self.model,
            "classes": list(self.classes),
            "image_size": self.image_size,
            "decoding": DECODING,
            "values_beyond_8_bits": self.beyond(),
            "resizing": RESIZING,
            "input": "images: (n, image_size, image_size, 3) uint8, RGB; normalisation is in the model",
            "outputs": {
                "class": "(n,) the class of most trials, by its place in classes",
                "certainty": "(n,) the probability of that class",
                "trust": "(n,) whether that is at least the threshold",
                "probabilities": "(n, classes) the mean of the trials', at the temperature",
                "agreement": "(n, classes) the share of the trials that say each class",
            },
            "trials": self.trials,
            "rule": rule,
            "cell": self.identity[0],
            "weights": self.identity[1],
        }

    def metadata(self) -> Mapping[str, str]:
        """As an ONNX file holds it: texts by name."""
        return {
            key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in self.as_dict().items()
        }
