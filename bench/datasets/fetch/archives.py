"""Reading zip and tar archives of strangers: nothing in them decides where a file is written, or how much."""

import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath

from bench.errors import BenchError

Files = Mapping[str, Callable[[], bytes]]
"""The files of an archive in its order: the name with `/` between folders, and a function that reads the file."""

SPARE, RATIO = 100_000_000, 20
"""An archive may unpack to so many bytes and so many times its own size. Images hardly compress."""

_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError, OSError)


class DamagedError(BenchError):
    """An archive, `path`, cannot be read to its end."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"{path} is no whole archive ({reason})")
        self.path = path


@contextmanager
def opened(path: Path) -> Iterator[Files]:
    """The files of an archive; what systems leave in archives (`Thumbs.db`, `__MACOSX`, hidden files) is not shown.

    Raises:
        BenchError: the archive holds a link, a name that leads out of a folder, or far more than its size allows.
        DamagedError: it is no archive, or is damaged; files are compared with their checksums as they are read.
    """
    with ExitStack() as stack:
        try:
            if zipfile.is_zipfile(path):
                files = _zipped(path, stack.enter_context(zipfile.ZipFile(path)))
            elif tarfile.is_tarfile(path):
                files = _tarred(path, stack.enter_context(tarfile.open(path)))
            else:
                raise DamagedError(path, "neither zip nor tar")
        except _DAMAGED as error:
            raise DamagedError(path, error) from None
        yield files


def _zipped(path: Path, archive: zipfile.ZipFile) -> Files:
    files: dict[str, Callable[[], bytes]] = {}
    for info in archive.infolist():
        if stat.S_ISLNK(info.external_attr >> 16):
            raise BenchError(f"{path} holds a link, {info.filename!r}; it is not unpacked")
        if not info.is_dir():
            files[_name(info)] = partial(_read, path, partial(archive.read, info))
    return _harmless(path, files, ((info.filename, info.file_size) for info in archive.infolist()))


def _name(info: zipfile.ZipInfo) -> str:
    """Many programs write names in UTF-8 and do not say so; Python then takes them for the code page of 1981."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _tarred(path: Path, tar: tarfile.TarFile) -> Files:
    files: dict[str, Callable[[], bytes]] = {}

    def sizes() -> Iterator[tuple[str, int]]:
        for member in tar:
            try:
                tarfile.data_filter(member, "/nowhere")
            except tarfile.FilterError as error:
                raise BenchError(f"{path} is not unpacked: {error}") from None
            if member.issym() or member.islnk():
                raise BenchError(f"{path} holds a link, {member.name!r}; it is not unpacked")
            if member.isfile():
                files[member.name] = partial(_read, path, partial(_member, tar, member))
            yield member.name, member.size

    return _harmless(path, files, sizes())


def _member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None  # it is a regular file
    return file.read()


def _harmless(path: Path, files: dict[str, Callable[[], bytes]], sizes: Iterable[tuple[str, int]]) -> Files:
    total, limit = 0, SPARE + RATIO * path.stat().st_size
    for name, size in sizes:
        total += size
        if total > limit:
            raise BenchError(f"{path} would unpack to more than {RATIO} times its size; it is not unpacked")
        plain = name.replace("\\", "/")
        if ".." in plain.split("/") or plain.startswith("/") or PureWindowsPath(name).drive:
            raise BenchError(f"{path} holds the name {name!r}, which leads out of its folder; it is not unpacked")
    return {unicodedata.normalize("NFC", name): read for name, read in files.items() if _wanted(PurePosixPath(name))}


def _wanted(name: PurePosixPath) -> bool:
    return name.name.lower() != "thumbs.db" and not any(p.startswith(".") or p == "__MACOSX" for p in name.parts)


def _read(path: Path, read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except _DAMAGED as error:
        raise DamagedError(path, error) from None
