"""Cached arrays are made once, bounded, and made again where they are gone or not whole."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from bench import cache
from bench.errors import BenchError, UsageError


def array(number: int, count: int = 1000) -> np.ndarray:
    return np.full(count, number, np.float32)


def test_an_array_is_made_once_and_again_where_it_is_not_whole(tmp_path: Path) -> None:
    path, made = tmp_path / "features" / "a.npy", []

    def make() -> np.ndarray:
        made.append(1)
        return array(7)

    for _ in range(2):
        found = cache.kept(path, make)
        assert isinstance(found, np.memmap)
        assert not found.flags.writeable
        assert np.array_equal(found, array(7))
    assert len(made) == 1
    for damage in (b"", path.read_bytes()[:200], b"no array at all"):
        path.write_bytes(damage)
        assert np.array_equal(cache.kept(path, make), array(7))
    assert len(made) == 4


def test_what_was_used_longest_ago_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_GB", "0.00001")  # two arrays and a half
    open_ones = []
    for number, name in enumerate(("images/a", "features/b", "features/c", "features/d")):
        open_ones.append(cache.kept(tmp_path / f"{name}.npy", lambda number=number: array(number)))  # type: ignore[misc]
        for age, path in enumerate((tmp_path / "images" / "a.npy", *sorted(tmp_path.glob("features/*.npy")))):
            if path.exists():
                os.utime(path, (age, age))
        if name == "features/b":
            cache.kept(tmp_path / "images/a.npy", lambda: array(9))  # used again: `b` goes before it
    left = sorted(path.name for path in tmp_path.rglob("*.npy"))
    assert len(left) == 2
    assert "d.npy" in left
    assert [float(each[0]) for each in open_ones] == [0, 1, 2, 3], "who has an array open keeps it"


def test_one_that_is_larger_than_the_bound_is_kept_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_GB", "0.000001")
    for name in ("a", "b"):
        assert np.array_equal(cache.kept(tmp_path / "features" / name, lambda: array(1)), array(1))


def test_two_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path, barrier, found = tmp_path / "features" / "a.npy", threading.Barrier(4), []

    def work() -> None:
        barrier.wait()
        found.append(cache.kept(path, lambda: array(5)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(np.array_equal(each, array(5)) for each in found)
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
import numpy as np
from bench import cache
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
cache.kept(Path(sys.argv[1]), lambda: np.zeros(5000))
"""
    path = tmp_path / "features" / "a.npy"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"bench.errors.BenchError: {path}: cannot be written (")
    assert last.endswith("free space or set BENCH_CACHE")
    assert list(path.parent.iterdir()) == []
    (tmp_path / "file").write_text("x")
    with pytest.raises(BenchError, match="set BENCH_CACHE"):
        cache.kept(tmp_path / "file" / "features" / "a.npy", lambda: array(1))


def test_a_bound_that_is_no_number_gets_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_GB", "much")
    with pytest.raises(UsageError, match="BENCH_CACHE_GB must be a number of gigabytes, not 'much'"):
        cache.kept(tmp_path / "features" / "a.npy", lambda: array(1))
