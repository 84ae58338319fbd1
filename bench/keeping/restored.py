"""Kept models as networks again: what the trials of a cell say of new pixels, each with the arithmetic of its training.

Features of a frozen backbone are rounded to half precision, as those were that the heads learned from.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench import models
from bench.errors import BenchError
from bench.images import Pixels
from bench.keeping import files
from bench.keeping.files import Kept
from bench.models import Backbone, Floor, Head, Network, Probe, Transfer, WeightsUnavailableError
from bench.training import features, heads, material, networks, pictures, regressions, stacking, threads


@dataclass(frozen=True)
class Asked:
    """What the trials of a cell say: `chances` (T, n, C) probabilities, a row a trial, and `features` (n, D) float32 of
    the images, by which they are compared with the training images.
    """

    chances: NDArray[np.float32]
    features: NDArray[np.float32]


@dataclass(frozen=True)
class Restored:
    """The trials of a cell, ready to be asked.

    Attributes:
        kept: what they were read from.
        parts: the frozen part, as the registry builds it.
        trained: for each trial what was trained: a head, a linear layer, a network.
        device: where they are asked.
    """

    kept: Kept
    parts: Transfer | Probe | Network | Floor
    trained: tuple[nn.Module, ...]
    device: torch.device

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the probabilities."""
        return self.kept.header.classes

    def asker(self) -> Callable[[Pixels], Asked]:
        """What answers for (n, H, W, 3) uint8 images, again and again."""
        if isinstance(self.parts, Floor):
            return self._floor(self.parts)
        return self._whole(self.parts) if isinstance(self.parts, Network) else self._frozen(self.parts)

    def explained(self, trial: int) -> material.Explained | None:
        """One trial's network as Grad-CAM takes it apart; None where there is no network."""
        if isinstance(self.parts, Floor):
            return None
        if isinstance(self.parts, Network):
            module = self.trained[trial]
            own = dict(self.parts.module.named_modules())

            def same(layer: nn.Module) -> nn.Module:
                return module.get_submodule(next(name for name, each in own.items() if each is layer))

            (middle, named), (deepest, called) = self.parts.middle, self.parts.deepest or self.parts.middle
            return material.Explained(module, (same(middle), named), (same(deepest), called))
        if isinstance(self.parts, Transfer):
            return heads.explained(self.parts.backbone, self.trained[trial])
        linear = self.trained[trial]
        assert isinstance(linear, nn.Linear)
        return regressions.explained(self.parts.backbone, self.parts.pooled, linear)

    def _floor(self, floor: Floor) -> Callable[[Pixels], Asked]:
        def ask(pixels: Pixels) -> Asked:
            numbers = floor.describe(pixels)
            with torch.inference_mode():
                given = torch.from_numpy(numbers)
                chances = np.stack([each(given).softmax(1).float().numpy() for each in self.trained])
            return Asked(chances, numbers.astype(np.float32))

        return ask

    def _frozen(self, parts: Transfer | Probe) -> Callable[[Pixels], Asked]:
        header, ready = self.kept.header, list[features.Ready]()

        def ask(pixels: Pixels) -> Asked:
            given = pictures.Pictures(pixels, header.mean, header.std)
            if not ready:
                ready.append(features.Ready(parts.backbone.module, given, self.device))
            made = ready[0].forward(given, np.arange(len(pixels)))
            own = made[:, parts.backbone.columns]
            with torch.inference_mode():
                numbers = torch.from_numpy(entered(parts, own)).to(self.device)
                chances = np.stack([each(numbers).softmax(1).cpu().numpy() for each in self.trained])
            return Asked(chances, own.astype(np.float32))

        return ask

    def _whole(self, parts: Network) -> Callable[[Pixels], Asked]:
        header = self.kept.header
        shown = self.explained(0)
        assert shown is not None

        def ask(pixels: Pixels) -> Asked:
            means: list[Tensor] = []
            hook = shown.deepest[0].register_forward_hook(
                lambda _module, _inputs, maps: means.append(maps.detach().float().mean((2, 3)).cpu())
            )

            def one(module: nn.Module) -> NDArray[np.float32]:
                return networks.predict(module, pictures.Pictures(pixels, header.mean, header.std), self.device)

            try:
                with threads.several(self.device) as mapped:
                    chances = np.stack(list(mapped(one, self.trained)))
            finally:
                hook.remove()
            return Asked(chances, torch.cat(means)[: len(pixels)].numpy())

        return ask


def entered(parts: Transfer | Probe, found: NDArray[np.float16]) -> NDArray[np.float32]:
    """(n, d) features as what was trained on them takes them."""
    if isinstance(parts, Probe):
        return regressions.pooled(found, parts.pooled).astype(np.float32)
    return found.astype(np.float32)


def restore(kept: Kept, device: torch.device, again: str) -> Restored:
    """Kept models as networks.

    Raises:
        BenchError: the model's code has another version, its frozen weights are not these, or the files do not fit.
    """
    model, header = models.get(str(kept.header.identity["model"])), kept.header
    version, weights = header.identity["model_version"], str(header.identity["weights"])
    if version != model.version:
        raise BenchError(
            f"{kept.folder} was kept by version {version} of {model.name}, and this is version {model.version}; "
            f"`bench run` and `{again}` train it anew"
        )
    if kept.recipe.identity() != header.identity["recipe_identity"]:
        raise BenchError(
            f"{kept.folder} was kept by a version of this project that prepared images otherwise; "
            f"`bench run` and `{again}` train it anew"
        )
    seed, classes = int(header.identity["protocol"]["seed"]), len(header.classes)
    if model.kind in ("transfer", "probe") and weights.startswith("file:"):
        parts = model.build(_backbone(kept, again))
    elif model.kind == "network" or weights == "none":
        parts = model.with_weights("none").seeded(classes, seed)
    elif model.kind != "floor" and model.weights.identity() != weights:
        raise BenchError(f"{kept.folder} stands on the weights {weights}, which this version of {model.name} has not")
    else:
        parts = model.seeded(classes, seed)
    trained = []
    for path in kept.trials.values():
        tensors, _ = files.read(path)
        try:
            module = _filled(parts, tensors, classes).eval()
            trained.append(module if isinstance(parts, Floor) else module.to(device))
        except (RuntimeError, KeyError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise BenchError(f"{path} does not fit {model.name} ({reason}); `{again}` keeps it anew") from None
    return Restored(kept, parts, tuple(trained), device)


def _backbone(kept: Kept, again: str) -> dict[str, Tensor]:
    found = sorted(kept.folder.glob(f"{files.BACKBONE}.*{files.ENDING}"))
    if not found:
        raise WeightsUnavailableError(f"{kept.folder} lacks the frozen layers; `{again}` keeps them")
    return files.read(found[0])[0]


def _filled(parts: Transfer | Probe | Network | Floor, tensors: dict[str, Tensor], classes: int) -> nn.Module:
    if isinstance(parts, Network):
        import copy

        module = copy.deepcopy(parts.module)
    elif isinstance(parts, Transfer):
        module = _head(parts.backbone, parts.head, classes)
    else:
        module = nn.Linear(_width(parts), classes, dtype=torch.float64 if isinstance(parts, Floor) else torch.float32)
    if not all(tensor.isfinite().all() for tensor in tensors.values() if tensor.is_floating_point()):
        raise RuntimeError("some weights are no numbers")
    module.load_state_dict(tensors)
    return module


def _width(parts: Probe | Floor) -> int:
    """How many numbers of an image a regression is given."""
    if isinstance(parts, Probe):
        return int(parts.backbone.columns.stop - parts.backbone.columns.start) // parts.pooled
    noise = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    return int(parts.describe(noise).shape[1])


def _head(backbone: Backbone, head: Head, classes: int) -> nn.Module:
    width = backbone.columns.stop - backbone.columns.start
    return stacking.StackedHead([0], width, Head(head.hidden, head.dropped), classes).eval().one(0)
