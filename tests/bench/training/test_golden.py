"""Golden numbers: a model that answers otherwise than it did must have another `version`.

The numbers stand in `golden.json`. After a change that is meant, and a higher version:

    python tests/bench/training/test_golden.py

writes them anew. They come from plain CPU arithmetic in single precision, so they hold on other machines within the
tolerance, which is far below what a change of a layer, of its first weights or of the training does.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from bench import datasets, models
from bench.datasets import Library
from bench.models import Probe, Transfer
from bench.planning import plan
from bench.study import study
from bench.study.protocol import Protocol
from bench.study.recipe import Recipe
from bench.training import cells
from bench.training.material import Place

FILE = Path(__file__).with_name("golden.json")
TRIALS = [
    "efficientnet-lite0-lower",
    "efficientnet-lite0",
    "efficientnet-lite0-probe",
    "cnn-shallow",
    "mean-colour",
    "pixel-ratio",
]
NETWORKS = [name for name in study.load("blog").models if models.get(name).kind != "floor"]
TOLERANCE = 2e-3


def write_images(folder: Path) -> None:
    """Three classes of ten images: stripes, spots and patches in colours that overlap. No random numbers."""
    y, x = np.mgrid[:48, :48] / 48
    for label in range(3):
        (folder / "golden" / f"class {label}").mkdir(parents=True)
        for number in range(10):
            phase = number * 2.399 + label
            waves = [
                np.sin(6 * (1 + label) * x + phase),
                np.cos(9 * y - phase),
                np.sin(20 * x * y * (3 - label) + phase),
            ]
            pixels = np.stack(waves, axis=-1) * 70 + 128 + 12 * np.sin(phase * np.arange(3))
            Image.fromarray(pixels.round().astype(np.uint8)).save(
                folder / "golden" / f"class {label}" / f"{number}.png"
            )


def trial(name: str, folder: Path) -> list[list[float]]:
    """Train one trial through every step that a run takes; the probabilities of its test fold and holdout."""
    if not (folder / "golden").is_dir():
        write_images(folder)
    library, wanted = Library((folder,), folder / "cache"), Protocol(holdout=0.2, folds=2, repeats=1)
    dataset, model = library.load("golden"), models.get(name)
    splits = datasets.splits(library, dataset, wanted)
    recipe = Recipe(image_size=48, epochs=4, learning_rate=3e-4)  # more steps would amplify the last bits
    cell = plan.make_cell(dataset, model, recipe, wanted, splits[:1], model.weights.identity())
    ((finished,),) = cells.run(cell, Place(library.cache, torch.device("cpu")), lambda _: None)
    assert finished.row["status"] == "done"
    return [row["probabilities"] for row in finished.predictions]


def pattern(module: nn.Module) -> nn.Module:
    """Numbers for all weights that come from a formula, for networks too large to be drawn at random in a test."""
    module = module.to_empty(device="cpu")
    wave = torch.sin(torch.arange(10_007) * 12.9898).mul(43.7585).frac()
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if value.is_floating_point():
            scale = (6 / max(1, value[0].numel())) ** 0.5 if value.ndim > 1 else 0.02
            repeated = wave.repeat(value.numel() // len(wave) + 1)[: value.numel()].reshape(value.shape)
            value.data.copy_(1 + repeated.abs() if name.endswith("var") else repeated * scale)
    return module


@torch.inference_mode()
def answer(name: str) -> list[list[float]]:
    """What a model's network says of four patterns of 64 px before training: scaled, in eight directions."""
    model = models.get(name)
    with torch.device("meta" if name.startswith("vgg") else "cpu"), torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        made = model.build(None if model.kind in ("transfer", "probe") else 5)
    frozen = isinstance(made, Transfer | Probe)
    network: nn.Module = made.backbone.module if frozen else made.module
    if name.startswith("vgg"):
        network = pattern(network)
    network.eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.train()  # an untrained network has no statistics of its own, and would say the same of every image
    at = torch.arange(64) / 10
    waves = torch.stack([torch.sin(at * k)[:, None] * torch.cos(at * (4 - k))[None, :] for k in (1, 2, 3)])
    out: Tensor = network(torch.stack([waves, 1.5 * waves.flip(0), waves.transpose(1, 2) + 0.3, -(waves**2)]))
    out = out[:, made.backbone.columns] if frozen else out
    out = out / out.pow(2).mean().sqrt()
    directions = torch.cos(torch.outer(torch.arange(out.shape[1]), torch.arange(1, 9)) * 0.7) / out.shape[1] ** 0.5
    return (out @ directions).tolist()


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden")


def compare(kind: str, name: str, found: list[list[float]]) -> None:
    golden: dict[str, Any] = json.loads(FILE.read_text())
    expected, model = golden[kind][name], models.get(name)
    if model.version != expected["version"]:
        pytest.fail(f"{name} has version {model.version} now; run: python {Path(__file__).name} in {FILE.parent}")
    off = float(np.abs(np.subtract(found, expected["numbers"])).max())
    if not off <= TOLERANCE:
        pytest.fail(
            f"{name} answers otherwise than before (by {off:.4f}) under the same version {model.version}: raise the "
            f"`version` in {model.build.__module__}, or recipe.PROCEDURE where all models changed, and write "
            f"golden.json anew: `python tests/bench/training/test_golden.py`; or a library drew other random numbers."
        )


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_gives_what_it_gave(name: str, folder: Path) -> None:
    compare("trials", name, trial(name, folder))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_answers_what_it_answered(name: str) -> None:
    compare("networks", name, answer(name))


def test_the_models_that_ship_have_golden_numbers() -> None:
    """Those that the study `blog` names; a model that somebody adds needs none."""
    golden = json.loads(FILE.read_text())
    assert {*golden["trials"], *golden["networks"]} == {*study.load("blog").models}


def test_a_changed_model_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself: a small change under the same version fails, and so does another version."""
    model = models.get("cnn-shallow")
    numbers = answer("cnn-shallow")
    compare("networks", "cnn-shallow", numbers)
    with pytest.raises(pytest.fail.Exception, match=r"raise the `version` in bench\.models\.cnn,"):
        compare("networks", "cnn-shallow", [[value + 0.003 for value in row] for row in numbers])
    with pytest.raises(pytest.fail.Exception, match="raise the `version`"):
        compare("networks", "cnn-shallow", [[np.nan] * 8] * 4)
    monkeypatch.setattr(models, "get", lambda _: replace(model, version=model.version + 1))
    with pytest.raises(pytest.fail.Exception, match=r"has version 2 now; run: python"):
        compare("networks", "cnn-shallow", numbers)


def _write() -> None:
    torch.set_num_threads(1)

    def entry(name: str, numbers: list[list[float]]) -> dict[str, Any]:
        return {"version": models.get(name).version, "numbers": [[round(n, 5) for n in row] for row in numbers]}

    with TemporaryDirectory() as temporary:
        trials = {name: entry(name, trial(name, Path(temporary))) for name in TRIALS}
    golden = {"trials": trials, "networks": {name: entry(name, answer(name)) for name in NETWORKS}}
    text = re.sub(
        r"\[\s+([-\d.e,\s]+?)\s+\]", lambda row: f"[{' '.join(row[1].split())}]", json.dumps(golden, indent=1)
    )
    FILE.write_text(text + "\n")


if __name__ == "__main__":
    _write()
