"""Writes the two files that a repository needs to publish its own site: a workflow, and what to leave out."""

import re
import subprocess
from pathlib import Path

from report.data import ROOT

HERE = Path(__file__).parent
UNKNOWN = "OWNER/REPOSITORY"
FILES = {"site.yml": Path(".github/workflows/site.yml"), "gitignore": Path(".gitignore")}
_REMOTE = re.compile(r"github\.com[/:]([A-Za-z0-9._-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?$")


class ExistsError(Exception):
    """A file that would be written is there already, and is another one."""


def start(folder: Path) -> tuple[list[Path], str | None]:
    """Write the files into a folder; gives their paths, and the software's name on GitHub where it is known.

    Raises:
        ExistsError: one of them is there and says something else; nothing is written then.
        OSError: the folder cannot be written.
    """
    software = github_name(ROOT.parent)
    texts = {
        folder / place: _filled((HERE / name).read_text(encoding="utf-8"), software) for name, place in FILES.items()
    }
    for path, text in texts.items():
        if path.exists() and (not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text):
            raise ExistsError(str(path))
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return list(texts), software


def _filled(text: str, software: str | None) -> str:
    """A text with the software's name, and the commit that is here where others can have it too."""
    if software is None:
        return text
    commit = _git("rev-parse", "HEAD") if _git("branch", "--remotes", "--contains", "HEAD") else ""
    text = text.replace(UNKNOWN, software)
    return text.replace("@main", f"@{commit}").replace("ref: main", f"ref: {commit}") if commit else text


def _git(*words: str, folder: Path = ROOT.parent) -> str:
    """What git says of a checkout; nothing where there is none, or no git."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def github_name(checkout: Path) -> str | None:
    """OWNER/REPOSITORY of the checkout's remote `origin`, where that is on GitHub."""
    found = _REMOTE.search(_git("remote", "get-url", "origin", folder=checkout))
    return found[1] if found else None
