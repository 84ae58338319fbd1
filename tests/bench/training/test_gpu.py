"""On a GPU: steps that are recorded and repeated, networks side by side, and a memory that is too small for them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import models
from bench.models import Head, Network, Transfer
from bench.study.protocol import Protocol, Split, draw_splits
from bench.study.recipe import Recipe
from bench.training import common, heads, networks, recorded
from bench.training.common import Outcome
from bench.training.features import Source, Views, frozen_features
from bench.training.pictures import Pictures

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
GPU = torch.device("cuda", 0)
LABELS = np.arange(96) % 3
RECIPE = Recipe(image_size=64, epochs=3)


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    """Sums in one order, so that two ways to the same numbers can be held against each other."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.deterministic = True
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False


def pixels() -> np.ndarray:
    images = np.random.default_rng(0).integers(0, 200, (len(LABELS), 64, 64, 3), dtype=np.uint8)
    images[np.arange(len(LABELS)), :, :, LABELS] += 55
    return images


SHOWN = Pictures(pixels(), [0.4] * 3, [0.2] * 3)


def splits() -> list[Split]:
    return draw_splits(LABELS.tolist(), list(map(str, range(len(LABELS)))), Protocol(repeats=1), "gpu")


def train(name: str, chosen: list[Split], at: torch.device = GPU) -> list[Outcome]:
    def build(split: Split) -> Network:
        torch.manual_seed(common.seed_of(split, 0, "init"))
        network = models.get(name).make(3)
        assert isinstance(network, Network)
        return network

    trained = networks.train_networks(build, networks.Task(SHOWN, LABELS, RECIPE, 0, at), chosen)
    return [outcome for outcome, _ in trained]


def apart(a: list[Outcome], b: list[Outcome]) -> float:
    return max(float(np.abs(one.test - other.test).max()) for one, other in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ["cnn-shallow", "efficientnet-lite0-scratch", "resnet18-scratch", "vgg19-scratch"])
def test_a_recorded_step_is_the_step_itself_whatever_runs_beside_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropout, dropped connections and augmentation included."""
    together = train(name, splits())
    alone = [outcome for split in splits() for outcome in train(name, [split])]
    monkeypatch.setattr(recorded, "EAGER", 10**9)
    eager = train(name, splits()[:1])
    assert apart(alone, together) < 1e-3
    assert all(one.loss == pytest.approx(other.loss, abs=1e-3) for one, other in zip(alone, together, strict=True))
    if name in ("cnn-shallow", "resnet18-scratch"):  # no random numbers within, which a recording draws in its own way
        assert apart(eager, alone[:1]) < 1e-3
    assert not any(outcome.error for outcome in together)


def test_a_network_learns_as_on_the_cpu() -> None:
    here, there = train("cnn-shallow", splits()[:1]), train("cnn-shallow", splits()[:1], torch.device("cpu"))
    assert here[0].loss[0] == pytest.approx(there[0].loss[0], abs=0.05)
    assert here[0].images == there[0].images


def test_where_memory_is_short_fewer_train_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    real = networks._side_by_side

    def counted(build: object, images: object, chosen: list[Split], *rest: object) -> object:
        groups.append(len(chosen))
        return real(build, images, chosen, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(networks, "_side_by_side", counted)
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(GPU).total_memory
    torch.cuda.set_per_process_memory_fraction(6e9 / whole, GPU)
    try:
        outcomes = train("vgg19-scratch", splits()[:4])
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, GPU)
    assert groups[0] == 4
    assert min(groups) < 4
    assert not any(outcome.error for outcome in outcomes)


def test_frozen_features_are_those_of_the_cpu(tmp_path: Path) -> None:
    source = Source(("content",), SHOWN, np.arange(20, 96), 2, 0)

    def features(device: torch.device) -> np.ndarray:
        torch.manual_seed(0)
        model = models.get("resnet18-lower").with_weights("none").make(3)
        assert isinstance(model, Transfer)
        return frozen_features(model.backbone.module, source, tmp_path / device.type, device).astype(np.float32)

    found = [features(torch.device("cpu")), features(GPU)]
    assert np.abs(found[0] - found[1]).max() < 0.02 * np.abs(found[0]).max()


def test_heads_are_those_of_the_cpu() -> None:
    random = np.random.default_rng(0)
    centres = random.normal(size=(3, 24))[LABELS]
    found = (centres + random.normal(size=(7, len(LABELS), 24))).astype(np.float16)
    recipe = Recipe(epochs=3, views=6, learning_rate=3e-4)
    both = [
        heads.train_heads(heads.Lesson(Views(found, slice(4, 24), device), LABELS, 3, Head((16,)), recipe, 0), splits())
        for device in (GPU, torch.device("cpu"))
    ]
    for one, other in zip(*both, strict=True):
        assert np.abs(one.test - other.test).max() < 2e-2
        assert np.abs(one.holdout - other.holdout).max() < 2e-2
