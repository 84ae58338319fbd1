"""Room on a disk for work that does not fit into memory."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def scratch(what: str) -> Iterator[str]:
    """A temporary folder for DuckDB's `temp_directory`, removed at the end.

    Where none can be written, on a full disk or in a container that is read-only, it is `""`: DuckDB then works in
    memory alone, which is enough for most of what is asked, and says so where it is not.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=f"bench-{what}-", ignore_cleanup_errors=True)
    except OSError:
        yield ""
        return
    with folder as name:
        yield name
