"""Whole runs: nothing is trained twice, a kill loses nothing that was finished, the rest of a grid goes on."""

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from paths import ROOT, SHARED

from bench.datasets import Library
from bench.errors import BenchError
from bench.planning import plan
from bench.running import runner
from bench.study import study
from bench.training import cells
from store import Store, checking, query


def only(small_study: study.Study, *models: str) -> study.Study:
    return replace(small_study, models=models)


def test_a_second_run_trains_nothing(trained: Path, small_study: study.Study, library: Library, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "store")
    store = Store(tmp_path / "store")
    before = store.fingerprint()
    result = runner.run(runner.prepare(small_study, library), store, library.cache, "cpu")
    assert (result.finished, result.failures) == (0, [])
    assert store.fingerprint() == before
    assert len(list((tmp_path / "store" / "plans").glob("**/*.parquet"))) == 1


def test_what_is_missing_is_trained_and_comes_out_the_same(
    trained: Path, small_study: study.Study, library: Library, tmp_path: Path
) -> None:
    chosen = only(small_study, "efficientnet-lite0-lower", "mean-colour")
    prepared = runner.prepare(chosen, library)
    store = Store(tmp_path / "store", create=True)
    assert runner.run(prepared, store, library.cache, "cpu", limit=4).finished == 4
    assert runner.run(prepared, store, library.cache, "cpu", limit=5).finished == 5
    assert runner.run(prepared, store, library.cache, "cpu").finished == 3
    sql = (
        "select trial_id, subset, image_id, probabilities from predictions "
        "where model in ('efficientnet-lite0-lower', 'mean-colour') order by all"
    )
    ours, whole = (query(s, sql).to_pylist() for s in (store, Store(trained)))
    assert len(ours) == len(whole)
    for a, b in zip(ours, whole, strict=True):
        assert (a["trial_id"], a["image_id"]) == (b["trial_id"], b["image_id"])
        assert a["probabilities"] == pytest.approx(b["probabilities"], abs=1e-3)


def test_force_trains_again_and_every_view_shows_one(
    small_study: study.Study, library: Library, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store", create=True)
    prepared = runner.prepare(only(small_study, "mean-colour"), library)
    runner.run(prepared, store, library.cache, "cpu")
    assert runner.run(prepared, store, library.cache, "cpu", force=True).finished == 6
    assert query(store, "select count(*) as n from trials").to_pylist() == [{"n": 6}]
    assert query(store, "select count(*) as n from scores").to_pylist() == [{"n": 12}]


@pytest.mark.long
def test_a_killed_run_goes_on_where_it_was(data: Path, tmp_path: Path, library: Library) -> None:
    (tmp_path / "s.toml").write_text(
        'datasets = ["tiny"]\nmodels = ["cnn-shallow"]\n[protocol]\nfolds = 3\nrepeats = 4\n'
        "[recipe]\nimage_size = 48\nepochs = 2\n"
    )
    command = [
        sys.executable,
        "-m",
        "bench",
        "run",
        str(tmp_path / "s.toml"),
        "--data",
        str(data),
        "--store",
        str(tmp_path / "store"),
    ]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    trials = tmp_path / "store" / "trials"
    deadline = time.monotonic() + 120
    while len(list(trials.glob("**/*.parquet"))) < 2:
        assert child.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    store = Store(tmp_path / "store")
    done, _ = store.finished()
    assert 2 <= len(done) < 12
    assert checking.check(store).sound
    loaded = study.load(str(tmp_path / "s.toml"))
    assert runner.run(runner.prepare(loaded, library), store, library.cache, "cpu").finished == 12 - len(done)
    assert query(store, "select done, missing from cells").to_pylist() == [{"done": 12, "missing": 0}]


def test_weights_that_cannot_be_had_leave_the_rest_of_the_grid(
    small_study: study.Study, library: Library, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store", create=True)
    prepared = runner.prepare(only(small_study, "resnet18", "mean-colour"), library)
    result = runner.run(prepared, store, library.cache, "cpu")
    assert (result.finished, result.failures) == (6, [])
    rows = query(store, "select model, done, missing, unavailable from cells order by model").to_pylist()
    assert [(r["model"], r["done"], r["missing"]) for r in rows] == [("mean-colour", 6, 0), ("resnet18", 0, 6)]
    assert "resnet18-f37072fd.pth" in rows[1]["unavailable"]
    assert "https://download.pytorch.org" in rows[1]["unavailable"]


def test_a_trial_that_fails_is_a_row_and_the_run_goes_on(
    small_study: study.Study, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = cells.run

    def breaks(cell: plan.Cell, *rest: object) -> object:
        if cell.model.name == "pixel-ratio":
            raise RuntimeError("out of memory")
        return real(cell, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(cells, "run", breaks)
    store = Store(tmp_path / "store", create=True)
    prepared = runner.prepare(only(small_study, "mean-colour", "pixel-ratio"), library)
    result = runner.run(prepared, store, library.cache, "cpu")
    assert result.finished == 6
    assert [reason for _, _, reason in result.failures] == ["out of memory"] * 6
    monkeypatch.undo()
    monkeypatch.setenv("BENCH_CACHE", str(library.cache))
    assert runner.run(prepared, store, library.cache, "cpu").finished == 0
    assert runner.run(prepared, store, library.cache, "cpu", retry_failed=True).finished == 6
    assert query(store, "select sum(done) as done, sum(failed) as failed from cells").to_pylist() == [
        {"done": 12, "failed": 0}
    ]


def test_changed_images_make_trials_stale_and_say_why(
    data: Path, small_study: study.Study, library: Library, tmp_path: Path
) -> None:
    from bench.planning import status

    shutil.copytree(data, tmp_path / "data")
    store = Store(tmp_path / "store", create=True)
    own = Library((tmp_path / "data",), library.cache)
    chosen = only(small_study, "mean-colour")
    runner.run(runner.prepare(chosen, own), store, own.cache, "cpu")
    er = tmp_path / "data" / "tiny" / "er"
    (er / "00.png").unlink()
    shutil.copy(er / "01.png", er / "new.png")
    (er / "03.png").write_bytes((er / "02.png").read_bytes())
    runner.run(runner.prepare(chosen, own), store, own.cache, "cpu")
    (cell,) = status.cells(store)
    assert (cell["done"], cell["stale"]) == (6, 6)
    changes = "1 added: er/new.png; 1 removed: er/00.png; 1 altered: er/03.png"
    assert cell["why"] == f"stale: the images changed ({changes})"
    assert query(store, "select count(*) as n from trials where not current").to_pylist() == [{"n": 6}]


def test_a_title_makes_nothing_stale(data: Path, small_study: study.Study, library: Library, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "data")
    own = Library((tmp_path / "data",), library.cache)
    chosen = only(small_study, "mean-colour")
    before = runner.prepare(chosen, own).cells[0]
    (tmp_path / "data" / "tiny.toml").write_text('title = "Another title"\ncitation = "Somebody"\n')
    after = runner.prepare(chosen, own).cells[0]
    assert after.id == before.id
    assert [t.id for t in after.trials] == [t.id for t in before.trials]


def test_new_groups_make_trials_stale(data: Path, small_study: study.Study, library: Library, tmp_path: Path) -> None:
    """Other groups are other splits: what was held out before may have been trained on since."""
    shutil.copytree(data, tmp_path / "data")
    store = Store(tmp_path / "store", create=True)
    own = Library((tmp_path / "data",), library.cache)
    chosen = only(small_study, "mean-colour")
    runner.run(runner.prepare(chosen, own), store, own.cache, "cpu")
    (tmp_path / "data" / "tiny.toml").write_text("groups = '^(.)'\n")
    runner.run(runner.prepare(chosen, own), store, own.cache, "cpu")
    # Of three groups one is held out, and the others make two different splits, however often they are drawn.
    assert query(store, "select done, wanted, stale from cells").to_pylist() == [{"done": 2, "wanted": 2, "stale": 6}]
    split = "select count(*) as n from scores where subset = 'test' and current"
    assert query(store, split).to_pylist() == [{"n": 2}]
    groups = query(store, "select count(distinct image_group) as n from images").to_pylist()
    assert groups[0]["n"] == 3  # the list as it is now: files 0…, 1… and 2…


def test_a_network_starts_from_a_file(small_study: study.Study, library: Library, tmp_path: Path) -> None:
    import torch

    from bench import models
    from bench.errors import UsageError

    network = models.get("cnn-shallow").build(7).module
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    model = models.get("cnn-shallow").with_weights(f"file:{tmp_path / 'weights.pt'}")
    made = model.make(3)
    assert isinstance(made, models.Network)
    state = made.module.state_dict()
    assert torch.equal(state["0.0.weight"], network.state_dict()["0.0.weight"])
    assert list(state.values())[-1].shape == (3,)
    assert str(tmp_path) not in str(model.card())
    with pytest.raises(UsageError, match="has no weights"):
        models.get("mean-colour").with_weights(f"file:{tmp_path / 'weights.pt'}")
    store = Store(tmp_path / "store", create=True)
    chosen = replace(only(small_study, "cnn-shallow"), weights={"cnn-shallow": f"file:{tmp_path / 'weights.pt'}"})
    assert runner.run(runner.prepare(chosen, library), store, library.cache, "cpu", limit=1).finished == 1


def test_one_folder_that_does_not_fit_does_not_stop_the_others(
    data: Path, small_study: study.Study, library: Library, tmp_path: Path
) -> None:
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "broken" / "only").mkdir(parents=True)
    shutil.copy(next((data / "tiny" / "er").iterdir()), tmp_path / "data" / "broken" / "only")
    own = Library((tmp_path / "data",), library.cache)
    prepared = runner.prepare(replace(only(small_study, "mean-colour"), datasets=None), own)
    assert [cell.dataset.name for cell in prepared.cells] == ["tiny"]
    assert "two class folders" in prepared.absent["broken"]


def test_splits_are_inherited_from_one_that_has_its_own(
    data: Path, small_study: study.Study, library: Library, tmp_path: Path
) -> None:
    shutil.copytree(data, tmp_path / "data")
    shutil.copytree(data / "tiny", tmp_path / "data" / "cut")
    own = Library((tmp_path / "data",), library.cache)
    chosen = replace(only(small_study, "mean-colour"), datasets=("cut",))
    (tmp_path / "data" / "cut.toml").write_text('splits_from = "tiny"\n')
    (cell,) = runner.prepare(chosen, own).cells
    (parent,) = runner.prepare(only(small_study, "mean-colour"), own).cells
    for ours, theirs in zip(cell.trials, parent.trials, strict=True):
        assert ours.split.test.tolist() == theirs.split.test.tolist()
    (tmp_path / "data" / "tiny.toml").write_text('splits_from = "cut"\n')
    with pytest.raises(BenchError, match="takes its own from"):
        runner.prepare(chosen, own)


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real images are not in {SHARED}")
def test_published_trials_are_those_that_a_run_wants_today(library: Library) -> None:
    """What is new makes nothing stale that was published: it took hours."""
    published = Store(ROOT / "results")
    names = ["covid-ct", "malaria", "reticulocytes", "t-cells", "wbc-raw", "wbc-segmented"]
    prepared = runner.prepare(study.load("cpu").narrowed(datasets=names), Library((SHARED,), library.cache), published)
    wanted = {trial.id for cell in prepared.cells for trial in cell.trials}
    there = query(
        published,
        "select trial_id from trials t semi join plans p on p.trial_id = t.trial_id and p.current and p.study = 'cpu' "
        "where t.status = 'done' and t.recipe in ('96px', '96px-lr0.01') and t.dataset not like 'synthetic%'",
    ).to_pylist()
    assert len(there) > 700
    assert {row["trial_id"] for row in there} <= wanted
