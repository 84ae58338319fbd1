"""Trials on a Ray cluster: the same results as here, each once, whatever dies on the way."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import psutil
import pytest
from runs import PREDICTIONS, STUDY, TRIALS

from store import Store, checking, query

pytest.importorskip("ray", reason="Ray is an optional extra")


# Nodes on this machine that listen to nobody else. A trial of a network is under way when one of them is lost.
CLUSTER = """
import os, signal, subprocess, sys, time
from pathlib import Path
import psutil
from ray.cluster_utils import Cluster

lost, orders = sys.argv[1], sys.argv[2:]
node = {"node_ip_address": "127.0.0.1", "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **node})
nodes = [cluster.add_node(num_cpus=1, **node) for _ in range(2)]

def busy():
    for process in psutil.Process().children(recursive=True):
        try:
            if process.name().startswith("ray::_train") and process.cpu_times().user > 2:
                return process
        except psutil.Error:
            pass

with subprocess.Popen(orders, env={**os.environ, "RAY_ADDRESS": cluster.address}) as run:
    while not ((process := busy()) and any(Path("results").glob("trials/**/*.parquet"))):
        assert run.poll() is None
        time.sleep(0.05)
    print("lost:", lost, flush=True)
    if lost == "worker":
        process.kill()
    else:
        cluster.remove_node(nodes[0], allow_graceful=False)
cluster.shutdown()
sys.exit(run.returncode)
"""
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}


def command(folder: Path, data: Path, *options: str) -> list[str]:
    (folder / "shared.toml").write_text(STUDY)
    command = [sys.executable, "-m", "bench", "run", "shared.toml", "--store", "results", "--device", "cpu"]
    return [*command, "--data", str(data), *options]


@contextmanager
def running(folder: Path, *command: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    ours = {"COLUMNS": "200", "OMP_NUM_THREADS": "2", "BENCH_CACHE": str(folder / "cache")}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | ours | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as run:
        try:
            yield run
        finally:
            for process in [*psutil.Process(run.pid).children(recursive=True), run] if run.poll() is None else []:
                process.kill()


def said(run: "subprocess.Popen[str]", timeout: float = 150) -> str:
    out, _ = run.communicate(timeout=timeout)
    assert run.returncode == 0, out
    return out


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Store:
    folder = tmp_path_factory.mktemp("here")
    with running(folder, *command(folder, data, "--workers", "1")) as run:
        assert f"{TRIALS} trials trained" in said(run)
    return Store(folder / "results")


def assert_same(store: Store, here: Store) -> None:
    trials = f"read_parquet('{store.root}/trials/**/*.parquet')"
    assert duckdb.sql(f"select count(*), count(distinct trial_id) from {trials}").fetchall() == [(TRIALS, TRIALS)]
    one, two = (query(each, PREDICTIONS).to_pylist() for each in (here, store))
    assert [tuple(row.values())[:3] for row in one] == [tuple(row.values())[:3] for row in two]
    off = max(np.abs(np.subtract(a["probabilities"], b["probabilities"])).max() for a, b in zip(one, two, strict=True))
    assert off < 1e-3
    assert checking.check(store).sound
    assert not (store.root / "claims").exists()


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["worker", "node"])
def test_what_a_cluster_loses_costs_no_trial(tmp_path: Path, data: Path, here: Store, lost: str) -> None:
    (tmp_path / "cluster.py").write_text(CLUSTER)
    orders = command(tmp_path, data, "--executor", "ray")
    with running(tmp_path, sys.executable, "cluster.py", lost, *orders, **LOOPBACK) as run:
        out = said(run)
    assert f"lost: {lost}" in out
    assert f"{TRIALS} trials trained" in out
    assert len(re.findall("tiny · .* 4 trials", out)) == 3, "a line a cell"
    assert_same(Store(tmp_path / "results"), here)


@pytest.mark.parametrize(
    ("options", "environment", "code", "reason"),
    [
        (["--device", "cuda:1"], {}, 2, "--device cuda:1 with --executor ray: the cluster gives out its GPUs"),
        ([], {"RAY_ADDRESS": "127.0.0.1:9"}, 1, "no Ray cluster at 127.0.0.1:9 can be joined"),
    ],
    ids=["a device of this machine", "no cluster"],
)
def test_what_a_cluster_cannot_do_is_said_in_a_sentence(
    tmp_path: Path, data: Path, options: list[str], environment: dict[str, str], code: int, reason: str
) -> None:
    with running(tmp_path, *command(tmp_path, data, "--executor", "ray", *options), **environment) as run:
        out, _ = run.communicate(timeout=60)
    assert run.returncode == code
    assert reason in out
    assert len(out.strip().splitlines()) == 1
