"""Downloading an archive: whole and of the known hash, or not there. A transfer that broke off goes on where it was.

pooch compares the hash, tries again, and gives the file its name when it is whole. What it does not do is go on with
half a file; the downloader here asks the server for the rest. A file that changed on the server between two halves is
found out by its hash, or else by the checksums inside the archive.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.datasets import Archive
from bench.errors import BenchError

Progress = Callable[[str, int, int | None], None]
"""Told a file's name, how many bytes of it are there, and how many there will be where that is known."""

RETRIES = 2
TIMEOUT = 30.0
CHUNK = 1 << 16


def download(archive: Archive, folder: Path, progress: Progress) -> Path:
    """The archive in `folder`, downloaded first if it is not there or has another hash than the known one.

    Raises:
        BenchError: no address gave the file, or what it gave has another hash; that is removed.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    known_hash = f"sha256:{archive.sha256}" if archive.sha256 else None
    failures = []
    for url in archive.urls:
        friend = pooch.create(
            path=folder,
            base_url="",
            registry={archive.file: known_hash},
            urls={archive.file: url},
            retry_if_failed=RETRIES,
        )
        try:
            return Path(friend.fetch(archive.file, downloader=partial(_resume, folder / archive.file, progress)))
        except (OSError, ValueError) as error:
            failures.append(f"{url}: {_reason(error)}")
        except BenchError as error:
            failures.append(f"{url}: {error}")
    raise BenchError(
        f"{archive.file} could not be downloaded ({'; '.join(failures)}); the same command goes on from there, "
        f"or put the file into {folder} yourself"
    )


def _resume(path: Path, progress: Progress, url: str, output_file: str, _: object, check_only: bool = False) -> None:
    """Download into `path` with `.part` behind its name, from where that file ends; then move it to `output_file`."""
    import requests

    part = path.with_name(f"{path.name}.part")
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        where, _, all_ = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        if response.status_code == requests.codes.requested_range_not_satisfiable and have:
            if all_ != str(have):  # it was another file's
                part.unlink()
                raise ValueError("the half that was here does not fit the file on the server")
        else:
            if 400 <= response.status_code < 500:  # pooch would try again in vain
                raise BenchError(f"the server answers {response.status_code} {response.reason}")
            response.raise_for_status()
            if response.status_code != requests.codes.partial_content:
                have = 0  # the server sends all of it
            elif where.partition("-")[0] != str(have):
                raise ValueError("the server sends another part of the file than it was asked for")
            total = have + int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
            with part.open("ab" if have else "wb") as file:
                progress(path.name, have, total)
                for chunk in response.iter_content(CHUNK):
                    have += file.write(chunk)
                    progress(path.name, have, total)
    part.replace(output_file)


def _reason(error: Exception) -> str:
    """What went wrong, in few words: the texts of requests are long."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "the server does not answer"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the transfer broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if "does not match the known hash" in str(error):
        return "its SHA-256 is not the one that the card names, so it was removed"
    return str(getattr(error, "strerror", None) or error)
