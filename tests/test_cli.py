"""The command line: what it says when something is wrong, and that nothing is lost then."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from sklearn.metrics import balanced_accuracy_score

from bench import cli

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs the command in an empty folder and gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bench", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as done:
            code = int(done.code or 0)
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


def one_sentence(err: str) -> bool:
    return err.startswith("bench: ") and err.count("\n") == 1 and "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "cp"], 2, "did you mean 'cpu'"),
        (["run", "demo", "--model", "cnn-shalow"], 2, "did you mean 'cnn-shallow'"),
        (["run", "demo", "--dataset", "malariaa"], 2, "did you mean 'malaria'"),
        (["run", "demo", "--dataset", "malaria"], 1, "expected <class>/<file>.png"),
        (["run", "cpu"], 1, "no images"),
        (["run", "nowhere.toml"], 2, "cannot be read"),
        (["run", "demo", "--epochs", "0"], 2, "epochs must be at least 1"),
        (["run", "demo", "--folds", "1"], 2, "folds must be at least 2"),
        (["status"], 1, "no results store there"),
        (["report"], 1, "no results store there"),
        (["query", "select 1"], 1, "no results store there"),
        (["query"], 2, "no query given"),
        (["dataset", "check", "mallaria"], 2, "did you mean 'malaria'"),
        (["dataset", "add", "mine", "/nowhere"], 2, "is not a folder"),
        (["dataset", "add", "My Images", "."], 2, "cannot be a dataset's name"),
        (["dataset", "add", "malaria", "."], 2, "exists already"),
        (["dataset", "remove", "mine"], 2, "nothing to remove"),
        (["model", "show", "resnet81"], 2, "did you mean 'resnet18'"),
    ],
)
def test_bad_input_gets_one_sentence(bench: Run, arguments: list[str], code: int, said: str) -> None:
    got, _, err = bench(*arguments)
    assert got == code
    assert one_sentence(err), err
    assert said in err


@pytest.mark.parametrize("arguments", [["run", "--folds", "x"], ["run", "--frobnicate"], ["frobnicate"]])
def test_unknown_options_are_wrong_usage(bench: Run, arguments: list[str]) -> None:
    code, _, err = bench(*arguments)
    assert code == 2
    assert "Traceback" not in err


def test_a_folder_that_is_no_store_is_left_alone(bench: Run, data: Path, tmp_path: Path) -> None:
    place = tmp_path / "precious"
    place.mkdir()
    (place / "thesis.txt").write_text("mine")
    code, _, err = bench("run", "cpu", "--data", data, "--store", place)
    assert (code, one_sentence(err)) == (1, True)
    assert [path.name for path in place.iterdir()] == ["thesis.txt"]


def test_a_corrupt_image_is_named_before_anything_is_trained(bench: Run, data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "data")
    victim = sorted((tmp_path / "data" / "tiny").glob("*/*.png"))[30]
    victim.write_bytes(victim.read_bytes()[:200])
    code, _, err = bench("run", "cpu", "--model", "mean-colour", "--image-size", "48")
    assert code == 1
    assert one_sentence(err)
    assert str(victim.relative_to(tmp_path)) in err
    assert not list(tmp_path.glob("results/trials/**/*.parquet"))


def test_a_class_smaller_than_the_folds(bench: Run, data: Path) -> None:
    code, _, err = bench("run", "cpu", "--data", data, "--folds", "40")
    assert (code, one_sentence(err)) == (1, True)
    assert "tiny" in err
    assert "--folds" in err


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select nothing from scores", "nothing"),
        ("selec 1", "syntax error"),
        ("select 1; select 2", "only one SELECT"),
        ("copy scores to 'x.csv'", "only one SELECT"),
        ("select '\udcff'", ""),  # bytes that are no text, as a shell may hand them on
    ],
)
def test_wrong_sql(bench: Run, trained: Path, sql: str, said: str) -> None:
    code, _, err = bench("query", sql, "--store", trained)
    assert (code, one_sentence(err)) == (2, True), err
    assert said in err


def test_the_query_of_the_readme_agrees_with_scikit_learn(bench: Run, trained: Path, tmp_path: Path) -> None:
    sql = "select model, avg(balanced_accuracy) as score from scores where subset = 'test' group by model"
    code, out, _ = bench("query", sql, "--format", "json", "--store", trained)
    assert code == 0
    scores = {row["model"]: row["score"] for row in json.loads(out)}
    bench("query", "select * from predictions where subset = 'test'", "--format", "json", "-o", "all.json",
          "--store", trained)  # fmt: skip
    trials: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in json.loads((tmp_path / "all.json").read_text()):
        trials.setdefault((row["model"], row["trial_id"]), []).append((row["label"], row["predicted"]))
    for model, score in scores.items():
        each = [balanced_accuracy_score(*zip(*pairs, strict=True)) for (m, _), pairs in trials.items() if m == model]
        assert len(each) == 6
        assert score == pytest.approx(sum(each) / 6, abs=1e-9)


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_answers_in_files(bench: Run, trained: Path, tmp_path: Path, kind: str) -> None:
    import pandas as pd

    code, _, _ = bench("query", "select * from cells", "--format", kind, "-o", f"cells.{kind}", "--store", trained)
    assert code == 0
    read = {"csv": pd.read_csv, "json": pd.read_json, "parquet": pd.read_parquet}[kind]
    assert len(read(tmp_path / f"cells.{kind}")) == 4


def test_an_answer_that_cannot_be_written_leaves_the_old_file(bench: Run, trained: Path, tmp_path: Path) -> None:
    code, _, err = bench("query", "select 1", "--format", "csv", "-o", tmp_path / "no" / "x.csv", "--store", trained)
    assert (code, one_sentence(err)) == (1, True)


def test_status_and_store_commands(bench: Run, trained: Path) -> None:
    code, out, _ = bench("status", "small", "--format", "json", "--store", trained)
    cells = json.loads(out)
    assert code == 0
    assert [(c["done"], c["missing"], c["failed"], c["stale"]) for c in cells] == [(6, 0, 0, 0)] * 4
    assert bench("status", "smal", "--store", trained)[0] == 2
    assert "cnn-shallow" in bench("status", "--store", trained)[1]
    assert "every one as it was written" in bench("store", "check", "--store", trained)[1]
    assert "tiny" in bench("store", "info", "--store", trained)[1]


def test_schema_names_every_table(bench: Run) -> None:
    _, out, _ = bench("query", "--schema")
    for table in ("predictions", "trials", "images", "scores", "votes", "cells", "plans"):
        assert f"\n{table}\n" in out


def test_dataset_list_add_check_remove(bench: Run, data: Path, tmp_path: Path) -> None:
    before = sorted(os.walk(data / "tiny"))
    code, out, _ = bench("dataset", "add", "mine", data / "tiny")
    assert code == 0
    assert "data/mine.toml" in out
    assert "24" in out
    assert "mine" in bench("dataset", "list")[1]
    assert bench("dataset", "check", "mine")[0] == 0
    assert sorted(os.walk(data / "tiny")) == before
    assert bench("dataset", "add", "mine", data / "tiny")[0] == 2
    assert bench("dataset", "remove", "mine")[0] == 0
    assert not (tmp_path / "data" / "mine.toml").exists()


def test_dataset_check_explains_what_does_not_fit(bench: Run, data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "tiny", tmp_path / "images")
    bench("dataset", "add", "mine", tmp_path / "images")
    first, second = (sorted((tmp_path / "images" / name).iterdir())[0] for name in ("er", "golgi"))
    second.write_bytes(first.read_bytes())
    (tmp_path / "images" / "er" / "99.png").write_bytes(b"not an image")
    code, out, _ = bench("dataset", "check", "mine")
    assert code == 1
    assert "25 images; the card says 24" in out
    assert "99.png cannot be read" in out
    assert "two classes" in out


def commands_in(text: str) -> list[list[str]]:
    """The `bench` commands of a shell text, without comments."""
    lines = [line.split("   #")[0].strip() for line in text.replace("$(BIN)/", "").splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("bench ")]


@pytest.mark.parametrize("name", ["Makefile", "README.md", "report/sql.qmd", ".github/workflows/site.yml"])
def test_commands_that_are_written_down_can_be_typed(name: str) -> None:
    """Every command of the Makefile, the readme, the site and the workflow has the options that it is given."""
    text = (ROOT / name).read_text().replace("- run: bench", "\nbench")
    found = commands_in(text)
    assert found
    for arguments in found:
        command = typer.main.get_command(cli.app)
        rest = arguments
        while hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        command.make_context("bench", list(rest), resilient_parsing=False)


def test_a_data_folder_with_a_space(bench: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(data, tmp_path / "my data")
    monkeypatch.setenv("BENCH_DATA", f"{tmp_path / 'nothing'}{os.pathsep}{tmp_path / 'my data'}")
    assert "\n tiny " in bench("dataset", "list")[1]


def test_model_list_has_every_model(bench: Run) -> None:
    _, out, _ = bench("model", "list")
    for name in ("vgg19", "resnet18-lower", "efficientnet-lite0-scratch", "cnn-shallow", "pixel-ratio"):
        assert name in out
