"""Which code trained: versions of the libraries, and the commit of this project, where it runs from a checkout."""

import json
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import bench

LIBRARIES = ("torch", "torchvision", "numpy", "scikit-learn", "scikit-image", "pillow")


@cache
def versions() -> str:
    """What a trial's row keeps, as JSON: Python, the libraries, and `commit` where it is known. No part of identity."""
    found = {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
    there = commit(Path(bench.__file__).resolve().parents[1])
    return json.dumps(found | ({"commit": there} if there else {}))


def commit(folder: Path) -> str | None:
    """The commit that a checkout is at, twelve signs, with a `+` where the code in it differs from it; else None."""
    if not (folder / ".git").exists():
        return None
    try:
        named, changed = (
            subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True, timeout=30).stdout
            for words in (("rev-parse", "--short=12", "HEAD"), ("status", "--porcelain", "--", "bench", "store"))
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return named.strip() + ("+" if changed.strip() else "")
