"""Runs that share a store share its work: each trial once, nothing waits for the dead, nobody waits for ever."""

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import duckdb
import pytest

from bench.datasets import Library
from bench.running import loop, runner
from bench.running.runner import Prepared
from bench.study import study
from store import Claims, Store, claims, query

STUDY = """
datasets = ["tiny"]
models = ["mean-colour", "efficientnet-lite0-lower", "cnn-shallow"]
[protocol]
folds = 2
repeats = 3
[recipe]
image_size = 48
epochs = 6
"""
TRIALS = 3 * 6
Run: TypeAlias = "subprocess.Popen[bytes]"
Begin: TypeAlias = Callable[[str], Run]


@pytest.fixture
def prepared(tmp_path: Path, library: Library) -> Prepared:
    (tmp_path / "shared.toml").write_text(STUDY)
    return runner.prepare(study.load(str(tmp_path / "shared.toml")), library)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results", create=True)


@pytest.fixture
def begin(tmp_path: Path, data: Path) -> Iterator[Begin]:
    """Starts `bench run` on the store, in a process of its own; what it says goes to `NAME.log`."""
    command = [sys.executable, "-m", "bench", "run", "shared.toml", "--store", "results", "--device", "cpu"]
    with ExitStack() as stack:

        def start(name: str) -> Run:
            log = stack.enter_context((tmp_path / f"{name}.log").open("wb"))
            run = subprocess.Popen(
                [*command, "--data", str(data)],
                cwd=tmp_path,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
            )
            stack.enter_context(run)
            stack.callback(run.kill)
            return run

        yield start


@contextmanager
def all_claimed(prepared: Prepared, store: Store) -> Iterator[Claims]:
    """Another run, this process, holds every trial."""
    with Claims(store.root) as claims:
        for trial in [trial for cell in prepared.cells for trial in cell.trials]:
            assert claims.take(trial.id)
        yield claims


def said(tmp_path: Path, name: str) -> str:
    return (tmp_path / f"{name}.log").read_text()


def until(happened: Callable[[], bool], *runs: Run) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert [run.poll() for run in runs] == [None] * len(runs), "a run ended too soon"
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def attempts(store: Store) -> list[int]:
    """How often each trial was trained, whether it shows or not."""
    trials = f"read_parquet('{store.root}/trials/**/*.parquet')"
    counts = duckdb.sql(f"select count(distinct attempt_id) from {trials} group by trial_id").fetchall()
    return [count for (count,) in counts]


@pytest.mark.long
def test_two_runs_share_the_work_and_both_end(prepared: Prepared, store: Store, begin: Begin, tmp_path: Path) -> None:
    line = f"waiting for {TRIALS} trials of another run\n"
    with all_claimed(prepared, store):
        runs = [begin("one"), begin("two")]
        until(lambda: line in said(tmp_path, "one") and line in said(tmp_path, "two"), *runs)
        time.sleep(2.5 * loop.POLL)
    assert [run.wait(120) for run in runs] == [0, 0]
    trained = [int(said(tmp_path, name).rpartition(" trials trained; ")[0].split()[-1]) for name in ("one", "two")]
    assert min(trained) >= 1
    assert sum(trained) == TRIALS
    assert attempts(store) == [1] * TRIALS
    assert query(store, "select sum(done) as done from cells").to_pylist() == [{"done": TRIALS}]
    assert not (store.root / "claims").exists()
    for name in ("one", "two"):
        assert said(tmp_path, name).count(line) == 1, "told once, not with every look"
        assert said(tmp_path, name).count("waiting for") <= 2, "and perhaps once more, for the last trial of the other"


@pytest.mark.slow
def test_a_run_that_is_killed_is_followed_at_once_by_one_that_waits(
    prepared: Prepared, store: Store, begin: Begin, tmp_path: Path
) -> None:
    killed = begin("killed")
    # Held fast in the middle of a network's trial, so that the other has to wait for it.
    until(lambda: len(list(store.root.glob("trials/*/model=cnn-shallow/*.parquet"))) > 1, killed)
    until(lambda: len(list(store.root.glob("claims/*.claim"))) == 1, killed)
    killed.send_signal(signal.SIGSTOP)
    waits = begin("waits")
    until(lambda: "waiting for" in said(tmp_path, "waits"), waits)
    time.sleep(loop.POLL)
    assert waits.poll() is None
    killed.kill()
    killed.wait()
    began = time.monotonic()
    assert waits.wait(60) == 0
    assert time.monotonic() - began < claims.EXPIRY / 2
    assert attempts(store) == [1] * TRIALS
    assert not (store.root / "claims").exists()


def test_ctrl_c_ends_a_run_that_waits(prepared: Prepared, store: Store, begin: Begin, tmp_path: Path) -> None:
    with all_claimed(prepared, store):
        run = begin("run")
        until(lambda: "waiting for" in said(tmp_path, "run"), run)
        run.send_signal(signal.SIGINT)
        assert run.wait(30) == 130
        last = said(tmp_path, "run").splitlines()[-1]
        assert last == "bench: stopped; finished trials are in results, and the same command goes on from there"
        assert "Traceback" not in said(tmp_path, "run")
        assert len(list(store.root.glob("claims/*.run"))) == 1, "its own sign of life is removed"


def test_a_run_that_died_on_another_machine_is_followed_when_its_claims_expire(
    prepared: Prepared, store: Store, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[int] = []

    class Watch(loop.Watch):
        def waiting(self, trials: int) -> None:
            waited.append(trials)

    monkeypatch.setattr(loop, "Claims", functools.partial(Claims, beat=0.2, expiry=2.0))
    monkeypatch.setattr(loop, "POLL", 0.1)
    (floor,) = (cell for cell in prepared.cells if cell.model.name == "mean-colour")
    (store.root / "claims").mkdir()
    (store.root / "claims" / f"{'0' * 16}.run").write_text('{"machine": "other", "process": 1, "since": 1.0}')
    for trial in floor.trials[:4]:
        (store.root / "claims" / f"{trial.id}.claim").write_text("0" * 16)
    result = runner.run(replace(prepared, cells=(floor,)), store, library.cache, "cpu", watch=Watch())
    assert (result.finished, result.failures) == (6, [])
    assert waited[0] == 4, "what was free was trained first"
    assert attempts(store) == [1] * 6
    assert not (store.root / "claims").exists()


def test_what_another_run_finished_is_not_trained_even_where_its_claim_is_free(
    prepared: Prepared, store: Store, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other run ends between our look at the store and our first trial."""
    (floor,) = (cell for cell in prepared.cells if cell.model.name == "mean-colour")
    few = replace(prepared, cells=(floor,))

    class Watch(loop.Watch):
        def started(self, cells: object) -> None:
            assert runner.run(few, store, library.cache, "cpu", limit=4).finished == 4

    assert runner.run(few, store, library.cache, "cpu", watch=Watch()).finished == 2
    assert attempts(store) == [1] * 6


def test_the_dead_are_followed_within_two_minutes() -> None:
    """A sign of life, the time without one, and the next look, with room for a slow file system."""
    assert claims.BEAT + claims.EXPIRY + loop.POLL < 90
    assert claims.EXPIRY > 3 * claims.BEAT, "one sign of life that is late kills nobody"
