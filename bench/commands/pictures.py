"""The pictures behind answers to new images, for the page that `bench predict --report` writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.datasets import decoded
from bench.errors import BenchError
from bench.images import Pixels, decoding
from bench.keeping import restored, surroundings
from bench.models import Network
from bench.predicting import Judged, tables
from bench.training import activations, pictures
from report.papers import predicted

if TYPE_CHECKING:
    from bench.datasets import Library

PAGE = "report.html"
EACH = 6
"""So many of the surest answers of a class are shown, and of the least sure."""
NEAREST = 3
SIDE, SMALL = 192, 64
"""Pixels of the pictures, and of those of training images."""

FROZEN = "Below each image stand the training images that are nearest to it in the features by which the model judges."
WHOLE = "Below each image, red marks what spoke for its class in the first trial's network (Grad-CAM)."


class Pictures:
    """Pictures of new images and of the training images near them.

    Args:
        model: what answered.
        around: its training images.
        library: where these lie, if they are at hand.
    """

    def __init__(self, model: restored.Restored, around: surroundings.Surroundings, library: "Library") -> None:
        self.model, self.around = model, around
        self.scale = model.kept.header.scale
        try:
            dataset = library.load(str(model.kept.header.identity["dataset"]))
            self.places = {image.id: image.path for image in dataset.images}
        except BenchError:  # on another machine they are told by name
            self.places = {}

    def shown(self, row: Judged) -> predicted.Shown:
        """An answer with its pictures."""
        frozen = not isinstance(self.model.parts, Network)
        near = [self._near(place) for place in row.nearest[:NEAREST]] if frozen else []
        return predicted.Shown(
            tables.shown(row.name),
            row.status,
            row.label,
            row.probability,
            row.agreement,
            row.warnings,
            self._jpeg(Path(row.path), SIDE),
            None if frozen else self._heat(row),
            near,
        )

    def _near(self, place: int) -> predicted.Near:
        name = self.around.ids[place]
        path = self.places.get(name)
        return predicted.Near(name, self.around.labels[place], self._jpeg(path, SMALL) if path else None)

    def _jpeg(self, path: Path, side: int) -> bytes | None:
        try:
            return decoded.jpeg(decoding.decode(path, side, self.scale))
        except BenchError:  # it was readable a moment ago
            return None

    def _heat(self, row: Judged) -> bytes | None:
        """What the first trial's network looked at for the class that was elected, over the picture."""
        network, kept = self.model.explained(0), self.model.kept
        try:
            pixels = decoding.decode(Path(row.path), kept.recipe.image_size, self.scale)
        except BenchError:
            return None
        if network is None:
            return None
        seen = pictures.Pictures(surroundings.preprocessed(kept, pixels[None]), kept.header.mean, kept.header.std)
        label = np.array([self.model.classes.index(row.label)])
        (found,), _ = activations.take_apart(network, seen, self.model.device, label)
        cam = np.frombuffer(found["grad_cam"] or b"", dtype=np.uint8).reshape(activations.SIDE, activations.SIDE)
        return decoded.jpeg(overlaid(pixels, cam))


def overlaid(pixels: Pixels, cam: NDArray[np.uint8]) -> Pixels:
    """A grey (H, W, 3) picture on which (h, w) Grad-CAM is red, from none at 0 to three quarters at 255."""
    from PIL.Image import Resampling, fromarray

    size = (pixels.shape[1], pixels.shape[0])
    share = np.asarray(fromarray(cam).resize(size, Resampling.BILINEAR), dtype=np.float32)[..., None] / 255 * 0.75
    grey = pixels.mean(2, keepdims=True).astype(np.float32)
    made: Pixels = (grey * (1 - share) + np.array([230, 40, 20], np.float32) * share).round().astype(np.uint8)
    return made


def write(judged: Sequence[Judged], pictures: Pictures, title: str, sentences: Sequence[str], folder: Path) -> Path:
    """Write the page into a folder.

    Raises:
        BenchError: it cannot be written.
    """
    classes = []
    for name in pictures.model.classes:
        own = sorted((row for row in judged if row.label == name), key=lambda row: -row.probability)
        if not own:
            continue
        surest = own[:EACH]
        least = [row for row in own[-EACH:][::-1] if row not in surest]
        trusted = sum(row.status == "trust" for row in own)
        shown = ([pictures.shown(row) for row in rows] for rows in (surest, least))
        classes.append(predicted.Class(name, trusted, len(own) - trusted, *shown))
    about = FROZEN if not isinstance(pictures.model.parts, Network) else WHOLE
    unreadable = {tables.shown(row.name): row.warnings[0] for row in judged if row.status == "unreadable"}
    path = folder / PAGE
    try:
        path.write_text(predicted.page(title, [*sentences, about], classes, unreadable), encoding="utf-8")
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror or error}); choose another -o DIR") from None
    return path
