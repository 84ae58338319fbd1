"""Making a folder of images known to the benchmark, and forgetting it again."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from bench.datasets import auditing, cards, layouts, scanning
from bench.datasets.auditing import Audit
from bench.datasets.cards import Card
from bench.datasets.grouping import Guess
from bench.datasets.layouts import Entry
from bench.datasets.loading import Dataset, Library, listed
from bench.errors import BenchError, UsageError

Duplicates = Literal["refuse", "leave-out", "keep"]


def add(
    library: Library,
    name: str,
    folder: Path,
    *,
    groups: str | None = None,
    duplicates: Duplicates = "refuse",
    copy: bool = False,
    tell: Callable[[Audit], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Path, Dataset]:
    """Read every image of a folder, and write a card for it into the first data folder; the images stay where they are.

    Files that cannot be read are left out, and what shows the same picture is kept together; the card says so.

    Args:
        library: the datasets that are there already.
        name: what to call it.
        folder: class folders, class folders in parts of a given split, or images with a manifest.
        groups: a rule that reads an image's group from its file's name.
        duplicates: what to do about a picture that stands in several classes.
        copy: put the images into the data folder too.
        tell: told all that was found, before anything is refused.
        progress: told how many images are read, and of how many.

    Returns:
        The card's path, and the dataset as it will be read.

    Raises:
        UsageError: the name cannot be used or is taken, or the rule fits no file.
        BenchError: the folder holds no images, or one picture stands in several classes.
    """
    cards.check_name(name)
    if name in library.known() and not _is_bare(library, name, folder):
        raise UsageError(f"a dataset {name!r} exists already; choose another name")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; expected one that holds <class>/<file>.png")
    if groups is not None:
        cards.check_groups(groups, "--groups")
    title = name.replace("-", " ").replace("_", " ").capitalize()
    card = Card(name, title, groups=groups, images=str(folder.resolve()), **layouts.recognise(folder))
    entries = layouts.entries(card, folder)
    if odd := [entry.id for entry in entries if _as_text(entry.id) != entry.id]:
        raise BenchError(f"{folder} holds {_as_text(odd[0])}, whose name is no text (UTF-8); rename it")
    if len({entry.label for entry in entries}) < 2:
        listed(card, folder, None, library.cache)  # says why that is no dataset
    audit = auditing.audit(card, scanning.scan(entries, progress), layouts.leftovers(folder, entries, card))
    tell(audit)
    if groups is not None and not any(finding.kind == "groups" for finding in audit.findings):
        raise UsageError(f"--groups {groups!r} fits no file name, such as {entries[0].path.stem!r}; mend the rule")
    if audit.contradictions and duplicates == "refuse":
        raise BenchError(
            f"{len(audit.contradictions)} pictures stand in more than one class, the first is "
            f"{' = '.join(audit.contradictions[0])}; remove the wrong files, or say --duplicates leave-out or keep"
        )
    card = _judged(card, audit, duplicates, entries)
    if copy:
        card = _copied(card, folder, library.folders[0] / name, entries)
    dataset = listed(card, folder, None, library.cache)
    path = library.folders[0] / f"{name}.toml"
    text = _text(
        replace(card, classes=dataset.classes, counts=dataset.counts()),
        audit.guesses,
        auditing.balance(library, dataset),
    )
    cards.parse(name, text, str(path))  # a name that is no text, say, must not leave a broken card
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror}); name another --data folder") from None
    return path, library.load(name)


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


def _is_bare(library: Library, name: str, folder: Path) -> bool:
    """Whether the name is known for this very folder alone, which lies in a data folder and has no card yet."""
    carded = name in cards.shipped() or any((place / f"{name}.toml").is_file() for place in library.folders)
    return not carded and any((place / name).resolve() == folder.resolve() for place in library.folders)


def _judged(card: Card, audit: Audit, duplicates: Duplicates, entries: Sequence[Entry]) -> Card:
    """The card with what is left out and what is kept together."""
    left_out = dict.fromkeys(audit.unreadable)
    if duplicates == "leave-out":
        left_out |= dict.fromkeys(image for same in audit.contradictions for image in same)
    usable = {entry.label for entry in entries if entry.id not in left_out}
    if empty := sorted({entry.label for entry in entries} - usable):
        raise BenchError(f"class {empty[0]!r}: none of its files can be used; mend them or move the class away")
    kept = audit.contradictions if duplicates == "keep" else ()
    same = (tuple(image for image in images if image not in left_out) for images in (*kept, *audit.alike))
    return replace(card, left_out=tuple(left_out), same=tuple(images for images in same if len(images) > 1))


def _copied(card: Card, folder: Path, place: Path, entries: Sequence[Entry]) -> Card:
    """Copy what is read into a data folder, whole or not at all; the card of the copy names no other place."""
    part = place.with_name(f".{place.name}.part")
    try:
        if place.exists():
            raise BenchError(f"{place} is there already; add it as it lies, or choose another name")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for file in [*(entry.path for entry in entries), *([folder / card.manifest] if card.manifest else [])]:
            copied = part / file.relative_to(folder)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copied)
        part.replace(place)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise BenchError(f"{place} cannot be written ({error.strerror or error}); name another --data folder") from None
    return replace(card, images=None)


def _text(card: Card, guesses: Sequence[Guess], balance: str) -> str:
    lines = [
        f"title = {_toml(card.title)}",
        'task = ""        # one sentence: what is told apart, from what kind of image',
        f"classes = [{', '.join(map(_toml, card.classes))}]",
        f"counts = {{{', '.join(f'{_toml(k)} = {v}' for k, v in card.counts.items())}}}",
        'source = ""\ncitation = ""\nlicence = ""',
        "show_images = false   # true: the site may show small copies of these images",
        *([f"images = {_toml(card.images)}"] if card.images else []),
        *([f"manifest = {_toml(card.manifest)}"] if card.manifest else []),
        *([f"parts = [{', '.join(map(_toml, card.parts))}]   # folders of class folders"] if card.parts else []),
        *([f"holdout = {_toml(card.holdout)}"] if card.holdout else []),
        "",
        "# Images of one group (a patient, a slide) stay on one side of every split.",
        f"# {balance}",
    ]
    if card.groups:
        lines.append(f"groups = {_rule(card.groups)}")
    elif guesses:
        lines.append("# File names tell of these groups; take the # from the rule that is right, if one is:")
        lines += [f"# groups = {_rule(g.rule)}   # {len(g.sizes)} groups, {g.example[1]!a} is one" for g in guesses]
    else:
        lines.append("# groups = '^(patient[0-9]+)'   # file names that share this are of one group")
    if card.same:
        lines += ["", "# One picture in different files, found by comparing all; strike out what is not the same."]
        lines += ["same = [", *(f"    [{', '.join(map(_toml, images))}]," for images in card.same), "]"]
    if card.left_out:
        lines += ["", "# Not used: files that cannot be read, and pictures that stand in several classes."]
        lines += ["left_out = [", *(f"    {_toml(image)}," for image in card.left_out), "]"]
    return "\n".join(lines) + "\n"


def _as_text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _rule(rule: str) -> str:
    return f"'{rule}'" if rule.isprintable() and "'" not in rule else _toml(rule)


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
