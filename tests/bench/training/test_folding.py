"""Folded networks answer as they did, in fewer layers; where they would not, they are left alone."""

import copy

import pytest
import torch
from torch import nn

from bench import models
from bench.study import study
from bench.training import memory
from bench.training.folding import folded

FROZEN = [name for name in study.load("blog").models if models.get(name).kind == "transfer" and "-lower" not in name]
pytestmark = pytest.mark.usefixtures("one_thread")


def norms(module: nn.Module) -> int:
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in module.modules())


def unlike_at_the_start(module: nn.Module) -> nn.Module:
    """Statistics as after training: with those of the start, a batch norm does next to nothing."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values in (layer.weight, layer.running_var):
                nn.init.uniform_(values, 0.5, 1.5)  # type: ignore[arg-type]
            for values in (layer.bias, layer.running_mean):
                nn.init.uniform_(values, -0.2, 0.2)  # type: ignore[arg-type]
    return module


@pytest.mark.parametrize("name", FROZEN)
def test_every_backbone_answers_as_it_did(name: str) -> None:
    torch.manual_seed(0)
    backbone = unlike_at_the_start(models.get(name).with_weights("none").make(3).backbone.module.eval())
    before, batch = copy.deepcopy(backbone.state_dict()), torch.randn(3, 3, 64, 64)
    network = folded(backbone, batch[:2])
    with torch.inference_mode():
        expected, found = backbone(batch), network(batch)
    assert torch.allclose(found, expected, atol=1e-4 * float(expected.abs().max()))
    assert norms(network) == 0
    assert (network is backbone) == (norms(backbone) == 0), "nothing is copied where there is nothing to fold"
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


def test_neighbours_by_name_alone_are_left_as_they_are() -> None:
    class Odd(nn.Module):
        """Registered one after the other; used the other way round."""

        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(self.norm(x))  # type: ignore[no-any-return]

    torch.manual_seed(0)
    odd = unlike_at_the_start(Odd().eval())
    assert folded(odd, torch.randn(2, 3, 8, 8)) is odd


def test_freed_memory_is_kept_where_the_c_library_can() -> None:
    assert memory.keep_what_was_freed() in (True, False)
    assert 2**24 < memory.peak(torch.device("cpu")) < 2**40
