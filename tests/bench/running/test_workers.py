"""Workers of one run: the same results as one, each trial once, and nobody who dies takes anything with him."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event

import duckdb
import numpy as np
import psutil
import pytest
import torch
from runs import PREDICTIONS, STUDY, TRIALS

from bench.datasets import Library
from bench.errors import BenchError
from bench.planning import plan
from bench.planning.plan import Cell
from bench.running import loop, runner, workers
from bench.running.loop import Errand, Since, Watch
from bench.study import study
from store import Store, checking, query


@contextmanager
def running(tmp_path: Path, data: Path, *options: str, workers: int = 2) -> Iterator["subprocess.Popen[str]"]:
    """`bench run` with workers, in a process of its own."""
    (tmp_path / "shared.toml").write_text(STUDY)
    command = [sys.executable, "-m", "bench", "run", "shared.toml", "--store", "results", "--device", "cpu"]
    command += ["--workers", str(workers), "--data", str(data), *options]
    ours = {"OMP_NUM_THREADS": "2", "COLUMNS": "200", "BENCH_CACHE": str(data.parent / "cache of the runs")}
    with subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | ours, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        try:
            yield run
        finally:
            for process in [*children(run), run]:
                process.kill()


def children(run: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The worker processes."""
    return forked(run.pid)


def forked(parent: int) -> list[psutil.Process]:
    """The processes that this one's fork server has made."""
    found = []
    with suppress(psutil.Error):
        for child in psutil.Process(parent).children():
            if "multiprocessing.forkserver" in " ".join(child.cmdline()):
                found += child.children()
    return found


def until(happened: Callable[[], object], run: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert run.poll() is None, run.stdout and run.stdout.read()
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def at_work(tmp_path: Path, run: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The workers that hold a claim."""
    folder, busy = tmp_path / "results" / "claims", set()
    with suppress(FileNotFoundError):  # the folder comes and goes with those who claim
        claims = [path for path in folder.iterdir() if path.suffix == ".claim"]
        for claim in claims:
            with suppress(OSError, ValueError):
                busy.add(json.loads((folder / f"{claim.read_text()}.run").read_text())["process"])
    return [child for child in children(run) if child.pid in busy]


def attempts(store: Store) -> list[int]:
    trials = f"read_parquet('{store.root}/trials/**/*.parquet')"
    return [n for (n,) in duckdb.sql(f"select count(distinct attempt_id) from {trials} group by trial_id").fetchall()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Store:
    folder = tmp_path_factory.mktemp("alone")
    with running(folder, data, workers=1) as run:
        assert run.wait(120) == 0
        assert run.stdout is not None
        assert f"{TRIALS} trials trained" in run.stdout.read()
    return Store(folder / "results")


@pytest.mark.long
def test_two_workers_do_what_one_does(tmp_path: Path, data: Path, alone: Store) -> None:
    with running(tmp_path, data) as run:
        until(lambda: len(children(run)) == 2, run)
        assert run.wait(120) == 0
        assert run.stdout is not None
        said = run.stdout.read()
    assert f"{TRIALS} trials trained" in said
    assert said.count("4 trials") == 3, "a line a cell, whoever trained it"
    store = Store(tmp_path / "results")
    assert attempts(store) == [1] * TRIALS
    one, two = (query(each, PREDICTIONS).to_pylist() for each in (alone, store))
    assert [tuple(row.values())[:3] for row in one] == [tuple(row.values())[:3] for row in two]
    off = max(np.abs(np.subtract(a["probabilities"], b["probabilities"])).max() for a, b in zip(one, two, strict=True))
    assert off < 1e-3
    assert not (tmp_path / "results" / "claims").exists()


@pytest.mark.slow
def test_a_forced_run_trains_each_trial_once_more(tmp_path: Path, data: Path, alone: Store) -> None:
    shutil.copytree(alone.root, tmp_path / "results")
    with running(tmp_path, data, "--model", "cnn-shallow", "--force") as run:
        assert run.wait(120) == 0
    assert sorted(attempts(Store(tmp_path / "results"))) == [1] * 8 + [2] * 4


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_a_worker_that_is_killed_is_replaced(tmp_path: Path, data: Path, alone: Store, seed: int) -> None:
    rng, killed = random.Random(seed), 0
    with running(tmp_path, data) as run:
        while killed < 2 and run.poll() is None:
            if now := at_work(tmp_path, run):
                time.sleep(rng.uniform(0, 0.5))
                with suppress(psutil.NoSuchProcess):
                    rng.choice(now).kill()
                    killed += 1
            time.sleep(0.02)
        code = run.wait(120)
        assert run.stdout is not None
        said = run.stdout.read()
    store = Store(tmp_path / "results")
    failed = query(store, "select error from trials where status = 'failed'").to_pylist()
    assert code == (1 if failed else 0), said
    assert all("killed by SIGKILL" in row["error"] for row in failed), "both kills met one trial"
    assert len(store.finished()[0]) + len(failed) == TRIALS
    assert checking.check(store).sound
    assert "Traceback" not in said


@pytest.mark.long
def test_a_trial_that_costs_two_workers_has_failed(tmp_path: Path, data: Path) -> None:
    """As one does that takes more memory than there is: it must not take worker after worker."""
    kills = 0
    with running(tmp_path, data, "--model", "cnn-shallow", "--limit", "2", "--epochs", "40") as run:
        while run.poll() is None and kills < 20:
            now = at_work(tmp_path, run)
            time.sleep(0.8)  # they have told their parent by then, on a busy machine too
            for child in now:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
                    kills += 1
        assert run.wait(120) == 1
        assert run.stdout is not None
        said = run.stdout.read()
    failures = query(Store(tmp_path / "results"), "select error from trials where status = 'failed'").to_pylist()
    assert {row["error"] for row in failures} == {"its worker was killed by SIGKILL, 2 times: out of memory?"}
    assert len(failures) == 2
    assert "0 trials trained, 2 failed" in said


def test_workers_that_die_before_they_have_read_their_task_end_the_run(
    library: Library, small_study: study.Study, tmp_path: Path
) -> None:
    """And nobody waits for them to read: the task is larger than what a pipe takes."""
    one, store, stop = cell(library, small_study, "mean-colour", 1), Store(tmp_path / "store", create=True), Event()
    large = replace(one, unavailable="x" * 2**24)

    def kill() -> None:
        while not stop.is_set():
            for child in forked(os.getpid()):
                with suppress(psutil.NoSuchProcess):
                    child.kill()

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        try:
            with pytest.raises(
                BenchError, match=r"^workers on cpu end before they train anything \(killed by SIGKILL\)"
            ):
                workers.run(Errand([large], store, Since(), Watch()), library.cache, [workers.Share("cpu #1", "cpu")])
        finally:
            stop.set()
            killing.result()
    assert store.finished() == (set(), set())


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_workers_end_with_their_parent(tmp_path: Path, data: Path, seed: int) -> None:
    with running(tmp_path, data) as run:
        until(lambda: at_work(tmp_path, run), run)
        time.sleep(random.Random(seed).uniform(0, 0.3 * seed))
        orphans = children(run)
        run.kill()
        run.wait()
        _, left = psutil.wait_procs(orphans, timeout=5)
        assert left == []
    store = Store(tmp_path / "results")
    assert checking.check(store).sound
    done = len(store.finished()[0])
    with running(tmp_path, data) as run:
        assert run.wait(120) == 0
        assert run.stdout is not None
        assert f"{TRIALS - done} trials trained" in run.stdout.read()


@pytest.mark.long
@pytest.mark.parametrize("how", [pytest.param("to the run", marks=pytest.mark.slow), "to all, as a terminal does"])
def test_ctrl_c_ends_all(tmp_path: Path, data: Path, how: str) -> None:
    with running(tmp_path, data) as run:
        until(lambda: at_work(tmp_path, run), run)
        processes = children(run)
        for process in [run, *processes] if how != "to the run" else [run]:
            process.send_signal(signal.SIGINT)
        assert run.wait(10) == 130
        assert run.stdout is not None
        said = run.stdout.read()
        assert said.splitlines()[-1].startswith("bench: stopped; finished trials are in results")
        assert "Traceback" not in said
        assert psutil.wait_procs(processes, timeout=5)[1] == []


# --- How many, and on what


def cell(library: Library, small: study.Study, model: str, trials: int) -> Cell:
    (one,) = runner.prepare(small.narrowed(models=[model]), library).cells
    return plan.limited([one], trials)[0]


def test_workers_are_as_many_as_can_work_at_once(
    library: Library, small_study: study.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    cpu, gpus = [torch.device("cpu")], [torch.device("cuda", 0), torch.device("cuda", 1)]
    shallow, heads = cell(library, small_study, "cnn-shallow", 6), cell(library, small_study, "efficientnet-lite0", 6)

    def counts(left: list[Cell], devices: list[torch.device], count: int | None = None) -> tuple[int, list[str]]:
        alone, shares = workers.share(left, devices, count)
        return len(alone), [share.device for share in shares]

    assert counts([shallow], cpu) == (1, []), "not worth starting processes for"
    assert counts([shallow], cpu, 2) == (0, ["cpu"] * 2), "but whoever asks for it gets it"
    monkeypatch.setattr(workers, "WORTH_IT", 0.0)
    assert counts([shallow], cpu) == (0, ["cpu"] * 4)
    assert counts([shallow.only(shallow.trials[:2])], cpu) == (0, ["cpu"] * 2)
    assert counts([heads, heads], cpu, 3) == (2, []), "one process computes frozen features, on all cores"
    assert counts([heads, shallow], cpu, 3) == (1, ["cpu"] * 3)
    assert counts([], cpu) == (0, [])
    assert counts([heads, shallow], gpus) == (0, ["cuda:0", "cuda:1"])
    assert counts([heads], gpus, 3) == (0, ["cuda:0", "cuda:1", "cuda:0"])
    assert counts([heads], gpus[1:]) == (1, []), "one GPU needs no other process"


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU that is not there is had only where there is none")
def test_a_gpu_that_is_gone_takes_no_trial_with_it(library: Library, small_study: study.Study, tmp_path: Path) -> None:
    one = cell(library, small_study, "cnn-shallow", 3)
    store, gone = Store(tmp_path / "store", create=True), workers.Share("cuda:0 #1", "cuda:0")
    errand = Errand([one], store, Since(), Watch())
    with pytest.raises(
        BenchError, match=r"^cuda:0 does not answer any more \([^\n]*\); [^\n]*another --device goes on"
    ):
        workers.run(errand, library.cache, [gone])
    assert store.finished() == (set(), set())
    with pytest.raises(BenchError, match="cuda:0 does not answer"):
        loop.train(errand, loop.here(library.cache, torch.device("cuda", 0), Watch()))
    result = workers.run(errand, library.cache, [gone, workers.Share("cpu #2", "cpu")])
    assert (result.finished, result.failures) == (3, [])
