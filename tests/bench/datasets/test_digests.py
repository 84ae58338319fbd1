"""Files are read once: hashed again only when touched, decoded again only when changed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets import Library, decoded, digests
from bench.images.ranges import Scale

OPENED = """
import os, sys
folder, opened = sys.argv[1] + os.sep, set()

def listen(event, arguments):
    if event == "open" and str(arguments[0]).startswith(folder):
        opened.add(os.path.relpath(arguments[0], folder))

sys.addaudithook(listen)
from bench import cli
sys.argv = ["bench", *sys.argv[2:]]
try:
    cli.main()
except SystemExit as done:
    assert not done.code, done.code
print("opened:", *sorted(opened))
"""


def draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes of ten images, older than the tick of a clock; small copies may be shown."""
    for number in range(20):
        draw(tmp_path / "data" / "some" / "ab"[number % 2] / f"{number}.png", number)
    (tmp_path / "data" / "some.toml").write_text("show_images = true\n")
    time.sleep(2 * digests.TICK)
    return tmp_path / "data"


def opened(data: Path, cache: Path, *arguments: str) -> list[str]:
    """The images that a command opens, in a process of its own."""
    command = [sys.executable, "-c", OPENED, str(data / "some"), *arguments, "--data", str(data)]
    done = subprocess.run(
        command, env=os.environ | {"BENCH_CACHE": str(cache)}, cwd=data.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("opened:")[2].split()


@pytest.mark.long
def test_a_second_run_opens_no_image_and_a_third_the_changed_ones(data: Path, tmp_path: Path) -> None:
    def run(image_size: int) -> list[str]:
        return opened(
            data,
            tmp_path / "cache",
            "run",
            "cpu",
            "--model",
            "mean-colour",
            "--folds",
            "2",
            "--repeats",
            "1",
            "--image-size",
            str(image_size),
            "--store",
            str(tmp_path / "results"),
        )

    assert len(run(32)) == 20
    assert run(32) == []
    draw(data / "some" / "a" / "0.png", 99)
    draw(data / "some" / "b" / "new.png", 98)
    (data / "some" / "a" / "2.png").unlink()
    time.sleep(2 * digests.TICK)
    assert run(32) == ["a/0.png", "b/new.png"]
    assert run(32) == []


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded from here on."""
    names: list[str] = []
    decode = decoded.decode

    def listening(path: Path, size: int, scale: Scale = None) -> decoded.Pixels:
        names.append(path.name)
        return decode(path, size, scale)

    monkeypatch.setattr(decoded, "decode", listening)
    return names


def test_only_what_changed_is_decoded_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, read = Library((data,), tmp_path / "cache"), counted(monkeypatch)

    def load() -> list[str]:
        read.clear()
        dataset, told = library.load("some"), []
        pixels = decoded.load(dataset, 16, library.cache, lambda: told.append(1))
        names = sorted(read)
        for image, values in zip(dataset.images, pixels, strict=True):
            assert np.array_equal(values, decoded.decode(image.path, 16)), image.id
        assert not names or len(told) == len(dataset.images)
        return names

    assert len(load()) == 20
    (data / "some" / "a" / "4.png").write_bytes((data / "some" / "a" / "6.png").read_bytes())
    draw(data / "some" / "a" / "8.png", 50)
    (data / "some" / "b" / "1.png").rename(data / "some" / "b" / "zz.png")
    assert load() == ["8.png"]
    (data / "some" / "c").mkdir()
    draw(data / "some" / "c" / "new.png", 51)
    (data / "some" / "b" / "3.png").unlink()
    assert load() == ["new.png"]
    (data / "some" / "a" / "8.png").unlink()
    assert load() == []


@pytest.mark.parametrize("spoil", ["other rows", "no rows", "cut array", "other procedure"])
def test_pixels_are_taken_from_arrays_that_are_what_they_seem(
    spoil: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, read = Library((data,), tmp_path / "cache"), counted(monkeypatch)
    decoded.load(library.load("some"), 16, library.cache)
    (rows,), (array,) = (list((library.cache / kind).iterdir()) for kind in ("contents", "images"))
    if spoil == "other rows":
        np.save(rows, np.load(rows)[::-1])
    elif spoil == "no rows":
        rows.unlink()
    elif spoil == "cut array":
        array.write_bytes(array.read_bytes()[:-100])
    else:
        monkeypatch.setattr(decoded, "PROCEDURE", 99)
    read.clear()
    draw(data / "some" / "a" / "0.png", 99)
    dataset = library.load("some")
    pixels = decoded.load(dataset, 16, library.cache)
    assert len(read) == 20
    assert np.array_equal(pixels[0], decoded.decode(dataset.images[0].path, 16))


def test_two_runs_at_once_and_a_kill_leave_nothing_wrong(data: Path, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from bench.datasets import Library, decoded\n"
    code += "library = Library((Path(sys.argv[1]),), Path(sys.argv[2]))\n"
    code += "decoded.load(library.load('some'), 300, library.cache)"
    command = [sys.executable, "-c", code, str(data), str(tmp_path / "cache")]
    running = [subprocess.Popen(command) for _ in range(2)]
    started = time.monotonic()
    while not list((tmp_path / "cache").rglob("*.part")) and running[0].poll() is None:
        assert time.monotonic() - started < 60
    running[0].kill()
    assert running[1].wait(60) == 0
    running[0].wait(60)
    dataset = Library((data,), tmp_path / "cache").load("some")
    pixels = decoded.load(dataset, 300, tmp_path / "cache")
    assert all(
        np.array_equal(p, decoded.decode(i.path, 300)) for p, i in zip(pixels[:3], dataset.images[:3], strict=True)
    )


# --- The index of hashes


def rewritten(path: Path) -> None:
    path.write_bytes(b"1" * 10)


def rewritten_with_the_old_date(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"1" * 10)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"1" * 10)
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


def grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"1")


@pytest.mark.parametrize("change", [rewritten, rewritten_with_the_old_date, replaced, grown])
@pytest.mark.parametrize("pause", [0, 2 * digests.TICK], ids=["at once", "later"])
def test_every_change_of_a_file_is_noticed(change: Callable[[Path], None], pause: float, tmp_path: Path) -> None:
    paths, index = [tmp_path / name for name in "abc"], tmp_path / "cache" / "digests" / "x.npy"
    for path in paths:
        path.write_bytes(b"0" * 10)
    time.sleep(pause)
    before = digests.read(paths, index)
    assert before == [(sha256(b"0" * 10).hexdigest(), 0)] * 3
    assert index.exists() == (pause > 0), "what was just written may be written again within one tick of the clock"
    change(paths[1])
    after = digests.read(paths, index)
    assert after == [(sha256(path.read_bytes()).hexdigest(), 0) for path in paths]
    assert after[1] != before[1]


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_an_index_that_is_not_whole_costs_time_alone(content: bytes, tmp_path: Path) -> None:
    path, index = tmp_path / "a", tmp_path / "cache" / "digests" / "x.npy"
    path.write_bytes(b"0")
    index.parent.mkdir(parents=True)
    index.write_bytes(content)
    time.sleep(2 * digests.TICK)
    for _ in range(2):
        assert digests.read([path], index) == [(sha256(b"0").hexdigest(), 0)]
    assert len(np.load(index)) == 1
    assert digests.read([path], tmp_path / "a" / "no" / "folder.npy") == [(sha256(b"0").hexdigest(), 0)]
