"""One ONNX graph of a kept model: normalisation, frozen layers, the heads of all trials, their vote, the temperature.

The file is run by onnxruntime before anybody gets it, and held against PyTorch on images.
"""

import contextlib
import io
import logging
import math
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.errors import BenchError, UsageError
from bench.exporting.facts import Facts
from bench.images import Pixels
from bench.keeping import restored
from bench.models import Floor, Network, Probe
from bench.predicting import judging
from bench.training import features, pictures
from store import certainty

TOLERANCE = 1e-4
"""Of a probability."""
OUTPUTS = ("class", "certainty", "trust", "probabilities", "agreement")
OPSET = 18
LARGEST = 1_900_000_000
"""Bytes; a single file of ONNX holds two gigabytes at most."""


class Whole(nn.Module):
    """From (n, H, W, 3) uint8 images to what `OUTPUTS` names."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: restored.Restored, facts: Facts) -> None:
        super().__init__()
        header, parts = model.kept.header, model.parts
        self.register_buffer("mean", torch.tensor(header.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(header.std).view(1, 3, 1, 1))
        self.trained = nn.ModuleList(model.trained)
        self.temperature, self.threshold = facts.rule.temperature, facts.rule.threshold
        self.backbone: nn.Module | None = None
        self.pooled, self.columns = 1, slice(0, 0)
        if not isinstance(parts, Network | Floor):
            size = facts.image_size
            noise = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
            example = pictures.Pictures(noise, header.mean, header.std)
            self.backbone = features.Ready(parts.backbone.module, example, torch.device("cpu")).module
            self.columns = parts.backbone.columns
            self.pooled = parts.pooled if isinstance(parts, Probe) else 1

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """(n, H, W, 3) uint8 to class (n,), certainty (n,), trust (n,), probabilities (n, C), agreement (n, C)."""
        given = (images.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std
        if self.backbone is not None:
            # The heads learned from features of half precision.
            given = self.backbone(given)[:, self.columns].half().float()
            if self.pooled > 1:
                given = given.unflatten(1, (-1, self.pooled)).mean(2)
        chances = torch.stack([head(given).softmax(1) for head in self.trained])  # (T, n, C)
        number = chances.shape[2]
        mine = torch.arange(number) == chances.argmax(2, keepdim=True)
        votes = mine.float().sum(0)
        means = chances.mean(0)
        leading = votes == votes.amax(1, keepdim=True)
        chosen = torch.where(leading, means, torch.full_like(means, -1)).argmax(1)
        probabilities = (means.clamp_min(certainty.SMALLEST).log() / self.temperature).softmax(1)
        sure = probabilities.gather(1, chosen.unsqueeze(1)).squeeze(1)
        limit = self.threshold if math.isfinite(self.threshold) else 2.0
        return chosen, sure, sure >= limit, probabilities, votes / len(self.trained)


def write(model: restored.Restored, facts: Facts, pixels: Pixels, path: Path) -> float:
    """Write the file, once it says what the kept model says of some images.

    Args:
        model: the kept model, on the CPU.
        facts: what the file says of itself.
        pixels: (n, H, W, 3) images on which it is held against PyTorch.
        path: the file.

    Returns:
        The largest difference between two probabilities.

    Raises:
        UsageError: the model is of a kind that no graph holds.
        BenchError: it cannot be written, or says something else than what it was made from.
    """
    if isinstance(model.parts, Floor):
        raise UsageError(f"{facts.model} is no network; there is nothing to export")
    if steps := model.kept.recipe.preprocessing:
        raise UsageError(
            f"the recipe preprocesses images ({', '.join(steps)}), which no ONNX file does; export another"
        )
    whole = Whole(model, facts).eval()
    size = sum(t.numel() * t.element_size() for t in whole.state_dict().values())
    if size > LARGEST:
        raise BenchError(f"{facts.model} has {size / 1e9:.1f} GB in {facts.trials} trials; one ONNX file holds 2")
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
        os.close(handle)
        part = Path(name)
        _export(whole, facts, part)
        largest = held_against(model, facts, pixels, part)
        part.chmod(0o644)
        part.replace(path)
        return largest
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror or error}); choose another -o FILE") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def held_against(model: restored.Restored, facts: Facts, pixels: Pixels, path: Path) -> float:
    """The largest difference between the probabilities of a file in onnxruntime and those of the kept model.

    Raises:
        BenchError: it is above the tolerance, or a class is another.
    """
    votes, means = judging.vote(model.asker()(pixels).chances)
    wanted, chosen = certainty.tempered(means, facts.rule.temperature), judging.elected(votes, means)
    found = asked(path, pixels)
    largest = float(np.abs(found["probabilities"] - wanted).max())
    # Two classes of as many votes, or a trial between two classes, may fall either way by a rounding.
    clear = means.max(1) - np.sort(means, 1)[:, -2] > 10 * TOLERANCE
    if largest > TOLERANCE or (found["class"] != chosen)[clear].any():
        raise BenchError(
            f"the ONNX file says something else than the model it was made from (by {largest:.2g}); this version of "
            "torch.onnx or onnxruntime cannot be used"
        )
    return largest


def asked(path: Path, pixels: Pixels) -> dict[str, NDArray[np.float64]]:
    """What an ONNX file says of (n, H, W, 3) images, by output."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    parts = [session.run(list(OUTPUTS), {"images": pixels[n : n + 16]}) for n in range(0, len(pixels), 16)]
    return {name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(OUTPUTS)}


def _export(whole: Whole, facts: Facts, path: Path) -> None:
    import onnx
    import onnxscript  # noqa: F401 - torch needs it, and says so less clearly

    example = torch.zeros((2, facts.image_size, facts.image_size, 3), dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()), torch.inference_mode():
        program = torch.onnx.export(
            whole,
            (example,),
            dynamo=True,
            input_names=["images"],
            output_names=list(OUTPUTS),
            dynamic_shapes={"images": {0: torch.export.Dim("n", min=1)}},
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    made = program.model_proto
    onnx.helper.set_model_props(made, dict(facts.metadata()))
    made.doc_string = f"{facts.dataset}: the vote of {facts.trials} trials of {facts.model}"
    onnx.checker.check_model(made)
    onnx.save(made, str(path))
