"""What claims promise: one of many gets each, the living keep theirs, and the dead lose theirs soon."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from store import Claims, StoreError
from store import claims as claims_module

BEAT, EXPIRY = 0.1, 0.6
SLACK = 0.6  # other tests use the cores too
HOURS = 5 * 3600.0

# What other processes do. They are forked, so that eight of them start within a moment.
SCRIPT = '''
import json, multiprocessing, os, signal, sys, time
from pathlib import Path
from store import Claims

fork = multiprocessing.get_context("fork")

def hold(root, names):
    """Takes claims, says so, and waits to be killed."""
    with Claims(root) as claims:
        print(json.dumps([claims.take(name) for name in names]), flush=True)
        time.sleep(60)

def race(root, names, processes):
    """Each line is what one of the processes got; none lets go before all have tried."""
    def run():
        with Claims(root) as claims:
            barrier.wait()
            got = [name for name in names if claims.take(name)]
            os.write(1, (json.dumps(got) + "\\n").encode())  # a line in one piece
            barrier.wait()
    barrier = fork.Barrier(processes)
    runs = [fork.Process(target=run) for _ in range(processes)]
    [run.start() for run in runs]
    [run.join() for run in runs]
    assert [run.exitcode for run in runs] == [0] * processes

def come_and_go(root, times, processes):
    """The folder is made and removed by many at once."""
    def run():
        for time in range(times):
            with Claims(root) as claims:
                assert claims.take(f"{os.getpid()}-{time}")
    runs = [fork.Process(target=run) for _ in range(processes)]
    [run.start() for run in runs]
    [run.join() for run in runs]
    assert [run.exitcode for run in runs] == [0] * processes
'''


@contextmanager
def elsewhere(call: str, root: Path, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """A process that runs one function of the script."""
    code = f"{SCRIPT}\n{call}(Path(sys.argv[1]), *json.loads(sys.argv[2]))"
    command = [sys.executable, "-c", code, str(root), json.dumps(arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(call: str, root: Path, *arguments: object) -> list[Any]:
    with elsewhere(call, root, *arguments) as process:
        assert process.stdout
        lines = process.stdout.readlines()
        assert process.wait() == 0
    return [json.loads(line) for line in lines]


@contextmanager
def held(root: Path, *names: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds these claims."""
    with elsewhere("hold", root, names) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline()) == [True] * len(names)
        yield process


def of_another_machine(root: Path, *names: str, about: bytes = b'{"machine": "other", "process": 1}') -> Path:
    """Claims as a run on another machine makes them; gives the file by which it shows that it lives."""
    run = f"{os.urandom(8).hex()}"
    (root / "claims").mkdir(exist_ok=True)
    sign = root / "claims" / f"{run}.run"
    sign.write_bytes(about)
    for name in names:
        (root / "claims" / f"{name}.claim").write_text(run)
    return sign


def touch(path: Path, clock: float = 0.0) -> None:
    """As a machine does whose clock is so many seconds off."""
    os.utime(path, (time.time() + clock, time.time() + clock))


def until_taken(claims: Claims, *names: str) -> float:
    """Seconds until a run that asks over and over has all of these."""
    began = time.monotonic()
    left = [*names]
    while left := [name for name in left if not claims.take(name)]:
        assert time.monotonic() - began < 10, "a claim blocks for ever"
        time.sleep(0.02)
    return time.monotonic() - began


def test_who_is_slow_to_see_a_death_takes_nothing_from_who_was_quick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Claims(tmp_path) as slow, Claims(tmp_path) as quick, Claims(tmp_path) as third:
        claim, dead = tmp_path / "claims" / "trial.claim", "0" * 16
        claim.write_text(dead)
        assert quick.take("trial")
        read, taken = claims_module._holder, []

        def looking(path: Path) -> str:
            """While the slow one looks, a third one tries."""
            with monkeypatch.context() as looked:
                looked.setattr(claims_module, "_holder", read)
                taken.append(third.take("trial"))
            return read(path)

        with monkeypatch.context() as looked:
            looked.setattr(claims_module, "_holder", looking)
            slow._take_away(claim, dead)
        assert taken
        assert not any(taken)
        assert claim.read_text() == quick.run
    assert not (tmp_path / "claims").exists()


def test_what_was_left_in_the_midst_of_taking_away_blocks_nobody(tmp_path: Path) -> None:
    (tmp_path / "claims").mkdir()
    dead, other = "0" * 16, "1" * 16
    (tmp_path / "claims" / "trial.claim").write_text(dead)
    (tmp_path / "claims" / f".trial.claim-{dead}").write_text(other)
    with Claims(tmp_path) as claims:
        until_taken(claims, "trial")
    assert not (tmp_path / "claims").exists()


@pytest.mark.parametrize("before", ["free", "of a dead run"])
def test_one_of_many_processes_gets_a_claim(tmp_path: Path, before: str) -> None:
    names = [f"trial{number}" for number in range(50)]
    if before == "of a dead run":
        with held(tmp_path, *names) as process:
            process.kill()
    got = finished("race", tmp_path, names, 8)
    assert len(got) == 8
    assert sorted(name for one in got for name in one) == sorted(names)
    assert not (tmp_path / "claims").exists()


def test_a_claim_is_kept_until_it_is_given_back(tmp_path: Path) -> None:
    with Claims(tmp_path) as ours:
        with Claims(tmp_path) as theirs:
            assert [theirs.take(name) for name in "abc"] == [True] * 3
            assert theirs.take("a"), "asked again, it is still ours"
            theirs.release(["a"])
            assert [ours.take(name) for name in "abc"] == [True, False, False]
        assert [ours.take(name) for name in "abc"] == [True] * 3, "the end of a run gives all back"
        assert {path.suffix for path in (tmp_path / "claims").iterdir()} == {".claim", ".run"}
    assert list(tmp_path.iterdir()) == [], "the last run leaves no file and no folder"


def test_runs_begin_while_others_end(tmp_path: Path) -> None:
    finished("come_and_go", tmp_path, 100, 4)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_on_this_machine_loses_its_claims_at_once(tmp_path: Path) -> None:
    with held(tmp_path, "a", "b", "c") as process, Claims(tmp_path) as claims:
        assert [claims.take(name) for name in "abc"] == [False] * 3
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert claims.take("a"), "though its parent has not asked yet how it ended"
        process.wait()
        assert claims.take("b")
    assert list(tmp_path.iterdir()) == [], "what it left is removed, though nobody took its last claim"


def test_a_stopped_run_loses_its_claims_too_though_not_at_once(tmp_path: Path) -> None:
    with held(tmp_path, "a") as process, Claims(tmp_path, beat=BEAT, expiry=EXPIRY) as claims:
        process.send_signal(signal.SIGSTOP)
        assert not claims.take("a")
        assert until_taken(claims, "a") < EXPIRY + SLACK


def test_a_run_that_was_taken_for_dead_shows_itself_again_and_leaves_the_others_claims_alone(tmp_path: Path) -> None:
    with Claims(tmp_path, beat=BEAT) as slept, Claims(tmp_path) as other:
        sign = tmp_path / "claims" / f"{slept.run}.run"
        assert slept.take("a")
        sign.unlink()
        assert other.take("a")
        slept.release(["a"])
        with Claims(tmp_path) as third:
            assert not third.take("a"), "it was not the sleeper's to give back"
        time.sleep(3 * BEAT)
        assert json.loads(sign.read_text())["process"] == os.getpid()


@pytest.mark.parametrize("clock", [0.0, HOURS], ids=["its clock is right", "its clock is ahead"])
def test_another_machine_keeps_its_claims_while_it_shows_that_it_lives(tmp_path: Path, clock: float) -> None:
    sign = of_another_machine(tmp_path, "a")
    with Claims(tmp_path, beat=BEAT, expiry=EXPIRY) as claims:
        for _ in range(10):
            touch(sign, clock)
            assert not claims.take("a")
            time.sleep(BEAT)
        assert EXPIRY - 2 * BEAT < until_taken(claims, "a") < EXPIRY + BEAT + SLACK
    assert list(tmp_path.iterdir()) == []


def test_a_clock_that_is_hours_behind_costs_one_look(tmp_path: Path) -> None:
    """At first sight such a run looks dead; as soon as its file is seen to change it is known to live."""
    sign = of_another_machine(tmp_path, "a", "b")
    touch(sign, -HOURS)
    with Claims(tmp_path, beat=BEAT, expiry=EXPIRY) as claims:
        assert claims.take("a")
        for _ in range(10):
            touch(sign, -HOURS)
            assert not claims.take("b")
            time.sleep(BEAT)
        assert until_taken(claims, "b") < EXPIRY + BEAT + SLACK


def test_a_dead_run_of_another_machine_is_found_dead_at_first_sight(tmp_path: Path) -> None:
    """Who asks once, as a compaction does, must not be refused for ever."""
    touch(of_another_machine(tmp_path, "a"), -2 * claims_module.EXPIRY)
    with Claims(tmp_path) as claims:
        assert claims.take("a")


def test_damaged_claims_do_not_block_for_ever(tmp_path: Path) -> None:
    machine = json.dumps(claims_module._machine())
    folder = tmp_path / "claims"
    folder.mkdir()
    nobody = {"empty": b"", "garbage": b"}{", "bytes": b"\xff\0\n", "path": b"../../../../x", "long": b"a" * 5000}
    for name, content in nobody.items():
        (folder / f"{name}.claim").write_bytes(content)
    about = [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"{}"]
    about += [f'{{"machine": {machine}, "process": {odd}}}'.encode() for odd in ('"x"', "-1", "null", "1e99", "9" * 30)]
    about += [f'{{"machine": {machine}, "process": {os.getpid()}, "since": {odd}}}'.encode() for odd in ("0", '"x"')]
    for number, content in enumerate(about):
        of_another_machine(tmp_path, f"of{number}", about=content)
    for path in folder.iterdir():
        touch(path, HOURS)
    of_another_machine(tmp_path, "unknown").unlink()
    with Claims(tmp_path, beat=BEAT, expiry=EXPIRY) as claims:
        assert claims.take("unknown"), "its holder left no sign of life"
        assert not claims.take("empty"), "it may have been made this very moment"
        assert until_taken(claims, *nobody, *(f"of{number}" for number in range(len(about)))) < EXPIRY + SLACK
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_gets_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with Claims(tmp_path) as claims, monkeypatch.context() as patch:
        patch.setattr(Path, "open", no_room)
        with pytest.raises(StoreError, match=r"/claims cannot be written \(No space left on device\); free space or "):
            claims.take("a")
    (tmp_path / "claims").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match=r"/claims cannot be written \(Not a directory\); .* choose another --store"):
        Claims(tmp_path).__enter__()
