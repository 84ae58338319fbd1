"""Training against plain torch and scikit-learn: draws, augmentation, frozen features, heads, networks."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from paths import SHARED
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from bench import datasets, models
from bench.datasets import (
    Dataset,
    Library,
    decoded,
)
from bench.errors import BenchError
from bench.models import Head, Network
from bench.planning import plan
from bench.study import protocol
from bench.study.protocol import Protocol, Split
from bench.study.recipe import Recipe
from bench.training import augmentation, cells, common, features, heads, networks, precision, regressions
from bench.training.common import Outcome
from bench.training.features import Source, Views
from bench.training.heads import Lesson
from bench.training.material import Place
from bench.training.pictures import EVERY, Pictures
from bench.training.stacking import StackedHead

CPU = torch.device("cpu")


pytestmark = pytest.mark.usefixtures("one_thread")


class Task:
    """Features of three classes that overlap, and five splits."""

    def __init__(self, views: int = 3, width: int = 24) -> None:
        random = np.random.default_rng(0)
        self.labels = np.array([0] * 50 + [1] * 30 + [2] * 17)
        self.classes = 3
        centres = random.normal(size=(3, width))[self.labels] * 0.5
        self.features = (centres + random.normal(size=(1 + views, len(self.labels), width))).astype(np.float16)
        groups = list(map(str, range(len(self.labels))))
        self.splits = protocol.draw_splits(self.labels.tolist(), groups, Protocol(repeats=1), "abc")

    def train(self, head: Head, recipe: Recipe, splits: list[Split] | None = None) -> list[Outcome]:
        chosen = self.splits if splits is None else splits
        return heads.train_heads(self.lesson(head, recipe), chosen)

    def lesson(self, head: Head, recipe: Recipe) -> Lesson:
        return Lesson(self.views(), self.labels, self.classes, head, recipe, 0)

    def views(self) -> Views:
        return Views(self.features, slice(0, self.features.shape[2]), CPU)


class Dropped(nn.Module):
    """Dropout of one half by a generator of its own."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        return x * (torch.rand(x.shape, generator=self.generator) < 0.5) * 2 if self.training else x


def plain_head(seed: int, inputs: int, head: Head, classes: int) -> nn.Sequential:
    """The same head from torch's own layers."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    layers: list[nn.Module] = []
    for number, width in enumerate(head.hidden):
        if number < len(head.start):
            linear = nn.Linear(1, 1)
            linear.weight, linear.bias = (nn.Parameter(start.clone()) for start in head.start[number])
            torch.manual_seed(seed)  # what is pre-trained draws no numbers
        else:
            linear = nn.Linear(inputs, width)
        layers += [linear, nn.ReLU(), Dropped(generator) if number < head.dropped else nn.BatchNorm1d(width)]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


def train_plainly(
    module: nn.Module, views: Tensor, labels: np.ndarray, split: Split, recipe: Recipe, mixed: bool = False
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """A textbook training loop on the benchmark's draws: probabilities on test and holdout, and the loss curve.

    `views` are (1 + views, N, …); where they are more than the plain one the module is a head, whose batch norms take
    their statistics from the plain view of the training images in the end.
    """
    target, optimizer = torch.from_numpy(labels), torch.optim.Adam(module.parameters(), lr=recipe.learning_rate)
    curve = []
    seen = heads.view_draws(split, recipe, 0)
    for draws, wanted in zip(common.balanced_draws(labels, split, recipe, 0), seen, strict=True):
        losses = []
        for rows, view in zip(map(torch.from_numpy, draws), map(torch.from_numpy, wanted), strict=True):
            batch = views[view if len(views) > 1 else 0 * view, rows]
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                loss = nn.functional.cross_entropy(module.train()(batch), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        curve.append(float(np.mean(losses)))
    if views.ndim == 3:
        settle_plainly(module, views[0][split.train], labels[split.train])
    with torch.no_grad():
        test, holdout = (module.eval()(views[0][part]).softmax(1).numpy() for part in (split.test, split.holdout))
    return test, holdout, curve


@torch.no_grad()
def settle_plainly(head: nn.Module, batch: Tensor, labels: np.ndarray) -> None:
    """Class-balanced statistics, by repeating each image until all classes are alike."""
    counts = np.bincount(labels)
    times = torch.from_numpy(np.lcm.reduce(counts) // counts[labels])
    for layer in head.eval().children():
        if isinstance(layer, nn.BatchNorm1d):
            repeated = batch.repeat_interleave(times, 0)
            layer.running_mean, layer.running_var = repeated.mean(0), repeated.var(0, correction=0)
        batch = layer(batch)


def train_whole(
    module: nn.Module,
    pixels: np.ndarray,
    labels: np.ndarray,
    mean: Any,
    std: Any,
    split: Split,
    recipe: Recipe,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """A network trained on one split by the benchmark."""
    network = Network(module, (module, "all of it"), (module, "all of it"))
    ((outcome, _),) = networks.train_networks(
        lambda _: network, networks.Task(Pictures(pixels, mean, std), labels, recipe, seed, CPU), [split], progress
    )
    return outcome


START = ((torch.linspace(-0.3, 0.3, 24 * 16).reshape(16, 24).sin(), torch.linspace(-1, 1, 16)),)
HEADS = [Head((16,)), Head((32, 16)), Head((16, 16, 8), dropped=2), Head((16, 8), dropped=1, start=START), Head(())]


@pytest.mark.parametrize("head", HEADS, ids=["one", "two", "dropout", "pre-trained", "linear"])
@pytest.mark.parametrize("augmentation", ["rotate-flip", "none"])
def test_stacked_heads_are_trained_as_torch_trains_one(
    head: Head, augmentation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In double precision: in single, Adam makes 1e-2 of the last bit's noise where a batch hardly wakes a unit."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    monkeypatch.setattr(heads, "StackedHead", lambda *arguments: StackedHead(*arguments).double())
    task, recipe = Task(), Recipe(epochs=5, augmentation=augmentation, views=3, learning_rate=3e-3)
    if augmentation == "none":
        task.features = task.features[:1]
    views = torch.from_numpy(task.features).double()
    for outcome in task.train(head, recipe):
        alone = plain_head(common.seed_of(outcome.split, 0, "init"), 24, head, 3).double()
        test, holdout, curve = train_plainly(alone, views, task.labels, outcome.split, recipe)
        assert np.abs(outcome.test - test).max() < 1e-7
        assert np.abs(outcome.holdout - holdout).max() < 1e-7
        assert outcome.loss == pytest.approx(curve, abs=1e-5)
        assert outcome.parameters_trained == sum(p.numel() for p in alone.parameters())
        assert outcome.images == 5 * (len(outcome.split.train) // 8 * 8)
        assert outcome.error is None


@pytest.mark.parametrize("head", [Head((64,)), Head((16, 16, 8), dropped=2)], ids=["batch norm", "dropout"])
def test_a_trial_does_not_depend_on_its_company(head: Head) -> None:
    task, recipe = Task(), Recipe(views=3)
    company = task.train(head, recipe)
    alone = [task.train(head, recipe, [split])[0] for split in task.splits]
    turned = task.train(head, recipe, task.splits[::-1])[::-1]
    for one, *others in zip(company, alone, turned, strict=True):
        for other in others:
            assert other.split is one.split
            assert np.abs(one.test - other.test).max() <= 1e-3  # 2e-7 measured
            assert np.abs(one.holdout - other.holdout).max() <= 1e-3
            assert one.loss == pytest.approx(other.loss, abs=1e-3)
    assert len({outcome.test[0].tobytes() for outcome in company}) == 5


def test_trials_of_unequal_length_or_too_large_to_stack_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    task, recipe = Task(), Recipe(epochs=2, views=3)
    first = task.splits[0]
    task.splits[1] = replace(first, fold=9, train=first.train[::2])
    together = task.train(Head((16,)), recipe)
    monkeypatch.setattr(heads.Lesson, "together", 2)
    for split, one, other in zip(task.splits, together, task.train(Head((16,)), recipe), strict=True):
        assert one.split is other.split is split
        assert np.abs(one.test - other.test).max() <= 1e-3


def test_heads_that_are_too_large_are_not_stacked() -> None:
    def together(width: int, head: Head) -> int:
        views = Views(np.zeros((1, 1, width), dtype=np.float32), slice(0, width), torch.device("cpu"))
        return Lesson(views, np.zeros(1, dtype=np.int64), 4, head, Recipe(), 0).together

    assert together(25088, Head((4096, 4096, 256), dropped=2)) == 1
    assert 20 < together(1280, Head((256,))) < 1000


def test_heads_train_on_fewer_images_than_a_batch_also_where_folds_differ_in_size() -> None:
    task = Task()
    small = [
        replace(task.splits[n], train=task.splits[n].train[[0, 1, 2, -1, -2, -3, *range(3, 3 + n)]]) for n in (0, 1)
    ]
    outcomes = task.train(Head((8,)), Recipe(epochs=3, views=3), small)
    assert [outcome.images for outcome in outcomes] == [18, 21]
    assert all(outcome.error is None and np.isfinite(outcome.test).all() for outcome in outcomes)


def test_each_split_draws_its_own_views_and_the_plain_one_in_the_last_epoch() -> None:
    task, recipe = Task(), Recipe(epochs=5, batch_size=10)

    def drawn(split: Split = task.splits[0], seed: int = 0, **fields: Any) -> list[list[int]]:
        chosen = replace(recipe, **fields)
        return [d.ravel().tolist() for d in heads.view_draws(split, chosen, seed)]

    usual = drawn()
    assert [len(epoch) for epoch in usual] == [len(task.splits[0].train) // 10 * 10] * 5
    assert set(usual[-1]) == {0}
    assert set(np.concatenate(usual[:-1])) == set(range(2 * 5 + 1))  # the plain one is one of them
    assert usual == drawn(learning_rate=0.1, image_size=64)
    assert [epoch[:60] for epoch in usual] == [epoch[:60] for epoch in drawn(batch_size=12)]
    others = [drawn(task.splits[1]), drawn(replace(task.splits[0], repeat=1)), drawn(seed=1)]
    assert len({str(each) for each in (usual, *others)}) == 4
    assert set(np.concatenate(drawn(augmentation="none"))) == {0}
    assert set(np.concatenate(drawn(epochs=1))) == {0}


@pytest.mark.parametrize("head", [Head((16, 8)), Head((16, 16, 8), dropped=2)], ids=["batch norm", "dropout"])
def test_one_head_of_a_stack_answers_as_it_did_in_the_stack(head: Head) -> None:
    task, told = Task(), {}
    lesson = task.lesson(head, Recipe(epochs=2, views=3))
    outcomes = heads.train_heads(lesson, task.splits, lambda split, made: told.setdefault(split.fold, made()))
    for outcome in outcomes:
        with torch.no_grad():
            alone = told[outcome.split.fold](torch.from_numpy(task.features[0, outcome.split.test]).float())
        assert np.abs(alone.softmax(1).numpy() - outcome.test).max() < 1e-5


def test_views_are_columns_of_the_features_of_some_images(tmp_path: Path) -> None:
    found = np.lib.format.open_memmap(tmp_path / "f.npy", "w+", np.float16, (4, 10, 6))
    found[:] = np.arange(240).reshape(4, 10, 6)
    views, rows = np.array([[0, 3], [2, 2]]), np.array([[9, 0], [5, 5]])
    some = Views(found, slice(1, 4), CPU)
    assert torch.equal(some.take(views, rows), torch.from_numpy(np.array(found[views, rows, 1:4])))
    assert torch.equal(some.plain(rows), torch.from_numpy(np.array(found[0, rows, 1:4])))
    assert some.plain(rows[0]).shape == (2, 3)


def labelled(counts: tuple[int, ...]) -> tuple[np.ndarray, Split]:
    labels = np.repeat(np.arange(len(counts)), counts)
    everything = np.arange(len(labels))
    return labels, Split(0, 0, everything[5:], everything[:3], everything[3:5])


def test_draws_take_each_class_alike_and_each_image_of_a_class_alike() -> None:
    labels, split = labelled((85, 16, 8))
    drawn = np.concatenate([d.ravel() for d in common.balanced_draws(labels, split, Recipe(epochs=800), 0)])
    assert set(drawn) == set(split.train.tolist())
    shares = np.bincount(labels[drawn]) / len(drawn)
    assert shares == pytest.approx([1 / 3] * 3, abs=0.008)  # 5 standard errors
    for label, count in enumerate((80, 16, 8)):
        of_class = drawn[labels[drawn] == label]
        assert np.bincount(of_class)[np.unique(of_class)] == pytest.approx(len(of_class) / count, rel=0.2)


@pytest.mark.parametrize(
    ("count", "batch", "shape"), [(45, 8, (5, 8)), (40, 8, (5, 8)), (47, 10, (4, 10)), (6, 8, (1, 6))]
)
def test_draws_are_as_many_as_images_less_an_incomplete_batch(count: int, batch: int, shape: tuple[int, int]) -> None:
    labels, split = labelled((5 + count - 3, 3))
    assert len(split.train) == count
    drawn = list(common.balanced_draws(labels, split, Recipe(epochs=3, batch_size=batch), 0))
    assert [epoch.shape for epoch in drawn] == [shape] * 3
    assert len({epoch.tobytes() for epoch in drawn}) == 3


def test_draws_repeat_images_within_an_epoch() -> None:
    labels, split = labelled((45, 40))
    (drawn,) = common.balanced_draws(labels, split, Recipe(epochs=1), 0)
    assert 0.5 * drawn.size < np.unique(drawn).size < 0.75 * drawn.size  # 1 - 1/e without the classes


def test_draws_depend_on_the_split_and_the_seed_alone() -> None:
    labels, split = labelled((45, 30))

    def draws(which: Split = split, seed: int = 0, **fields: Any) -> list[bytes]:
        return [d.tobytes() for d in common.balanced_draws(labels, which, Recipe(epochs=4, **fields), seed)]

    assert draws() == draws(learning_rate=0.5, image_size=64, augmentation="none")
    assert draws()[:2] == [d.tobytes() for d in common.balanced_draws(labels, split, Recipe(epochs=2), 0)]
    others = (draws(seed=1), draws(replace(split, fold=1)), draws(replace(split, repeat=1)))
    assert len({tuple(drawn) for drawn in (draws(), *others)}) == 4


def test_every_kind_of_model_trains_on_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    task, recipe, seen = Task(), Recipe(epochs=2, views=3, image_size=32), []
    real = common.balanced_draws

    def recorded(*arguments: Any) -> Iterator[np.ndarray]:
        for draws in real(*arguments):
            seen.append(draws.tolist())
            yield draws

    monkeypatch.setattr(common, "balanced_draws", recorded)
    monkeypatch.setattr(heads, "balanced_draws", recorded)
    task.train(Head((8,)), recipe, task.splits[:1])
    pixels = np.zeros((97, 32, 32, 3), dtype=np.uint8)
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))
    train_whole(network, pixels, task.labels, [0.5] * 3, [1.0] * 3, task.splits[0], recipe)
    assert len(seen) == 4
    assert seen[:2] == seen[2:]


def test_normalised_images_have_mean_0_and_deviation_1() -> None:
    pixels = np.random.default_rng(0).integers(0, 200, (10, 32, 32, 3), dtype=np.uint8)
    batch = augmentation.normalise(pixels, *decoded.channel_statistics(pixels), CPU)
    assert batch.shape == (10, 3, 32, 32)
    assert batch.dtype == torch.float32
    assert batch.mean((0, 2, 3)).abs().max() < 1e-5
    assert (batch.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-5
    assert torch.allclose(batch[3, 1].argmax(), torch.tensor(int(pixels[3, :, :, 1].argmax())))


def disc(size: int) -> Tensor:
    """Distance of each pixel's centre from the image's, in pixels."""
    at = torch.arange(size) - (size - 1) / 2
    return (at[:, None] ** 2 + at[None, :] ** 2).sqrt()


def turned(batch: Tensor, seed: int = 0) -> Tensor:
    return augmentation.rotate_flip(batch, torch.Generator().manual_seed(seed))


def test_what_comes_in_from_outside_is_0() -> None:
    out = turned(torch.full((200, 3, 33, 33), 7.0))
    assert torch.allclose(out[:, :, disc(33) <= 15.5], torch.tensor(7.0))
    corners = out[:, 0, 0, 0]
    assert (corners == 0).float().mean() > 0.9  # exactly; an image turned by a degree or two keeps its corners
    assert ((out == 0) | (out > 0)).all()
    assert (out <= 7.0001).all()
    assert out.mean().item() / 7 == pytest.approx(0.90, abs=0.02)  # what of a square stays in it, over ±90°


def test_a_round_image_stays_as_it_is() -> None:
    bump = torch.exp(-((disc(65) / 14) ** 2)).expand(50, 3, 65, 65)
    assert (turned(bump) - bump).abs().max() < 0.01


def test_without_a_turn_the_four_mirrorings_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = torch.randn(1, 3, 16, 16).expand(60, 3, 16, 16)
    monkeypatch.setattr(torch, "rand", lambda n, generator: torch.full((n,), 0.5))
    out = turned(batch)
    mirrored = [batch[0].flip(axes) if axes else batch[0] for axes in ((), (1,), (2,), (1, 2))]
    which = [[bool(torch.allclose(image, m, atol=1e-4)) for m in mirrored] for image in out]
    assert all(sum(found) == 1 for found in which)
    assert min(np.sum(which, axis=0)) >= 7


@pytest.mark.parametrize(("drawn", "quarter"), [(0.0, -1), (1.0, 1)])
def test_the_widest_turns_are_quarters(drawn: float, quarter: int, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = torch.randn(2, 3, 16, 16)
    monkeypatch.setattr(torch, "rand", lambda n, generator: torch.full((n,), drawn))
    monkeypatch.setattr(torch, "randint", lambda low, high, shape, generator: torch.ones(shape))
    assert torch.allclose(turned(batch), batch.rot90(quarter, (2, 3)), atol=1e-4)


def test_turns_point_everywhere_and_half_of_the_images_are_mirrored() -> None:
    """Two spots, a strong one to the right and a weak one below it, tell a turn from a mirroring."""
    at = torch.arange(41) - 20.0
    strong, weak = (torch.exp(-((at[None, :] - x) ** 2 + (at[:, None] - y) ** 2) / 6) for x, y in ((10, 0), (0, 10)))
    out = turned((torch.stack([strong, weak, 0 * weak])).expand(600, 3, 41, 41))
    mass = out[:, :2] / out[:, :2].sum((2, 3), keepdim=True)
    x, y = (mass * at[None, :]).sum((2, 3)), (mass * at[:, None]).sum((2, 3))
    assert torch.hypot(x, y) == pytest.approx(10, abs=0.2)
    unmirrored = x[:, 0] * y[:, 1] - y[:, 0] * x[:, 1] > 0
    assert 240 < unmirrored.sum() < 360
    quadrants = (torch.atan2(y[:, 0], x[:, 0]) / (np.pi / 2)).floor().long() + 2
    assert torch.bincount(quadrants, minlength=4).min() > 110


def test_augmentation_is_repeatable_by_its_generator_alone() -> None:
    batch = torch.randn(6, 3, 16, 16)
    torch.manual_seed(1)
    first = turned(batch, seed=5)
    torch.manual_seed(2)
    assert torch.equal(first, turned(batch, seed=5))
    assert not torch.equal(first, turned(batch, seed=6))


def small_backbone() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )


MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.2)


def source(count: int = 45, **fields: Any) -> Source:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 20, 20, 3), dtype=np.uint8)
    shown = {name: fields.pop(name, usual) for name, usual in (("pixels", pixels), ("mean", MEAN), ("std", STD))}
    usual = {"key": ("content", "model", "1", "none"), "augmented": np.arange(5, count), "views": 2, "seed": 0}
    return Source(pictures=Pictures(**shown), **(usual | fields))


def test_features_are_the_backbones_and_the_holdout_is_never_augmented(tmp_path: Path) -> None:
    backbone, told = small_backbone(), []
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    backbone.train()
    found = features.frozen_features(backbone, source(), tmp_path, CPU, told.append)
    assert (found.shape, found.dtype) == ((3, 45, 24), np.float16)
    assert sum(told) == 45 + 2 * 40
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, before[name]), name  # frozen: batch norm's statistics too
    with torch.no_grad():
        batch = source().pictures.batch(EVERY, CPU)
        expected = backbone.eval()(batch).numpy()
        view = augmentation.rotate_flip(batch[5:37], torch.Generator().manual_seed(1))
        first_augmented = backbone(view).numpy()
    assert np.abs(found[0] - expected).max() < 2e-3
    assert np.abs(found[2, 5:37] - first_augmented).max() < 2e-3
    assert not found[1:, :5].any()
    assert np.abs(found[1, 5:] - found[2, 5:]).max() > 0.05


def test_features_are_computed_once(tmp_path: Path) -> None:
    def refused(*_: Any) -> None:
        raise AssertionError("the backbone ran again")

    backbone = small_backbone()
    first = features.frozen_features(backbone, source(), tmp_path, CPU)
    backbone.register_forward_hook(refused)
    second = features.frozen_features(backbone, source(), tmp_path, CPU)
    assert np.array_equal(first, second)
    assert isinstance(second, np.memmap)
    assert not second.flags.writeable
    others: list[dict[str, Any]] = [
        {"key": ("content", "model", "2", "none")},
        {"mean": (0.4, 0.5, 0.61)},
        {"std": (0.2, 0.3, 0.21)},
        {"augmented": np.arange(6, 45)},
        {"views": 3},
        {"seed": 1},
        {"pixels": np.zeros((45, 24, 24, 3), np.uint8)},
    ]
    for fields in others:
        with pytest.raises(AssertionError, match="ran again"):
            features.frozen_features(backbone, source(**fields), tmp_path, CPU)


def test_features_do_not_depend_on_how_many_images_pass_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for size in (1, 7, 64):
        monkeypatch.setitem(features.BATCH, "cpu", size)
        found.append(features.frozen_features(small_backbone(), source(), tmp_path / str(size), CPU).astype(float))
    for other in found[1:]:
        assert np.abs(other - found[0]).max() < 2e-3


def test_features_without_augmentation_are_the_images_alone(tmp_path: Path) -> None:
    assert features.frozen_features(small_backbone(), source(views=0), tmp_path, CPU).shape == (1, 45, 24)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_features_are_kept_whole_or_not_at_all(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(file: Any, array: np.ndarray) -> None:
        file.write(b"half")
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(np, "save", failing)
        with pytest.raises(BenchError if isinstance(error, OSError) else KeyboardInterrupt):
            features.frozen_features(small_backbone(), source(), tmp_path, CPU)
    assert not list((tmp_path / "features").iterdir())
    assert features.frozen_features(small_backbone(), source(), tmp_path, CPU).shape == (3, 45, 24)


def test_a_broken_loss_fails_its_trial_and_no_other() -> None:
    task, recipe = Task(), Recipe(epochs=4, augmentation="none")
    task.features = task.features[:1].copy()
    whole = task.train(Head((16,)), recipe)
    victim = int(np.setdiff1d(task.splits[1].train, task.splits[0].train)[0])  # in the test fold of the first
    task.features[:, victim] = np.nan
    spared = 0
    for split, before, after in zip(task.splits, whole, task.train(Head((16,)), recipe), strict=True):
        if victim not in split.train:
            assert (
                after.error == "the probabilities are no numbers; a lower learning rate may help"
            )  # it is asked about
            kept = split.test != victim
            assert np.abs(after.test[kept] - before.test[kept]).max() <= 1e-3
            spared += 1
        else:  # drawn for training, or for the statistics of the batch norms alone
            drawn = any(victim in draws for draws in common.balanced_draws(task.labels, split, recipe, 0))
            assert after.error is not None
            assert after.error.startswith("the loss became nan in epoch " if drawn else "the probabilities are no ")
            assert after.error.endswith("a lower learning rate may help")
    assert 1 <= spared < 5


def image_task() -> tuple[np.ndarray, np.ndarray, Split]:
    """Small images whose class is their colour."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 2
    pixels = random.integers(0, 120, (60, 32, 32, 3), dtype=np.uint8)
    pixels[labels == 1, :, :, 1] += 60
    return pixels, labels, Split(0, 0, np.arange(40), np.arange(40, 50), np.arange(50, 60))


@pytest.mark.parametrize("mixed", [False, True], ids=["float32", "bfloat16"])
def test_a_network_is_trained_as_torch_trains_it(mixed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "native", lambda device: mixed)
    pixels, labels, split = image_task()
    recipe = Recipe(epochs=3, augmentation="none", image_size=32)
    mean, std = decoded.channel_statistics(pixels)
    network, again = (nn.Sequential(*small_backbone(), nn.Linear(24, 2)) for _ in range(2))
    again.load_state_dict(network.state_dict())
    for module in (network, again):
        module[3] = nn.Identity()  # no dropout
    told: list[int] = []
    outcome = train_whole(network, pixels, labels, mean, std, split, recipe, progress=told.append)
    batch = augmentation.normalise(pixels, mean, std, CPU)
    test, holdout, curve = train_plainly(again, batch[None], labels, split, recipe, mixed)
    assert np.abs(outcome.test - test).max() < 1e-4
    assert np.abs(outcome.holdout - holdout).max() < 1e-4
    assert outcome.loss == pytest.approx(curve, abs=1e-4)
    assert sum(told) == outcome.images == 120
    assert outcome.parameters_trained == sum(p.numel() for p in network.parameters())
    assert (outcome.test.argmax(1) == labels[split.test]).all()


def test_a_network_is_augmented_and_dropped_out_by_the_trials_seed_alone() -> None:
    pixels, labels, split = image_task()

    def train(seed: int, global_seed: int, **fields: Any) -> np.ndarray:
        network = nn.Sequential(*small_backbone(), nn.Linear(24, 2))
        torch.manual_seed(0)
        nn.init.normal_(network[-1].weight)
        torch.manual_seed(global_seed)
        recipe = Recipe(epochs=2, image_size=32, **fields)
        return train_whole(network, pixels, labels, [0.3] * 3, [0.2] * 3, split, recipe, seed).test

    assert np.array_equal(train(0, 1), train(0, 2))
    assert not np.array_equal(train(0, 1), train(1, 1))
    assert not np.array_equal(train(0, 1), train(0, 1, augmentation="none"))


def test_a_network_whose_loss_breaks_fails_with_a_reason(library: Library) -> None:
    """From the loss to the row of the store: failed, with no predictions."""
    built = []

    def build(classes: int) -> Network:
        module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, classes))
        if not built:
            module[-1].bias.data[0] = torch.inf
        built.append(module)
        return Network(module, (module[0], "pooled"), (module[0], "pooled"))

    dataset, wanted = library.load("tiny"), Protocol(folds=2, repeats=1)
    splits = datasets.splits(library, dataset, wanted)
    model = replace(models.get("cnn-shallow"), build=build)
    cell = plan.make_cell(dataset, model, Recipe(image_size=32, epochs=3), wanted, splits, "none")
    (bad,), (good,) = cells.run(cell, Place(library.cache, CPU), lambda _: None)
    assert bad.row["status"] == "failed"
    assert bad.row["error"] == "the loss became nan in epoch 1; a lower learning rate may help"
    assert len(bad.row["loss"]) == 1  # it stops there
    assert bad.predictions == bad.activations == []
    assert (good.row["status"], good.row["error"], len(good.row["loss"])) == ("done", None, 3)
    assert len(good.predictions) == len(splits[1].test) + len(splits[1].holdout)


def test_a_floor_is_a_balanced_logistic_regression() -> None:
    task = Task()
    numbers = task.features[0].astype(np.float64)
    outcome, linear = regressions.fit_floor(numbers, task.labels, task.splits[0])
    expected = logistic(numbers, task.labels, task.splits[0]).predict_proba(numbers[task.splits[0].test])
    assert np.abs(outcome.test - expected).max() < 1e-6
    asked = linear(torch.from_numpy(numbers[task.splits[0].test])).softmax(1).detach().numpy()
    assert np.abs(asked - expected).max() < 1e-12, "the layer that can be kept says the same"
    assert outcome.parameters_trained == 3 * 25


@pytest.mark.parametrize("name", ["cuda:99", "cuda:0,99", "cuda:x", "cuda:-1", "gpu", "mps", "cpu:0", ""])
def test_a_device_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(BenchError, match=f"--device {name}: "):
        common.choose_devices(name)
    assert common.choose_devices("cpu") == [CPU]


def test_every_gpu_is_chosen_or_those_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    for wanted, numbers in (("auto", [0, 1, 2]), ("cuda", [0, 1, 2]), ("cuda:1", [1]), ("cuda:2,0,2", [2, 0])):
        assert common.choose_devices(wanted) == [torch.device("cuda", number) for number in numbers]
    assert common.choose_devices("cpu") == [CPU]


def test_out_of_memory_means_fewer_heads_at_once_and_the_same_results(monkeypatch: pytest.MonkeyPatch) -> None:
    task, recipe, train, asked = Task(), Recipe(epochs=2, views=3), heads._train_stack, []
    expected = task.train(Head((16,)), recipe)

    def small(lesson: Lesson, splits: Any, ended: Any) -> Any:
        asked.append(len(splits))
        if len(splits) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train(lesson, splits, ended)

    monkeypatch.setattr(heads, "_train_stack", small)
    most = 1
    for one, other in zip(expected, task.train(Head((16,)), recipe), strict=True):
        assert one.split is other.split
        assert np.abs(one.test - other.test).max() <= 1e-3
    assert asked[0] == len(task.splits) > 1 == asked[-1]
    most = 0
    with pytest.raises(torch.OutOfMemoryError):
        task.train(Head((16,)), recipe)


def logistic(numbers: np.ndarray, labels: np.ndarray, split: Split) -> Any:
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=5000))
    return model.fit(numbers[split.train], labels[split.train])


def heads_and_scikit_learn(
    dataset: Dataset, splits: list[Split], size: int, epochs: int, cache: Path
) -> tuple[float, float]:
    """Mean balanced accuracy on the test folds of heads on EfficientNet's features and of a logistic regression."""
    recipe = Recipe(image_size=size, epochs=epochs, augmentation="none")
    pixels = decoded.load(dataset, size, cache)
    outside = np.sort(np.concatenate([splits[0].train, splits[0].test]))
    model = models.get("efficientnet-lite0")
    built = model.build(model.weights.state_dict())
    statistics = decoded.channel_statistics(pixels[outside])
    frozen = features.frozen_features(
        built.backbone.module, Source((dataset.content_hash,), Pictures(pixels, *statistics), outside, 0, 0), cache, CPU
    )
    columns = built.backbone.columns
    labels, plain = np.array(dataset.labels), frozen[0, :, columns].astype(np.float64)
    views = Views(frozen, columns, CPU)
    lesson = Lesson(views, labels, len(dataset.classes), built.head, recipe, 0)
    outcomes = heads.train_heads(lesson, splits)
    ours = [balanced_accuracy_score(labels[o.split.test], o.test.argmax(1)) for o in outcomes]
    theirs = [
        balanced_accuracy_score(labels[split.test], logistic(plain, labels, split).predict(plain[split.test]))
        for split in splits
    ]
    return float(np.mean(ours)), float(np.mean(theirs))


def test_heads_score_as_scikit_learn_on_built_in_images(library: Library, tmp_path: Path) -> None:
    dataset = library.load("tiny")
    splits = datasets.splits(library, dataset, Protocol(folds=5, repeats=1))
    ours, theirs = heads_and_scikit_learn(dataset, splits, 64, 8, tmp_path)
    print(f"built-in images: heads {ours:.3f}, scikit-learn {theirs:.3f}")
    assert abs(ours - theirs) <= 0.1
    assert theirs > 0.6


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "wbc-segmented").is_dir(), reason=f"the real white cells are not in {SHARED}")
def test_heads_score_as_scikit_learn_on_real_cells(tmp_path: Path) -> None:
    torch.set_num_threads(2)
    known = Library((SHARED,), tmp_path)
    dataset = known.load("wbc-segmented")
    splits = datasets.splits(known, dataset, Protocol(folds=5, repeats=1))
    ours, theirs = heads_and_scikit_learn(dataset, splits, 224, 8, tmp_path)
    print(f"white cells: heads {ours:.3f}, scikit-learn {theirs:.3f}")
    assert abs(ours - theirs) <= 0.04
    assert theirs > 0.7
