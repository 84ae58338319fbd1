"""What went wrong once, in public reports or in trials of our own: programs that end with 0 where it goes right."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from paths import CASES, ROOT

PROGRAMS = sorted((*CASES.glob("*.py"), *CASES.glob("*.sh")))


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_a_case_goes_right(program: Path, tmp_path: Path) -> None:
    bench = tmp_path / "bench"
    bench.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m bench "$@"\n')
    bench.chmod(0o755)
    environment = os.environ | {"BENCH": str(bench), "TMPDIR": str(tmp_path), "RESULTS": str(ROOT / "results")}
    command = [sys.executable if program.suffix == ".py" else "bash", str(program)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
