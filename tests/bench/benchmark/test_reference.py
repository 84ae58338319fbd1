"""The original way of training is the same training, and the benchmark that runs both says what it measured."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench import models
from bench.benchmark import reference, timing
from bench.benchmark.timing import Figures
from bench.datasets import Library
from bench.models import Head, Network
from bench.running import runner
from bench.study import study


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("model", ["efficientnet-lite0-lower", "cnn-shallow"])
def test_a_trial_is_trained_and_asked(library: Library, small_study: study.Study, model: str) -> None:
    (cell,) = runner.prepare(small_study.narrowed(models=[model], recipe={"epochs": 3}), library).cells
    split = cell.trials[0].split
    test, holdout, spent = reference.train(cell, split)
    assert (test.shape, holdout.shape) == ((len(split.test), 3), (len(split.holdout), 3))
    assert np.allclose(test.sum(1), 1, atol=1e-5)
    steps = 3 * (len(split.train) // 8)
    assert spent.images == 8 * (steps - 1), "the first step warms up"
    assert min(spent.decoding, spent.trained) > 0
    nothing, _, spent = reference.train(cell, split, most=0.0)
    assert (len(nothing), spent.images) == (0, 8)


def test_what_is_frozen_stays_and_what_is_trained_is_the_models_head() -> None:
    transfer = models.get("efficientnet-lite0-lower").make(4)
    assert not isinstance(transfer, Network)
    frozen, head = reference.layers(transfer, 4, seed=0)  # type: ignore[arg-type]
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert not frozen.training, "batch norm's statistics are frozen too"
    assert [tuple(p.shape) for p in head.parameters() if p.dim() == 2] == [(64, 40), (32, 64), (4, 32)]
    start = ((torch.ones(6, 5), torch.zeros(6)),)
    dropped = reference.head_of(Head((6, 4), dropped=1, start=start), 5, 3, seed=0)
    assert [type(layer).__name__ for layer in dropped] == [
        "Linear",
        "ReLU",
        "Dropout",
        "Linear",
        "ReLU",
        "BatchNorm1d",
        "Linear",
    ]
    assert torch.equal(dropped[0].weight, torch.ones(6, 5))  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_benchmark_measures_both_ways(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = timing.PAGE.read_text()
    asked = ["--data", str(data), "--dataset", "tiny", "--image-size", "48", "--seconds", "0.5", "--repeats", "1"]
    assert timing.main([*asked, "--model", "efficientnet-lite0-lower"]) in (0, 1)
    name, original, ours, ratio, *_ = (part.strip() for part in capsys.readouterr().out.strip("| \n").split("|"))
    assert name == "efficientnet-lite0-lower"
    assert original.endswith((" s", " min"))
    assert ours.endswith(" s")
    assert float(ratio) > 0
    assert timing.PAGE.read_text() == page, "only a whole measurement is written down"
    assert timing.main(["--data", str(data), "--dataset", "none"]) == 2


def test_figures_are_written_between_their_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"decode": 1.0, "frozen": 50.0, "trained": 4.0, "store": 0.1}
    one = Figures("cnn", 36_000.0, {"decode": 500.0, "frozen": 0.0, "trained": 35_500.0}, 60.0, parts, 20, 2)
    row = "| cnn (2 trials measured) | 10.0 h | 60 s | 600.0 | 8 min, 0.0 s, 9.9 h | 1.0 s, 50 s, 4.0 s, 0.1 s |"
    assert timing.table([one]).splitlines()[-1] == row
    page = tmp_path / "README.md"
    page.write_text("before\n" + "\nold\n".join(timing.MARKS) + "\nafter\n")
    monkeypatch.setattr(timing, "PAGE", page)
    for _ in range(2):
        timing.write_down(timing.table([one]), "cells", 96)
        text = page.read_text()
        assert text.startswith("before\n<!-- measured")
        assert text.endswith("<!-- end -->\nafter\n")
        assert text.count(row) == 1
        assert "`cells` at 96 px" in text
        assert "old" not in text
