"""What `_quarto.yml` says about a website: its pages, its resources, its options."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml


class PageError(Exception):
    """The site cannot be rendered; the message says in one sentence where and why."""


@dataclass(frozen=True)
class Project:
    """A Quarto website project: the folder that holds `_quarto.yml`, and what the file says."""

    folder: Path
    config: dict[str, object]

    @classmethod
    def read(cls, folder: Path) -> "Project":
        """The project in a folder. Raises `PageError` where `_quarto.yml` is missing or is no YAML mapping."""
        file = folder / "_quarto.yml"
        if not file.is_file():
            raise PageError(f"{folder} is no Quarto project: it has no _quarto.yml")
        return cls(folder, parse_yaml(file.read_text(encoding="utf-8"), "_quarto.yml", 1))

    def section(self, *keys: str) -> dict[str, object]:
        """A mapping inside the configuration, empty where there is none."""
        return section(self.config, *keys)

    def pre_render(self) -> None:
        """Run the scripts that make what the pages need. Raises `PageError` when one of them fails."""
        for script in as_list(self.section("project").get("pre-render")):
            done = subprocess.run(
                [sys.executable, *shlex.split(str(script))],
                cwd=self.folder,
                env={**os.environ, "QUARTO_PROJECT_DIR": str(self.folder)},
                capture_output=True,
                text=True,
            )
            # Both go to stderr: stdout belongs to whoever called `render`.
            sys.stderr.write(done.stdout + done.stderr)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
                raise PageError(f"pre-render {script}: {last}")

    def pages(self, output: Path) -> list[Path]:
        """Every page, relative to the project, in order; what begins with `_` or `.` is none, nor is old output."""
        found = []
        for folder, folders, files in os.walk(self.folder):
            here = Path(folder)
            folders[:] = [name for name in folders if name[0] not in "_." and here / name != output]
            found += [here / name for name in files if name.endswith(".qmd") and name[0] not in "_."]
        return sorted(page.relative_to(self.folder) for page in found)

    def resources(self) -> Iterator[Path]:
        """The files under `project: resources`, relative to the project. Raises `PageError` where one is missing."""
        for entry in as_list(self.section("project").get("resources")):
            pattern = str(entry).strip("/")
            found = sorted(self.folder.glob(pattern))
            if not found and not any(sign in pattern for sign in "*?["):
                raise PageError(f"_quarto.yml: the resource {pattern} does not exist")
            for path in found:
                inside = sorted(path.rglob("*")) if path.is_dir() else [path]
                yield from (file.relative_to(self.folder) for file in inside if file.is_file())


def parse_yaml(text: str, name: str, line: int) -> dict[str, object]:
    """A YAML mapping that starts on `line` of the file `name`. Raises `PageError` where it is none."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = line + (mark.line if mark else 0)
        raise PageError(f"{name}, line {at}: YAML: {getattr(error, 'problem', None) or error}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PageError(f"{name}, line {line}: YAML: a mapping of keys to values is needed")
    return value


def section(config: dict[str, object], *keys: str) -> dict[str, object]:
    """The mapping under these keys, empty where it is absent or is no mapping (`html: default`)."""
    value: object = config
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """Quarto takes one entry or a list of them in most places: always the list."""
    if value is None or value is False:
        return []
    return list(value) if isinstance(value, list) else [value]
