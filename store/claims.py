"""Claims: who is at work on what, told to others who share the store.

A claim is a small file that only one run can make. A run shows that it lives by touching one file again and again.
A run that died loses its claims within two minutes: at once where its process was on this machine, else when its file
has not been touched for a minute. That age is read from the store's own file system, and not believed where the file
is seen to change, so clocks that differ between machines do not matter. A claim saves work; it guards no data. Where
two runs hold the same one for a moment, a trial runs twice and shows once.
"""

import json
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from store.errors import StoreError

FOLDER = "claims"
BEAT = 10.0
EXPIRY = 60.0
_RUN = re.compile("[0-9a-f]{16}")
_NOBODY = ""


class Claims:
    """The claims of one run on a store; as a context manager it gives them all back at its end.

    Args:
        root: the store's folder.
        beat: seconds between two signs of life.
        expiry: seconds without one after which others take a run for dead.
    """

    def __init__(self, root: Path, *, beat: float = BEAT, expiry: float = EXPIRY) -> None:
        self.folder = root / FOLDER
        self.run = uuid.uuid4().hex[:16]
        self.beat, self.expiry = beat, expiry
        self.held: set[str] = set()
        self._ended = threading.Event()
        self._seen: dict[str, tuple[int, float, bool]] = {}
        self._heart = threading.Thread(target=self._keep_alive, daemon=True)

    def __enter__(self) -> Self:
        try:
            self._show_life()
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        self._heart.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._heart.join()
        self.release(set(self.held))
        with suppress(OSError):
            self._remove_the_dead()
        with suppress(OSError):
            self._sign(self.run).unlink(missing_ok=True)
            self.folder.rmdir()  # fails, as it should, while others are at work

    def take(self, name: str) -> bool:
        """Whether the claim is ours now: it was free, or its holder is dead.

        Raises:
            StoreError: the store cannot be written.
        """
        if name in self.held:
            return True
        claim = self.folder / f"{name}.claim"
        try:
            for _ in range(3):  # where both the claim and a turn at taking it away were left by the dead
                with suppress(FileExistsError):
                    self._write(claim)
                    self.held.add(name)
                    return True
                holder = _holder(claim)
                if not self._is_dead(holder, claim):
                    return False
                self._take_away(claim, holder)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        return False

    def release(self, names: Iterable[str]) -> None:
        """Give claims back."""
        for name in names:
            claim = self.folder / f"{name}.claim"
            with suppress(OSError):
                if _holder(claim) == self.run:  # else a run took us for dead, while this machine slept say, and has it
                    claim.unlink()
            self.held.discard(name)

    def _write(self, claim: Path) -> None:
        with claim.open("x", encoding="utf-8") as file:
            try:
                file.write(self.run)
                file.flush()
            except OSError:  # a full disk: what names nobody would block the others for a minute
                claim.unlink(missing_ok=True)
                raise

    def _take_away(self, claim: Path, holder: str) -> None:
        """Remove the claim of a dead run, unless it has another holder by now.

        One run at a time does so, by a file that is exclusive: a slow one would remove the claim of who was quicker, as
        it still may where a third has died in the midst of this.
        """
        turn = claim.with_name(f".{claim.name}-{holder}")
        try:
            self._write(turn)
        except FileExistsError:
            if self._is_dead(_holder(turn), turn):  # in the midst of it
                turn.unlink(missing_ok=True)
            return
        try:
            if _holder(claim) == holder and self._is_dead(holder, claim):
                claim.unlink(missing_ok=True)
        finally:
            turn.unlink(missing_ok=True)

    def _remove_the_dead(self) -> None:
        """Remove what dead runs left; nobody may want the trials that they were at."""
        for claim in self.folder.glob("*.claim"):
            if self._is_dead(holder := _holder(claim), claim):
                self._take_away(claim, holder)
        for sign in self.folder.glob("*.run"):
            if sign.stem != self.run and self._is_dead(sign.stem, sign):
                sign.unlink(missing_ok=True)
        for turn in self.folder.glob(".*.claim-*"):
            if self._is_dead(_holder(turn), turn):
                turn.unlink(missing_ok=True)

    def _is_dead(self, run: str, claim: Path) -> bool:
        """Whether a run has ended without giving its claims back."""
        # A claim that names nobody was made a moment ago, or by a run that died in that moment.
        sign = claim if run == _NOBODY else self._sign(run)
        try:
            with sign.open("rb") as file:  # opened first: a network file system then asks for the time anew
                touched = os.fstat(file.fileno()).st_mtime_ns
                lives = None if run == _NOBODY else _lives(file.read())
        except FileNotFoundError:
            return run != _NOBODY
        if lives is not None:
            return not lives
        now = time.monotonic()
        seen = self._seen.get(sign.name)
        if seen is None or seen[0] != touched:
            seen = self._seen[sign.name] = (touched, now, seen is None)
        _, since, unmoved = seen
        if now - since > self.expiry:
            return True
        # The file system may write down the times of other machines' clocks: not so where the file is seen to change.
        self._show_life()
        return unmoved and self._sign(self.run).stat().st_mtime_ns - touched > self.expiry * 1e9

    def _keep_alive(self) -> None:
        while not self._ended.wait(self.beat):
            with suppress(OSError):
                self._show_life()

    def _show_life(self) -> None:
        sign = self._sign(self.run)
        with suppress(FileNotFoundError):
            os.utime(sign)
            return
        # New, or removed by a run that took us for dead. The last run to end may remove the folder at any moment.
        for left in reversed(range(20)):
            try:
                self.folder.mkdir(exist_ok=True)
                sign.write_text(json.dumps(_me()), encoding="utf-8")
                return
            except (FileNotFoundError, FileExistsError):
                if not left:
                    raise

    def _sign(self, run: str) -> Path:
        return self.folder / f"{run}.run"


def _holder(claim: Path) -> str:
    try:
        text = claim.read_bytes()[:17].decode("ascii", "replace")
    except FileNotFoundError:
        return _NOBODY
    return text if _RUN.fullmatch(text) else _NOBODY


def _me() -> dict[str, object]:
    process = psutil.Process()
    return {"machine": _machine(), "process": process.pid, "since": process.create_time()}


@cache
def _machine() -> str:
    """What tells whose processes can be seen from here: a container's are not those of its machine."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{socket.gethostname()} {boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{socket.gethostname()} {uuid.getnode():012x}"


def _lives(about: bytes) -> bool | None:
    """Whether a run is a process that works, or was one and is no more; None where that cannot be told from here."""
    try:
        run = json.loads(about)
        if run["machine"] != _machine():
            return None
        process = psutil.Process(run["process"])
        with process.oneshot():
            status, since = process.status(), process.create_time()
        if status == psutil.STATUS_ZOMBIE:
            return False
        # Another start is another process, or a clock that was set; one that was stopped may never go on.
        return True if abs(since - run["since"]) <= 1 and status != psutil.STATUS_STOPPED else None
    except psutil.NoSuchProcess:
        return False
    except (ValueError, KeyError, TypeError, ArithmeticError, psutil.Error):
        return None


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(f"{folder} cannot be written ({error.strerror or error}); free space or choose another --store")
