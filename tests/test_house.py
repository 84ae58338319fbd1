"""The house: which package may know of which, what runs without torch, and that every command explains itself."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from paths import ROOT
from typer.testing import CliRunner

from bench.cli import app

MODULES = sorted(path for package in ("bench", "store", "report") for path in (ROOT / package).rglob("*.py"))
TRAINING = {"torch", "torchvision", "sklearn"}
LONGEST = 300
LONGER: dict[str, int] = {}

FORBID = f"""
import sys

class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(TRAINING)}:
            raise ModuleNotFoundError(f"No module named {{name!r}}: only training may import it", name=name)

sys.meta_path.insert(0, Forbidden())
"""


# --- Arrows: bench → store ← report


def imports(code: str, package: str) -> Iterator[str]:
    """Full names of the modules that a module imports, anywhere in it; `package` is where it lies."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imported_packages(path: Path) -> set[str]:
    package = ".".join(path.relative_to(ROOT).parent.parts)
    return {name.partition(".")[0] for name in imports(path.read_text(encoding="utf-8"), package)}


def test_imports_are_found_however_they_are_written() -> None:
    code = "import a.b, c as d\nfrom e import f\nfrom . import g\nfrom ..h import i\ndef x():\n  if y: import j.k"
    assert list(imports(code, "p.q")) == ["a.b", "c", "e.f", "p.q.g", "p.h.i", "j.k"]
    assert len(MODULES) > 50


def test_arrows_point_to_the_store() -> None:
    found = {path.relative_to(ROOT).as_posix(): imported_packages(path) for path in MODULES}
    arrows = {(name, other) for name, packages in found.items() for other in packages & {"bench", "report"}}
    wrong = {(name, other) for name, other in arrows if not name.startswith(f"{other}/")}
    assert wrong == {
        ("bench/commands/site.py", "report"),
        ("bench/commands/store.py", "report"),
        ("bench/commands/advice.py", "report"),
        ("bench/commands/exporting.py", "report"),
        ("bench/commands/model.py", "report"),
        ("bench/commands/pictures.py", "report"),
        ("bench/commands/predict.py", "report"),
        ("bench/commands/writing.py", "report"),
    }
    for package in ("bench", "report"):
        assert any("store" in packages for name, packages in found.items() if name.startswith(package))
    outsiders = {name for name, packages in found.items() if packages & TRAINING}
    assert all(name.startswith("bench/") for name in outsiders)
    assert "bench/training/common.py" in outsiders


# From the ground up: a room may use those that stand before it in its line.
FLOORS = (
    "bench.errors",
    "bench.cache",
    "bench.images",
    "bench.study",
    "bench.models",
    "bench.datasets.synthetic",
    "bench.datasets",
    "bench.datasets.audit",
    "bench.datasets.curating",
    "bench.datasets.fetch",
    "bench.planning",
    "bench.training",
    "bench.keeping",
    "bench.running",
    "bench.reproducing",
    "bench.predicting",
    "bench.exporting",
    "bench.commands",
    "bench.benchmark",
    "bench.cli",
    "bench.__main__",
)
# What is made for the pages, and what draws them, stands above them.
REPORT = (
    "report.preview",
    "report",
    "report.sections",
    "report.papers",
    "report.pages",
    "report.payload",
    "report.prepare",
    "report.site",
    "report.own",
    "report.benchmark",
    "report.scripts",
)
ROOMS = {
    **{name: number for number, name in enumerate(FLOORS)},
    **{name: number for number, name in enumerate(REPORT)},
}


def room(module: str) -> str:
    """The room that a module belongs to: the longest name of a room that its own begins with."""
    found = [name for name in ROOMS if module == name or module.startswith(f"{name}.")]
    return max(found, key=len, default=module.partition(".")[0])


def handed_on(name: str) -> set[str]:
    """What a room's `__init__` hands on; of a single file, and of `report`, everything."""
    door = ROOT.joinpath(*name.split("."), "__init__.py")
    if not door.is_file() or name == "report":
        return {"*"}
    return {
        constant.value
        for node in ast.parse(door.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
        for constant in node.value.elts
        if isinstance(constant, ast.Constant)
    }


def between_rooms(code: str, module: str) -> Iterator[tuple[str, str]]:
    """The (room, name) of everything that a module takes from other rooms of its own package."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == module.split(".")[0]:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                there = room(full)
                if there != room(module):
                    yield there, full.removeprefix(there).removeprefix(".")


def wrong_between_rooms(code: str, module: str) -> list[str]:
    said = []
    for there, name in between_rooms(code, module):
        if ROOMS.get(there, -1) > ROOMS.get(room(module), 99):
            said.append(f"{module} is below {there}, and uses its {name}")
        if name and name not in handed_on(there) and "*" not in handed_on(there):
            said.append(f"{module} reaches behind the door of {there} for {name}")
    return said


def test_arrows_between_rooms_run_down_and_through_doors() -> None:
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES}
    said = [
        sentence
        for path, name in names.items()
        if not name.startswith("store.")
        for sentence in wrong_between_rooms(path.read_text(encoding="utf-8"), name.removesuffix(".__init__"))
    ]
    assert said == []
    up = "from bench.training import heads\nfrom bench.datasets.loading import _listed"
    assert len(wrong_between_rooms(up, "bench.planning.plan")) == 2


def test_every_room_says_what_it_is_for_and_is_entered() -> None:
    everywhere = "\n".join(path.read_text(encoding="utf-8") for path in MODULES)
    for door in sorted((ROOT / "bench").rglob("__init__.py")):
        name = ".".join(door.parent.relative_to(ROOT).parts)
        assert ast.get_docstring(ast.parse(door.read_text(encoding="utf-8"))), name
        for handed in (handed for handed in handed_on(name) - {"*"} if handed.islower()):
            taken = rf"from {re.escape(name)} import [^\n]*\b{handed}\b|\b{handed},\n|\b{door.parent.name}\.{handed}\b"
            assert re.search(taken, everywhere), f"{name} hands on {handed}, and nobody takes it"


def test_pages_call_the_report_and_nothing_else() -> None:
    pages = sorted((ROOT / "report").glob("*.qmd"))
    cells = [cell for page in pages for cell in re.findall(r"^```\{python\}\n(.*?)^```", page.read_text(), re.M | re.S)]
    assert len(cells) > len(pages) > 4
    assert {name.partition(".")[0] for cell in cells for name in imports(cell, "report")} == {"report"}


# --- Without torch


@pytest.fixture(scope="module")
def without_torch(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that cannot import what training needs, nor can any process that it starts."""
    folder = tmp_path_factory.mktemp("hook")
    (folder / "sitecustomize.py").write_text(FORBID)
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def run(environment: dict[str, str], folder: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_store_report_and_the_command_are_imported_without_torch(without_torch: dict[str, str], tmp_path: Path) -> None:
    kept = [path for path in MODULES if path.relative_to(ROOT).parts[0] != "bench" and "scripts" not in path.parts]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in kept]
    assert {"store.query", "report.pages.index", "report.pages.dataset", "report.preview.cells"} <= set(names)
    code = f"""
import importlib, json, sys
refused = []
for name in {sorted(TRAINING)}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        refused.append(name)
for name in {[*names, "bench.cli", "bench.planning.status", "bench.commands.answers"]}:
    importlib.import_module(name)
print(json.dumps([refused, [name for name in {sorted(TRAINING)} if name in sys.modules]]))
"""
    assert json.loads(run(without_torch, tmp_path, "-c", code)) == [sorted(TRAINING), []]


def test_little_is_imported_before_a_command_is_known(tmp_path: Path) -> None:
    """`bench --help` is quick: what a command needs is imported by that command."""
    code = "import sys; before = set(sys.modules); import bench.cli; print(*(set(sys.modules) - before))"
    loaded = run({"PYTHONPATH": str(ROOT)}, tmp_path, "-c", code).split()
    heavy = {"numpy", "pandas", "duckdb", "pyarrow", "PIL", "rich", "scipy", "altair", "store", "report", *TRAINING}
    assert heavy & set(loaded) == set()
    assert len(loaded) < 130, sorted(loaded)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status"], "6/6"),
        (["query", "select count(*) as n from trials", "--format", "csv"], "n\n24\n"),
        (["store", "info"], "tiny"),
        (["report", "--engine", "preview", "-o", "site"], "pages drawn with the preview engine"),
    ],
    ids=["status", "query", "store info", "report"],
)
def test_what_only_reads_runs_without_torch(
    without_torch: dict[str, str], trained: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    out = run(without_torch, tmp_path, "-m", "bench", *arguments, "--store", trained)
    assert said in out.replace("\r\n", "\n")
    if arguments[0] == "report":
        assert "tiny" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


# --- Commands and modules


def commands(command: Any, name: str = "bench") -> Iterator[tuple[str, Any]]:
    yield name, command
    for part, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{name} {part}")


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, name
    lacking = [p.name for p in command.params if not getattr(p, "help", None)]
    assert not lacking, "every argument and option says what it is"
    shown = CliRunner().invoke(app, [*name.split()[1:], "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0
    for inner in getattr(command, "commands", {}):
        assert re.search(rf"\b{inner}\b", shown.output), f"`{name} --help` lists {inner}"


def test_the_commands_that_people_rely_on_are_there() -> None:
    assert {f"bench {name}" for name in ("run", "status", "query", "report", "dataset", "model", "store")} <= set(
        COMMANDS
    )


def test_one_version_everywhere() -> None:
    (version,) = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {version}\n" in (ROOT / "CHANGELOG.md").read_text()


def test_the_readme_draws_every_room() -> None:
    picture = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Architecture")[2]
    rooms = [door.parent.name for package in ("bench", "report") for door in (ROOT / package).glob("*/__init__.py")]
    rooms += [door.parent.name for door in (ROOT / "bench" / "datasets").glob("*/__init__.py")]
    assert len(rooms) > 12
    assert [room for room in rooms if not re.search(rf"^ +(.*  )?{room}/ ", picture, re.M)] == []


def test_modules_are_short() -> None:
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: n for name, n in lines.items() if n > LONGER.get(name, LONGEST)} == {}
    assert not [name for name in LONGER if lines[name] <= LONGEST], "is short enough by now: strike it off the list"
