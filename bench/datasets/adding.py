"""Making a folder of images known to the benchmark, and forgetting it again."""

from dataclasses import replace
from pathlib import Path

from bench.datasets import cards
from bench.datasets.cards import Card
from bench.datasets.loading import Dataset, Library, class_folders, listed
from bench.errors import BenchError, UsageError


def add(library: Library, name: str, folder: Path) -> tuple[Path, Dataset]:
    """Write a card for a folder of class folders into the first data folder; the images stay where they are.

    Returns:
        The card's path, and the dataset as it will be read.

    Raises:
        UsageError: the name cannot be used or is taken.
        BenchError: the folder holds no class folders with images.
    """
    cards.check_name(name)
    if name in library.known():
        raise UsageError(f"a dataset {name!r} exists already; choose another name")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; expected one that holds <class>/<file>.png")
    if not class_folders(folder):
        raise BenchError(f"{folder}: no images; expected <class>/<file>.png (or .jpg, .bmp, .tif) in it")
    card = Card(name, title=name.replace("-", " ").replace("_", " ").capitalize())
    dataset = listed(card, folder, None)
    counted = dataset.counts()
    card = replace(card, classes=dataset.classes, counts=counted, images=str(folder.resolve()))
    text = "".join(
        [
            f"title = {_toml(card.title)}\n",
            'task = ""        # one sentence: what is told apart, from what kind of image\n',
            f"classes = [{', '.join(map(_toml, card.classes))}]\n",
            f"counts = {{{', '.join(f'{_toml(k)} = {v}' for k, v in counted.items())}}}\n",
            'source = ""\ncitation = ""\nlicence = ""\n',
            "show_images = false   # true: the site may show small copies of these images\n",
            "# groups = '^(patient[0-9]+)'   # images whose names share this stay on one side of every split\n",
            f"images = {_toml(str(card.images))}\n",
        ]
    )
    path = library.folders[0] / f"{name}.toml"
    cards.parse(name, text, str(path))  # a name that is no text, say, must not leave a broken card
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror}); name another --data folder") from None
    return path, listed(cards.read(path), folder, None)


def remove(library: Library, name: str) -> Path:
    """Delete the card that `add` wrote; images and results stay.

    Raises:
        UsageError: there is no such card in a data folder.
    """
    for folder in library.folders:
        if (path := folder / f"{cards.check_name(name)}.toml").is_file():
            path.unlink()
            return path
    raise UsageError(f"no card {name}.toml in {' or '.join(map(str, library.folders))}; nothing to remove")


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
