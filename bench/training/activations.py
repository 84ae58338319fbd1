"""What the figures need of a network and cannot be had once it is gone: maps, Grad-CAM, and nearest images.

Taken for a few images of the holdout, which no network has trained on, when the first trial of a cell has ended; and
for the same network with random weights, since a map that looks alike there says nothing about what was learned
(Adebayo et al. 2018, arXiv:1810.03292).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from bench.datasets import pixels as pixels_
from bench.planning import Cell, Trial
from bench.training.material import Capture, Explained, Material
from bench.training.pictures import EVERY, Pictures
from store import ActivationRow

SHOWN = 3
"""Images of each class, the first of the holdout."""
MAPS = 64
SIDE = 28
"""Pixels; larger maps are averaged down to it, and Grad-CAM is drawn in it."""
GREYS, LEVELS = 32, 64
"""Levels of grey in a single map, which is drawn small, and in the pictures made of all maps. No eye tells them from
256, and maps take half of the room.
"""
NEAREST = 5


def capturing(material: Material) -> Capture:
    """What captures the networks of a cell: rows of `schema.ACTIVATIONS` for its first trial, none for others."""
    cell = material.cell

    def capture(
        trial: Trial,
        trained: Callable[[], Explained],
        random: Callable[[], Explained],
        features: NDArray[np.float16] | None = None,
    ) -> Sequence[ActivationRow]:
        if (trial.split.repeat, trial.split.fold) != (0, 0):
            return ()
        shown = images_shown(trial, material.labels)
        pictures = material.pictures.some(shown)

        def taken_apart(
            network: Explained, classes: NDArray[np.int64] | None
        ) -> tuple[list[ActivationRow], NDArray[np.int64]]:
            return take_apart(network, pictures, material.device, classes)

        network = trained()
        network.module.eval()
        first, classes = taken_apart(network, None)
        bare = random()
        settle_statistics(bare.module.to(material.device), pictures.batch(EVERY, material.device))
        second, _ = taken_apart(bare, classes)
        rows: list[ActivationRow] = []
        for weights, found in (("trained", first), ("random", second)):
            for place, row in zip(shown, found, strict=True):
                if weights == "random":  # has maps of its own, which no figure shows: their mean is enough
                    row["values"], row["low"], row["high"], row["maps"] = None, None, None, 0
                rows.append({**row, "weights": weights, **_named(cell, place)})
        for row, number in zip(rows, [*classes, *classes], strict=True):
            row["explained"] = cell.dataset.classes[int(number)]
        if features is not None:
            rows += nearest(features, cell)
        return rows

    return capture


def images_shown(trial: Trial, labels: NDArray[np.int64]) -> list[int]:
    """Positions of the first images of each class in the holdout."""
    holdout = trial.split.holdout
    return [int(place) for number in np.unique(labels) for place in holdout[labels[holdout] == number][:SHOWN]]


def take_apart(
    network: Explained,
    pictures: Pictures,
    device: torch.device,
    classes: NDArray[np.int64] | None = None,
) -> tuple[list[ActivationRow], NDArray[np.int64]]:
    """The maps of a network's middle layer for each of n images, their mean, and Grad-CAM.

    The first 64 maps, each in 32 levels from 0 to 255 between its own extremes, which stand beside it, so that weak
    maps are seen as well as strong ones. The mean is that of all maps' absolute values, since maps without a ReLU
    cancel out. Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391) is the sum of the deepest layer's maps, each by
    the mean gradient of the class's logit, where it is positive; 255 is the largest of the image.

    Args:
        network: it is asked in the mode that it is in.
        pictures: the images.
        device: where.
        classes: (n,) which class Grad-CAM explains; None for the predicted one.

    Returns:
        Rows for the store, and the classes (n,).
    """
    caught: dict[str, Tensor] = {}

    def catching(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def catch(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            caught[name] = output

        return catch

    layers = {"middle": network.middle, "deepest": network.deepest}
    handles = [layer.register_forward_hook(catching(name)) for name, (layer, _) in layers.items()]
    module = network.module.to(device)
    try:
        with torch.enable_grad():
            logits = module(pictures.batch(EVERY, device).requires_grad_())
            chosen = logits.argmax(1) if classes is None else torch.from_numpy(classes).to(device)
            score = logits.gather(1, chosen.unsqueeze(1)).sum()
            (gradient,) = torch.autograd.grad(score, caught["deepest"])
    finally:
        for handle in handles:
            handle.remove()
    weighed = (caught["deepest"] * gradient.mean((2, 3), keepdim=True)).sum(1, keepdim=True).relu()
    cams = F.interpolate(weighed.detach().float(), size=SIDE, mode="bilinear", align_corners=False)[:, 0]
    whole = caught["middle"].detach().float()
    if max(whole.shape[2:]) > SIDE:
        whole = F.adaptive_avg_pool2d(whole, SIDE)
    rows: list[ActivationRow] = []
    for maps, mean_map, cam in zip(whole[:, :MAPS].cpu().numpy(), whole.abs().mean(1).cpu().numpy(), cams, strict=True):
        scaled, low, high = between_extremes(maps, GREYS)
        rows.append(
            {
                "layer": network.middle[1],
                "maps": scaled.shape[0],
                "height": scaled.shape[1],
                "width": scaled.shape[2],
                "values": scaled.tobytes(),
                "low": low.tolist(),
                "high": high.tolist(),
                "mean_map": between_extremes(mean_map[None], LEVELS)[0].tobytes(),
                "deepest": network.deepest[1],
                "grad_cam": _against_zero(cam.cpu().numpy()).tobytes(),
            }
        )
    return rows, chosen.cpu().numpy()


def between_extremes(
    maps: NDArray[np.float32], levels: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """(M, H, W) maps in some levels from 0 to 255, each map between its own extremes, and these, (M,) each."""
    low, high = maps.min((1, 2)), maps.max((1, 2))
    span = np.maximum(high - low, 1e-12)[:, None, None]
    return levelled((maps - low[:, None, None]) / span, levels), low, high


def levelled(shares: NDArray[np.float32], levels: int) -> NDArray[np.uint8]:
    """Shares of 1 in so many levels from 0 to 255."""
    steps = (shares * (levels - 1)).round()
    return np.asarray((steps * (255 / (levels - 1))).round(), dtype=np.uint8)


def _against_zero(cam: NDArray[np.float32]) -> NDArray[np.uint8]:
    return levelled(cam / np.float32(max(float(cam.max()), 1e-12)), LEVELS)


def settle_statistics(module: nn.Module, batch: Tensor) -> None:
    """Give the batch norms of a random network the statistics of these images, and hold them.

    It has none of its own, and would say the same of every image. Were they left to follow each batch, the gradients
    that Grad-CAM weighs maps with would cancel out over it, and rounding alone would be drawn.
    """
    norms = [each for each in module.eval().modules() if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over what is seen
        norm.train()
    with torch.no_grad():
        module(batch)
    module.eval()


def nearest(features: NDArray[np.float16], cell: Cell) -> list[ActivationRow]:
    """For each image those whose features (N, D) point in the most similar direction: rows for the store."""
    unit = features.astype(np.float32)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -np.inf)
    rows: list[ActivationRow] = []
    for place, row in enumerate(likeness):
        best = np.argsort(-row, kind="stable")[: min(NEAREST, len(row) - 1)]
        found = [cell.dataset.images[int(other)].id for other in best]
        own: ActivationRow = {"image_id": cell.dataset.images[place].id, "label": _label(cell, place)}
        rows.append({**own, "nearest": found, "likeness": row[best].tolist()})
    return rows


def _named(cell: Cell, place: int) -> ActivationRow:
    image = cell.dataset.images[place]
    thumbnail = pixels_.thumbnail(image, cell.recipe) if cell.dataset.card.show_images else None
    return {"image_id": image.id, "label": _label(cell, place), "thumbnail": thumbnail}


def _label(cell: Cell, place: int) -> str:
    return cell.dataset.classes[cell.dataset.images[place].label]
