"""What all tests share: a small dataset, a cache of their own, a store with real trials in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import commands
import pytest
import torch
from paths import SHARED
from PIL import Image
from serving import Server, serving

from bench.datasets import Library
from bench.datasets.synthetic.proteins import PROTEINS
from bench.running import runner
from bench.study import study
from store import Store

needs_real_images = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real images are not in {SHARED}")

STUDY = """
title = "A study for the tests"
datasets = ["tiny"]
models = ["mean-colour", "efficientnet-lite0", "efficientnet-lite0-lower", "cnn-shallow"]
[protocol]
holdout = 0.2
folds = 2
repeats = 3
[recipe]
image_size = 48
epochs = 2
"""


def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of all tests, and of all processes that run them: built-in images are drawn once."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"


@pytest.fixture(autouse=True)
def _nothing_from_outside(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's settings or caches, nor can it download."""
    for name in ("BENCH_STORE", "BENCH_STUDY", "BENCH_DATA", "QUARTO_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BENCH_CACHE", str(shared_cache(tmp_path_factory)))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path_factory.getbasetemp() / "torch"))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> commands.Run:
    """The command, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return commands.runner(monkeypatch, capsys)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serves files on loopback, as a source of datasets would."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread: sums come out the same on every machine, and two tests do not fight for the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one dataset, `tiny`: three protein patterns, 24 images each, 64 px."""
    folder = tmp_path_factory.mktemp("data")
    for name in PROTEINS.classes[:3]:
        (folder / "tiny" / name).mkdir(parents=True)
        for number in range(24):
            Image.fromarray(PROTEINS.image(name, number, size=64)).save(folder / "tiny" / name / f"{number:02}.png")
    return folder


@pytest.fixture(scope="session")
def library(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The datasets of the data folder, with a cache of the tests' own."""
    return Library((data,), shared_cache(tmp_path_factory))


@pytest.fixture(scope="session")
def small_study() -> study.Study:
    """Four models on `tiny`, two folds three times, two epochs at 48 px."""
    return study.parse("small", STUDY, "small.toml")


@pytest.fixture(scope="session")
def trained(library: Library, small_study: study.Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds every trial of `small_study`, trained for real. Read it; do not write."""
    root = tmp_path_factory.mktemp("trained") / "store"
    result = runner.run(runner.prepare(small_study, library), Store(root, create=True), library.cache, "cpu")
    assert result.finished == 24
    assert result.failures == []
    return root


@pytest.fixture(scope="session")
def kept(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose trials were trained and kept, for real. Copy it before anything is written to it."""
    import keeping

    root = tmp_path_factory.mktemp("kept") / "store"
    prepared = runner.prepare(study.parse("kept", keeping.STUDY, "kept.toml"), library)
    result = runner.run(prepared, Store(root, create=True), library.cache, "cpu", keep=True)
    assert (result.finished, result.failures) == (16, [])
    return root
