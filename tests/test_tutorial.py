"""The README's way from a folder of images to a classifier elsewhere, run line by line as it stands there."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from commands import Run
from paths import ROOT
from PIL import Image

from bench.datasets.synthetic.proteins import PROTEINS
from report.papers import classifier

SECTION = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Take it home")[2].partition("\n## ")[0]
SHELL, PYTHON = (re.findall(rf"```{kind}\n(.*?)```", SECTION, re.S) for kind in ("bash", "python"))


@pytest.mark.long
def test_the_readmes_way_to_a_classifier_is_one(
    bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, new = tmp_path / "path/to/folder", tmp_path / "path/to/new/images"
    new.mkdir(parents=True)
    for name in PROTEINS.classes[::5]:
        (folder / name).mkdir(parents=True)
        for number in range(30):
            picture = Image.fromarray(PROTEINS.image(name, number, size=64))
            picture.save(folder / name / f"{number}.png" if number < 25 else new / f"{name}-{number}.png")
    place = classifier.runtime()
    if place is not None:
        monkeypatch.setenv("BENCH_NODE_MODULES", str(place.parents[1].resolve()))
    monkeypatch.chdir(tmp_path)
    lines = [line.partition("#")[0].strip() for line in SHELL[0].splitlines()]
    assert classifier.INSTALL in lines, "what is installed is what is looked for"
    for line in lines:
        program, *words = shlex.split(line)
        if program == "npm" or (place is None and "--html" in words):
            words = [word for word in words if word != "--html"]
        if program == "bench":
            code, out, err = bench(*words)
            assert (code, err) == (0, ""), f"{line}: {out}"
    rows = pq.read_table("predictions/predictions.parquet").to_pylist()
    assert len(rows) == 10
    assert sum(Path(row["file"]).name.startswith(row["class"]) for row in rows) >= 8
    assert len(list(Path("sorted").rglob("*.png"))) == 10
    for name in ("predictions/report.html", "mine.onnx", "mine.md", "mine.json", "mine.docx"):
        assert Path(name).stat().st_size > 1000
    assert place is None or Path("mine.html").stat().st_size > 1e7
    # And on the colleague's machine, as it stands there.
    for row in rows[:3]:
        shutil.copy(row["file"], "new.png")
        capsys.readouterr()
        exec(PYTHON[0], {})
        name, sure, _ = capsys.readouterr().out.split()
        assert name == row["class"]
        assert float(sure.rstrip("%")) == pytest.approx(100 * row["probability"], abs=1)
    assert np.isfinite([row["probability"] for row in rows]).all()
