"""Fetching: archives of the real layouts come from a server on loopback, and become class folders that are whole."""

import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Run, one_sentence
from paths import ROOT, SHARED
from PIL import Image
from serving import Server

from bench.datasets import Library, cards
from bench.datasets.fetch import arranging, checking, fetching
from bench.datasets.loading import drawn
from store import Claims, Store

# --- Images, archives, cards


def pixels(seed: int, height: int = 24, width: int = 32) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Blocks with noise on them: noise alone looks the same in every small copy."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 200, (8, 8, 3), np.uint8)[np.arange(height) * 8 // height][
        :, np.arange(width) * 8 // width
    ]
    return blocks + random.integers(0, 55, blocks.shape, np.uint8)


def encoded(array: np.ndarray[Any, np.dtype[np.uint8]], kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def annotation(*objects: tuple[str, tuple[int, int, int, int]]) -> bytes:
    """As LabelImg writes it: the layout of BCCD and of the reticulocytes."""
    boxes = "".join(
        f"\t<object>\n\t\t<name>{name}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<bndbox>\n\t\t\t<xmin>{a}</xmin>\n"
        f"\t\t\t<ymin>{b}</ymin>\n\t\t\t<xmax>{c}</xmax>\n\t\t\t<ymax>{d}</ymax>\n\t\t</bndbox>\n\t</object>\n"
        for name, (a, b, c, d) in objects
    )
    return f"<annotation>\n\t<folder>JPEGImages</folder>\n{boxes}</annotation>\n".encode()


def write_card(data: Path, server: Server, name: str, **changed: str) -> None:
    """The card that ships, with archives from the server; `changed` replaces values."""
    text = (ROOT / "bench" / "datasets" / "cards" / f"{name}.toml").read_text(encoding="utf-8")
    text = re.sub(r'"https?://[^"\s]*/([\w.]+\.zip)"', lambda found: f'"{server.url(found[1])}"', text)
    values = {"content": None, "pixels": None, "sha256": None} | changed
    for key, value in values.items():
        text = re.sub(rf"^{key} = .*\n", "" if value is None else f"{key} = {value}\n", text, flags=re.M)
    if "counts" in changed:
        text = re.sub(r"^\[counts\]\n(?:.+\n)+", "", text, flags=re.M)
        text = f"counts = {changed['counts']}\n{text}"
    data.mkdir(exist_ok=True)
    (data / f"{name}.toml").write_text(text, encoding="utf-8")


def publish(root: Path, name: str, images: Mapping[str, bytes], ids: Iterable[str]) -> str:
    """List images in a store as the published results do; gives the identity of the list."""
    rows = [
        {
            "image_id": i,
            "label": i.partition("/")[0],
            "sha256": hashlib.sha256(images[i]).hexdigest(),
            "image_group": i,
            "thumbnail": None,
        }
        for i in sorted(ids)
    ]
    content = checking.fingerprint(sorted((r["image_id"], r["label"], r["sha256"]) for r in rows))
    Store(root, create=True).append_images(name, content, rows)
    return f'"{content}"'


def on_disk(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("*/*"))}


MALARIA = {
    f"{label}/C{slide}P{slide - 39}ThinF_IMG_2015_cell_{number}.png": encoded(pixels(slide * 100 + number))
    for label, slide in (("Parasitized", 100), ("Uninfected", 130))
    for number in range(7)
}
CELLS = {f"cell_images/{label}/Thumbs.db": b"\xd0\xcf\x11" for label in ("Parasitized", "Uninfected")} | {
    f"cell_images/{name}": content for name, content in MALARIA.items()
}
FOUR = {"images_per_class": "4", "counts": "{Parasitized = 4, Uninfected = 4}"}


# --- The datasets


def test_malaria_takes_the_images_that_the_published_store_names(bench: Run, server: Server, tmp_path: Path) -> None:
    chosen = [name for name in MALARIA if name[-5] in "0356"]
    content = publish(tmp_path / "results", "malaria", MALARIA, chosen)
    archive = zipped(CELLS)
    server.files["cell_images.zip"] = archive
    write_card(
        tmp_path / "data", server, "malaria", content=content, sha256=f'"{hashlib.sha256(archive).hexdigest()}"', **FOUR
    )
    code, out, err = bench("dataset", "fetch", "malaria")
    assert (code, err) == (0, ""), out
    assert on_disk(tmp_path / "data" / "malaria") == {name: MALARIA[name] for name in sorted(chosen)}
    assert "8 images read, 2 groups, all as the card says" in out
    assert "next: bench run --dataset malaria" in out
    assert bench("dataset", "check", "malaria")[0] == 0
    code, out, _ = bench("dataset", "fetch", "malaria")
    assert (code, "nothing was fetched" in out, len(server.asked)) == (0, True, 1)


def test_without_a_published_list_malaria_is_drawn_as_everywhere(bench: Run, server: Server, tmp_path: Path) -> None:
    server.files["cell_images.zip"] = zipped(CELLS)
    write_card(tmp_path / "data", server, "malaria", **FOUR)
    assert bench("dataset", "fetch", "malaria")[0] == 0
    for name, content in MALARIA.items():
        path = tmp_path / "whole" / "malaria" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    write_card(tmp_path / "whole", server, "malaria", **FOUR)
    expected = Library((tmp_path / "whole",), tmp_path).load("malaria").ids
    assert sorted(on_disk(tmp_path / "data" / "malaria")) == sorted(expected)
    assert len(drawn(["b.png", "a.png", "c.png"], 2)) == 2


def test_covid_ct_comes_in_two_archives_with_odd_names(bench: Run, server: Server, tmp_path: Path) -> None:
    images = {f"CT_COVID/paper-p{n}%0.png": encoded(pixels(n)) for n in range(3)}
    images |= {"CT_COVID/caf\u00e9-p1.png": encoded(pixels(3))}
    others = {f"CT_NonCOVID/{n}.jpg": encoded(pixels(n), "JPEG") for n in range(10, 14)}
    left_by_a_mac = {"__MACOSX/CT_COVID/._paper-p0%0.png": b"\0\5\26\7", "CT_COVID/.DS_Store": b"\0\0\0\1Bud1"}
    plain = {name.replace("\u00e9", "XX"): content for name, content in images.items()}
    # UTF-8 in a name without the flag that says so, as many programs write it.
    server.files["CT_COVID.zip"] = zipped({**plain, **left_by_a_mac}).replace(b"cafXX", "caf\u00e9".encode())
    server.files["CT_NonCOVID.zip"] = zipped(others)
    write_card(tmp_path / "data", server, "covid-ct", counts="{CT_COVID = 4, CT_NonCOVID = 4}")
    code, out, _ = bench("dataset", "fetch", "covid-ct")
    assert (code, on_disk(tmp_path / "data" / "covid-ct")) == (0, images | others), out


WBC = "{eosinophil = 3, lymphocyte = 2, monocyte = 2, neutrophil = 2}"
BOX = {n: (n % 5, 1 + n % 7, 20 + n % 9, 17 + n % 6) for n in range(9)}


def bccd(pictures: Mapping[str, bytes]) -> bytes:
    """BCCD as GitHub packs it; the picture 0 shows two white cells, the last one has no class."""
    files = {"BCCD_Dataset-master/README.md": b"# BCCD Dataset\n", "BCCD_Dataset-master/example.jpg": b"none of ours"}
    for number, (stem, content) in enumerate(pictures.items()):
        boxes = [("RBC", (0, 0, 9, 9)), ("WBC", BOX.get(number, (1, 1, 9, 9))), ("Platelets", (2, 2, 5, 5))]
        boxes += [("WBC", (10, 10, 20, 20))] if number == 0 else []
        files[f"BCCD_Dataset-master/BCCD/Annotations/{stem}.xml"] = annotation(*boxes)
        files[f"BCCD_Dataset-master/BCCD/JPEGImages/{stem}.jpg"] = content
    return zipped(files)


def test_white_cells_take_classes_from_the_published_store_and_boxes_from_bccd(
    bench: Run, server: Server, tmp_path: Path
) -> None:
    labels = ["eosinophil"] * 3 + ["lymphocyte"] * 2 + ["monocyte"] * 2 + ["neutrophil"] * 2
    pictures = {f"BloodImage_{n:05}": encoded(pixels(n), "JPEG") for n in range(10)}
    raw = {f"{label}/BloodImage_{n:05}.jpg": pictures[f"BloodImage_{n:05}"] for n, label in enumerate(labels)}
    arrays = {n: np.asarray(Image.open(io.BytesIO(pictures[f"BloodImage_{n:05}"]))) for n in range(1, 9)}
    cut = {n: array[BOX[n][1] : BOX[n][3], BOX[n][0] : BOX[n][2]] for n, array in arrays.items()}
    segmented = {f"{labels[n]}/BloodImage_{n:05}.png": encoded(array) for n, array in cut.items()}
    server.files["master.zip"] = bccd(pictures)
    for name, images, counts in (("wbc-raw", raw, WBC), ("wbc-segmented", segmented, WBC.replace("3", "2"))):
        content = publish(tmp_path / "results", name, images, images)
        write_card(tmp_path / "data", server, name, content=content, counts=counts)
        code, out, err = bench("dataset", "fetch", name)
        assert (code, err) == (0, ""), out
        assert on_disk(tmp_path / "data" / name) == dict(sorted(images.items()))
    assert len(server.asked) == 1, "both come from one archive"
    code, _, err = bench("dataset", "fetch", "wbc-raw", "--data", "elsewhere", "--store", "nothing")
    assert (code, one_sentence(err)) == (1, True)


def test_a_picture_with_two_white_cells_is_not_cut() -> None:
    pictures = {f"BloodImage_{n:05}": encoded(pixels(n), "JPEG") for n in range(2)}
    with zipfile.ZipFile(io.BytesIO(bccd(pictures))) as archive:
        files = {name: partial(archive.read, name) for name in archive.namelist()}
        listed = {f"eosinophil/{stem}.png": "" for stem in pictures}
        cut = [name for _, name, _ in arranging.crops(files, cards.shipped()["wbc-segmented"], listed, ())]
    assert cut == ["BloodImage_00001.png"]


def test_white_cells_without_the_published_list_say_what_is_missing(bench: Run, server: Server, tmp_path: Path) -> None:
    server.files["master.zip"] = bccd({"BloodImage_00000": encoded(pixels(0), "JPEG")})
    write_card(tmp_path / "data", server, "wbc-raw")
    code, _, err = bench("dataset", "fetch", "wbc-raw")
    assert (code, one_sentence(err), "--store" in err) == (1, True, True)
    assert not (tmp_path / "data" / "wbc-raw").exists()


BLUE, WEAK, RED = "aggregate reticulocyte", "punctate reticulocyte", "erythrocyte"


def smear(seed: int, *, bars: bool = True) -> bytes:
    array = pixels(seed, 300, 300)
    if bars:
        array[:60], array[-60:] = 0, 0
    return encoded(array, "JPEG")


def reticulocytes() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What the archive holds, and the image of each class; number k shows k blue cells, of which one is weak."""
    fields = {f"{n:06}": smear(n) for n in range(1, 8)} | {"000008": smear(8, bars=False), "000009": smear(9)}
    files = {}
    for stem, content in fields.items():
        number = {"000008": 2, "000009": 0}.get(stem, int(stem))
        cells = [BLUE] * (number - 1) + [WEAK] * (number > 0) + [RED] * 3
        files[f"data_300x300/data_300x300/images/{stem}.jpg"] = content
        files[f"data_300x300/data_300x300/labels/{stem}.xml"] = annotation(*[(cell, (1, 1, 9, 9)) for cell in cells])
    classes = ["n1", "n2", "n3", "n4", "n5plus", "n5plus", "n5plus"]
    return files, {f"{label}/{n:06}.jpg": fields[f"{n:06}"] for n, label in enumerate(classes, 1)}


def test_reticulocytes_need_a_login_and_are_sorted_by_a_rule(bench: Run, server: Server, tmp_path: Path) -> None:
    files, images = reticulocytes()
    content = publish(tmp_path / "results", "reticulocytes", images, images)
    write_card(
        tmp_path / "data",
        server,
        "reticulocytes",
        content=content,
        counts="{n1 = 1, n2 = 1, n3 = 1, n4 = 1, n5plus = 3}",
    )
    code, _, err = bench("dataset", "fetch", "reticulocytes")
    assert (code, server.asked) == (1, [])
    assert "kaggle datasets download tentotheminus9/feline-reticulocytes -p data/archives" in err
    (tmp_path / "data" / "archives" / "feline-reticulocytes.zip").write_bytes(zipped(files))
    # As published; with the same content by the card's rule where no list is at hand.
    for store in ("results", "nothing"):
        code, out, _ = bench("dataset", "fetch", "reticulocytes", "--store", store)
        assert (code, on_disk(tmp_path / "data" / "reticulocytes")) == (0, images), out
        (tmp_path / "data" / "reticulocytes").rename(tmp_path / f"by {store}")
    code, out, _ = bench("dataset", "fetch", "reticulocytes", "--count", BLUE)
    assert code == 1
    assert {path.parent.name for path in (tmp_path / "data" / "reticulocytes").glob("*/000005.jpg")} == {"n4"}
    assert not list((tmp_path / "data" / "reticulocytes").glob("*/000001.jpg"))
    assert "published under another name or class (4): n1/000002.jpg (published: n2/000002.jpg), " in out
    assert "published, but missing here (1): n1/000001.jpg" in out
    assert bench("dataset", "fetch", "malaria", "--count", BLUE)[0] == 2


def test_what_is_not_in_an_archive_says_so(bench: Run, tmp_path: Path) -> None:
    code, _, err = bench("dataset", "fetch", "murphy-proteins")
    assert (code, "murphylab.web.cmu.edu" in err, "data/murphy-proteins/<class>/" in err) == (1, True, True)
    (tmp_path / "data" / "mine.toml").write_text('title = "Mine"\n')
    code, _, err = bench("dataset", "fetch", "mine")
    assert (code, one_sentence(err), "bench dataset add" in err) == (2, True, True)
    (tmp_path / "data" / "malaria").mkdir()
    code, _, err = bench("dataset", "fetch", "malaria")
    assert (code, one_sentence(err), "move it away" in err) == (1, True, True)


@pytest.mark.slow
def test_the_built_in_dataset_is_drawn(bench: Run, tmp_path: Path) -> None:
    code, out, _ = bench("dataset", "fetch", "synthetic-proteins")
    assert (code, "606 images read" in out, "next: bench run" in out) == (0, True, True)


# --- Transfers


def big_malaria() -> bytes:
    return zipped(CELLS | {"cell_images/notes.bin": np.random.default_rng(0).bytes(2_000_000)})


@pytest.mark.parametrize("ranges", [True, False])
def test_a_transfer_that_breaks_off_goes_on_where_it_was(
    bench: Run, server: Server, tmp_path: Path, ranges: bool
) -> None:
    archive = big_malaria()
    server.files["cell_images.zip"], server.ranges, server.cuts = archive, ranges, 1
    write_card(tmp_path / "data", server, "malaria", sha256=f'"{hashlib.sha256(archive).hexdigest()}"', **FOUR)
    code, out, err = bench("dataset", "fetch", "malaria")
    assert (code, err) == (0, ""), out
    (first, again) = server.asked
    assert first == ("cell_images.zip", None)
    start = int(str(again[1]).removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= len(archive) // 2
    assert sorted(path.name for path in (tmp_path / "data" / "archives").iterdir()) == ["cell_images.zip"]


def started(tmp_path: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def killed_when(process: "subprocess.Popen[bytes]", seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_transfer_goes_on_where_it_was(bench: Run, server: Server, tmp_path: Path) -> None:
    archive = big_malaria()
    server.files["cell_images.zip"], server.pause = archive, 0.05
    write_card(tmp_path / "data", server, "malaria", sha256=f'"{hashlib.sha256(archive).hexdigest()}"', **FOUR)
    part = tmp_path / "data" / "archives" / "cell_images.zip.part"
    process = started(tmp_path, "dataset", "fetch", "malaria")
    killed_when(process, lambda: part.exists() and part.stat().st_size > 500_000)
    have = part.stat().st_size
    server.pause = 0.0
    assert bench("dataset", "fetch", "malaria")[0] == 0
    assert server.asked[1:] == [("cell_images.zip", f"bytes={have}-")]
    assert (part.with_suffix("").read_bytes(), part.exists()) == (archive, False)


def test_a_half_of_another_file_is_thrown_away(bench: Run, server: Server, tmp_path: Path) -> None:
    server.files["cell_images.zip"] = zipped(CELLS)
    write_card(tmp_path / "data", server, "malaria", **FOUR)
    part = tmp_path / "data" / "archives" / "cell_images.zip.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 1_000_000)  # longer than the file itself
    assert bench("dataset", "fetch", "malaria")[0] == 0
    assert len(server.asked) == 2


def test_a_file_that_the_card_does_not_name_is_refused(bench: Run, server: Server, tmp_path: Path) -> None:
    server.files["cell_images.zip"] = zipped(CELLS)
    write_card(tmp_path / "data", server, "malaria", sha256=f'"{"0" * 64}"', **FOUR)
    card = tmp_path / "data" / "malaria.toml"
    card.write_text(card.read_text().replace(f'    "{server.url("cell_images.zip")}",\n', "", 1))
    code, _, err = bench("dataset", "fetch", "malaria")
    assert (code, one_sentence(err), "SHA-256" in err) == (1, True, True)
    assert list((tmp_path / "data" / "archives").iterdir()) == []
    assert not (tmp_path / "data" / "malaria").exists()


def test_where_the_first_address_is_gone_the_second_is_asked(bench: Run, server: Server, tmp_path: Path) -> None:
    write_card(tmp_path / "data", server, "malaria", **FOUR)
    code, _, err = bench("dataset", "fetch", "malaria")
    assert (code, one_sentence(err), "404" in err) == (1, True, True)
    card = tmp_path / "data" / "malaria.toml"
    card.write_text(card.read_text().replace("cell_images.zip", "gone.zip", 2).replace("gone", "cell_images", 1))
    server.files["cell_images.zip"] = zipped(CELLS)
    assert cards.read(card).fetch is not None
    assert bench("dataset", "fetch", "malaria")[0] == 0


@pytest.mark.parametrize("damage", ["cut", "altered", "no archive"])
def test_a_damaged_archive_is_refused_and_removed(bench: Run, server: Server, tmp_path: Path, damage: str) -> None:
    good = zipped(CELLS)
    at = good.index(MALARIA["Parasitized/C100P61ThinF_IMG_2015_cell_3.png"]) + 900
    bad = {"cut": good[:-500], "altered": good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :], "no archive": b"<html>"}
    server.files["cell_images.zip"] = bad[damage]
    write_card(tmp_path / "data", server, "malaria", **(FOUR | {"images_per_class": "500"}))
    code, _, err = bench("dataset", "fetch", "malaria")
    assert (code, one_sentence(err), "removed" in err) == (1, True, True)
    assert [path.name for path in (tmp_path / "data").iterdir() if path.name != "archives"] == ["malaria.toml"]
    assert list((tmp_path / "data" / "archives").iterdir()) == []
    server.files["cell_images.zip"] = good
    bench("dataset", "fetch", "malaria")
    assert on_disk(tmp_path / "data" / "malaria") == dict(sorted(MALARIA.items()))


def test_two_fetches_into_one_folder_do_not_meet(bench: Run, server: Server, tmp_path: Path) -> None:
    server.files["cell_images.zip"] = zipped(CELLS)
    write_card(tmp_path / "data", server, "malaria", **FOUR)
    (tmp_path / "data" / "archives").mkdir()
    with Claims(tmp_path / "data" / "archives") as claims:
        assert claims.take("fetch")
        code, _, err = bench("dataset", "fetch", "malaria")
        assert (code, one_sentence(err), "another fetch" in err, server.asked) == (1, True, True, [])
    assert bench("dataset", "fetch", "malaria")[0] == 0


# --- Hostile archives


def tarred(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, content in CELLS.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    return buffer.getvalue()


def linked() -> bytes:
    buffer = io.BytesIO(zipped(CELLS))
    with zipfile.ZipFile(buffer, "a") as archive:
        link = zipfile.ZipInfo("cell_images/Parasitized/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def bomb() -> bytes:
    """An archive whose directory promises three gigabytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in CELLS.items():
            archive.writestr(name, content)
        archive.filelist[-1].file_size = 3_000_000_000
    return buffer.getvalue()


HOSTILE = {
    "zip above": zipped(CELLS | {"../../escaped.png": b"x"}),
    "zip absolute": zipped(CELLS | {"/escaped.png": b"x"}),
    "zip backslash": zipped(CELLS | {"..\\escaped.png": b"x"}),
    "zip drive": zipped(CELLS | {"C:/escaped.png": b"x"}),
    "zip link": linked(),
    "zip bomb": bomb(),
    "tar above": tarred("../escaped.png"),
    "tar absolute": tarred("/escaped.png"),
    "tar link": tarred("cell_images/Parasitized/link.png", tarfile.SYMTYPE),
    "tar hard link": tarred("cell_images/Parasitized/link.png", tarfile.LNKTYPE),
    "tar device": tarred("cell_images/Parasitized/null.png", tarfile.CHRTYPE),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_archive_that_would_do_harm_is_refused(bench: Run, server: Server, tmp_path: Path, kind: str) -> None:
    server.files["cell_images.zip"] = HOSTILE[kind]
    write_card(tmp_path / "data", server, "malaria", **FOUR)
    code, _, err = bench("dataset", "fetch", "malaria")
    assert (code, one_sentence(err), "not unpacked" in err) == (1, True, True), err
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["data/archives/cell_images.zip", "data/malaria.toml"]


def test_a_tar_archive_is_read_as_well(bench: Run, server: Server, tmp_path: Path) -> None:
    server.files["cell_images.zip"] = tarred("cell_images/README")
    write_card(tmp_path / "data", server, "malaria", **FOUR)
    assert bench("dataset", "fetch", "malaria")[0] == 0
    assert len(on_disk(tmp_path / "data" / "malaria")) == 8


def test_a_dataset_is_whole_or_absent_after_a_kill(bench: Run, server: Server, tmp_path: Path) -> None:
    image = MALARIA["Parasitized/C100P61ThinF_IMG_2015_cell_3.png"]
    many = {f"cell_images/{label}/C{n}_{n}.png": image for label in ("Parasitized", "Uninfected") for n in range(2000)}
    archive = zipped(many)
    write_card(
        tmp_path / "data", server, "malaria", images_per_class="2000", counts="{Parasitized = 2000, Uninfected = 2000}"
    )
    (tmp_path / "data" / "archives").mkdir()
    (tmp_path / "data" / "archives" / "cell_images.zip").write_bytes(archive)
    part = tmp_path / "data" / ".malaria.part"
    process = started(tmp_path, "dataset", "fetch", "malaria")
    killed_when(process, lambda: (part / "Parasitized").is_dir() and any((part / "Parasitized").iterdir()))
    assert part.is_dir()
    assert not (tmp_path / "data" / "malaria").exists()
    assert "no images in data/malaria" in bench("dataset", "check", "malaria")[2]
    (part / "Parasitized" / "left.png").write_bytes(image)
    folder, new = fetching.fetch(Library((tmp_path / "data",), tmp_path), "malaria", {}, progress=lambda *_: None)
    assert (folder, new) == (tmp_path / "data" / "malaria", True)
    assert len(on_disk(folder)) == 4000
    assert not part.exists()
    assert server.asked == []


# --- Check


def test_check_names_what_differs_from_the_published_images(bench: Run, server: Server, tmp_path: Path) -> None:
    content = publish(tmp_path / "results", "malaria", MALARIA, MALARIA)
    write_card(tmp_path / "data", server, "malaria", content=content, counts="{Parasitized = 7, Uninfected = 7}")
    folder = tmp_path / "data" / "malaria"
    for name, image in MALARIA.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(image)
    assert bench("dataset", "check", "malaria")[0] == 0
    sick, well = "Parasitized/C100P61ThinF_IMG_2015_cell_", "Uninfected/C130P91ThinF_IMG_2015_cell_"
    (folder / f"{sick}0.png").rename(folder / f"{well}9.png")
    (folder / f"{sick}1.png").write_bytes(encoded(pixels(1)))
    (folder / f"{sick}2.png").unlink()
    (folder / f"{well}3.png").write_bytes(b"no image")
    code, out, _ = bench("dataset", "check", "malaria")
    assert code == 1
    assert "class 'Parasitized' has 5 images; the card says 7" in out
    assert f"published with other bytes (2): {sick}1.png, {well}3.png" in out
    assert f"published under another name or class (1): {well}9.png (published: {sick}0.png)" in out
    assert f"published, but missing here (1): {sick}2.png" in out
    assert "cannot be read as an image" in " ".join(out.split())
    assert "count as stale" in out
    code, out, _ = bench("dataset", "check", "malaria", "--store", "nothing")
    assert (code, "--store with these results" in out) == (1, True)


def test_the_same_pixels_in_other_files_are_no_difference(bench: Run, server: Server, tmp_path: Path) -> None:
    labels = ["eosinophil", "lymphocyte", "monocyte", "neutrophil"]
    images = {f"{label}/BloodImage_{n:05}.png": encoded(pixels(n)) for n, label in enumerate(labels * 2)}
    content = publish(tmp_path / "results", "wbc-segmented", images, images)
    counts = "{eosinophil = 2, lymphocyte = 2, monocyte = 2, neutrophil = 2}"
    folder = tmp_path / "data" / "wbc-segmented"
    for name, image in images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(image)
    write_card(tmp_path / "data", server, "wbc-segmented", counts=counts)
    identity = checking.pixels(Library((tmp_path / "data",), tmp_path).load("wbc-segmented"))
    write_card(tmp_path / "data", server, "wbc-segmented", counts=counts, content=content, pixels=f'"{identity}"')
    for name, image in images.items():
        with Image.open(io.BytesIO(image)) as picture:
            picture.save(folder / name, compress_level=1)
    code, out, _ = bench("dataset", "check", "wbc-segmented")
    assert (code, "every pixel is as published" in out, "stale" in out) == (0, True, True), out
    changed = pixels(0)
    changed[3, 3, 0] ^= 1
    (folder / "eosinophil" / "BloodImage_00000.png").write_bytes(encoded(changed))
    assert bench("dataset", "check", "wbc-segmented")[0] == 1


# --- The real images, where they are at hand


def real(name: str) -> dict[str, bytes]:
    if not (SHARED / name).is_dir():
        pytest.skip(f"no images of {name} in {SHARED}; set BENCH_SHARED_DATA to the folder that holds them")
    return on_disk(SHARED / name)


def corner(crop: np.ndarray[Any, Any], field: np.ndarray[Any, Any]) -> tuple[int, int]:
    """Where a crop was cut out of a field, (left, top): the only place with the same pixels."""
    first = crop[0].tobytes()
    places = []
    for y in range(field.shape[0] - crop.shape[0] + 1):
        row, at = field[y].tobytes(), -1
        while (at := row.find(first, at + 1)) >= 0:
            x = at // 3
            if at % 3 == 0 and np.array_equal(field[y : y + crop.shape[0], x : x + crop.shape[1]], crop):
                places.append((x, y))
    assert len(places) == 1
    return places[0]


def in_archives(name: str) -> dict[str, bytes]:
    """The real images in the layout of their archives. The boxes of white cells are found in the pictures."""
    images = real(name)
    if name == "malaria":
        return {"cell_images.zip": zipped({f"cell_images/{i}": image for i, image in images.items()})}
    if name == "covid-ct":
        return {
            f"{c}.zip": zipped({i: image for i, image in images.items() if i.startswith(f"{c}/")})
            for c in ("CT_COVID", "CT_NonCOVID")
        }
    files = {f"BCCD_Dataset-master/BCCD/JPEGImages/{Path(i).name}": image for i, image in real("wbc-raw").items()}
    for image_id, image in real("wbc-segmented").items():
        crop = np.asarray(Image.open(io.BytesIO(image)))
        raw = files[f"BCCD_Dataset-master/BCCD/JPEGImages/{Path(image_id).stem}.jpg"]
        left, top = corner(crop, np.asarray(Image.open(io.BytesIO(raw))))
        box = (left, top, left + crop.shape[1], top + crop.shape[0])
        files[f"BCCD_Dataset-master/BCCD/Annotations/{Path(image_id).stem}.xml"] = annotation(("WBC", box))
    return {"master.zip": zipped(files)}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("wbc-raw", marks=pytest.mark.long),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("malaria", "covid-ct", "wbc-segmented")),
    ],
)
def test_real_images_from_archives_are_those_of_the_published_results(
    bench: Run, server: Server, tmp_path: Path, name: str
) -> None:
    server.files.update(in_archives(name))
    card = cards.shipped()[name]
    kept = {"content": f'"{card.content}"'} | ({"pixels": f'"{card.pixels}"'} if card.pixels else {})
    write_card(tmp_path / "data", server, name, **kept)
    code, out, err = bench("dataset", "fetch", name, "--store", ROOT / "results")
    assert (code, err, "images read" in out) == (0, "", True), out
    if name != "wbc-segmented":  # whose PNG files depend on the zlib at hand
        assert on_disk(tmp_path / "data" / name) == on_disk(SHARED / name)


# Boxes as BCCD's annotations have them: xmin, ymin, xmax, ymax.
BOXES = {
    "00001": (68, 315, 286, 480),
    "00002": (283, 1, 567, 106),
    "00003": (127, 40, 344, 226),
    "00009": (23, 137, 255, 423),
    "00012": (2, 187, 228, 359),
    "00018": (302, 1, 481, 166),
    "00020": (352, 364, 475, 447),
    "00204": (253, 255, 439, 430),
}


@pytest.mark.parametrize("number", BOXES)
def test_real_cells_were_cut_at_bccd_boxes_without_their_last_row_and_column(number: str) -> None:
    crops = {Path(name).stem: image for name, image in real("wbc-segmented").items()}
    fields = {Path(name).stem: image for name, image in real("wbc-raw").items()}
    crop = np.asarray(Image.open(io.BytesIO(crops[f"BloodImage_{number}"])))
    left, top, right, bottom = BOXES[number]
    assert crop.shape[:2] == (bottom - top, right - left)
    field = np.asarray(Image.open(io.BytesIO(fields[f"BloodImage_{number}"])))
    assert np.array_equal(crop, field[top:bottom, left:right])


@pytest.mark.parametrize("name", ["covid-ct", "malaria", "reticulocytes", "wbc-raw", "wbc-segmented"])
def test_real_images_are_what_their_card_promises(name: str, tmp_path: Path) -> None:
    real(name)
    dataset = Library((SHARED,), tmp_path).load(name)
    listed = checking.published(dataset.card, ROOT / "results")
    assert dataset.content_hash == dataset.card.content
    assert {image.id: image.sha256 for image in dataset.images} == listed
    assert checking.compare(dataset, listed) == checking.Comparison()
    if dataset.card.pixels is not None:
        assert checking.pixels(dataset) == dataset.card.pixels
