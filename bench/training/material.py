"""What the trials of a cell train on, and what each of them hands back: the words between a cell and its trainers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from bench.planning import Cell, Trial
from bench.training.pictures import Pictures
from store import ActivationRow

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench.models import Layer
    from bench.training.common import Outcome


Weights = Callable[[], "Mapping[str, Tensor]"]
Keep = Callable[["Material", Trial, Weights], None]
"""Told, as soon as a trial has ended, of what gives its weights by name: all of a network that is trained whole, else
what was trained.
"""


def forget(_material: "Material", _trial: Trial, _weights: Weights) -> None:
    """Keep nothing."""


@dataclass(frozen=True)
class Place:
    """Where cells are trained.

    Attributes:
        cache: the folder of decoded images and frozen features.
        device: what computes.
        keep: told of the weights of each trial that did not fail.
    """

    cache: Path
    device: torch.device
    keep: Keep = forget


@dataclass(frozen=True)
class Material:
    """A cell with its pixels, on the device that trains.

    Attributes:
        cell: with the trials that may be trained.
        pictures: all images of the dataset.
        labels: (N,) class numbers.
        outside: positions of the images outside the holdout, also where trials train on a share of them: all shares
            have one normalisation and one file of frozen features.
        cache: the folder of frozen features.
        device: where.
        keep: told of what was trained.
    """

    cell: Cell
    pictures: Pictures
    labels: NDArray[np.int64]
    outside: NDArray[np.int64]
    cache: Path
    device: torch.device
    keep: Keep = forget

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.cell.dataset.classes)

    @property
    def seed(self) -> int:
        """The protocol's."""
        return self.cell.protocol.seed


@dataclass(frozen=True)
class Explained:
    """A network as the activation figures take it apart.

    Attributes:
        module: (N, 3, H, W) normalised images to (N, C) logits.
        middle: the module in it whose maps are shown, and its public name.
        deepest: the module whose maps Grad-CAM weighs, and its public name.
    """

    module: "nn.Module"
    middle: "Layer"
    deepest: "Layer"


@dataclass(frozen=True)
class Trained:
    """A trial that was trained.

    Attributes:
        trial: which.
        outcome: its probabilities, and what training was like.
        frozen: parameters that were not trained.
        captured: what `Capture` gave for it.
    """

    trial: Trial
    outcome: "Outcome"
    frozen: int = 0
    captured: Sequence[ActivationRow] = ()


Progress = Callable[[float], None]
"""Told shares of a cell's work."""


class Capture(Protocol):
    """What the figures need of a trial and cannot be had later: rows for the store, none but for a cell's first trial.

    It is called as soon as a network is trained, so that none is kept while others train.
    """

    def __call__(
        self,
        trial: Trial,
        trained: Callable[[], Explained],
        random: Callable[[], Explained],
        features: NDArray[np.float16] | None = None,
    ) -> Sequence[ActivationRow]:
        """Take apart a network.

        Args:
            trial: whose it is.
            trained: gives the network.
            random: gives the same network with random weights, against which its maps are checked.
            features: (N, D) what a frozen backbone makes of all images as they are, where there is one.
        """


Trainer = Callable[[Material, Iterator[Trial], Capture, Progress], Iterator[Sequence[Trained]]]
"""Trains the trials that it takes, and yields those that ended together."""
