"""The command line: what it says when something is wrong, and that nothing is lost then."""

import html
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from commands import Run, one_sentence
from paths import ROOT
from sklearn.metrics import balanced_accuracy_score

from bench import cli


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
        (["dataset", "add", "/tmp", "mine"], 2, "/tmp is the folder, it seems: bench dataset add mine /tmp"),
        (["dataset", "add", "My Images", "."], 2, "cannot be a dataset's name"),
        (["dataset", "add", "malaria", "."], 2, "exists already"),
        (["dataset", "remove", "mine"], 2, "nothing to remove"),
        (["model", "show", "resnet81"], 2, "did you mean 'resnet18'"),
        (
            ["model", "show", "effnet"],
            2,
            "did you mean 'efficientnet-lite0', 'efficientnet-lite0-lower' or 'efficientnet-lite0-probe'?",
        ),
        (["model", "show", "vgg"], 2, "did you mean 'vgg19'"),
        (["model", "show", "transformer"], 2, "known: cnn"),
        (["run", "demo", "--device", "gpu"], 2, "--device gpu: expected auto, cpu, cuda:0, or several as cuda:0,1"),
        (["run", "demo", "--device", "gpu", "--dry-run"], 2, "--device gpu: expected auto, cpu, cuda:0, or several"),
        (["run", "demo", "--executor", "ray", "--keep-models", "--dry-run"], 2, "--keep-models with --executor ray"),
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dataset", "add", "m", ".", "--missing", "keep"], "'--missing': 'keep' is not one of 'refuse', 'leave-out'."),
        (["run", "--executor", "x"], "'--executor': 'x' is not one of 'local', 'ray'."),
        (["run", "--folds", "x"], "'--folds': Input should be a valid integer"),
    ],
)
def test_a_wrong_value_of_an_option_is_told_in_plain_words(bench: Run, arguments: list[str], said: str) -> None:
    code, _, err = bench(*arguments)
    words = " ".join(err.replace("│", " ").split())
    assert (code, said in words) == (2, True), err
    assert "Value error" not in words
    assert "parse" not in words


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
    bench(
        "query",
        "select * from predictions where subset = 'test'",
        "--format",
        "json",
        "-o",
        "all.json",
        "--store",
        trained,
    )
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


def test_numbers_in_json_are_numbers(bench: Run, trained: Path) -> None:
    """Strict JSON: what is no number or has no end is null, a sum is no text, an interval is one."""
    sql = (
        "select 'nan'::double as a, ['-inf'::float, 1] as b, {'x': 'nan'::double, 'y': 0.5} as c, sum(range) as d, "
        "[sum(range)] as e, interval 90 minutes as f from range(4)"
    )
    code, out, _ = bench("query", sql, "--format", "json", "--store", trained)

    def no_json(constant: str) -> None:
        raise AssertionError(constant)

    expected = {"a": None, "b": [None, 1], "c": {"x": None, "y": 0.5}, "d": 6, "e": [6], "f": "01:30:00"}
    assert (code, json.loads(out, parse_constant=no_json)) == (0, [expected])


def test_an_answers_file_can_be_read_by_whoever_can_read_the_users_others(
    bench: Run, trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").touch()
    for kind in ("csv", "parquet"):
        assert bench("query", "select 1", "--format", kind, "-o", tmp_path / f"x.{kind}", "--store", trained)[0] == 0
        assert (tmp_path / f"x.{kind}").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert {path.name for path in tmp_path.glob("*x.*")} == {"x.csv", "x.parquet"}


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


def test_failed_trials_are_a_table_and_can_be_tried_again(
    bench: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.training import regressions

    (tmp_path / "s.toml").write_text(
        'datasets = ["tiny"]\nmodels = ["mean-colour", "pixel-ratio"]\n[protocol]\nfolds = 2\nrepeats = 2\n'
        "[recipe]\nimage_size = 48\n"
    )
    command = ("run", "s.toml", "--data", data, "--store", "s")
    with monkeypatch.context() as broken:

        def breaks(*_: object) -> None:
            raise RuntimeError("out of [memory]")

        broken.setattr(regressions, "fit_floor", breaks)
        code, out, err = bench(*command)
    assert (code, err) == (1, "")
    rows = [line.split() for line in out.splitlines() if "out of [memory]" in line and " · " not in line]
    assert rows == [
        ["tiny", model, "48px", "0.0", "0.1", "1.0", "1.1", "out", "of", "[memory]"]
        for model in ("mean-colour", "pixel-ratio")
    ], "a row a cell"
    assert "0 trials trained, 8 failed" in out
    assert bench(*command)[1].startswith("nothing to train")
    assert "out of [memory]" in bench("status", "--store", "s")[1]
    code, out, _ = bench(*command, "--retry-failed")
    assert (code, "8 trials trained" in out) == (0, True)


def test_a_damaged_part_is_named_moved_and_trained_again(bench: Run, data: Path, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "s")
    code, out, _ = bench("store", "compact", "--store", "s")
    assert (code, "parts became" in out) == (0, True)
    (part,) = (tmp_path / "s" / "predictions" / "dataset=tiny" / "model=mean-colour").glob("*.parquet")
    part.write_bytes(part.read_bytes()[:-9])
    named = f"{part.relative_to(tmp_path)} was altered after it was written"
    for command in (["status"], ["query", "select count(*) as n from trials", "--format", "csv"], ["store", "info"]):
        code, out, err = bench(*command, "--store", "s")
        assert code == 0
        assert one_sentence(err), err
        assert named in err
    assert bench("query", "select count(*) as n from trials", "--format", "csv", "--store", "s")[1] == "n\n18\n"
    code, out, err = bench("store", "check", "--store", "s")
    assert (code, err) == (1, "")
    assert named.removeprefix("s/") in out
    assert "--repair" in out
    assert bench("store", "check", "--repair", "--store", "s")[0] == 0
    assert list((tmp_path / "s" / "quarantine").rglob(part.name))
    assert bench("store", "check", "--store", "s")[::2] == (0, "")
    cells = json.loads(bench("status", "--format", "json", "--store", "s")[1])
    assert {c["model"]: c["missing"] for c in cells if c["missing"]} == {"mean-colour": 6}


def test_stores_are_merged_and_exported(bench: Run, trained: Path, tmp_path: Path) -> None:
    assert "24 trials added, 0 were here already" in bench("store", "merge", trained, "--store", "s")[1]
    assert "0 trials added, 24 were here already" in bench("store", "merge", trained, "--store", "s")[1]
    assert bench("store", "merge", tmp_path / "none", "--store", "s")[0] == 1
    for file in ("all.duckdb", "one.csv", "one.parquet"):
        code, out, _ = bench("store", "export", file, "--store", "s")
        assert (code, (tmp_path / file).exists()) == (0, True)
        assert "predictions" in out
    (tmp_path / "one.csv").write_text("somebody's")
    code, _, err = bench("store", "export", "one.csv", "--store", "s")
    assert (code, one_sentence(err), "--force" in err) == (1, True, True)
    assert (tmp_path / "one.csv").read_text() == "somebody's"
    assert bench("store", "export", "one.csv", "--force", "--store", "s")[0] == 0
    assert (tmp_path / "one.csv").read_text() != "somebody's"
    code, _, err = bench("store", "export", "x.xlsx", "--store", "s")
    assert (code, one_sentence(err)) == (1, True)


@pytest.mark.parametrize("place", ["FILE/x", "/proc/x", "/dev/null/x"])
def test_a_place_that_cannot_be_written_is_one_sentence(
    bench: Run, trained: Path, data: Path, tmp_path: Path, place: str
) -> None:
    (tmp_path / "FILE").touch()
    for command in (
        ["query", "select 1", "--format", "csv", "-o", place],
        ["report", "-o", place],
        ["store", "export", f"{place}.csv"],
        ["store", "drop", "tiny", "--undo"],
    ):
        code, _, err = bench(*command, "--store", trained)
        assert (code, one_sentence(err)) == (1, True), err
    train = ["run", "cpu", "--dataset", "tiny", "--model", "mean-colour", "--data", str(data)]
    for command in (train, ["status"], ["store", "merge", str(trained)], ["report"]):
        code, _, err = bench(*command, "--store", place)
        assert (code, one_sentence(err)) == (1, True), err


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(e, marks=pytest.mark.long) for e in ("latin-1", "cp1252"))]
)
def test_an_output_that_has_not_our_signs(data: Path, trained: Path, tmp_path: Path, encoding: str) -> None:
    shutil.copytree(data / "tiny", tmp_path / "images")
    (tmp_path / "images" / "er").rename(tmp_path / "images" / "é日")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "bench", *map(str, arguments)]
        environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)

    done = run("dataset", "add", "mine", "images")
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode(encoding)
    assert "64 × 64" in shown or "64 x 64" in shown
    assert "  -> " in shown
    assert ("?? has 24" if encoding == "ascii" else "é? has 24") in shown
    done = run("query", "select '日' as a", "--format", "csv", "--store", trained)
    assert (done.returncode, done.stdout) == (1, b""), "data are written as they are, or not at all"
    assert done.stderr.decode(encoding).strip().endswith(r"which has no '\u65e5'; write a file with -o FILE")


def test_no_room_on_the_output(trained: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "bench", "status", "--store", str(trained)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, one_sentence(done.stderr.decode())) == (1, True), done.stderr


def test_ctrl_c_is_told_from_a_failure(bench: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.running import runner

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopping:
        stopping.setattr(runner, "run", stopped)
        code, _, err = bench("run", "cpu", "--data", data, "--model", "mean-colour", "--image-size", "48")
    assert (code, one_sentence(err), "the same command goes on" in err) == (130, True, True)
    monkeypatch.setattr(runner, "prepare", stopped)
    assert bench("run", "cpu", "--data", data)[::2] == (130, "")


def test_a_dataset_leaves_the_store_and_comes_back(bench: Run, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "s")
    code, out, err = bench("store", "drop", "tiny", "--store", "s")
    assert (code, err, "quarantine/dropped/tiny" in out) == (0, "", True)
    assert "no trials planned yet" in bench("status", "--store", "s")[1]
    code, _, err = bench("store", "drop", "tiny", "--store", "s")
    assert (code, one_sentence(err)) == (1, True)
    assert bench(*shlex.split(re.search(r"`bench (store drop [^`]*)`", out)[1]))[0] == 0  # type: ignore[index]
    # In which order DuckDB adds what it averages is its own affair: the last digit of a score may be another.
    before, after = (
        json.loads(
            bench("status", "--format", "json", "--store", store)[1], parse_float=lambda text: round(float(text), 9)
        )
        for store in (trained, "s")
    )
    assert before == after
    for both in ([], ["tiny", "--stale"]):
        code, _, err = bench("store", "drop", *both, "--store", "s")
        assert (code, one_sentence(err), "one of the two" in err) == (2, True, True)
    code, _, err = bench("store", "drop", "--stale", "--store", "s")
    assert (code, one_sentence(err)) == (1, True), "none is stale, which is said"


@pytest.mark.parametrize("columns", [40, 80, 92, 200])
def test_no_name_breaks_at_any_width(bench: Run, trained: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in (["status"], ["store", "info"], ["model", "list"], ["query", "select * from cells"]):
        code, out, _ = bench(*command, "--store", trained) if command[0] != "model" else bench(*command)
        assert code == 0
        for name in ("efficientnet-lite0-lower", "mean-colour") if command[0] != "store" else ("tiny",):
            assert re.search(rf"(^|\s){name}(\s|$)", out, re.MULTILINE), (command, out)
    widest = max(map(len, bench("status", "--store", trained)[1].splitlines()))
    assert widest <= columns


def test_rules_are_shown_as_they_are_typed(bench: Run, data: Path) -> None:
    code, _, err = bench("dataset", "add", "mine", data / "tiny", "--groups", r"^(patient\d+)")
    assert (code, one_sentence(err)) == (2, True)
    assert r"--groups '^(patient\d+)' fits no file name" in err


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


def test_a_folder_of_ones_own_is_added_run_and_reported(bench: Run, data: Path, tmp_path: Path) -> None:
    """The three commands of the readme, on classes with names that a page must not take for markup."""
    shutil.copytree(data / "tiny", tmp_path / "images")
    for name, odd in (("er", "<script>alert(1)<"), ("golgi", "50% it's [red]")):
        (tmp_path / "images" / name).rename(tmp_path / "images" / odd)
    code, out, err = bench("dataset", "add", "mine", tmp_path / "images")
    assert (code, err) == (0, "")
    for said in (
        "<script>alert(1)<",
        "50% it's [red]",
        "64 × 64",
        "Worth knowing",
        "has 24",
        "Split by default: ",
        "data/mine.toml",
        "next: bench run --dataset mine",
    ):
        assert said in out
    options = ["--model", "mean-colour", "--image-size", "48", "--folds", "2", "--repeats", "1", "--store", "s"]
    assert bench("run", *options)[0] == 0
    _, out, _ = bench(
        "query", "select dataset, count(*) as n from trials group by dataset", "--format", "csv", "--store", "s"
    )
    assert out.replace("\r", "") == "dataset,n\nmine,2\n"
    code, out, err = bench("report", "--engine", "preview", "-o", "site", "--store", "s")
    assert (code, err) == (0, "")
    page = (tmp_path / "site" / "datasets" / "mine.html").read_text(encoding="utf-8")
    shown = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)  # without the charts' data
    assert "<script>alert(1)" not in shown
    assert "<script>alert(1)" in html.unescape(shown)
    assert "<script" not in shown


def test_pictures_in_two_classes_are_refused_until_it_is_said_what_to_do(
    bench: Run, data: Path, tmp_path: Path
) -> None:
    shutil.copytree(data / "tiny", tmp_path / "images")
    (tmp_path / "images" / "er" / "copy.png").write_bytes((data / "tiny" / "golgi" / "03.png").read_bytes())
    code, out, err = bench("dataset", "add", "mine", "images")
    assert (code, one_sentence(err)) == (1, True)
    assert "er/copy.png = golgi/03.png" in err
    assert "--duplicates leave-out" in err
    assert "1 picture in more than one class" in out, "what else was found is said too"
    assert not (tmp_path / "data").exists()
    assert bench("dataset", "add", "mine", "images", "--duplicates", "some")[0] == 2
    assert bench("dataset", "add", "mine", "images", "--duplicates", "leave-out")[0] == 0
    card = (tmp_path / "data" / "mine.toml").read_text()
    assert 'left_out = [\n    "er/copy.png",\n    "golgi/03.png",\n]' in card
    assert bench("dataset", "check", "mine")[0] == 0
    assert bench("dataset", "remove", "mine")[0] == 0
    assert bench("dataset", "add", "mine", "images", "--duplicates", "keep")[0] == 0
    code, out, _ = bench("dataset", "check", "mine")
    assert code == 1
    assert "er/copy.png = golgi/03.png" in " ".join(out.split())


def test_names_that_steer_a_terminal_are_not_sent_to_it(bench: Run, data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "tiny", tmp_path / "images")
    for name in (b"\x1b[31mred.gif", b"caf\xe9.txt"):
        (tmp_path / "images" / "er" / os.fsdecode(name)).write_bytes(b"x")
    code, out, _ = bench("dataset", "add", "mine", "images")
    assert code == 0
    assert "red.gif" in out
    assert "\x1b[31m" not in out


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
    assert "1 picture in more than one class, as the same bytes: er/00.png = golgi/00.png" in out


def commands_in(text: str) -> list[list[str]]:
    """The `bench` commands of a shell text, without comments."""
    lines = [line.split("   #")[0].strip() for line in text.replace("$(BIN)/", "").splitlines()]
    for number, line in enumerate(lines):  # one in quotes goes on until they are closed
        while line.startswith("bench ") and line.count('"') % 2:
            line = lines[number] = f"{line} {lines.pop(number + 1)}"
    found = [shlex.split(line)[1:] for line in lines if line.startswith("bench ")]
    return [words[: words.index(">")] if ">" in words else words for words in found]


@pytest.mark.parametrize("name", ["Makefile", "README.md", "report/sql.qmd", ".github/workflows/pages.yml"])
def test_commands_that_are_written_down_can_be_typed(name: str) -> None:
    """Every command of the Makefile, the readme, the site and the workflow has the options that it is given."""
    text = (ROOT / name).read_text().replace("- run: bench", "\nbench").replace("$ENGINE", "auto")
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
    assert re.search(r"^(name)? +tiny\b", bench("dataset", "list")[1], re.M)


def test_model_list_has_every_model(bench: Run) -> None:
    _, out, _ = bench("model", "list")
    for name in ("vgg19", "resnet18-lower", "efficientnet-lite0-scratch", "cnn-shallow", "pixel-ratio"):
        assert name in out
