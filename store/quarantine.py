"""What is moved out of the way: nothing of a store is ever deleted because something is wrong with it, or unwanted."""

import os
import uuid
from contextlib import suppress
from pathlib import Path

from store.errors import StoreError

QUARANTINE = "quarantine"


def move(root: Path, path: str, to: str) -> None:
    """Give a file another place below the store's folder; what is not there needs no other.

    Where a file has that place already, the new one takes another name beside it if it is in quarantine, and the same
    place if it is a part, whose name tells its bytes. Folders of the quarantine that are empty then are removed.

    Raises:
        StoreError: the folder cannot be written.
    """
    if not os.path.lexists(root / path):
        return
    place = root / to
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if to.startswith(f"{QUARANTINE}/") and place.exists():
            place = place.with_name(f"{place.name}-{uuid.uuid4().hex[:4]}")
        (root / path).rename(place)
    except OSError as error:
        raise StoreError(f"{root / path} cannot be moved to {place.parent} ({error.strerror or error})") from None
    if path.startswith(f"{QUARANTINE}/"):  # among the parts a run may be about to write into an empty folder
        with suppress(OSError):  # as soon as one is not empty
            for above in Path(path).parents[:-1]:
                (root / above).rmdir()
