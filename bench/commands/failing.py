"""What the command says when something goes wrong, one sentence each; and that it can be said on any terminal."""

import codecs
import errno
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from bench.commands.printing import plain
from bench.errors import BenchError, UsageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−─━╌╸╺", "-"),
        **dict.fromkeys("‘’‚‹›", "'"),
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("·•∙", "*"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
        **dict.fromkeys("│┃", "|"),
        "→": "->",
        "×": "x",
        "≈": "~",
        "≤": "<=",
        "≥": ">=",
        "±": "+/-",
        "…": "...",
    }
)
"""Signs that our sentences use, in those that every terminal has."""


@contextmanager
def explained() -> Iterator[None]:
    """Turn what goes wrong into one sentence and an exit code: 2 for wrong usage, else 1."""
    _speak_to_any_terminal()
    warnings.showwarning = _warn
    warnings.simplefilter("once", UserWarning)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader, `head` say, has seen enough.
        _close_output()
    except OSError as error:
        try:
            sys.stdout.flush()
        except OSError:  # it is standard output that is full
            _close_output()
        fail(sentence(error), 1)
    except MemoryError:
        fail("there is not enough memory for that; close other programs, or ask for fewer --workers", 1)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("bench", "store", "report"):
            raise
        extras = "train,report,take" if (error.name or "").startswith("onnx") else "train,report"
        fail(f'the package {error.name!r} is not installed; run: pip install -e ".[{extras}]"', 1)
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        fail(str(error), code)


class PlainGroup(TyperGroup):
    """Commands whose complaints about an option's value have no words of the library that read it."""

    def invoke(self, ctx: Any) -> Any:  # a context of the library below, which typer does not hand on
        """Run the command that was asked for, with its complaints in plain words."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ").partition(", unable to parse")[0]
            raise


def _code(error: Exception) -> int | None:
    """The exit code for an error that says what is wrong; None for one that nobody foresaw."""
    if isinstance(error, BenchError):
        return 2 if isinstance(error, UsageError) else 1
    if "store" in sys.modules:  # else it is none of its errors, and need not be imported, which takes half a second
        from store import QueryError, StoreError

        if isinstance(error, StoreError):
            return 2 if isinstance(error, QueryError) else 1
    return None


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong, and end."""
    print(f"bench: {plain(message)}", file=sys.stderr)
    sys.exit(code)


def sentence(error: OSError) -> str:
    """What the system refused, and where."""
    reason = error.strerror or str(error).partition("\n")[0] or type(error).__name__
    if reason.startswith("No usable temporary directory"):
        return "no temporary folder can be written; free space there, or name another folder with TMPDIR"
    if error.errno in _FULL:
        where = error.filename or "a file"
        return f"{where} cannot be written ({reason}); free space or choose another place"
    return f"{error.filename}: {reason}" if error.filename else reason


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    print(f"bench: {plain(str(message))}", file=sys.stderr)


def _speak_to_any_terminal() -> None:
    """Have signs that an output cannot take, as in ASCII or latin-1, replaced by what comes near to them."""
    codecs.register_error("bench.signs", _nearest)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="bench.signs")


def _nearest(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end].translate(_ALIKE)
    return "".join(sign if sign.isascii() else "?" for sign in signs), error.end


def _close_output() -> None:
    """Nothing more is written to standard output, where it could only fail once more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
