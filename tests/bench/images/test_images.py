"""From image files to arrays: decoding, the cache, and the folders and cards that say where the images lie."""

import errno
import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import datasets
from bench.datasets import Dataset, Library, cards, curating, decoded
from bench.errors import BenchError, UsageError
from bench.study.protocol import Protocol

DARK, BRIGHT = (30, 60, 90), (200, 150, 100)
MODES = {
    "png": ("1", "L", "LA", "P", "P transparent", "RGB", "RGBA", "I;16"),
    "jpg": ("L", "RGB", "CMYK"),
    "bmp": ("1", "L", "P", "RGB", "RGBA"),
    "tif": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"),
}


def picture(width: int = 40, height: int = 24) -> Image.Image:
    """Dark on the left, bright on the right."""
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = DARK, BRIGHT
    return Image.fromarray(pixels)


def in_mode(mode: str) -> tuple[Image.Image, dict[str, Any], Any, Any]:
    """The picture in a mode, options to save it with, and the colours that dark and bright must have."""
    grey = [round(np.dot(colour, (0.299, 0.587, 0.114))) for colour in (DARK, BRIGHT)]
    if mode == "I;16":
        deep = np.where(np.asarray(picture().convert("L")) < 100, 0x4000, 0xC000).astype(np.uint16)
        return Image.fromarray(deep), {}, 64, 191
    if mode == "F":  # no scale of its own, so from its least to its greatest value
        return Image.fromarray(np.asarray(picture().convert("L"), dtype=np.float32) / 7), {}, 0, 255
    if mode == "1":
        return picture().convert("1", dither=Image.Dither.NONE), {}, 0, 255
    if mode.startswith("P"):
        palette = picture().quantize(2)
        return palette, {"transparency": b"\0\x80"} if "transparent" in mode else {}, DARK, BRIGHT
    if mode == "RGBA":  # the dark half transparent; transparency is dropped
        image = picture().convert("RGBA")
        image.putalpha(picture().convert("L").point(lambda value: 0 if value < 100 else 255))
        return image, {}, DARK, BRIGHT
    if mode in ("L", "LA"):
        return picture().convert(mode), {}, *grey
    return picture().convert(mode), {}, DARK, BRIGHT


def motorola_tiff(values: np.ndarray) -> bytes:
    """A 16-bit TIFF with the high byte first, as ImageJ writes it; Pillow writes none."""
    height, width = values.shape
    data = values.astype(">u2").tobytes()
    shorts = {256: width, 257: height, 258: 16, 259: 1, 262: 1, 277: 1, 278: height}
    entries = [struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in shorts.items()]
    entries += [struct.pack(">HHII", tag, 4, 1, value) for tag, value in ((273, 8), (279, len(data)))]
    directory = struct.pack(">H", len(entries)) + b"".join(sorted(entries)) + bytes(4)
    return b"MM\0*" + struct.pack(">I", 8 + len(data)) + data + directory


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def write_dataset(root: Path, name: str = "some", classes: tuple[str, ...] = ("a", "b"), each: int = 3) -> Path:
    """A dataset of small PNGs, no two alike."""
    random = np.random.default_rng(0)
    for label in classes:
        (root / name / label).mkdir(parents=True)
        for number in range(each):
            pixels = random.integers(0, 256, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / label / f"{number}.png")
    return root / name


def library(root: Path) -> Library:
    return Library((root,), root / "cache")


def load(root: Path, name: str = "some") -> Dataset:
    return library(root).load(name)


@pytest.mark.parametrize(("suffix", "mode"), [(suffix, mode) for suffix in MODES for mode in MODES[suffix]])
def test_every_format_and_mode_becomes_rgb(suffix: str, mode: str, tmp_path: Path) -> None:
    path = tmp_path / f"image.{suffix}"
    image, options, dark, bright = in_mode(mode)
    image.save(path, **options)
    pixels = decoded.decode(path, 16)
    assert (pixels.shape, pixels.dtype) == ((16, 16, 3), np.uint8)
    off = 6 if suffix == "jpg" else 1
    for column, colour in ((0, dark), (6, dark), (9, bright), (15, bright)):
        assert np.abs(pixels[:, column].astype(int) - colour).max() <= off, (column, pixels[0, column])


def test_sixteen_bits_mean_the_same_in_either_order_of_bytes(tmp_path: Path) -> None:
    deep = np.linspace(5_000, 20_000, 256).reshape(16, 16).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "low.tif")
    (tmp_path / "high.tif").write_bytes(motorola_tiff(deep))
    assert np.array_equal(decoded.decode(tmp_path / "low.tif", 16), decoded.decode(tmp_path / "high.tif", 16))


def test_images_are_resized_not_cropped(tmp_path: Path) -> None:
    pixels = np.zeros((90, 30, 3), dtype=np.uint8)
    pixels[:30], pixels[60:] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "high.png")
    shown = decoded.decode(tmp_path / "high.png", 30)
    assert shown[0].tolist() == [[255, 0, 0]] * 30
    assert shown[15].tolist() == [[0, 0, 0]] * 30
    assert shown[29].tolist() == [[0, 0, 255]] * 30


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.png", b""),
        ("text.png", b"Not an image at all, but a sentence."),
        ("page.jpg", b"<html><body>404</body></html>"),
        ("header.png", png_header(10, 10)),
        ("big.png", png_header(12_000, 12_000)),
        ("bigger.png", png_header(60_000, 60_000)),
    ],
    ids=["empty", "text", "page", "header", "big", "bigger"],
)
def test_what_is_no_image_is_an_error_that_names_the_file(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BenchError) as caught:
        decoded.decode(path, 16)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.count(str(path)) == 1
    assert "\n" not in message
    assert ("pixel" in message) == name.startswith("big")
    assert message.endswith(("mend or remove it", "remove or shrink it"))


def test_an_image_of_many_pixels_that_are_not_too_many_gives_no_warning(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(png_header(9_600, 10_000))  # Pillow warns from 89 million on
    with pytest.raises(BenchError, match=r"large\.png cannot be read as an image"):
        decoded.decode(tmp_path / "large.png", 16)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_a_file_cut_anywhere_is_read_or_named_and_warns_of_nothing(suffix: str, tmp_path: Path) -> None:
    whole, path = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    picture().save(whole)
    content, refused = whole.read_bytes(), 0
    lengths = [*range(0, len(content), 1 + len(content) // 150), *range(len(content) - 12, len(content))]
    for length in lengths:
        path.write_bytes(content[:length])
        try:
            assert decoded.decode(path, 16).shape == (16, 16, 3)
        except BenchError as error:
            refused += str(path) in str(error)
    assert refused > len(lengths) / 2


def test_an_unreadable_image_stops_loading_and_leaves_no_cache(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path)
    (folder / "b" / "1.png").write_bytes((folder / "b" / "1.png").read_bytes()[:60])
    with pytest.raises(BenchError, match=r"b/1\.png cannot be read as an image"):
        decoded.load(load(tmp_path), 16, tmp_path / "cache")
    assert not [path for kind in ("images", "contents") for path in (tmp_path / "cache" / kind).glob("*")]


def test_images_are_decoded_once(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path)
    dataset, told = load(tmp_path), []
    first = decoded.load(dataset, 16, tmp_path / "cache", lambda: told.append(1))
    assert len(told) == 6
    assert (first.shape, first.dtype) == ((6, 16, 16, 3), np.uint8)
    for image, pixels in zip(dataset.images, first, strict=True):
        assert np.array_equal(pixels, decoded.decode(image.path, 16))
        image.path.unlink()
    second = decoded.load(dataset, 16, tmp_path / "cache", lambda: told.append(1))
    assert np.array_equal(first, second)
    assert len(told) == 6
    assert isinstance(second, np.memmap)
    assert not second.flags.writeable
    assert not any(folder.rglob("*.png"))
    with pytest.raises(BenchError, match=r"cannot be read \(No such"):  # another size needs the files
        decoded.load(dataset, 24, tmp_path / "cache")


def test_a_changed_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = write_dataset(tmp_path) / "a" / "0.png"
    before = load(tmp_path)
    old = decoded.load(before, 16, tmp_path / "cache")
    stat = path.stat()
    Image.new("RGB", (20, 20), BRIGHT).save(path)
    path.write_bytes(path.read_bytes().ljust(stat.st_size, b"\0"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    after = load(tmp_path)
    assert after.content_hash != before.content_hash
    new = decoded.load(after, 16, tmp_path / "cache")
    assert new[0].tolist() == [[list(BRIGHT)] * 16] * 16
    assert np.array_equal(new[1:], old[1:])


def test_what_is_cached_follows_the_order_of_the_classes(tmp_path: Path) -> None:
    """A card that turns the classes round changes no content, but the order of the images."""
    write_dataset(tmp_path)
    for classes in ('["a", "b"]', '["b", "a"]'):
        (tmp_path / "some.toml").write_text(f"classes = {classes}\n")
        dataset = load(tmp_path)
        for image, pixels in zip(dataset.images, decoded.load(dataset, 16, tmp_path / "cache"), strict=True):
            assert np.array_equal(pixels, decoded.decode(image.path, 16)), image.id


def full_disk(file: io.BufferedWriter, array: np.ndarray) -> None:
    file.write(array.tobytes()[:100])
    raise OSError(errno.ENOSPC, "No space left on device")


def killed(file: io.BufferedWriter, array: np.ndarray) -> None:
    file.write(array.tobytes()[:100])
    raise KeyboardInterrupt


@pytest.mark.parametrize(("failing", "error"), [(full_disk, BenchError), (killed, KeyboardInterrupt)])
def test_a_write_that_fails_leaves_nothing(
    failing: Callable[..., None], error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dataset(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(np, "save", failing)
        with pytest.raises(error) as caught:
            decoded.load(load(tmp_path), 16, tmp_path / "cache")
    if error is BenchError:
        assert "cannot be written (No space left on device); free space or set BENCH_CACHE" in str(caught.value)
    assert not [path for kind in ("images", "contents") for path in (tmp_path / "cache" / kind).glob("*")]
    assert decoded.load(load(tmp_path), 16, tmp_path / "cache").shape == (6, 16, 16, 3)


def test_a_cache_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    write_dataset(tmp_path)
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(BenchError, match=r"cannot be written .*BENCH_CACHE"):
        decoded.load(load(tmp_path), 16, tmp_path / "cache")


@pytest.mark.parametrize("count", [1, 63, 64, 200])
def test_channel_statistics_are_numpys(count: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 12, 12, 3), dtype=np.uint8)
    pixels[..., 1] //= 3
    mean, std = decoded.channel_statistics(pixels)
    assert mean == pytest.approx((pixels / 255).mean((0, 1, 2)), abs=1e-12)
    assert std == pytest.approx((pixels / 255).std((0, 1, 2)), abs=1e-9)


def test_one_colour_has_no_deviation_to_divide_by() -> None:
    mean, std = decoded.channel_statistics(np.full((4, 8, 8, 3), 51, dtype=np.uint8))
    assert mean == pytest.approx([0.2] * 3)
    assert all(0 < value < 1e-5 for value in std)


def test_a_thumbnail_is_a_small_jpeg(tmp_path: Path) -> None:
    picture(400, 200).save(tmp_path / "image.png")
    with Image.open(
        io.BytesIO(decoded.thumbnail(datasets.Image("a", 0, tmp_path / "image.png", "", "a")))
    ) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (96, 96))


def test_what_an_operating_system_leaves_behind_is_no_image(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path)
    for name in (".DS_Store", "._0.png", ".hidden.jpg", "Thumbs.db", "desktop.ini", "notes.txt", "0.png.part"):
        (folder / "a" / name).write_bytes(b"x")
    (folder / "a" / "folder.png").mkdir()
    for name in (".git", "__MACOSX", "empty"):
        (folder / name).mkdir()
    (folder / ".git" / "0.png").write_bytes(b"x")
    (folder / "stray.png").write_bytes(b"x")
    dataset = load(tmp_path)
    assert dataset.classes == ("a", "b")
    assert dataset.ids == [f"{label}/{number}.png" for label in "ab" for number in range(3)]


NAMES = [
    "with space",
    "it's",
    'quo"te',
    "50%",
    "%20",
    "naïve",
    "血液",
    "<script>alert(1)<",
    "a&b;c",
    "back\\slash",
    "[x]",
]


def test_names_may_hold_what_a_file_system_allows(tmp_path: Path) -> None:
    for number, label in enumerate(NAMES):
        (tmp_path / "odd" / label).mkdir(parents=True)
        for name in (*NAMES, "UPPER"):
            colour = (20 * number, 10 * len(name), 0)
            Image.new("RGB", (8, 8), colour).save(tmp_path / "odd" / label / f"{name}.PNG")
    dataset = load(tmp_path, "odd")
    assert dataset.classes == tuple(sorted(NAMES))
    assert set(dataset.ids) == {f"{label}/{name}.PNG" for label in NAMES for name in (*NAMES, "UPPER")}
    pixels = decoded.load(dataset, 8, tmp_path / "cache")
    for image, values in zip(dataset.images, pixels, strict=True):
        label = NAMES.index(dataset.classes[image.label])
        assert values[0, 0].tolist() == [20 * label, 10 * len(image.path.stem), 0], image.id
    wanted = datasets.splits(library(tmp_path), dataset, Protocol(folds=3))
    assert len(wanted) == 12


def test_links_in_a_circle_hang_nothing(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path)
    (folder / "a" / "up").symlink_to(folder)
    (folder / "a" / "up.png").symlink_to(folder)
    (folder / "round").symlink_to(folder / "round")
    (folder / "a" / "round.png").symlink_to(folder / "a" / "round.png")
    (folder / "a" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "circle").symlink_to(tmp_path)
    assert load(tmp_path).counts() == {"a": 3, "b": 3}
    assert library(tmp_path).at_hand() == ["some"]


def test_of_a_large_class_the_same_images_are_drawn_always(tmp_path: Path) -> None:
    write_dataset(tmp_path, each=30)
    drawn = library(tmp_path).load("some", images_per_class=10)
    assert drawn.counts() == {"a": 10, "b": 10}
    stems = [image.path.stem for image in drawn.images]
    assert stems[:10] == stems[10:] == sorted(stems[:10])
    (tmp_path / "some" / "a" / "zz.png").write_bytes((tmp_path / "some" / "a" / "0.png").read_bytes())
    more = library(tmp_path).load("some", images_per_class=10)
    assert len({*more.ids} - {*drawn.ids}) <= 1  # by name, so one more file moves one image at most
    (tmp_path / "some.toml").write_text("images_per_class = 5\n")
    assert load(tmp_path).counts() == {"a": 5, "b": 5}
    assert {*load(tmp_path).ids} < {*more.ids}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("titel = 'x'", "unknown field 'titel'; known: title, "),
        ("title = 3", "title must be words in quotes, not 3"),
        ("classes = 'a'", "classes must be a list, not 'a'"),
        ("classes = [1, 2]", "each item of classes must be words in quotes, not 1"),
        ("classes = ['a', 'a']", "classes names a class twice"),
        ("counts = {a = '3'}", "each item of counts must be a whole number, not '3'"),
        ("same = ['x', 'y']", "each item of same must be a list, not 'x'"),
        ("show_images = 1", "show_images must be true or false, not 1"),
        ("images_per_class = true", "images_per_class must be a whole number, not true"),
        ("images_per_class = -4", "images_per_class must be a whole number from 2 on"),
        ("groups = '('", "groups is not a regular expression: missing )"),
        ("groups = 'patient'", "groups needs one capturing group"),
        ("title = ", "not valid TOML: "),
        ("title = 'a'\ntitle = 'b'", "not valid TOML: "),
        (b"title = '\xff'", "cannot be read ('utf-8' codec"),
    ],
)
def test_a_wrong_card_is_a_usage_error_that_names_the_file(text: str | bytes, problem: str, tmp_path: Path) -> None:
    write_dataset(tmp_path)
    path = tmp_path / "some.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(str(path))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("card", "problem"),
    [
        ("classes = ['a', 'b', 'c']", "no images for class 'c', which the card of 'some' names"),
        ("classes = ['b']", "the card of 'some' does not name the class folder 'a'"),
    ],
)
def test_folders_that_do_not_fit_the_card_are_named(card: str, problem: str, tmp_path: Path) -> None:
    write_dataset(tmp_path)
    (tmp_path / "some.toml").write_text(card)
    with pytest.raises(BenchError, match=problem):
        load(tmp_path)


def test_an_unknown_dataset_gets_the_nearest_name(tmp_path: Path) -> None:
    write_dataset(tmp_path, "mine")
    with pytest.raises(UsageError, match="unknown dataset 'mime'; did you mean 'mine'"):
        load(tmp_path, "mime")
    with pytest.raises(UsageError, match="unknown dataset 'wbcraw'; did you mean 'wbc-raw'"):
        load(tmp_path, "wbcraw")
    with pytest.raises(BenchError, match=r"dataset 'wbc-raw': no images in .*wbc-raw; expected <class>/<file>\.png"):
        load(tmp_path, "wbc-raw")


ODD = [
    'quo"te',
    "back\\slash",
    "new\nline",
    "tab\there",
    "bell\x07",
    "nbsp\xa0",
    "tag\U000e0041",
    "日本",
    "it's # 'so'",
]


@pytest.mark.parametrize("odd", ODD)
def test_add_writes_a_card_that_reads_back(odd: str, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / f"at {odd}", classes=(odd, "other"))
    known = Library((tmp_path / "data",), tmp_path / "cache")
    path, dataset = curating.add(known, "mine", folder)
    assert [p.relative_to(tmp_path / "data") for p in (tmp_path / "data").rglob("*")] == [Path("mine.toml")]
    assert path == tmp_path / "data" / "mine.toml"
    read = known.load("mine")
    assert read == dataset
    assert read.counts() == dict.fromkeys(sorted((odd, "other")), 3) == cards.read(path).counts
    assert {image.path.parent.parent for image in read.images} == {folder}
    assert known.at_hand() == ["mine"]
    assert curating.remove(known, "mine") == path
    assert "mine" not in known.known()
    assert len(list(folder.rglob("*.png"))) == 6


@pytest.mark.parametrize("place", ["a/{}.png", "{}/0.png"])
def test_a_name_that_is_no_text_leaves_no_card(place: str, tmp_path: Path) -> None:
    path = write_dataset(tmp_path) / place.format(os.fsdecode(b"latin-1 \xe9"))
    path.parent.mkdir(exist_ok=True)
    picture().save(path)
    with pytest.raises(BenchError, match=r"latin-1 .*, whose name is no text") as caught:
        curating.add(Library((tmp_path / "data",), tmp_path / "cache"), "mine", tmp_path / "some")
    assert str(caught.value).encode()
    assert not (tmp_path / "data" / "mine.toml").exists()


def test_add_refuses_what_cannot_be_a_dataset(tmp_path: Path) -> None:
    known = Library((tmp_path / "data",), tmp_path / "cache")
    good, one = write_dataset(tmp_path, "good"), write_dataset(tmp_path, "one", classes=("a",))
    (tmp_path / "none" / "a").mkdir(parents=True)
    for name in ("good one", "Good", "../good", "", ".good", "a" * 65):
        with pytest.raises(UsageError, match="cannot be a dataset's name"):
            curating.add(known, name, good)
    with pytest.raises(UsageError, match="'wbc-raw' exists already"):
        curating.add(known, "wbc-raw", good)
    with pytest.raises(UsageError, match="nowhere is not a folder"):
        curating.add(known, "mine", tmp_path / "nowhere")
    with pytest.raises(BenchError, match="none: no images; expected"):
        curating.add(known, "mine", tmp_path / "none")
    with pytest.raises(BenchError, match="one: a dataset needs at least two class folders with images, found 1"):
        curating.add(known, "mine", one)
    with pytest.raises(UsageError, match=r"no card mine\.toml"):
        curating.remove(known, "mine")
    assert not (tmp_path / "data").exists()
    curating.add(known, "mine", good)
    with pytest.raises(UsageError, match="'mine' exists already"):
        curating.add(known, "mine", good)


def test_a_data_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(BenchError, match=r"mine\.toml cannot be written"):
        curating.add(Library((tmp_path / "data",), tmp_path / "cache"), "mine", write_dataset(tmp_path))
