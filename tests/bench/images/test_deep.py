"""Pixels of more than 8 bits, and photos that are turned by EXIF: every kind of file gives the values that it holds."""

import io
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from bench.errors import BenchError
from bench.images import decoding, deep, headers, ranges
from bench.images.headers import Reading

SIZE = 24
RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 65536, (SIZE, SIZE)).astype(np.uint16)
RGB = RANDOM.integers(0, 65536, (SIZE, SIZE, 3)).astype(np.uint16)
ALPHA = np.concatenate([RGB, GREY[..., None]], axis=2)


def tiff(values: np.ndarray, **options: object) -> bytes:
    tifffile.imwrite(buffer := io.BytesIO(), values, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def pillow(values: np.ndarray, kind: str, **options: object) -> bytes:
    Image.fromarray(values).save(buffer := io.BytesIO(), kind, **options)
    return buffer.getvalue()


def planes(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, 2, 0)


def twelve_bits(values: np.ndarray) -> bytes:
    """A TIFF of 12-bit values, two in three bytes, as some cameras write it."""
    first, second = values[:, ::2].ravel(), values[:, 1::2].ravel()
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1).astype(np.uint8).tobytes()
    height, width = values.shape
    tags = {256: width, 257: height, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(packed)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return struct.pack("<2sHI", b"II", 42, 8 + len(packed)) + packed + struct.pack("<H", len(tags)) + entries + bytes(4)


FILES = {
    "grey PNG": (pillow(GREY, "PNG"), GREY),
    "RGB PNG": (imagecodecs.png_encode(RGB), RGB),
    "RGBA PNG": (imagecodecs.png_encode(ALPHA), RGB),
    "grey and alpha PNG": (imagecodecs.png_encode(np.ascontiguousarray(ALPHA[..., 2:])), RGB[..., 2]),
    "grey TIFF": (pillow(GREY, "TIFF"), GREY),
    "grey TIFF, high byte first": (tiff(GREY, byteorder=">"), GREY),
    "grey BigTIFF": (tiff(GREY, bigtiff=True), GREY),
    "RGB TIFF": (tiff(RGB, photometric="rgb"), RGB),
    "planar RGB TIFF": (tiff(planes(RGB), photometric="rgb", planarconfig="separate"), RGB),
    "planar RGB TIFF, LZW": (
        tiff(planes(RGB), photometric="rgb", planarconfig="separate", compression="lzw", predictor=True),
        RGB,
    ),
    "RGBA TIFF": (tiff(ALPHA, photometric="rgb", extrasamples=["unassalpha"]), RGB),
    "tiles of RGB TIFF": (tiff(RGB, photometric="rgb", tile=(16, 16), compression="zlib"), RGB),
    "12 bits TIFF": (twelve_bits(GREY >> 4), GREY >> 4),
    "signed TIFF": (tiff(GREY.astype(np.int32).astype(np.int16), photometric="minisblack"), GREY.astype(np.int16)),
    "signed bytes TIFF": (tiff(GREY.astype(np.int8), photometric="minisblack"), GREY.astype(np.int8)),
    "32 bits TIFF": (tiff(GREY.astype(np.uint32) * 65537), GREY.astype(np.uint32) * 65537),
    "float TIFF": (tiff(GREY.astype(np.float32) / 7, photometric="minisblack"), GREY.astype(np.float32) / 7),
    "double TIFF": (tiff(GREY / 7, photometric="minisblack"), GREY / 7),
    "half TIFF": (tiff((GREY / 65535).astype(np.float16)), (GREY / 65535).astype(np.float16)),
    "float RGB TIFF": (tiff(RGB.astype(np.float32) / 7, photometric="rgb"), RGB.astype(np.float32) / 7),
}


def read(content: bytes, name: str = "some.file") -> deep.Deep:
    return decoding.opened_deep(Path(name), content)


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_file_gives_the_values_that_it_holds(kind: str) -> None:
    content, values = FILES[kind]
    assert Reading.DEEP in headers.reading(content)
    found = read(content)
    assert found.values.shape == values.shape
    assert np.array_equal(found.values, values)


@pytest.mark.parametrize("kind", FILES)
def test_a_range_turns_values_into_grey_levels(kind: str, tmp_path: Path) -> None:
    content, values = FILES[kind]
    (tmp_path / "a").write_bytes(content)
    low, high = np.quantile(values.astype(np.float64), (0.1, 0.8))
    expected = ((values.astype(np.float64) - low) / (high - low) * 255).clip(0, 255)
    shown = decoding.decode(tmp_path / "a", SIZE, (float(low), float(high)))
    assert np.abs(shown - (expected if values.ndim == 3 else expected[..., None])).max() <= 0.51


def test_grey_of_16_bits_is_decoded_as_before_there_were_ranges(tmp_path: Path) -> None:
    """And is said to be, so that no older trial is stale. What was read otherwise is known to be."""
    before = (GREY.astype(np.float64) * (255 / 65535)).round().astype(np.uint8)
    for kind in ("grey PNG", "grey TIFF", "grey TIFF, high byte first", "grey BigTIFF"):
        content = FILES[kind][0]
        (tmp_path / "a").write_bytes(content)
        for scale in (None, "full", (0.0, 65535.0)):
            assert np.array_equal(decoding.decode(tmp_path / "a", SIZE, scale)[..., 0], before)
            assert decoding.beyond_bytes(headers.reading(content), scale) == ""
        assert decoding.beyond_bytes(headers.reading(content), (0.0, 4095.0))
    for kind in ("RGB PNG", "RGBA PNG", "RGB TIFF", "planar RGB TIFF"):
        assert decoding.beyond_bytes(headers.reading(FILES[kind][0]), None) == "range full"
    assert decoding.beyond_bytes(headers.reading(FILES["float TIFF"][0]), "full") == "range full"


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *(("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")),
        *(("JPEG", mode) for mode in ("1", "L", "RGB", "CMYK")),
        *(("BMP", mode) for mode in ("1", "L", "P", "RGB")),
        *(("TIFF", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK")),
    ],
)
def test_eight_bits_are_read_by_pillow_alone(mode: str, kind: str, tmp_path: Path) -> None:
    image = Image.fromarray((RGB >> 8).astype(np.uint8)).convert(mode)
    image.save(tmp_path / "a", kind)
    content = (tmp_path / "a").read_bytes()
    assert headers.reading(content) == headers.PLAIN
    with Image.open(tmp_path / "a") as opened:
        plain = opened.convert("RGBA").convert("RGB") if opened.mode == "P" else opened.convert("RGB")
        expected = np.asarray(plain.resize((16, 16), Image.Resampling.BILINEAR))
    assert np.array_equal(decoding.decode(tmp_path / "a", 16), expected)


def test_where_zero_is_white_it_becomes_white(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(GREY, photometric="miniswhite"))
    (tmp_path / "b.tif").write_bytes(tiff(GREY))
    shown, other = (decoding.decode(tmp_path / f"{name}.tif", SIZE, (0.0, 65535.0)) for name in "ab")
    assert np.array_equal(shown, 255 - other)


def test_pixels_that_are_no_numbers_are_filled(tmp_path: Path) -> None:
    values = np.full((4, 4), 60, np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    (tmp_path / "a.tif").write_bytes(tiff(values))
    shown = decoding.decode(tmp_path / "a.tif", 4, (0.0, 120.0))[..., 0]
    assert shown[0, :3].tolist() == [0, 255, 0]
    assert set(shown[1:].ravel().tolist()) == {128}
    assert read((tmp_path / "a.tif").read_bytes()).seen().lost == 3
    with pytest.raises(BenchError, match=r"none.tif cannot be read as an image \(no pixel of it is a number\)"):
        read(tiff(np.full((4, 4), np.nan, np.float32)), "none.tif")


@pytest.mark.parametrize("kind", ["RGB PNG", "planar RGB TIFF", "planar RGB TIFF, LZW", "tiles of RGB TIFF"])
def test_a_file_cut_anywhere_is_read_or_named(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    (content, values), said = FILES[kind], []
    for length in range(0, len(content), 97):
        if Reading.DEEP not in headers.reading(content[:length]):
            continue
        try:
            assert np.array_equal(read(content[:length]).values, values)
        except BenchError as error:
            said.append(str(error))
    assert said
    assert all(one.startswith("some.file cannot be read as an image (") and "\n" not in one for one in said)
    assert capfd.readouterr() == ("", "")


def test_a_size_that_is_only_claimed_is_not_allocated() -> None:
    content = bytearray(pillow(GREY, "PNG"))
    content[16:24] = (60_000).to_bytes(4) * 2
    tags = twelve_bits(GREY >> 4).replace(struct.pack("<HHII", 257, 4, 1, SIZE), struct.pack("<HHII", 257, 4, 1, 10**9))
    for claim in (bytes(content), tags):
        with pytest.raises(BenchError, match="pixels are too many"):
            read(claim)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_as_exif_says(orientation: int, kind: str, tmp_path: Path) -> None:
    """As Pillow's own function turns them, which opens the file by itself."""
    image = Image.fromarray((RGB[:16] >> 8).astype(np.uint8))
    about = image.getexif()
    about[274] = orientation
    image.save(tmp_path / "a", kind, exif=about)
    with Image.open(tmp_path / "a") as opened:
        expected = ImageOps.exif_transpose(opened).resize((20, 20), Image.Resampling.BILINEAR)
    assert np.array_equal(decoding.decode(tmp_path / "a", 20), np.asarray(expected))
    reading = headers.reading((tmp_path / "a").read_bytes())
    assert reading == (headers.PLAIN if orientation == 1 else Reading.TURNED)
    assert decoding.beyond_bytes(reading, None) == ("" if orientation == 1 else "turned")


def test_headers_that_are_broken_say_nothing() -> None:
    whole = [FILES["RGB TIFF"][0], FILES["grey BigTIFF"][0], pillow((RGB >> 8).astype(np.uint8), "JPEG")]
    for content in whole:
        for length in range(0, min(len(content), 400)):
            assert headers.reading(content[:length]) in (headers.reading(content), headers.PLAIN, Reading.DEEP)
    for seed in range(200):
        noise = np.random.default_rng(seed).bytes(200)
        for start in (b"II*\0", b"MM\0*", b"II+\0", b"\xff\xd8", headers.PNG):
            assert headers.reading(start + noise) is not None


# --- The range of a dataset


def seen(values: np.ndarray, bits: int = 0) -> ranges.Seen:
    return ranges.summary(values, bits or values.dtype.itemsize * 8)


def noise(low: float, high: float, kind: type, size: int = 2000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, size).astype(kind)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (noise(0, 65535, np.uint16), "full"),
        (noise(100, 40000, np.uint16), "full"),
        (noise(30, 4000, np.uint16), (0, 4095)),
        (noise(30, 16000, np.uint16), (0, 16383)),
        (noise(0, 200, np.uint16), (0, 255)),
        (noise(0, 2**32 - 1, np.uint32), "full"),
        (noise(0, 1, np.float32), (0, 1)),
        (noise(10, 250, np.float32), (0, 255)),
        (noise(-1000, 3000, np.int16) * 1, None),
        (np.full(50, 7, np.uint16), None),
        (np.full(50, 7.5, np.float32), (7.5, 8.5)),
    ],
)
def test_the_range_holds_what_was_seen_and_little_more(values: np.ndarray, scale: object) -> None:
    found = ranges.decide([seen(values[: len(values) // 2]), seen(values[len(values) // 2 :])])
    if scale is not None:
        assert found == scale
    if isinstance(found, tuple) and len(set(values)) > 1:
        assert found[0] <= values.min() < values.max() <= found[1]
        assert found[1] - found[0] <= 2.1 * (float(values.max()) - float(values.min())) + 2


def test_what_a_few_pixels_stretch_is_cut_at_percentiles() -> None:
    """Hot pixels of a 12-bit camera, a dead one of a float: the rest keeps its contrast."""
    hot = [noise(30, 4000, np.uint16, seed=n) for n in range(12)]
    for values in hot:
        values[:2] = 65535
    low, high = ranges.decide([seen(values) for values in hot])  # type: ignore[misc]
    assert 0 <= low < 60 < 3900 < high <= 4000
    dead = noise(0.2, 0.4, np.float32)
    dead[3] = -1e6
    low, high = ranges.decide([seen(dead)])  # type: ignore[misc]
    assert low == pytest.approx(0.2, abs=0.01)
    assert high == pytest.approx(0.4, abs=0.01)


def test_percentiles_are_numpys_where_images_are_of_one_size() -> None:
    pictures = [noise(n, 100 * n + 500, np.float64, size=5000, seed=n) for n in range(9)]
    expected = np.quantile(np.concatenate(pictures), ranges.SHARES)
    assert ranges.percentiles([seen(values) for values in pictures]) == pytest.approx(expected, rel=0.02, abs=3)
    assert ranges.decide([]) is None
