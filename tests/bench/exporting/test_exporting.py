"""An exported model says what the kept one says, in onnxruntime and in a browser; its card says what the store has."""

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keeping as support
import numpy as np
import onnx
import pytest
import torch
from commands import Run, one_sentence
from PIL import Image
from playwright.sync_api import sync_playwright

from bench.commands import advice, dataset, keeping
from bench.datasets import Library, pixels
from bench.exporting import graph
from bench.predicting import judging
from bench.reproducing import cells
from report.data import Results
from report.papers import classifier, model_card
from report.papers.told import told
from store import Store, certainty, query

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def exported(kept: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store with kept models, and the folder in which its head is exported."""
    root = Path(shutil.copytree(kept, tmp_path_factory.mktemp("exported") / "store"))
    chosen = advice.choose(Results(root), "tiny", "efficientnet-lite0")
    keeping.keep(Store(root), dataset.library([str(data)]), chosen, "cpu", force=False, weights=None)
    return root, root.parent


@pytest.mark.parametrize(
    "model",
    [
        *(pytest.param(m, marks=pytest.mark.long) for m in ("efficientnet-lite0", "efficientnet-lite0-probe")),
        "cnn-shallow",
    ],
)
def test_the_file_votes_as_the_kept_model_and_the_store_do(
    kept: Path, data: Path, library: Library, bench: Run, tmp_path: Path, model: str
) -> None:
    """On every image of the holdout: class, agreement, and probabilities within 1e-4."""
    code, out, err = bench(
        "model", "export", "tiny", model, "--store", kept, "--data", data, "-o", tmp_path / "m.onnx", "--error", "40%"
    )
    assert (code, err) == (0, ""), out
    assert "images of the holdout" in out
    store = Store(kept)
    back, _, ids = support.back(store, library, model)
    cell = cells.planned(store, library, support.cell_of(store, model))
    held = cell.trials[0].split.holdout
    found = graph.asked(tmp_path / "m.onnx", np.array(pixels.load(cell.dataset, cell.recipe, library.cache)[held]))
    rule = judging.learn(store, cell.id, back.classes, 0.4)
    votes = {
        row["image_id"]: row
        for row in query(store, f"select * from votes where model = '{model}' and subset = 'holdout'").to_pylist()
    }
    assert len(held) == len(votes) > 10
    for number, place in enumerate(held):
        vote = votes[ids[place]]
        wanted = certainty.tempered([vote["probabilities"]], rule.temperature)[0]
        assert found["probabilities"][number] == pytest.approx(wanted, abs=1e-4)
        assert back.classes[int(found["class"][number])] == vote["predicted"]
        assert found["agreement"][number].max() == pytest.approx(vote["agreement"])
        chosen = back.classes.index(vote["predicted"])
        assert found["certainty"][number] == pytest.approx(wanted[chosen], abs=1e-4)
        if abs(wanted[chosen] - rule.threshold) > 1e-4:
            assert found["trust"][number] == (wanted[chosen] >= rule.threshold)
    said = {entry.key: entry.value for entry in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert json.loads(said["classes"]) == list(back.classes)
    assert {"decoding", "resizing", "rule", "cell"} <= said.keys()
    assert json.loads(said["rule"])["temperature"] == rule.temperature


def test_a_file_that_says_something_else_is_not_written(
    kept: Path, data: Path, bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "OPSET", 18)
    real = graph.Whole.forward

    def shifted(self: graph.Whole, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        chosen, sure, trust, p, votes = real(self, images)
        return chosen, sure, trust, p * 0.99, votes

    monkeypatch.setattr(graph.Whole, "forward", shifted)
    ask = ("model", "export", "tiny", "cnn-shallow", "--store", kept, "--data", data, "-o", tmp_path / "m.onnx")
    code, _, err = bench(*ask)
    assert (code, one_sentence(err)) == (1, True)
    assert "says something else than the model" in err
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_refused(
    kept: Path, data: Path, bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ("model", "export", "tiny", "mean-colour", "--store", kept, "--data", data)
    code, _, err = bench(*ask)
    assert (code, one_sentence(err)) == (2, True)
    monkeypatch.setenv("BENCH_NODE_MODULES", str(tmp_path))
    code, _, err = bench(*ask[:3], "cnn-shallow", *ask[4:], "--html")
    assert (code, one_sentence(err)) == (2, True)
    assert classifier.INSTALL in err


def test_the_card_has_the_figures_of_the_store_and_no_words_of_markup(exported: tuple[Path, Path]) -> None:
    results = Results(exported[0])
    of = told(results, "tiny", "efficientnet-lite0")
    scores = query(Store(exported[0]), "select * from scores where model = 'efficientnet-lite0'").to_pylist()
    test = [row["balanced_accuracy"] for row in scores if row["subset"] == "test"]
    assert of.test.value == pytest.approx(np.mean(test))
    assert of.trials == len(test) == 4
    assert of.images == 72
    assert {recall.images for recall in of.recalls} == {19}
    facts = {
        "decoding": "d",
        "values_beyond_8_bits": "v",
        "resizing": "r",
        "classes": ["<b>x</b>", "y"],
        "rule": {"temperature": 1.0},
    }
    said = model_card.markdown(of, facts, "Trusted is *nothing*.", "m.onnx")
    assert f"{100 * np.mean(test):.1f} %" in said
    assert "<b>" not in said
    assert "\\*nothing\\*" in said
    values = model_card.as_dict(of, facts)
    assert json.loads(json.dumps(values, allow_nan=False)) == json.loads(json.dumps(values))


needs_browser = pytest.mark.skipif(
    CHROMIUM is None or classifier.runtime() is None, reason=f"needs Chromium, and {classifier.INSTALL}"
)


@needs_browser
def test_the_page_says_what_the_file_says_and_asks_no_server(
    exported: tuple[Path, Path], data: Path, bench: Run, tmp_path: Path
) -> None:
    """From files of several sizes and kinds, resized as Pillow does; names stay names."""
    code, out, err = bench(
        *("model", "export", "tiny", "efficientnet-lite0", "--store", exported[0], "--data", data, "--html"),
        *("-o", tmp_path / "m.onnx", "--error", "40%"),
    )
    assert (code, err) == (0, ""), out
    one = Image.open(next((data / "tiny").rglob("*.png"))).convert("RGB")
    names = ["same.png", "large.png", "wide.png", "small.bmp", "<img src=x onerror=alert(1)>.png"]
    for name, size in zip(names, [(64, 64), (301, 299), (200, 31), (20, 20), (48, 48)], strict=True):
        one.resize(size, Image.Resampling.BICUBIC).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes((tmp_path / "same.png").read_bytes()[:200])
    Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(tmp_path / "deep.png")
    files = [tmp_path / name for name in [*names, "broken.png", "deep.png"]]
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        page.goto((tmp_path / "m.html").as_uri())
        page.locator("#status", has_text="Ready").wait_for(timeout=60_000)
        page.set_input_files("#files", files)
        page.locator("#status", has_text="7 files").wait_for(timeout=60_000)
        rows = page.evaluate("window.answers")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        browser.close()
    assert wide == 0
    assert all(url.startswith(("file:", "blob:")) for url in asked)
    assert [row["status"] for row in rows[5:]] == ["unreadable"] * 2
    assert "bench predict" in rows[6]["error"]
    for path, row in zip(files[:5], rows, strict=False):
        assert row["file"] == path.name
        resized = Image.open(path).convert("RGB").resize((48, 48), Image.Resampling.BILINEAR)
        said = graph.asked(tmp_path / "m.onnx", np.asarray(resized)[None])
        assert row["probabilities"] == pytest.approx(said["probabilities"][0], abs=1e-4)
        assert (row["status"] == "trust") == bool(said["trust"][0])


def test_the_page_holds_the_model_and_no_markup_from_outside(tmp_path: Path) -> None:
    import gzip

    for name in (classifier.RUNTIME, classifier.WASM):
        (tmp_path / name).write_bytes(name.encode())
    facts = {"dataset": "</script><b>", "model": "m", "classes": ["</script><script>alert(1)"]}
    made = classifier.page(b"model" * 100, facts, "<i>trust</i>", tmp_path)
    assert "<b>" not in made
    assert "<i>" not in made
    assert made.count("<script") == 5
    packed = re.search(r'id="model">"([^"]*)"', made)
    assert packed is not None
    assert gzip.decompress(base64.b64decode(packed[1])) == b"model" * 100


def test_a_holdout_that_is_not_at_hand_is_no_hindrance(kept: Path, bench: Run, tmp_path: Path) -> None:
    code, out, err = bench(
        "model", "export", "tiny", "cnn-shallow", "--store", kept, "--data", tmp_path, "-o", tmp_path / "m.onnx"
    )
    assert (code, err) == (0, "")
    assert "images of noise" in " ".join(out.split())


def test_a_folder_that_cannot_be_written_is_named(kept: Path, data: Path, bench: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, err = bench(
        "model", "export", "tiny", "cnn-shallow", "--store", kept, "--data", data, "-o", tmp_path / "file" / "m.onnx"
    )
    assert (code, one_sentence(err)) == (1, True)


@pytest.mark.long
def test_the_model_zoo_s_own_library_takes_the_package(
    kept: Path, data: Path, bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the description, runs the test in the package and gets the answer in it, for other batches too."""
    ask = ("model", "export", "tiny", "cnn-shallow", "--store", kept, "--data", data)
    assert bench(*ask, "-o", tmp_path / "m.onnx", "--bioimage")[0] == 0
    package = tmp_path / "m.bioimage.zip"
    monkeypatch.setenv("BIOIMAGEIO_CACHE_PATH", str(tmp_path / "zoo"))
    code = (
        "import sys, json; from bioimageio.core import test_model\n"
        "found = test_model(sys.argv[1])\n"
        "print(json.dumps([found.status, [[each.name, each.status] for each in found.details]]))"
    )
    said = subprocess.run([sys.executable, "-c", code, package], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    status, details = json.loads(said.stdout.splitlines()[-1])
    assert status == "passed", details
    assert "Reproduce test outputs from test inputs (onnx)" in [name for name, _ in details]
