"""Getting a dataset's images: from an archive of their source to class folders that are whole or not there.

Archives lie in `archives/` of the first data folder and may be put there by hand as well. Nothing that exists is
overwritten. Images are written into a hidden folder, which takes the dataset's name when it is whole.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.datasets import Card, Library, Source
from bench.datasets.fetch import archives, arranging, transfer
from bench.datasets.fetch.transfer import Progress
from bench.errors import BenchError, UsageError
from store import Claims


def fetch(
    library: Library, name: str, published: Mapping[str, str], *, count: Sequence[str] = (), progress: Progress
) -> tuple[Path, bool]:
    """Make a dataset's images be at hand, in the first data folder.

    Args:
        library: where datasets are looked for.
        name: the dataset.
        published: image id → SHA-256 of the images of the published results (`checking.published`), or nothing.
        count: names of the objects to count, for a dataset whose class is a number of objects; else its usual rule.
        progress: told how the transfer goes.

    Returns:
        The folder of the class folders, and whether it is new.

    Raises:
        UsageError: nobody knows the dataset, its card names no source, or nothing can be counted in it.
        BenchError: the images cannot be had, which says why; or not automatically, which says the steps.
    """
    card = library.card(name)
    if count and (card.fetch is None or card.fetch.arrangement != "counted"):
        raise UsageError(f"--count is for datasets whose class is a number of objects; {name} is not one")
    there = library.image_folder(card)
    if card.generator and there is not None:
        new = not there.is_dir()
        library.load(name)
        return there, new
    if there is not None:
        return there, False
    if card.fetch is None:
        raise UsageError(f"the card of {name} names no source; `bench dataset add` makes a folder of images known")
    data = library.folders[0]
    folder, place = data / (card.images or name), data / "archives"
    if folder.exists():
        raise BenchError(f"{folder} exists but holds no class folders with images; move it away and fetch again")
    try:
        place.mkdir(parents=True, exist_ok=True)
        _require_archives(name, card.fetch, place, folder)
        # Two fetches into one folder would write the same files; the claim of one that was killed is void.
        with Claims(place) as claims:
            if not claims.take("fetch"):
                raise BenchError(f"another fetch is at work in {data}; wait until it is done")
            for archive in card.fetch.archives:
                if archive.urls:
                    transfer.download(archive, place, progress)
            _unpack(card, card.fetch, place, folder, published, count)
    except OSError as error:
        raise BenchError(
            f"{error.filename or folder} cannot be written ({error.strerror}); free space or name another --data folder"
        ) from None
    return folder, True


def _require_archives(name: str, source: Source, place: Path, folder: Path) -> None:
    """Say the steps where somebody has to do them."""
    by_hand = [archive.file for archive in source.archives if not archive.urls]
    if not source.archives or any(not (place / file).is_file() for file in by_hand):
        steps = [s.replace("{archives}", str(place)).replace("{images}", str(folder)) for s in source.steps]
        listed = "".join(f"\n  {number}. {step}" for number, step in enumerate(steps, 1))
        raise BenchError(f"{name} cannot be downloaded without you:{listed}")


def _unpack(
    card: Card, source: Source, place: Path, folder: Path, published: Mapping[str, str], count: Sequence[str]
) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a fetch that was killed
    try:
        for label in card.classes:
            (part / label).mkdir(parents=True)
        with ExitStack() as stack:
            files: dict[str, Callable[[], bytes]] = {}
            for archive in source.archives:
                files.update(stack.enter_context(archives.opened(place / archive.file)))
            for label, name, content in arranging.FUNCTIONS[source.arrangement](files, card, published, count):
                (part / label / name).write_bytes(content)
        if empty := [label for label in card.classes if not any((part / label).iterdir())]:
            raise BenchError(
                f"{' and '.join(archive.file for archive in source.archives)} in {place}: no images of class "
                f"{empty[0]!r} of {card.name} in there; is it the archive that the card names?"
            )
        part.rename(folder)
    except archives.DamagedError as error:
        if any(archive.file == error.path.name and archive.urls for archive in source.archives):
            error.path.unlink(missing_ok=True)
            raise BenchError(f"{error}, so it was removed; fetch again") from None
        raise BenchError(f"{error}; download it again") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
