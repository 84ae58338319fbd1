"""Heads on frozen features: all trials of a cell at once, each on views of the images that its own split draws.

What a head is asked about in the end is the plain view of an image. So that view is one of those that it trains on, and
in the last epoch the only one, and the statistics of its batch norms are taken again on it: heads that only ever saw
turned images lose points, and are too sure of themselves (bench/README.md says what was measured).
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from bench.models import Backbone, Head, Transfer
from bench.planning import Trial
from bench.study import Recipe, Split, protocol
from bench.training import features, memory, precision
from bench.training.common import Outcome, Probabilities, balanced_draws, failure, seed_of
from bench.training.features import Views
from bench.training.material import Capture, Explained, Material, Progress, Trained
from bench.training.stacking import StackedHead
from store import ActivationRow

Ended = Callable[[Split, Callable[[], nn.Module]], None]
"""Told of a split and of what gives its head, as soon as that is trained."""


def train(
    material: Material, taken: Iterator[Trial], capture: Capture, progress: Progress
) -> Iterator[Sequence[Trained]]:
    """Train the heads of a cell: frozen features first, once, then all trials together."""
    trials = list(taken)
    model = material.cell.model.seeded(material.classes, material.seed)
    assert isinstance(model, Transfer)
    began = time.perf_counter()
    found = features.of_material(material, model.backbone, material.cell.recipe.view_count, progress)
    share = (time.perf_counter() - began) / len(trials)
    captured: dict[int, Sequence[ActivationRow]] = {}
    of_split = {id(trial.split): trial for trial in trials}

    def ended(split: Split, head: Callable[[], nn.Module]) -> None:
        trial = of_split[id(split)]
        material.keep(material, trial, lambda: head().state_dict())
        captured[id(split)] = capture(
            trial,
            lambda: explained(model.backbone, head()),
            lambda: _random(material),
            found[0, :, model.backbone.columns],
        )

    views = Views(found, model.backbone.columns, material.device)
    lesson = Lesson(views, material.labels, material.classes, model.head, material.cell.recipe, material.seed)
    outcomes = train_heads(lesson, [trial.split for trial in trials], ended)
    parameters = sum(p.numel() for p in model.backbone.module.parameters())
    for outcome in outcomes:
        outcome.seconds += share
    yield [
        Trained(trial, outcome, parameters, captured.get(id(outcome.split), ()))
        for trial, outcome in zip(trials, outcomes, strict=True)
    ]


def explained(backbone: Backbone, head: nn.Module) -> Explained:
    """A frozen backbone and a head on its features as one network."""
    module = nn.Sequential(backbone.module, features.Columns(backbone.columns), head)
    return Explained(module, backbone.middle, backbone.deepest)


def _random(material: Material) -> Explained:
    """The same network, its head too, as it is before any training."""
    bare = material.cell.model.with_weights("none").seeded(material.classes, material.seed + 1)
    assert isinstance(bare, Transfer)
    columns = bare.backbone.columns
    stack = StackedHead([material.seed + 1], columns.stop - columns.start, bare.head, material.classes)
    return explained(bare.backbone, stack.eval().one(0))


def view_draws(split: Split, recipe: Recipe, seed: int) -> Iterator[NDArray[np.int64]]:
    """For each epoch the views that a split's draws of images are seen in, (steps, batch) as `balanced_draws` has them:
    any of the recipe's pool, the plain one (0) among them, and in the last epoch that one alone.

    They know no model, so that models of one split see the same; and they differ from split to split, so that the
    spread of a cell's trials shows this luck as well.
    """
    count = len(split.train)
    batch = min(recipe.batch_size, count)
    generator = protocol.rng("views", seed, split.repeat, split.fold)
    for epoch in range(recipe.epochs):
        drawn = generator.integers(recipe.view_count + 1, size=count)
        if epoch == recipe.epochs - 1:
            drawn = np.zeros(count, dtype=np.int64)
        yield drawn[: count // batch * batch].reshape(-1, batch)


@dataclass(frozen=True)
class Lesson:
    """What all heads of a cell learn, and how.

    Attributes:
        views: of the images' frozen features.
        labels: (N,) class numbers of the images.
        classes: how many classes there are.
        head: the layers to train.
        recipe: how they are trained.
        seed: the protocol's.
    """

    views: Views
    labels: NDArray[np.int64]
    classes: int
    head: Head
    recipe: Recipe
    seed: int

    @property
    def together(self) -> int:
        """How many heads fit beside each other: 32 million parameters with gradients and Adam's two moments are half
        a gigabyte.
        """
        widths = (self.views.width, *self.head.hidden, self.classes)
        return max(1, 32_000_000 // sum(a * b for a, b in itertools.pairwise(widths)))


def train_heads(lesson: Lesson, splits: Sequence[Split], ended: Ended = lambda split, head: None) -> list[Outcome]:
    """Train one head for each split on frozen features, all at once where their batches agree."""
    outcomes: dict[int, Outcome] = {}
    batches = [min(lesson.recipe.batch_size, len(split.train)) for split in splits]
    shapes = [(len(split.train) // batch, batch) for split, batch in zip(splits, batches, strict=True)]
    for shape in sorted(set(shapes)):
        members = [i for i, each in enumerate(shapes) if each == shape]
        group = min(len(members), lesson.together)
        while members:
            chosen = [splits[i] for i in members[:group]]
            try:
                trained = _train_stack(lesson, chosen, ended)
            except torch.OutOfMemoryError:
                if group == 1:
                    raise
                # Fewer at once, with the same recipe: a smaller batch would be another training.
                group //= 2
                torch.cuda.empty_cache()
                continue
            outcomes |= dict(zip(members, trained, strict=False))
            members = members[len(chosen) :]
    return [outcomes[i] for i in range(len(splits))]


def _train_stack(lesson: Lesson, splits: Sequence[Split], ended: Ended) -> list[Outcome]:
    found, labels, recipe, seed = lesson.views, lesson.labels, lesson.recipe, lesson.seed
    began, device = time.perf_counter(), found.device
    stack = StackedHead([seed_of(s, seed, "init") for s in splits], found.width, lesson.head, lesson.classes).to(device)
    optimizer = torch.optim.Adam(stack.parameters(), lr=recipe.learning_rate, fused=True)
    target = torch.from_numpy(labels).to(device)
    history: list[tuple[Tensor, Tensor]] = []
    drawn = 0
    epochs = zip(*(balanced_draws(labels, s, recipe, seed) for s in splits), strict=True)
    views = zip(*(view_draws(s, recipe, seed) for s in splits), strict=True)
    alone = lesson.together == 1
    if alone:
        memory.give_back()
    # Heads so large that each trains by itself spend their time in products of matrices.
    with precision.coarse_products() if alone else nullcontext():
        for draws, seen in zip(epochs, views, strict=True):
            rows = np.stack(draws)  # (T, steps, B)
            shown = found.take(np.stack(seen), rows)  # (T, steps, B, D)
            index = torch.from_numpy(rows).to(device)
            losses, hits = torch.zeros(len(splits), device=device), torch.zeros(len(splits), device=device)
            for step in range(rows.shape[1]):
                optimizer.zero_grad(set_to_none=True)
                if alone and step == 1:
                    memory.give_back()  # what the first gradients left, in front of Adam's means, fits no others
                wanted = target[index[:, step]]
                logits = stack(shown[:, step].float())
                loss = F.cross_entropy(logits.transpose(1, 2), wanted, reduction="none").mean(1)
                loss.sum().backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                losses += loss.detach()
                hits += (logits.detach().argmax(2) == wanted).float().mean(1)
            drawn = rows.shape[1] * rows.shape[2]
            history.append((losses.cpu() / rows.shape[1], hits.cpu() / rows.shape[1]))
    stack.eval()
    _settle(stack, found, labels, splits)
    parameters = sum(p[0].numel() for p in stack.parameters())
    test, holdout = (_ask(stack, found, [getattr(s, name) for s in splits]) for name in ("test", "holdout"))
    seconds = (time.perf_counter() - began) / len(splits)
    outcomes = []
    for i, split in enumerate(splits):
        curve = [float(each[i]) for each, _ in history]
        accuracy = [float(each[i]) for _, each in history]
        error = failure(curve, test[i], holdout[i])
        images = len(history) * drawn
        outcomes.append(Outcome(split, test[i], holdout[i], curve, accuracy, seconds, images, parameters, error))
        if error is None:
            ended(split, lambda number=i: stack.one(number))  # type: ignore[misc]
    return outcomes


def _settle(stack: StackedHead, found: Views, labels: NDArray[np.int64], splits: Sequence[Split]) -> None:
    """Take the batch norms' statistics again on the plain view of each trial's training images, classes alike."""
    longest = max(len(split.train) for split in splits)
    rows = np.stack([np.resize(split.train, longest) for split in splits])
    shares = np.zeros(rows.shape, dtype=np.float32)
    for row, split in zip(shares, splits, strict=True):
        own = labels[split.train]
        present, counts = np.unique(own, return_counts=True)
        row[: len(own)] = 1 / (len(present) * counts[np.searchsorted(present, own)])
    with torch.inference_mode():
        stack(found.plain(rows).float(), torch.from_numpy(shares).to(found.device))


@torch.inference_mode()
def _ask(stack: StackedHead, found: Views, wanted: Sequence[NDArray[np.int64]]) -> list[Probabilities]:
    """Each head's probabilities for images of its own; shorter lists are filled up, as all are asked together."""
    longest = max(map(len, wanted))
    rows = np.stack([np.resize(w, longest) for w in wanted])
    chances = stack(found.plain(rows).float()).softmax(2).cpu().numpy()
    return [chances[i, : len(w)] for i, w in enumerate(wanted)]
