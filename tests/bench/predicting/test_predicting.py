"""New images: the vote is the store's, hostile files cost a line each, a run that was stopped goes on."""

import csv
import os
import shutil
from pathlib import Path

import keeping as support
import numpy as np
import pyarrow.parquet as pq
import pytest
from commands import Run, one_sentence
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.commands import predict
from bench.errors import UsageError
from bench.predicting import judging, listing, records, sorting
from bench.predicting.judging import Judged
from store import Store, certainty, query


@pytest.fixture(scope="module")
def whole(kept: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with kept models that know what their training images are like."""
    from bench.commands import advice, dataset, keeping
    from report.data import Results

    root = Path(shutil.copytree(kept, tmp_path_factory.mktemp("whole") / "store"))
    for model in ("efficientnet-lite0", "cnn-shallow", "mean-colour"):
        chosen = advice.choose(Results(root), "tiny", model)
        keeping.keep(Store(root), dataset.library([str(data)]), chosen, "cpu", force=False, weights=None)
    return root


@pytest.mark.parametrize("model", ["efficientnet-lite0", "cnn-shallow", "mean-colour"])
def test_the_votes_on_the_holdout_are_those_of_the_store(
    whole: Path, data: Path, bench: Run, tmp_path: Path, model: str
) -> None:
    code, out, err = bench("predict", "tiny", data / "tiny", "--model", model, "--store", whole)
    assert (code, err) == (0, ""), out
    rows = {row["file"]: row for row in pq.read_table(tmp_path / "predictions/predictions.parquet").to_pylist()}
    votes = query(Store(whole), f"select * from votes where model = '{model}' and subset = 'holdout'").to_pylist()
    classes = [name[2:-1] for name in next(iter(rows.values())) if name.startswith("p(")]
    rule = judging.learn(Store(whole), support.cell_of(Store(whole), model), classes, 0.05)
    assert len(votes) > 10
    for vote in votes:
        row = rows[str(data / "tiny" / vote["image_id"])]
        assert (row["class"], row["agreement"]) == (vote["predicted"], pytest.approx(vote["agreement"]))
        tempered = certainty.tempered([vote["probabilities"]], rule.temperature)[0]
        assert [value for name, value in row.items() if name.startswith("p(")] == pytest.approx(tempered, abs=1e-4)
    with (tmp_path / "predictions/predictions.csv").open(newline="") as file:
        assert [line["file"] for line in csv.DictReader(file)] == list(rows)


def hostile(folder: Path, good: Path) -> dict[str, str]:
    """Files that cannot be read, with a part of what is said of each."""
    import struct
    import zlib

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    folder.mkdir()
    shutil.copy(good, folder / "good.png")
    shutil.copy(good, folder / "<script>alert(1)</script>.png".replace("/", "∕"))
    shutil.copy(good, folder / "two\nlines.png")
    shutil.copy(good, os.fsencode(folder) + b"/not\xffutf8.png")
    (folder / "cut.png").write_bytes(good.read_bytes()[:300])
    (folder / "empty.png").touch()
    (folder / "words.jpg").write_text("no picture")
    large = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    (folder / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + large + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    frames = [Image.fromarray(np.full((9, 9), shade % 256, np.uint8)) for shade in range(1000)]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:])
    (folder / "round.png").symlink_to("round.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "notes.txt").touch()
    return {
        "cut.png": "truncated",
        "empty.png": "cannot identify",
        "words.jpg": "cannot identify",
        "large.png": "pixels",
        "film.gif": "store it as PNG",
        "round.png": "",
        "pipe.png": "no file",
    }


def test_hostile_files_cost_a_line_each_and_never_the_run(whole: Path, data: Path, bench: Run, tmp_path: Path) -> None:
    faults = hostile(tmp_path / "in", next((data / "tiny").rglob("*.png")))
    ask = ("predict", "tiny", tmp_path / "in", "--model", "cnn-shallow", "--store", whole)
    code, out, err = bench(*ask, "-o", tmp_path / "in" / "out", "--sort", tmp_path / "in" / "sorted", "--report")
    assert (code, err) == (0, ""), out
    rows = pq.read_table(tmp_path / "in/out/predictions.parquet").to_pylist()
    assert len(rows) == 11
    unread = {Path(row["file"]).name: row["warnings"] for row in rows if row["status"] == "unreadable"}
    assert unread.keys() == faults.keys()
    assert all(part in unread[name] for name, part in faults.items()), unread
    assert "11 files: 0 to trust, 4 to inspect, 7 that cannot be read." in out
    assert "no images: 1" in out
    page = (tmp_path / "in/out/report.html").read_text()
    assert "<script" not in page
    assert "alert" in page
    assert len(list((tmp_path / "in/sorted").rglob("*.png"))) == 4
    # A second run asks about nothing, and takes neither its own tables nor what it sorted for images.
    again = bench(*ask, "-o", tmp_path / "in" / "out", "--sort", tmp_path / "in" / "sorted")[1]
    assert "11 files, 4 of them answered before" in " ".join(again.split())


def test_a_run_that_was_stopped_goes_on(
    whole: Path, data: Path, bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.predicting import asking

    monkeypatch.setattr(asking, "PORTION", 10)
    ask = ("predict", "tiny", data / "tiny", "--model", "cnn-shallow", "--store", whole, "-o", tmp_path / "out")
    real = asking.vote
    calls: list[int] = []

    def stops(chances: np.ndarray) -> object:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(chances)

    with monkeypatch.context() as stopped:
        stopped.setattr(asking, "vote", stops)
        code, _, err = bench(*ask)
        assert code == 130
        assert one_sentence(err)
        assert "the same command goes on" in err
    (note,) = (tmp_path / "out").glob(".answered-*")
    with note.open("ab") as file:
        file.write(b'{"path": "cut off')
    code, out, _ = bench(*ask)
    assert code == 0
    assert "72 files, 30 of them answered before" in out
    # An image that was altered is asked about again, and so is everything by another model.
    rows = records.Records(tmp_path / "out", "another")
    assert rows.known == {}
    copied = tmp_path / "one.png"
    for wanted in ("1 files: ", "1 files, 1 of them answered before"):
        if not copied.exists():
            shutil.copy(next((data / "tiny").rglob("*.png")), copied)
        assert wanted in bench(*ask[:2], copied, *ask[3:])[1]
    os.utime(copied, (1, 1))
    assert "1 files: " in bench(*ask[:2], copied, *ask[3:])[1]


@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=9))
def test_a_vote_is_that_of_the_store(weights: list[list[int]]) -> None:
    """One image, T trials: most votes, then the mean probability, then the first class."""
    p = np.array(weights, dtype=float)[:, None, :] + 1e-9
    p /= p.sum(2, keepdims=True)
    votes, means = judging.vote(p)
    ballots = [int(row.argmax()) for row in p[:, 0]]
    assert votes[0].tolist() == [ballots.count(place) for place in range(3)]
    best = max(range(3), key=lambda place: (ballots.count(place), means[0][place], -place))
    assert judging.elected(votes, means)[0] == best


def test_what_is_trusted_is_learned_out_of_fold_and_counted_on_the_holdout(whole: Path) -> None:
    store = Store(whole)
    cell = support.cell_of(store, "efficientnet-lite0")
    rows = query(store, f"select distinct classes from trials where cell_id = '{cell}'").to_pylist()
    classes = rows[0]["classes"]
    rule = judging.learn(store, cell, classes, 0.4)
    votes = query(store, "select * from votes where model = 'efficientnet-lite0'").to_pylist()
    out = [v for v in votes if v["subset"] == "test"]
    truth = [classes.index(v["label"]) for v in out]
    assert rule.temperature == pytest.approx(certainty.temperature([v["probabilities"] for v in out], truth))
    held = [v for v in votes if v["subset"] == "holdout"]
    sure = [certainty.tempered([v["probabilities"]], rule.temperature)[0][classes.index(v["predicted"])] for v in held]
    kept = [v for v, s in zip(held, sure, strict=True) if s >= rule.threshold]
    assert (rule.held, rule.trusted) == (len(held), len(kept))
    assert rule.wrong == sum(v["label"] != v["predicted"] for v in kept)
    assert judging.learn(store, cell, classes, 0.001).threshold == np.inf


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), (" 2.5 % ", 0.025), ("0.1", 0.1)])
def test_a_share_of_errors_is_read_as_people_write_it(text: str, share: float) -> None:
    assert predict.rate(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["5", "0", "-1%", "100%", "many", "nan", ""])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--error must be a share such as 5% or 0\.05"):
        predict.rate(text)


def test_files_are_named_once_by_folder_file_or_table(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/b/2.JPG", "a/.hidden/3.png", "a/4.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "list.csv").write_text("File;note\na/1.png;x\na/b/2.JPG;\nnone.png;\n;\n")
    found = listing.listed([tmp_path / "a/b/2.JPG", tmp_path / "a", tmp_path / "list.csv"])
    names = [file.name for file in found.files]
    assert names == [f"{tmp_path}/a/b/2.JPG", f"{tmp_path}/a/1.png", "none.png", "list.csv, line 5"]
    assert [bool(file.fault) for file in found.files] == [False, False, True, True]
    assert found.others == 1
    (tmp_path / "bare.csv").write_text("what,ever\n1,2\n")
    for wrong in ("bare.csv", "nowhere"):
        with pytest.raises(UsageError, match=wrong):
            listing.listed([tmp_path / wrong])


def test_sorted_files_are_links_and_nothing_of_others_is_touched(tmp_path: Path) -> None:
    names = ["x/1.png", "y/1.png", "x/2.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    rows = [
        Judged(n, str(tmp_path / n), s, "a/../b") for n, s in zip(names, ["trust", "trust", "inspect"], strict=True)
    ]
    target = tmp_path / "sorted"
    assert sorting.sort([*rows, Judged("z", "z", "unreadable")], target, copies=False) == 3
    there = {path.relative_to(target).as_posix() for path in target.rglob("*.png")}
    assert there == {"trust/a_.._b/1.png", "trust/a_.._b/1 (2).png", "inspect/2.png"}
    assert (target / "trust/a_.._b/1 (2).png").is_symlink()
    (target / "inspect/mine.png").write_text("mine")
    assert sorting.sort(rows[:1], target, copies=True) == 1
    assert {path.relative_to(target).as_posix() for path in target.rglob("*.png")} == {
        "trust/a_.._b/1.png",
        "inspect/mine.png",
    }
    assert not (target / "trust/a_.._b/1.png").is_symlink()
    assert [(tmp_path / name).read_text() for name in names] == names
    with pytest.raises(Exception, match="holds other files"):
        sorting.sort(rows, tmp_path / "x", copies=False)


def test_without_a_kept_model_the_command_that_keeps_one_is_named(trained: Path, data: Path, bench: Run) -> None:
    code, _, err = bench("predict", "tiny", data, "--store", trained)
    assert code == 1
    assert one_sentence(err)
    assert "`bench model keep tiny" in err
    code, _, err = bench("predict", "tiny", data, "--store", trained, "--model", "nobody")
    assert (code, one_sentence(err)) == (2, True)
