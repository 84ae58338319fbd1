"""What figures need of a network: Grad-CAM by its formula, maps in levels, nearest images, and when it is taken."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from bench import datasets, models
from bench.datasets import Library, decoded
from bench.planning import plan
from bench.study.protocol import Protocol
from bench.study.recipe import Recipe
from bench.training import activations, augmentation, cells
from bench.training.material import Explained, Place
from bench.training.pictures import Pictures

CPU = torch.device("cpu")
LEVEL = 255 / 63
pytestmark = pytest.mark.usefixtures("one_thread")


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.last = nn.Conv2d(3, 70, 3), nn.Conv2d(70, 6, 5, stride=4), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.second(self.first(x).relu()).relu()
        return self.last((maps**2).mean((2, 3)))


def pixels(count: int = 4, size: int = 40) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def test_grad_cam_is_the_maps_by_their_mean_gradients() -> None:
    network, some = Small().eval(), pixels()
    mean, std = decoded.channel_statistics(some)
    taken = Explained(network, (network.first, "first"), (network.second, "second"))
    rows, classes = activations.take_apart(taken, Pictures(some, mean, std), CPU)
    batch = augmentation.normalise(some, mean, std, CPU)
    assert classes.tolist() == network(batch).argmax(1).tolist()
    for number, row in enumerate(rows):
        maps = network.second(network.first(batch[number : number + 1]).relu()).detach().requires_grad_()
        network.last((maps.relu() ** 2).mean((2, 3)))[0, int(classes[number])].backward()
        assert maps.grad is not None
        weighed = (maps * maps.grad.mean((2, 3), keepdim=True)).sum(1).relu()[None]
        cam = F.interpolate(weighed, size=28, mode="bilinear", align_corners=False)[0, 0].detach().numpy()
        found = np.frombuffer(row["grad_cam"], np.uint8).reshape(28, 28)
        assert found.max() in (0, 255)
        assert np.abs(found - cam / max(cam.max(), 1e-12) * 255).max() <= LEVEL / 2 + 0.51
        assert (row["layer"], row["deepest"]) == ("first", "second")
    other, same = activations.take_apart(taken, Pictures(some, mean, std), CPU, (classes + 1) % 3)
    assert same.tolist() == ((classes + 1) % 3).tolist()
    assert other[0]["grad_cam"] != rows[0]["grad_cam"]


def test_maps_are_kept_in_32_levels_between_their_own_extremes() -> None:
    network, some = Small().eval(), pixels()
    mean, std = decoded.channel_statistics(some)
    taken = Explained(network, (network.first, "first"), (network.second, "second"))
    (row, *_), _ = activations.take_apart(taken, Pictures(some, mean, std), CPU)
    with torch.no_grad():
        whole = F.adaptive_avg_pool2d(network.first(augmentation.normalise(some, mean, std, CPU)), 28)[0].numpy()
    assert (row["maps"], row["height"], row["width"]) == (64, 28, 28)
    kept = np.frombuffer(row["values"], np.uint8).reshape(64, 28, 28) / 255
    low, high = (np.array(row[name])[:, None, None] for name in ("low", "high"))
    assert np.abs(low + kept * (high - low) - whole[:64]).max() <= ((high - low) / 31 * 0.57).max()
    assert len(np.unique(kept)) == 32
    assert set(np.unique(kept * 255)) >= {0, 255}
    strength = np.abs(whole).mean(0)  # of all 70 maps
    mean_map = np.frombuffer(row["mean_map"], np.uint8).reshape(28, 28)
    assert np.abs(mean_map - (strength - strength.min()) / np.ptp(strength) * 255).max() <= LEVEL / 2 + 0.51


def test_a_random_network_is_asked_with_statistics_that_stand_still() -> None:
    """With those of the batch, gradients cancel out over images of one class: what is drawn then is rounding."""
    torch.manual_seed(0)
    deepest = nn.Conv2d(3, 8, 5, stride=4)
    layers = (deepest, nn.BatchNorm2d(8), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(8), nn.Linear(8, 3))
    some = pixels()
    mean, std = decoded.channel_statistics(some)
    found = {}
    for kind in (torch.float32, torch.float64):
        network = nn.Sequential(*layers).to(kind)
        batch = augmentation.normalise(some, mean, std, CPU).to(kind)
        activations.settle_statistics(network, batch)
        maps = deepest(batch)
        assert torch.allclose(layers[1].running_mean, maps.mean((0, 2, 3)), atol=1e-6)
        assert network(batch).std(0).min() > 0.01, "it does not say the same of every image"
        taken = Explained(network, (deepest, "deepest"), (deepest, "deepest"))
        same_class = np.zeros(len(some), dtype=np.int64)
        if kind == torch.float32:
            rows, _ = activations.take_apart(taken, Pictures(some, mean, std), CPU, same_class)
            found[kind] = np.array([np.frombuffer(row["grad_cam"], np.uint8) for row in rows]).astype(float)
        else:
            (gradient,) = torch.autograd.grad(layers[5](layers[4](layers[1](maps).mean((2, 3))))[:, 0].sum(), maps)
            cams = F.interpolate(
                (maps * gradient.mean((2, 3), keepdim=True)).sum(1, keepdim=True).relu(), size=28, mode="bilinear"
            )
            found[kind] = (cams / cams.amax((2, 3), keepdim=True) * 255).detach().flatten(1).numpy()
    assert np.abs(found[torch.float32] - found[torch.float64]).max() <= LEVEL / 2 + 0.51


@pytest.mark.parametrize("name", ["efficientnet-lite0-lower", "efficientnet-lite0-probe", "cnn-shallow", "mean-colour"])
def test_the_first_trial_of_a_cell_is_taken_apart_trained_and_random(name: str, library: Library) -> None:
    dataset, wanted, model = library.load("tiny"), Protocol(holdout=0.3, folds=2, repeats=1), models.get(name)
    splits = datasets.splits(library, dataset, wanted)
    recipe = Recipe(image_size=64, epochs=1)
    weights = model.weights.identity()
    cell = plan.make_cell(dataset, model, recipe, wanted, splits, weights)
    first, second = [f for together in cells.run(cell, Place(library.cache, CPU), lambda _: None) for f in together]
    assert second.activations == []
    if model.kind == "floor":
        assert first.activations == []
        return
    shown = [row for row in first.activations if "layer" in row]
    holdout = np.array(dataset.labels)[splits[0].holdout]
    per_class = [min(3, int((holdout == label).sum())) for label in range(len(dataset.classes))]
    for kind in ("trained", "random"):
        rows = [row for row in shown if row["weights"] == kind]
        assert [sum(row["label"] == c for row in rows) for c in dataset.classes] == per_class
        assert all((row["maps"] > 0) == (kind == "trained") for row in rows)
        assert all(len(row["mean_map"]) == row["height"] * row["width"] for row in rows)
        assert len({row["mean_map"] for row in rows}) == len(rows)
    predicted = {row["image_id"]: row["predicted"] for row in first.predictions if row["subset"] == "holdout"}
    assert all(row["explained"] == predicted[row["image_id"]] for row in shown)
    pairs: dict[str, list[Any]] = {}
    for row in shown:
        pairs.setdefault(row["image_id"], []).append(row["mean_map"])
    assert all(one != other for one, other in pairs.values())
    neighbours = [row for row in first.activations if "nearest" in row]
    assert [row["image_id"] for row in neighbours] == (dataset.ids if model.kind != "network" else [])
    # A second run finds the features in the cache; the network is taken apart in evaluation all the same.
    (again, *_) = [f for together in cells.run(cell, Place(library.cache, CPU), lambda _: None) for f in together]
    assert len(again.activations) == len(first.activations)
    for one, other in zip(again.activations, first.activations, strict=True):
        # Rounded, a sum in another order may fall on the next level.
        levels = [np.frombuffer(row.get("grad_cam", b""), np.uint8).astype(int) for row in (one, other)]
        assert np.abs(levels[0] - levels[1]).max(initial=0) <= LEVEL + 1


def test_the_nearest_images_are_those_of_the_most_similar_direction(library: Library) -> None:
    dataset = library.load("tiny")
    features = np.random.default_rng(0).normal(size=(len(dataset.images), 9)).astype(np.float16)
    features[3] = features[7] * 2
    wanted = Protocol(folds=2, repeats=1)
    splits = datasets.splits(library, dataset, wanted)
    cell = plan.make_cell(dataset, models.get("cnn-shallow"), Recipe(), wanted, splits, "none")
    rows = activations.nearest(features, cell)
    assert rows[3]["nearest"][0] == dataset.ids[7]
    assert rows[3]["likeness"][0] == pytest.approx(1, abs=1e-3)
    for place, row in enumerate(rows):
        one = features.astype(np.float64)
        cosine = one @ one[place] / np.linalg.norm(one, axis=1) / np.linalg.norm(one[place])
        best = [i for i in np.argsort(-cosine) if i != place][:5]
        assert row["likeness"] == pytest.approx(cosine[best], abs=2e-3)
        assert row["image_id"] not in row["nearest"]
        assert len(set(row["nearest"])) == 5
