"""The heads of many trials trained at once, as one batched computation.

Every parameter carries a leading axis of trials. A trial's arithmetic never sees its neighbours, so its result
does not depend on its company; a trial that runs alone takes the same path with an axis of one.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from bench.models import Head

EPSILON = 1e-5


class StackedHead(nn.Module):
    """T heads, each linear layers with ReLU and batch norm (or dropout) between: (T, B, D) to (T, B, C).

    Args:
        seeds: one for each trial; it draws the trial's first weights and its dropout.
        inputs: D.
        head: the layers.
        classes: C.
    """

    def __init__(self, seeds: Sequence[int], inputs: int, head: Head, classes: int) -> None:
        super().__init__()
        self.dropped = head.dropped
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        widths = (inputs, *head.hidden, classes)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        self.norms = _Norms(StackedBatchNorm(len(seeds), width) for width in head.hidden[head.dropped :])
        for before, after in itertools.pairwise(widths):
            self.weights.append(nn.Parameter(torch.empty(len(seeds), before, after)))
            self.biases.append(nn.Parameter(torch.empty(len(seeds), after)))
        with torch.random.fork_rng(devices=[]):
            for place, seed in enumerate(seeds):
                self._start(place, seed, head)

    @torch.no_grad()
    def _start(self, place: int, seed: int, head: Head) -> None:
        """A trial's first weights, put where they belong one layer after the other: VGG's are half a gigabyte."""
        torch.manual_seed(seed)
        for number, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            if number < len(head.start):
                weight, bias = head.start[number]
            else:
                linear = nn.Linear(weights.shape[1], weights.shape[2])
                weight, bias = linear.weight, linear.bias
            weights[place], biases[place] = weight.T, bias

    def forward(self, x: Tensor, shares: Tensor | None = None) -> Tensor:
        """(T, B, D) features to (T, B, C) logits; with (T, B) shares that sum to 1 for each trial, the batch norms take
        their statistics from these features, each of which counts by its share.
        """
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias.unsqueeze(1), x, weight)
            if layer == last:
                break
            x = F.relu(x)
            if layer < self.dropped:
                x = self._dropout(x)
                continue
            norm = self.norms[layer - self.dropped]
            if shares is not None:
                norm.settle(x, shares)
            x = norm(x)
        return x

    @torch.no_grad()
    def one(self, place: int) -> nn.Sequential:
        """The head of one trial in torch's own layers, in evaluation: (N, D) to (N, C)."""
        layers: list[nn.Module] = []
        for number, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            linear = nn.Linear(weights.shape[1], weights.shape[2], device="meta")
            linear.weight, linear.bias = nn.Parameter(weights[place].T.clone()), nn.Parameter(biases[place].clone())
            layers.append(linear)
            if number == len(self.weights) - 1:
                break
            layers.append(nn.ReLU())
            if number >= self.dropped:
                layers.append(self.norms[number - self.dropped].one(place))
        return nn.Sequential(*layers).eval()

    def _dropout(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        # Each trial drops by its own generator, so that no neighbour shifts its random numbers.
        kept = [torch.rand(x.shape[1:], generator=g) < 0.5 for g in self.generators]
        return x * torch.stack(kept).to(x.device) * 2


class StackedBatchNorm(nn.Module):
    """Batch norm over the second axis of (T, B, D), with statistics of its own for each trial.

    In evaluation it uses running means, updated by a tenth in each step, as torch's own does.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, trials: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(trials, 1, width))
        self.bias = nn.Parameter(torch.zeros(trials, 1, width))
        self.register_buffer("running_mean", torch.zeros(trials, 1, width))
        self.register_buffer("running_var", torch.ones(trials, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, D) to (T, B, D)."""
        if self.training:
            var, mean = torch.var_mean(x, dim=1, keepdim=True, correction=0)
            with torch.no_grad():
                count = x.shape[1]
                self.running_mean.lerp_(mean, 0.1)
                self.running_var.lerp_(var * (count / (count - 1)), 0.1)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) * torch.rsqrt(var + EPSILON) * self.weight + self.bias

    def settle(self, x: Tensor, shares: Tensor) -> None:
        """Take the statistics from (T, B, D), of which each row counts by its share (T, B)."""
        weight = shares.unsqueeze(2)
        mean = (x * weight).sum(1, keepdim=True)
        self.running_mean.copy_(mean)
        self.running_var.copy_(((x - mean) ** 2 * weight).sum(1, keepdim=True))

    def one(self, place: int) -> nn.BatchNorm1d:
        """That of one trial as torch's own."""
        width = self.weight.shape[2]
        norm = nn.BatchNorm1d(width, eps=EPSILON, device=self.weight.device)
        for name in ("weight", "bias", "running_mean", "running_var"):
            getattr(norm, name).copy_(getattr(self, name)[place, 0])
        return norm


class _Norms(nn.ModuleList):
    """A list of `StackedBatchNorm`, for the type checker."""

    def __getitem__(self, place: int) -> StackedBatchNorm:  # type: ignore[override]
        norm = super().__getitem__(place)
        assert isinstance(norm, StackedBatchNorm)
        return norm
