"""What tests of the store append, and processes that they let write, compact and die: `writing.py CALL ROOT …`."""

import itertools
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from store import Store, StoreError, public, query
from store.compaction import compact

CLASSES = ["b", "a", "c"]
SHARED = {"recipe": "r", "cell_id": "c", "recipe_json": "{}", "protocol_json": '{"folds": 5}', "dataset_hash": "h"}
INTACT = """
    select t.trial_id, coalesce(list_sum([p.rows for p in t.parts if p.path like 'predictions%']), 0) as promised,
        (select count(*) from predictions p where p.trial_id = t.trial_id) as shown,
        (select count(distinct (subset, image_id)) from predictions p where p.trial_id = t.trial_id) as different
    from trials t
"""


def append(
    store: Store, *trials: str, status: str = "done", dataset: str = "d", model: str = "m", images: int = 4
) -> list[str]:
    """Trials that end together: as many predictions of each as images, and maps of the first, as in a real cell."""
    finished = []
    for number, trial in enumerate(trials):
        rng, done = random.Random(f"{trial} {images}"), status == "done"
        row = {
            **SHARED,
            "trial_id": trial,
            "dataset": dataset,
            "model": model,
            "repeat": number,
            "fold": number % 5,
            "status": status,
            "error": None if done else "it broke",
            "classes": CLASSES,
            "holdout_images": images // 2,
            "loss": [rng.random() for _ in range(3)],
            "seconds": rng.random(),
            "versions_json": '{"it\'s": "ü"}',
        }
        shown = []
        for image in range(images):
            label, weights = CLASSES[image % 3], [rng.random() for _ in CLASSES]
            shown.append(
                {
                    "subset": ("test", "holdout")[image % 2],
                    "image_id": f"{label}/{image}",
                    "label": label,
                    "predicted": CLASSES[weights.index(max(weights))],
                    "probabilities": [weight / sum(weights) for weight in weights],
                }
            )
        maps = [
            {
                "image_id": f"{label}/0",
                "label": label,
                "layer": "l",
                "maps": 2,
                "height": 2,
                "width": 2,
                "values": rng.randbytes(8),
                "low": [0.0, rng.random()],
                "high": [1.0, 2.0],
                "weights": "trained",
                "mean_map": rng.randbytes(4),
                "deepest": "d",
                "explained": label,
                "grad_cam": rng.randbytes(4),
            }
            for label in CLASSES
        ]
        maps += [{"image_id": f"{label}/0", "label": label, "nearest": ["a/1"], "likeness": [0.5]} for label in CLASSES]
        finished.append((row, shown if done else [], maps if done and number == 0 else []))
    return store.append_trials(finished)


def plan(store: Store, study: str, *trials: str, dataset: str = "d", model: str = "m", cell: str = "c") -> None:
    shared = {**SHARED, "study_title": "S", "dataset": dataset, "model": model, "cell_id": cell, "scheme": "s"}
    rows = [{**shared, "trial_id": trial, "repeat": n, "fold": n % 5} for n, trial in enumerate(trials)]
    store.append_plan(study, rows)


def listed(store: Store, dataset: str, dataset_hash: str, thumbnail: bytes | None = None) -> None:
    images = [{"image_id": f"a/{n}", "label": "a", "sha256": f"{n}", "image_group": "g"} for n in range(5)]
    store.append_images(dataset, dataset_hash, [{**image, "thumbnail": thumbnail} for image in images])
    places = [{"repeat": 0, "image_id": image["image_id"], "fold": n or None} for n, image in enumerate(images)]
    store.append_splits(dataset, dataset_hash, "p", places)


# --- What is there


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """What every public table answers, sorted; where its rows come from is left out."""
    answers = {}
    with store.connect() as connection:
        for view in public():
            columns = "* exclude (parts)" if view.name == "trials" else "*"
            rows = connection.execute(f"select {columns} from {view.call}").fetchall()
            # Floats last: where they differ by a rounding the order stays.
            answers[view.name] = sorted(rows, key=lambda row: repr(sorted(map(str, row), key=_is_float)))
    return answers


def _is_float(text: str) -> bool:
    return "." in text


def files(root: Path, kind: str = "") -> list[str]:
    """The paths of the parts below a store's folder."""
    return sorted(path.relative_to(root).as_posix() for path in (root / kind).rglob("[!.]*.parquet"))


def intact(store: Store) -> set[str]:
    """The trials that show, of which none shows twice or lacks a row."""
    trials = query(store, INTACT).to_pylist()
    assert [t for t in trials if not t["promised"] == t["shown"] == t["different"]] == []
    names = [trial["trial_id"] for trial in trials]
    assert len(names) == len(set(names))
    return set(names)


def superseded(root: Path) -> set[str]:
    """Files with rows of attempts that count from another file."""
    holding = Counter[str]()
    named: dict[str, set[str]] = {}
    found = set()
    trials = {path: pq.read_table(root / path, partitioning=None) for path in files(root, "trials")}
    for table in trials.values():
        holding.update(table["attempt_id"].to_pylist())
        for row in table.select(["attempt_id", "parts"]).to_pylist():
            named.setdefault(row["attempt_id"], set()).update(part["path"] for part in row["parts"])
    found |= {path for path, t in trials.items() if any(holding[a] > 1 for a in t["attempt_id"].to_pylist())}
    for path in files(root, "predictions") + files(root, "activations"):
        attempts = set(pq.read_table(root / path, partitioning=None)["attempt_id"].to_pylist())
        found |= {path for attempt in attempts if attempt in named and path not in named[attempt]}
    return found


def age(root: Path, seconds: float = 7200.0) -> None:
    """Make every part, and what should have become one, old."""
    then = time.time() - seconds
    for path in root.rglob("*"):
        if path.is_file() and path.suffix in (".parquet", ".part"):
            os.utime(path, (then, then))


# --- Processes


@contextmanager
def process(call: str, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """A process that runs one function of this file; what it cannot clear away when it is killed goes with it."""
    command = [sys.executable, "-W", "error", __file__, call, *map(str, arguments)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": folder}
        ) as running,
    ):
        yield running
    assert running.returncode == 0


def kill_over_and_over(root: Path) -> None:
    """For each line `FIRST SECONDS JOB …`: a process for each job (`append`, `compact` or `both`), the trials counted
    from FIRST on. SECONDS after the first trial all are killed; how many trials were reported finished is printed.
    """
    for line in sys.stdin:
        first, seconds, *jobs = line.split()
        finished, tell = os.pipe()
        children = [_child(partial(_work, root, job, int(first), tell)) for job in jobs]
        os.close(tell)
        count = len(os.read(finished, 1))
        time.sleep(float(seconds))
        for child in children:
            os.kill(child, signal.SIGKILL)
        codes = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
        assert codes == {-signal.SIGKILL}
        while read := os.read(finished, 65536):
            count += len(read)
        os.close(finished)
        print(count, flush=True)


def _work(root: Path, job: str, first: int, tell: int) -> None:
    store = Store(root, create=True)
    for number in itertools.count(first):
        if job != "compact":
            append(store, f"t{number}", images=3 + number % 3)
            os.write(tell, b".")
        if job == "compact" or (job == "both" and number % 3 == 2):
            try:
                compact(store)
            except StoreError as error:
                # A claim of a process that was killed before it could write its name there holds for a minute.
                if "another compaction is at work" not in str(error):
                    raise


def append_together(root: Path, writers: str, trials: str) -> None:
    """So many processes append so many trials each; one more is killed in the midst of it."""

    def write(name: str) -> None:
        for number in range(int(trials)):
            append(Store(root, create=True), f"{name}{number}", f"{name}{number}'")

    ready, tell = os.pipe()
    others = [_child(partial(write, name)) for name in "abcdefgh"[: int(writers)]]
    doomed = _child(partial(_work, root, "append", 0, tell))
    for _ in range(int(trials) // 2):
        os.read(ready, 1)
    os.kill(doomed, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(doomed, 0)[1]) == -signal.SIGKILL
    assert {os.waitpid(child, 0)[1] for child in others} == {0}


def append_on_and_on(root: Path, seconds: str) -> None:
    """For so long: trials in batches of one and two, whose count is printed once they are finished."""
    store, end = Store(root, create=True), time.monotonic() + float(seconds)
    for number in itertools.count(0, 2):
        append(store, f"t{number}", f"t{number + 1}")
        print(number + 2, flush=True)
        if number % 5 == 0:
            append(store, f"t{number}")  # once more
        if time.monotonic() > end:
            return


def compact_on_and_on(root: Path, seconds: str) -> None:
    """For so long: one compaction after the other."""
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        compact(Store(root))
        print("compacted", flush=True)


def fill_up(root: Path) -> None:
    """Trials until the disk is full, then a compaction; what is said is printed."""
    store = Store(root, create=True)
    with suppress(StoreError):
        for number in itertools.count():
            append(store, f"t{number}", images=300)
            print(f"t{number}", flush=True)
    for work in (partial(append, store, "more", images=300), partial(compact, store)):
        try:
            work()
        except StoreError as error:
            print(error, flush=True)


def append_with_little_room(root: Path, limit: str) -> None:
    """A trial where no file can be larger; what is said is printed."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    try:
        append(Store(root), "big")
    except StoreError as error:
        print(error)


def _child(do: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            do()
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    return child


def main(call: str, root: str, *arguments: str) -> Any:
    # pyarrow does so once, which would take up most of the time that a process has to live.
    import pandas  # noqa: F401

    return globals()[call](Path(root), *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
