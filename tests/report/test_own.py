"""Your own site from your own repository: what `--init` writes, what its workflow does, and the site below a path."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commands
import pytest
import yaml
from pages import pages
from paths import ROOT

from report import changes, own
from report.own import starting
from store import Store

WORKFLOW = ROOT / ".github" / "workflows" / "pages.yml"
PAGES = pages("tiny")


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(WORKFLOW.read_text())["jobs"]["build"]["steps"]
    return found


def test_init_writes_the_two_files_and_leaves_what_is_there(bench: commands.Run, tmp_path: Path) -> None:
    code, out, _ = bench("report", "--init", "mine")
    assert code == 0
    workflow, ignored = tmp_path / "mine" / ".github" / "workflows" / "site.yml", tmp_path / "mine" / ".gitignore"
    assert all(str(path.relative_to(tmp_path)) in out for path in (workflow, ignored))
    (job,) = yaml.safe_load(workflow.read_text())["jobs"].values()
    called = yaml.safe_load(WORKFLOW.read_text())
    takes = called[True]["workflow_call"]["inputs"]  # YAML takes `on` for true
    assert set(job["with"]) <= set(takes)
    assert {name for name, about in takes.items() if about.get("required")} <= set(job["with"])
    needed: dict[str, str] = {}
    for inner in called["jobs"].values():
        needed |= inner["permissions"]
    assert job["permissions"] == needed | {"pages": "write"}, "a called workflow has no right that its caller lacks"
    repository, _, ref = job["uses"].partition("/.github/workflows/pages.yml@")
    assert (job["with"]["software"], job["with"]["ref"]) == (repository, ref)
    assert bench("report", "--init", "mine")[0] == 0, "once more changes nothing"
    workflow.write_text("mine")
    ignored.unlink()
    code, _, err = bench("report", "--init", "mine")
    assert (code, commands.one_sentence(err)) == (2, True)
    assert "site.yml is there already" in err
    assert workflow.read_text() == "mine"
    assert not ignored.exists()


def test_init_where_no_folder_can_be(bench: commands.Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    code, _, err = bench("report", "--init", "file")
    assert (code, commands.one_sentence(err), "file" in err) == (2, True, True)


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("https://github.com/some/where.git", "some/where"),
        ("git@github.com:some/where.git", "some/where"),
        ("https://github.com/some/where", "some/where"),
        ("https://example.org/github.com.evil/some/where", None),
        ("https://github.com/some/where/else", None),
        ("https://github.com/a b/where", None),
        ("", None),
    ],
)
def test_the_software_is_where_its_checkout_came_from(remote: str, name: str | None, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    if remote:
        subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", remote], check=True)
    assert starting.github_name(tmp_path) == name


def test_what_is_ignored_is_images_and_never_the_store(trained: Path, tmp_path: Path) -> None:
    own.start(tmp_path)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    shutil.copytree(trained, tmp_path / "results")
    for name in ("data/mine/ill/1.png", "photo.JPG", "scan.tif", "site/index.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    subprocess.run(["git", "-C", str(tmp_path), "-c", "core.ignorecase=true", "add", "--all"], check=True)
    done = subprocess.run(["git", "-C", str(tmp_path), "ls-files"], capture_output=True, text=True, check=True)
    committed = set(done.stdout.splitlines())
    parts = {f"results/{p.relative_to(trained).as_posix()}" for p in trained.rglob("*.parquet") if p.is_file()}
    assert parts <= committed
    assert {name for name in committed if not name.startswith("results/")} == {
        ".gitignore",
        ".github/workflows/site.yml",
    }


@pytest.fixture(scope="module")
def published(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the workflow's own steps make of a repository with a store, word for word; below `few-images/`."""
    place = tmp_path_factory.mktemp("runner")
    (place / "own").mkdir()
    shutil.copytree(trained, place / "own" / "results")
    shutil.copytree(trained, place / "base" / "results")
    for part in (place / "base" / "results" / "trials").glob("dataset=tiny/model=cnn-shallow/*.parquet"):
        part.unlink()
    (place / "software").symlink_to(ROOT)
    values = {"STORE": "results", "ENGINE": "preview", "GITHUB_STEP_SUMMARY": str(place / "summary.md")}
    values |= {"PYTHONPATH": str(ROOT), "BENCH_NODE_MODULES": str(place / "nothing")}
    (place / "bin").mkdir()
    (place / "bin" / "bench").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bench "$@"\n')
    (place / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for file in (place / "bin").iterdir():
        file.chmod(0o755)
    values["PATH"] = os.pathsep.join([str(place / "bin"), os.environ["PATH"]])
    ran = [step["run"] for step in steps() if "bench " in step.get("run", "")]
    assert len(ran) == 3
    for words in ran:
        done = subprocess.run(
            ["bash", "-e", "-c", words], cwd=place, env=os.environ | values, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    (place / "served").mkdir()
    (place / "site").rename(place / "served" / "few-images")
    return place


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("bash") or sys.platform == "win32", reason="runners have bash")
def test_the_site_is_whole_below_a_path(published: Path, serve: Callable[[Path], str], watched: Any) -> None:
    """Nothing is asked outside the path, every link leads to a page there, and what scripts load comes too."""
    base = serve(published / "served") + "few-images/"
    page = watched(base)
    seen, waiting = set[str](), [base]
    while waiting:
        address = waiting.pop()
        seen.add(address)
        assert page.goto(address).ok, address
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        for link in {link.partition("#")[0] for link in links} - seen - set(waiting):
            if link.startswith(base) and link.endswith((".html", "/")):
                waiting.append(link)
            else:
                assert link.startswith((base, "https://")), link
    assert {base + name for name in PAGES} <= seen
    page.goto(f"{base}compare.html#tiny/cnn-shallow/mean-colour")
    page.locator(".verdict-line").wait_for()


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("bash") or sys.platform == "win32", reason="runners have bash")
def test_a_pull_request_is_told_what_changes(published: Path) -> None:
    said = (published / "summary.md").read_text()
    assert said.startswith("## What these results change\n\n")
    assert re.search(r"\n\| tiny 48px&#58; mean-colour − cnn-shallow .* \| – \| |\n\| .*cnn-shallow.* \| – \| ", said)


def test_changes_are_those_that_were_made() -> None:
    row = {
        "question": "small",
        "dataset": "d",
        "recipe": "96px",
        "compared": "a − b",
        "difference": 0.1,
        "low": 0.05,
        "high": 0.15,
        "verdict_at_1": "better",
    }
    answer = {"dataset": "d", "use": "a", "balanced_accuracy": 0.9, "low": 0.8, "high": 0.95}
    claim = {"key": "k", "said": "A claim.", "verdict": "undecided"}
    old = {"findings": [row], "answers": [answer], "claims": [claim]}
    assert "No answer, verdict or figure has changed." in changes.markdown(old, json.loads(json.dumps(old)))
    # What no reader would see is no change.
    assert "No answer" in changes.markdown(old, old | {"findings": [row | {"difference": 0.1 + 1e-6}]})
    moved = changes.markdown(old, old | {"findings": [row | {"difference": 0.2}]})
    assert "### Figures, the verdict as before: 1" in moved
    assert "| +10.0 &#91;5.0, 15.0&#93; | +20.0 &#91;5.0, 15.0&#93; |" in moved
    turned = changes.markdown(old, old | {"findings": [row | {"verdict_at_1": "undecided"}]})
    assert "### Verdicts: 1" in turned
    assert "| better, +10.0 &#91;5.0, 15.0&#93; | undecided, +10.0 &#91;5.0, 15.0&#93; |" in turned
    assert "### Claims: 1" in changes.markdown(old, old | {"claims": [claim | {"verdict": "confirmed"}]})
    assert "| d | a, 90.0 % &#91;80.0, 95.0&#93; | – |" in changes.markdown(old, old | {"answers": []})
    assert "| d | – | open |" in changes.markdown({}, {"answers": [answer | {"use": None}]})


def test_words_of_a_store_are_no_markup_in_a_summary() -> None:
    words = "<img src=x> | [l](https://evil.example) `c` *s* @team #1 www.evil.example\n# h"
    answer = {"dataset": words, "use": words, "balanced_accuracy": 0.9, "low": None, "high": None}
    said = changes.markdown({}, {"answers": [answer]})
    (line,) = [line for line in said.splitlines() if "evil" in line]
    assert line.count("|") == 4
    assert not re.search(r"[<>`*@\[\]/_]|#(?!\d+;)|\.[a-z]", line)
    assert " ".join(words.split()) in html.unescape(line)


@pytest.mark.parametrize("content", [None, "no json", "[1]"])
def test_files_that_hold_no_answers(content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "old.json"
    if content is not None:
        path.write_text(content)
    assert changes.main([str(path), str(path)]) == 1
    assert "old.json" in capsys.readouterr().err
    assert changes.main([]) == 2


@pytest.mark.long
def test_a_store_is_as_it_was(published: Path, trained: Path) -> None:
    assert Store(published / "own" / "results").fingerprint() == Store(trained).fingerprint()
