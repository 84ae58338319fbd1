"""Real processes that are killed, share a store, or run out of room: no trial is lost, none is doubled."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import writing
from writing import age, files, intact, process, superseded

from store import Store, checking
from store.compaction import compact

SECONDS = 4


def _killed(root: Path, seed: int, rounds: int, *jobs: str) -> None:
    """Kill one or more processes over and over: what was reported finished is there, whole, and once."""
    rng, first, longest = random.Random(seed), 0, 0.08 if jobs == ("append",) else 0.8
    with process("kill_over_and_over", root) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for number in range(rounds):
            print(first, rng.uniform(0, longest), *jobs, file=running.stdin, flush=True)
            finished = int(running.stdout.readline())
            assert finished >= 1
            trials = intact(Store(root))
            ids = {f"t{n}" for n in range(len(trials))}
            assert trials == ids, f"round {number}: none is missing between others"
            assert len(trials) >= first + finished, f"round {number}: none that was finished is gone"
            assert checking.check(Store(root)).sound, number
            first = max(len(trials) - 1, 0)  # the last one once more
        running.stdin.close()
    before = intact(Store(root))
    assert len(before) > rounds / 2, "trials were appended"
    age(root)
    for claim in root.glob("claims/*"):
        os.utime(claim, (0, 0))
    compact(Store(root))
    assert superseded(root) == set()
    checking.repair(Store(root))
    report = checking.check(Store(root))
    assert (report.sound, report.strays) == (True, {})
    assert intact(Store(root)) == before
    assert len(files(root, "predictions")) == 1


@pytest.mark.parametrize("jobs", ["append", "both"])
def test_a_kill_at_any_moment_costs_one_trial(tmp_path: Path, jobs: str) -> None:
    _killed(tmp_path / "store", 0, 10, jobs)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("jobs", ["append", "both", "append compact"])
def test_two_hundred_kills(tmp_path: Path, seed: int, jobs: str) -> None:
    _killed(tmp_path / "store", seed, 14, *jobs.split())


@pytest.mark.parametrize("writers", [2, 4])
def test_writers_beside_each_other(tmp_path: Path, writers: int) -> None:
    root, seen = tmp_path / "store", set[str]()
    with process("append_together", root, writers, 8) as running:
        while running.poll() is None:
            if (root / "store.json").exists():
                now = intact(Store(root))
                assert seen <= now
                seen = now
            time.sleep(0.05)
    trials = {trial for trial in intact(Store(root)) if not trial.startswith("t")}
    assert trials == {f"{name}{number}{tick}" for name in "abcd"[:writers] for number in range(8) for tick in ("", "'")}
    assert checking.check(Store(root)).sound


@pytest.mark.long
def test_a_writer_a_compaction_and_a_reader_at_once(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store = Store(root, create=True)
    with process("append_on_and_on", root, SECONDS) as writer, process("compact_on_and_on", root, SECONDS) as compactor:
        assert writer.stdout is not None
        assert compactor.stdout is not None
        seen, looks = set[str](), 0
        while writer.poll() is None:
            now = intact(store)
            assert seen <= now, "what showed once shows ever after"
            seen, looks = now, looks + 1
        written, compactions = int(writer.stdout.read().split()[-1]), compactor.stdout.read().count("compacted")
    assert intact(store) == {f"t{number}" for number in range(written)}
    assert min(looks, compactions) > 3, "there was something to see"
    assert checking.check(store).sound
    compact(store)
    assert superseded(root) == set()


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare to mount a small disk with")
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """A real disk of half a megabyte: every trial that was reported is there, and each refusal is one sentence."""
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    script = f"mount -t tmpfs -o size=512k tmpfs {disk} || exit 77; {sys.executable} -W error {writing.__file__} "
    script += f"fill_up {disk}/store && cp -r {disk}/store {copy}"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode in (1, 77) and ("mount" in done.stderr or "unshare" in done.stderr):
        pytest.skip("this machine does not let us mount a small disk")
    assert done.returncode == 0, done.stderr
    *trials, refused, compaction = done.stdout.splitlines()
    assert len(trials) > 3
    assert refused.startswith(f"{disk}/store")
    for sentence in (refused, compaction):
        assert sentence.endswith("(No space left on device); free space or choose another --store")
    store = Store(copy)
    assert intact(store) == set(trials)
    report = checking.check(store)
    assert report.sound
    assert not [path for path in report.strays if path.endswith(".part")], "what was begun is removed"
    compact(store)
    assert intact(store) == set(trials)
