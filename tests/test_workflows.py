"""The workflows on GitHub: what they may do, and the steps of `train` run here as its runner would run them."""

import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from paths import ROOT
from serving import Server

from bench import cli
from bench.datasets import Library
from bench.datasets.fetch.checking import pixels
from bench.running import runner
from bench.study import study
from store import Store, checking, query

FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
STUDY = """
title = "A study for the tests"
datasets = ["tiny"]
models = ["mean-colour", "pixel-ratio"]
[protocol]
holdout = 0.2
folds = 2
repeats = 2
[recipe]
image_size = 48
epochs = 1
"""

needs_bash = pytest.mark.skipif(
    not shutil.which("bash") or sys.platform == "win32", reason="runners have bash and find"
)


# --- What workflows may do


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(path).values():
        yield from job.get("steps", [])  # a job that calls a workflow has none


def the_step(job: str, part: str) -> dict[str, Any]:
    """The step of `train.yml` whose code has some part."""
    every: list[dict[str, Any]] = jobs(FOLDER / "workflows" / "train.yml")[job]["steps"]
    (found,) = [step for step in every if part in step.get("run", "")]
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_few_rights_and_fixed_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    whole = yaml.safe_load(text)
    assert set(whole["permissions"].values() if whole["permissions"] else []) <= {"read"}, "jobs say what they write"
    lines = [line for line in re.findall(r"^\s*(?:- )?uses: (.*)$", text, re.M) if not line.startswith("./")]
    assert len(lines) == sum("uses" in step for step in steps(path))
    assert lines or all("uses" in job for job in jobs(path).values())
    for line in lines:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), f"{line}: a commit, and what it is called"
    for step in steps(path):
        assert "${{" not in step.get("run", ""), "what others wrote reaches a shell as a variable, never as code"
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_the_job_that_writes_runs_nothing_of_what_was_trained() -> None:
    train, publish = jobs(FOLDER / "workflows" / "train.yml").values()
    assert train["permissions"] == {"contents": "read"}
    assert publish["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert [step["run"] for step in publish["steps"] if "run" in step] == [".github/scripts/publish.sh build/trained"]
    used = [step["uses"].partition("@")[0] for step in publish["steps"] if "uses" in step]
    assert used == ["actions/checkout", "actions/download-artifact"]


def test_the_hours_on_offer_fit_a_runner(script: ModuleType) -> None:
    whole = yaml.safe_load((FOLDER / "workflows" / "train.yml").read_text(encoding="utf-8"))
    hours = whole[True]["workflow_dispatch"]["inputs"]["hours"]["options"]  # YAML takes `on` for true
    assert max(map(float, hours)) == script.LONGEST
    assert script.LONGEST * 60 + 30 <= whole["jobs"]["train"]["timeout-minutes"] < 360


# --- Training, as on a runner


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_workflow", FOLDER / "scripts" / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path, data: Path, server: Server) -> Path:
    """What a runner has checked out: a study, and cards whose images lie elsewhere; `locked` needs a login."""
    folder = tmp_path / "checkout"
    (folder / "data").mkdir(parents=True)
    (folder / ".github").symlink_to(FOLDER)
    (folder / "small.toml").write_text(STUDY)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted((data / "tiny").glob("*/*.png")):
            archive.write(path, path.relative_to(data))
    server.files["tiny.zip"] = buffer.getvalue()
    write_card(folder, "tiny", f'urls = ["{server.url("tiny.zip")}"]')
    write_card(folder, "locked", "")
    return folder


def write_card(checkout: Path, name: str, address: str, content: str = "") -> None:
    classes = json.dumps(["er", "golgi", "lysosomes"])
    (checkout / "data" / f"{name}.toml").write_text(
        f'title = "{name}"\nclasses = {classes}\n{content}\n[fetch]\nsteps = ["log in"]\n'
        f'[[fetch.archives]]\nfile = "{name}.zip"\n{address}\n'
    )


def started(checkout: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the step that trains, word for word, with what somebody typed."""
    step = the_step("train", "train.py")
    typed = {"study": "small.toml", "dataset": "tiny", "models": "mean-colour", "hours": "1"} | inputs
    values = {
        name: typed[found[1]] if (found := re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", value)) else value
        for name, value in step["env"].items()
    }
    values |= {"GITHUB_OUTPUT": str(checkout / "output"), "GITHUB_STEP_SUMMARY": str(checkout / "step.md")}
    values |= {"PYTHONPATH": str(ROOT), "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    return subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=checkout,
        env=os.environ | values,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def failed(done: subprocess.CompletedProcess[str], checkout: Path) -> str:
    """What a step that failed says; it has trained nothing and changed nothing."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert not (checkout / "results").exists()
    assert not (checkout / "build").exists()
    assert not (checkout / "output").exists()
    (error,) = re.findall(r"^::error::(.*)", done.stdout, re.M)
    return str(error)


@pytest.mark.long
@needs_bash
def test_what_is_missing_is_fetched_trained_and_merged(checkout: Path, library: Library) -> None:
    store = Store(checkout / "results", create=True)
    had = replace(study.parse("small", STUDY, "small.toml"), models=("mean-colour",))
    assert runner.run(runner.prepare(had, library), store, library.cache, "cpu", limit=1).finished == 1

    done = started(checkout, dataset="tiny, locked", models=" mean-colour,pixel-ratio ")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::notice::locked is left out" in done.stdout
    assert query(store, "select model, done, missing from cells order by model").to_pylist() == [
        {"model": "mean-colour", "done": 4, "missing": 0},
        {"model": "pixel-ratio", "done": 4, "missing": 0},
    ]
    assert checking.check(store).sound
    (packed,) = (checkout / "results" / "trials").glob("**/model=mean-colour/*.parquet")
    assert packed.name.startswith("packed-"), "compacted: what was there and what came are one part"
    assert (checkout / "output").read_text() == "changed=true\n"
    said = (checkout / "build" / "summary.md").read_text()
    assert (checkout / "step.md").read_text() == said
    assert "7 trials trained" in said
    assert "`locked` was left out" in said
    assert re.search(r"\| tiny \| mean-colour \| 48px-ep1 \| 3 \| 4/4 \| 0 \| 0 \| 0\.\d{3} \|", said)

    before = store.fingerprint()
    (checkout / "output").unlink()
    done = started(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / "output").read_text() == "changed=false\n"
    assert "nothing was trained" in (checkout / "build" / "summary.md").read_text()
    assert Store(checkout / "results").fingerprint() == before


@needs_bash
@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"dataset": "x; touch pwned"}, "'x;' cannot be the name of a dataset"),
        ({"dataset": "$(touch pwned)"}, "cannot be the name of a dataset"),
        ({"models": "`touch pwned` mean-colour"}, "cannot be the name of a model"),
        ({"study": '" ; touch pwned; "'}, "cannot be the name of a study"),
    ],
)
def test_what_is_typed_is_no_code(checkout: Path, inputs: dict[str, str], said: str) -> None:
    assert said in failed(started(checkout, **inputs), checkout)
    assert not list(checkout.rglob("pwned"))


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"datasets": "--store=/tmp"}, "cannot be the name of a dataset"),
        ({"datasets": "../tiny"}, "cannot be the name of a dataset"),
        ({"datasets": " , "}, "name a dataset"),
        ({"datasets": "tiny\n::error::x"}, "'::error::x' cannot be the name of a dataset"),
        ({"datasets": "malariaa"}, "did you mean 'malaria'"),
        ({"datasets": "locked"}, "have to be fetched by hand"),
        ({"models": "resnet81"}, "did you mean 'resnet18'"),
        ({"models": ""}, "name a model"),
        ({"study": "blog cpu"}, "one too many"),
        ({"study": "blogg"}, "did you mean 'blog'"),
        ({"hours": "6"}, "hours must be a number up to 5"),
        ({"hours": "0"}, "hours must be a number"),
        ({"hours": "nan"}, "hours must be a number"),
        ({"hours": "1e9"}, "hours must be a number"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    script: ModuleType,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    inputs: dict[str, str],
    said: str,
) -> None:
    monkeypatch.chdir(checkout)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    typed = {"study": "small.toml", "datasets": "tiny", "models": "mean-colour", "hours": "1"} | inputs
    with pytest.raises(SystemExit) as ended:
        script.main([f"--{name}={value}" for name, value in typed.items()])
    assert ended.value.code == 1
    (error,) = re.findall(r"^::error::(.*)", capsys.readouterr().out, re.M)
    assert said in error
    assert not (checkout / "build").exists()
    assert not (checkout / "data" / "tiny").exists()


@pytest.mark.long
@needs_bash
@pytest.mark.parametrize("packed", ["other images", "other bytes"])
def test_other_images_than_the_published_ones_are_not_trained_on(
    checkout: Path, library: Library, packed: str, server: Server
) -> None:
    content = 'content = "0123456789abcdef0123"\n'
    if packed == "other bytes":  # the command lets these pass, with a note
        content += f'pixels = "{pixels(library.load("tiny"))}"\n'
    write_card(checkout, "tiny", f'urls = ["{server.url("tiny.zip")}"]', content)
    done = started(checkout)
    said = (
        "the images of tiny are not, byte for byte," if packed == "other bytes" else "`bench dataset fetch tiny` fail"
    )
    assert said in failed(done, checkout)
    assert "count as stale" in done.stdout
    assert "No pull request" in (checkout / "step.md").read_text()


@pytest.mark.long
def test_a_run_that_is_out_of_time_is_interrupted(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = (
        "import sys, time\n"
        "try:\n    open(sys.argv[1], 'w').close()\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    open(sys.argv[2], 'w').close()\n"
    )
    command = [sys.executable, "-c", waits, str(tmp_path / "started"), str(tmp_path / "interrupted")]
    assert script.within(5, command) is None
    assert (tmp_path / "started").exists()
    assert (tmp_path / "interrupted").exists()
    monkeypatch.setattr(script, "GRACE", 0.1)
    deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
    assert script.within(1, [sys.executable, "-c", deaf]) is None
    assert script.within(60, [sys.executable, "-c", "raise SystemExit(3)"]) == 3


@pytest.mark.parametrize("code", [None, 1], ids=["out of time", "a trial failed"])
def test_what_was_finished_is_published_however_the_run_ended(
    script: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch, code: int | None
) -> None:
    def here(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["bench", *words])
        with suppress(SystemExit):
            cli.main()

    def ends_early(seconds: float, command: list[str]) -> int | None:
        assert seconds == 7200
        here(*command[len(script.BENCH) :], "--limit", "3")
        return code

    monkeypatch.setattr(script, "bench", here)
    monkeypatch.setattr(script, "within", ends_early)
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("GITHUB_OUTPUT", str(checkout / "output"))
    script.main(["--study=small.toml", "--datasets=tiny", "--models=mean-colour", "--hours=2"])
    assert query(Store(checkout / "results"), "select done, missing from cells").to_pylist() == [
        {"done": 3, "missing": 1}
    ]
    assert (checkout / "output").read_text() == "changed=true\n"
    said = (checkout / "build" / "summary.md").read_text()
    assert ("The time of 2 hours was up" if code is None else "`bench run` ended with code 1") in said


def test_a_summary_shows_what_failed_as_text(script: ModuleType, small_study: study.Study) -> None:
    cell = {
        "dataset": "tiny",
        "model": "cnn",
        "recipe": "48px",
        "wanted": 6,
        "done": 4,
        "missing": 1,
        "failed": 1,
        "test_balanced_accuracy": None,
        "why": "failed: a|b\n<img src=x>\n# end",
    }
    new = {(str(n), "tiny", "cnn", "48px", "done" if n else "failed") for n in range(3)}
    said = script.summary("small", [cell], new, [], "")
    assert "2 trials trained" in said
    assert "**1 trials failed.**" in said
    row = "| tiny | cnn | 48px | 2 | 4/6 | 1 | 1 |  | failed: a&#124;b &lt;img src=x&gt; # end |"
    assert said.splitlines()[-1] == row


# --- Publishing


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a store of one part and a remote on disk, and a `gh` that writes down what it is asked."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    origin, folder, tools = tmp_path / "origin.git", tmp_path / "repository", tmp_path / "tools"
    part(folder / "results", "old")
    (folder / "README.md").write_text("ours")
    tools.mkdir()
    (tools / "gh").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{tmp_path}/gh"\n')
    (tools / "gh").chmod(0o755)
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "-m", "first")
    git(folder, "remote", "add", "origin", str(origin))
    trained = folder / "build" / "trained"
    part(trained / "results", "new")
    (trained / "build").mkdir()
    (trained / "build" / "summary.md").write_text("2 trials trained")
    return folder


def part(results: Path, name: str) -> None:
    folder = results / "trials" / "dataset=tiny" / "model=cnn-shallow"
    folder.mkdir(parents=True)
    (folder / f"packed-{name}.v3.parquet").write_text(name)
    (results / "store.json").write_text("{}")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def published(folder: Path) -> subprocess.CompletedProcess[str]:
    values = {
        "PATH": os.pathsep.join([str(folder.parent / "tools"), os.environ["PATH"]]),
        "STUDY": "blog",
        "GITHUB_RUN_ID": "17",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_REF_NAME": "main",
        "GITHUB_SERVER_URL": "https://github.com",
    }
    return subprocess.run(
        ["bash", FOLDER / "scripts" / "publish.sh", "build/trained"],
        cwd=folder,
        env=os.environ | values,
        capture_output=True,
        text=True,
        check=False,
    )


@needs_bash
def test_a_trained_store_becomes_a_pull_request(repository: Path) -> None:
    for _ in range(2):  # again, as after pull requests were allowed
        done = published(repository)
        assert done.returncode == 0, done.stderr
        git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    origin = repository.parent / "origin.git"
    changed = git(origin, "show", "--format=%B%an", "--name-status", "--no-renames", "train/17").splitlines()
    place = "results/trials/dataset=tiny/model=cnn-shallow/packed"
    assert changed[-2:] == [f"A\t{place}-new.v3.parquet", f"D\t{place}-old.v3.parquet"]
    assert "https://github.com/a/b/actions/runs/17" in changed
    asked = (repository.parent / "gh").read_text().splitlines()
    assert asked[:4] == ["auth", "setup-git", "pr", "create"]
    for option, value in (("--repo", "a/b"), ("--base", "main"), ("--head", "train/17")):
        assert asked[asked.index(option) + 1] == value


@needs_bash
@pytest.mark.parametrize(
    "name",
    [
        ".github/workflows/own.yml",
        "results/.git/hooks/x.parquet",
        "results/trials/.hidden=x/a.parquet",
        "results/trials/dataset=tiny/run.sh",
        "results/x.parquet",
        "README.md",
        "results/store.json.parquet",
    ],
)
@pytest.mark.parametrize("link", [False, True])
def test_what_is_no_part_of_a_store_is_not_published(repository: Path, name: str, link: bool) -> None:
    path = repository / "build" / "trained" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if link:
        path = path.parent / "linked.parquet"
        path.symlink_to(repository / "README.md")
    else:
        path.write_text("x")
    done = published(repository)
    assert (done.returncode, "::error::not a part of a store" in done.stdout) == (1, True)
    assert git(repository.parent / "origin.git", "branch", "--list") == ""
    assert not (repository.parent / "gh").exists()


@needs_bash
def test_a_pull_request_that_is_not_allowed_leaves_the_branch_and_says_so(repository: Path) -> None:
    (repository.parent / "tools" / "gh").write_text('#!/bin/sh\n[ "$1" = auth ]\n')
    done = published(repository)
    assert done.returncode == 1
    assert "https://github.com/a/b/compare/main...train/17" in done.stdout
    assert git(repository.parent / "origin.git", "branch", "--list").split() == ["train/17"]


@needs_bash
def test_a_store_as_it_was_becomes_nothing(repository: Path) -> None:
    shutil.rmtree(repository / "build" / "trained" / "results")
    part(repository / "build" / "trained" / "results", "old")
    done = published(repository)
    assert (done.returncode, done.stdout) == (0, "::notice::the store is as it was; there is nothing to propose\n")
    assert not (repository.parent / "gh").exists()
