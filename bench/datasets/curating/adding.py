"""Making a folder of images known to the benchmark, and forgetting it again."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from bench.datasets import Card, Dataset, Entry, Library, cards, grouping, layouts, loading, masks
from bench.datasets.audit import Audit, auditing, recognising, scanning
from bench.datasets.curating import offering, writing
from bench.errors import BenchError, UsageError

Duplicates = Literal["refuse", "leave-out", "keep"]
Missing = Literal["refuse", "leave-out"]
SHEETS = frozenset({".xlsx", ".xls", ".xlsm", ".ods", ".numbers"})
Subfolders = Literal["groups", "plain"]


def add(
    library: Library,
    name: str,
    folder: Path,
    *,
    groups: str | None = None,
    duplicates: Duplicates = "refuse",
    masked: Duplicates = "refuse",
    missing: Missing = "refuse",
    subfolders: Subfolders | None = None,
    manifest: Path | None = None,
    columns: Mapping[str, str] | None = None,
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
        masked: what to do about files that are named as masks of others are.
        missing: what to do about lines of the table of which there is no file.
        subfolders: what folders in class folders are; None for groups, unless their names say otherwise.
        manifest: the table that lists the images, in the place of what `folder` shows.
        columns: its columns of path, label, group and holdout, where these are called otherwise.
        copy: put the images into the data folder too.
        tell: told all that was found, before anything is refused.
        progress: told how many images are read, and of how many.

    Returns:
        The card's path, and the dataset as it will be read.

    Raises:
        UsageError: the name cannot be used or is taken, or the rule fits no file.
        BenchError: the folder holds no images, lines of the table name none, one picture stands in several classes,
            or there are masks.
    """
    kept: dict[str, str | bool | None] = {  # of which an update knows too
        "groups": groups,
        "duplicates": duplicates,
        "masks": masked,
        "missing": missing,
    }
    wishes = kept | {"subfolders": subfolders, "copy": copy}
    listing = {"manifest": str(manifest) if manifest else None, **(columns or {})}
    typed = offering.Typed(name, folder, {**listing, **wishes}, library.options)
    if not folder.exists() and Path(name).is_dir() and name not in library.known():
        turned = replace(typed, name=str(folder), folder=Path(name))
        raise UsageError(f"{name} is the folder, it seems: {turned.command()}")
    cards.check_name(name)
    if name in library.known() and not _is_bare(library, name, folder):
        own = any((place / f"{name}.toml").is_file() for place in library.folders)
        update = replace(typed, options=kept).command(update=True)
        hint = f", or bring its card up to date with --update: {update}" if own else ""
        raise UsageError(f"a dataset {name!r} exists already; choose another name{hint}")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; expected one that holds <class>/<file>.png")
    if groups is not None:
        cards.check_groups(groups, "--groups")
    title = name.replace("-", " ").replace("_", " ").capitalize()
    more = replace(typed, options=wishes).given() + library.options
    layout = _layout(folder, manifest, columns or {}, recognising.commands(name, more))
    if subfolders and "subfolders" in layout:
        layout["subfolders"] = subfolders
    card = Card(name, title, groups=groups, images=str(folder.resolve()), **layout)
    if missing != "refuse":
        card = leaving_out_lines(card, folder)
    if not card.manifest and masked != "refuse" and masks.found(layouts.entries(card, folder)):
        card = replace(card, masks=masked)
    entries = layouts.entries(card, folder)
    check_rule(groups, entries)
    if odd := [entry.id for entry in entries if _as_text(entry.id) != entry.id]:
        raise BenchError(f"{folder} holds {_as_text(odd[0])}, whose name is no text (UTF-8); rename it")
    if len({entry.label for entry in entries}) < 2:
        loading.listed(card, folder, None, library.cache)  # says why that is no dataset
    scans = scanning.scan(entries, progress)
    card = scanning.decided(card, scans)
    audit = auditing.audit(card, scans, auditing.lying_there(card, folder, entries), library.cache)
    tell(audit.settled(duplicates))
    refuse(audit, duplicates, typed)
    card = replace(_judged(card, audit, duplicates, entries), found=audit.sentences)
    if copy:
        card, folder = _copied(card, folder, library.folders[0] / name, entries), library.folders[0] / name
    dataset = loading.listed(card, folder, None, library.cache)
    path = library.folders[0] / f"{name}.toml"
    text = writing.text(
        replace(card, classes=dataset.classes, counts=dataset.counts()),
        audit.guesses,
        auditing.balance(library, dataset),
    )
    cards.parse(name, text, str(path))  # a name that is no text, say, must not leave a broken card
    writing.write(path, text)
    return path, library.load(name)


def check_rule(groups: str | None, entries: Sequence[Entry]) -> None:
    """See that a rule that was asked for just now names a group, before all images are read.

    Raises:
        UsageError: the rule fits no file.
    """
    asked = [entry.path.stem for entry in entries if not entry.group]
    if groups is not None and asked and not any(grouping.read(groups, stem) for stem in asked):
        raise UsageError(f"--groups '{groups}' fits no file name, such as {asked[0]!r}; mend the rule")


def leaving_out_lines(card: Card, folder: Path) -> Card:
    """The card as it leaves lines of its table out of which there is no file, if there are such lines.

    Raises:
        UsageError: no table lists the images.
    """
    if not card.manifest:
        raise UsageError(
            "--missing is about the lines of a table, and none lists these images; name it with --manifest"
        )
    leaving = replace(card, missing="leave-out")
    return leaving if layouts.lacking(leaving, folder) else card


def refuse(audit: Audit, duplicates: Duplicates, typed: offering.Typed) -> None:
    """Say no to what would make a run's results wrong, with the command that goes on.

    Raises:
        BenchError: one picture stands in several classes, or there are masks.
    """
    called = {scan.id: scan.name for scan in audit.scans}.__getitem__
    if audit.contradictions and duplicates == "refuse":
        number = len(audit.contradictions)
        raise BenchError(
            f"{number} picture{'s stand' if number > 1 else ' stands'} in more than one class, the first is "
            f"{' = '.join(map(called, audit.contradictions[0]))}; remove the wrong files, or say --duplicates "
            f"leave-out or keep: {typed.command(duplicates='leave-out')}"
        )
    if audit.masks:
        raise BenchError(
            f"{len(audit.masks)} files are named as masks of others are, {called(audit.masks[0])} for one; add with "
            f"--masks leave-out, or with --masks keep if they are images like the others: "
            f"{typed.command(masks='leave-out')}"
        )


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


def _layout(
    folder: Path, manifest: Path | None, columns: Mapping[str, str], command: recognising.Command
) -> dict[str, Any]:
    """The fields of a card that say where its images are."""
    if manifest is None:
        if columns:
            raise UsageError(f"--{next(iter(columns))} names a column; say of which table with --manifest FILE")
        return recognising.recognise(folder, command)
    place = manifest if manifest.is_file() else folder / manifest
    if not place.is_file():
        raise UsageError(f"--manifest {manifest}: there is no such file")
    if place.suffix.lower() in SHEETS:
        raise UsageError(f"--manifest {manifest} is a spreadsheet's own file; save it as CSV in UTF-8, and name that")
    recognising.check_columns(place, folder, columns, command)
    named = {"columns": dict(columns)} if columns else {}
    return {"manifest": os.path.relpath(place.resolve(), folder.resolve()), **named}


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
    told = tuple(images for images in audit.alike if len(images) > 1)
    return replace(card, left_out=tuple(left_out), same=tuple(images for images in same if len(images) > 1), told=told)


def _copied(card: Card, folder: Path, place: Path, entries: Sequence[Entry]) -> Card:
    """Copy what is read into a data folder, whole or not at all; the card of the copy names no other place."""
    part = place.with_name(f".{place.name}.part")
    try:
        if place.exists():
            raise BenchError(f"{place} is there already; add it as it lies, or choose another name")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for entry in entries:
            copied = part / entry.path.relative_to(folder)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(entry.path, copied)
        if card.manifest:
            table = Path(card.manifest)
            card = replace(card, manifest=table.name if ".." in table.parts else card.manifest)
            copied = part / str(card.manifest)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / table, copied)
        part.replace(place)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise BenchError(f"{place} cannot be written ({error.strerror or error}); name another --data folder") from None
    return replace(card, images=None)


def _as_text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
