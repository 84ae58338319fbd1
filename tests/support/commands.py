"""The command as tests call it, in this process."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import cli

Run = Callable[..., tuple[int, str, str]]
"""Runs the command with these arguments, and gives exit code, output and errors."""


def runner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
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
