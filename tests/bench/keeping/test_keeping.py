"""Kept models say what the store says; one that was altered, mixed up or of another version is refused."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import keeping as support
import numpy as np
import pytest
import torch
from commands import Run, one_sentence
from safetensors import safe_open
from safetensors.torch import load_file, save

from bench import keeping, models
from bench.datasets import Library, pixels
from bench.errors import BenchError
from bench.keeping import files, restored, surroundings
from bench.reproducing import cells
from store import Store


@pytest.fixture
def copied(kept: Path, tmp_path: Path) -> Store:
    return Store(Path(shutil.copytree(kept, tmp_path / "copied")))


@pytest.mark.parametrize("model", support.MODELS)
def test_what_was_kept_says_what_the_store_has(kept: Path, library: Library, model: str) -> None:
    """Trial by trial and image by image, test folds too: heads, probes, whole networks and floors."""
    store = Store(kept)
    back, trials, ids = support.back(store, library, model)
    cell = cells.planned(store, library, support.cell_of(store, model))
    said = back.asker()(pixels.load(cell.dataset, cell.recipe, library.cache))
    place = {image: number for number, image in enumerate(ids)}
    assert len(trials) == len(said.chances) == 4
    for chances, stored in zip(said.chances, trials.values(), strict=True):
        now = chances[[place[image] for _, image in stored.ids]]
        assert np.abs(now - stored.probabilities).max() < 2e-6


def test_only_what_was_trained_is_kept_and_no_pickle(kept: Path) -> None:
    store = Store(kept)
    for model in support.MODELS:
        names = [path.name for path in support.folder(store, model).iterdir()]
        assert all(name.endswith(".safetensors") for name in names)
    head = next(support.folder(store, "efficientnet-lite0").glob("*.safetensors"))
    assert sum(t.numel() for t in load_file(head).values()) < 1280 * 256 + 256 * 10
    with safe_open(head, "pt") as file:
        header = json.loads(file.metadata()["bench"])
    assert header["classes"] == sorted(header["classes"])
    assert "home" not in json.dumps(header)


def altered(path: Path) -> str:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    return "was altered since it was kept"


def cut(path: Path) -> str:
    path.write_bytes(path.read_bytes()[:100])
    return "was altered since it was kept"


def rewritten(path: Path, change: dict[str, object]) -> None:
    """The same weights with another header, under a name that fits."""
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["bench"])
    replaced(path, save(load_file(path), {"bench": json.dumps(header | change)}))


def other_classes(path: Path) -> str:
    for each in path.parent.glob("*.safetensors"):
        if not each.name.startswith("images"):
            rewritten(each, {"classes": ["a", "b", "c"]})
    return "is for the classes a, b, c"


def other_cell(path: Path) -> str:
    rewritten(path, {"recipe": {"image_size": 64}})
    return "is of another model than its folder and name say"


def other_identity(path: Path) -> str:
    rewritten(path, {"identity": {}})
    return "is of another model than it says"


def later_format(path: Path) -> str:
    rewritten(path, {"format": 2})
    return "was kept by another version of this project"


def replaced(path: Path, content: bytes) -> None:
    """Another content under a name that fits."""
    path.unlink()
    trial = path.name.partition(".")[0]
    path.with_name(f"{trial}.{hashlib.sha256(content).hexdigest()}.safetensors").write_bytes(content)


def no_header(path: Path) -> str:
    replaced(path, save({"a": torch.zeros(1)}))
    return "is no kept model"


def nested(path: Path) -> str:
    replaced(path, save({"a": torch.zeros(1)}, {"bench": "[" * 100_000}))
    return "is no kept model"


def no_numbers(path: Path) -> str:
    with safe_open(path, "pt") as file:
        header = file.metadata()["bench"]
    replaced(path, save({name: t * torch.nan for name, t in load_file(path).items()}, {"bench": header}))
    return "some weights are no numbers"


def other_shapes(path: Path) -> str:
    with safe_open(path, "pt") as file:
        header = file.metadata()["bench"]
    replaced(path, save({name: t[:2].clone() for name, t in load_file(path).items()}, {"bench": header}))
    return "does not fit efficientnet-lite0-probe"


def gone(path: Path) -> str:
    path.unlink()
    return "holds 3 of the 4 trials"


def swapped(path: Path) -> str:
    """A trial of another cell, whose file is whole."""
    other = next(p for p in sorted(path.parent.glob("*.safetensors")) if p != path)
    trial, sha = path.name.partition(".")[0], other.name.partition(".")[2]
    shutil.copy(other, path.with_name(f"{trial}.{sha}"))
    path.unlink()
    return "is of another model than its folder and name say"


MENDED = (altered, gone, swapped, no_numbers)
"""Of each kind of harm one: another content, none, another trial's, and a whole file that is wrong inside."""


@pytest.mark.parametrize(
    "harm",
    [
        altered,
        cut,
        other_classes,
        other_cell,
        other_identity,
        later_format,
        no_header,
        nested,
        no_numbers,
        other_shapes,
        gone,
        swapped,
    ],
)
def test_a_kept_model_that_is_not_what_it_was_is_refused_in_one_sentence(
    copied: Store, bench: Run, data: Path, harm: object
) -> None:
    folder = support.folder(copied, "efficientnet-lite0-probe")
    path = sorted(p for p in folder.glob("*.safetensors") if not p.name.startswith("images"))[1]
    said = harm(path)  # type: ignore[operator]
    ask = ("predict", "tiny", data, "--model", "efficientnet-lite0-probe", "--store", copied.root)
    code, _, err = bench(*ask)
    assert code == 1
    assert one_sentence(err)
    assert said in err
    assert f"`bench model keep tiny efficientnet-lite0-probe --store {copied.root}`" in err
    if harm not in MENDED:
        return
    # What is named mends it; what is whole but wrong inside, only when it is forced.
    keep = ("model", "keep", "tiny", "efficientnet-lite0-probe", "--store", copied.root, "--data", data)
    code, out, err = bench(*keep, *(["--force"] if harm in (no_numbers, other_shapes) else []))
    assert (code, err) == (0, ""), out
    assert bench(*ask)[0] == 0


def test_another_version_of_the_model_is_refused(kept: Path, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(kept)
    changed = replace(models.get("cnn-shallow"), version=9)
    monkeypatch.setattr(restored.models, "get", lambda name: changed)
    cell = support.cell_of(store, "cnn-shallow")
    trials = cells.stored(store, cell)
    found = keeping.found(support.folder(store, "cnn-shallow"), list(trials), classes(store), support.AGAIN)
    with pytest.raises(BenchError, match=r"kept by version 1 of cnn-shallow, and this is version 9"):
        restored.restore(found, torch.device("cpu"), support.AGAIN)


def classes(store: Store) -> list[str]:
    row = store.read(lambda connection: connection.execute("select classes from trials limit 1").fetchone())
    assert row is not None
    return list(row[0])


def test_a_run_that_kept_nothing_is_kept_later_with_the_same_votes(
    trained: Path, data: Path, bench: Run, tmp_path: Path
) -> None:
    """Training again proves what the store has; the store itself is not written to."""
    root = Path(shutil.copytree(trained, tmp_path / "later"))
    before = Store(root).fingerprint()
    keep = ("model", "keep", "tiny", "efficientnet-lite0", "--store", root, "--data", data)
    code, out, err = bench(*keep)
    assert (code, err) == (0, "")
    assert "6 trials are kept" in " ".join(out.split())
    assert Store(root).fingerprint() == before
    names = sorted(path.name for path in root.rglob("*.safetensors"))
    assert len(names) == 7  # and what the training images are like
    assert bench(*keep)[0] == 0
    assert sorted(path.name for path in root.rglob("*.safetensors")) == names
    assert not list(root.rglob(".again*"))
    assert bench("store", "check", "--store", root)[0] == 0


def sure_and_wrong(chances: np.ndarray) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[(chances.argmax(1) + 1) % 3]


def test_a_model_that_comes_out_otherwise_is_not_kept(
    trained: Path, data: Path, bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.training import heads

    root = Path(shutil.copytree(trained, tmp_path / "later"))
    real = heads._ask
    monkeypatch.setattr(heads, "_ask", lambda *asked: [sure_and_wrong(c) for c in real(*asked)])
    code, _, err = bench("model", "keep", "tiny", "efficientnet-lite0", "--store", root, "--data", data)
    assert code == 1
    assert one_sentence(err)
    assert "came out otherwise" in err
    assert not list(root.rglob("*.safetensors"))


def test_what_is_unlike_the_training_images_is_far_from_them(kept: Path, library: Library) -> None:
    store = Store(kept)
    back, _, ids = support.back(store, library, "efficientnet-lite0")
    assert back.kept.surroundings is None  # it is looked at when a run ends
    cell = cells.planned(store, library, support.cell_of(store, "efficientnet-lite0"))
    surroundings.write(back.kept, cell, back)
    found = keeping.found(back.kept.folder, list(back.kept.trials), back.classes, support.AGAIN)
    around = surroundings.read(found, support.AGAIN)
    assert not set(around.ids) & {ids[place] for place in cell.trials[0].split.holdout}
    measure, ask = around.measure(), back.asker()
    held = pixels.load(cell.dataset, cell.recipe, library.cache)[cell.trials[0].split.holdout]
    noise = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), dtype=np.uint8)
    usual, nearest = measure.ask(ask(np.asarray(held)).features)
    strange, _ = measure.ask(ask(noise).features)
    assert (strange > 0.97).all()
    assert (usual >= surroundings.FAR).mean() < 0.3
    own = np.array(around.labels)[nearest[:, 0]]
    assert (own == [ids[p].partition("/")[0] for p in cell.trials[0].split.holdout]).mean() > 0.5
    found.surroundings.unlink()  # type: ignore[union-attr]


def test_the_nearest_are_those_of_other_groups() -> None:
    """Against a loop: the distance of each training image to the five nearest that are not of its group."""
    rng = np.random.default_rng(1)
    features, groups = rng.normal(size=(30, 4)).astype(np.float32), tuple(str(n // 3) for n in range(30))
    around = surroundings.Surroundings(features, groups, groups, groups, {}, (1, 1), (1, 1), False)
    scaled = (features - features.mean(0)) / features.std(0)
    wanted = []
    for place in range(30):
        others = [np.linalg.norm(scaled[place] - scaled[o]) for o in range(30) if groups[o] != groups[place]]
        wanted.append(np.mean(sorted(others)[:5]))
    assert around.measure().own == pytest.approx(np.sort(wanted), rel=1e-4)


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    first = files.write(tmp_path, "0" * 20, {"a": torch.zeros(3)}, "x")
    second = files.write(tmp_path, "0" * 20, {"a": torch.ones(3)}, "x")
    assert list(tmp_path.iterdir()) == [second]
    assert first != second
    with pytest.raises(BenchError, match="cannot be written"):
        files.write(second / "below", "1" * 20, {"a": torch.zeros(3)}, "x")
