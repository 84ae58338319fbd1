"""Bringing a card up to date with its images: what a person wrote stays, and what changes is told."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.datasets import Card, Dataset, Library, cards, layouts, loading, masks
from bench.datasets.audit import TORN, UNUSABLE, Audit, auditing, names, number, scanning
from bench.datasets.curating import adding, offering, striking, writing
from bench.datasets.curating.adding import Duplicates, Missing
from bench.errors import BenchError, UsageError
from bench.images import ranges


def update(
    library: Library,
    name: str,
    folder: Path | None = None,
    *,
    groups: str | None = None,
    duplicates: Duplicates = "refuse",
    masked: Duplicates = "refuse",
    missing: Missing = "refuse",
    tell: Callable[[Audit], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Path, Dataset, list[str]]:
    """Look at the images of a dataset that was added, and write into its card what is new of them.

    Classes and counts become those at hand; files that cannot be read, and new copies, are added to what is left out
    and kept together, but for sets under `told`, which were found before and struck out by a person; a range for images
    of more than 8 bits is decided where there is none. Everything else in the
    card stays as it is, comments too.

    Args:
        library: has the card in one of its folders.
        name: the dataset.
        folder: where its images are by now; None where they were.
        groups: another rule for groups; None for the card's own.
        duplicates: what to do about a picture that stands in several classes, unless the card says that it does.
        masked: what to do about files that are named as masks, unless the card says so.
        missing: what to do about lines of the table of which there is no file, unless the card says so.
        tell: told all that was found, before anything is refused.
        progress: told how many images are read, and of how many.

    Returns:
        The card's path, the dataset as it will be read, and what changed in the card, a sentence each.

    Raises:
        UsageError: there is no such card, or the rule fits no file.
        BenchError: no images are there, or what `add` would refuse.
    """
    path = next((p for place in library.folders if (p := place / f"{cards.check_name(name)}.toml").is_file()), None)
    if path is None:
        places = " or ".join(map(str, library.folders))
        raise UsageError(f"no card {name}.toml in {places} to bring up to date; add the dataset without --update")
    old = cards.read(path)
    if groups is not None:
        cards.check_groups(groups, "--groups")
    place = folder or library.image_folder(old)
    if place is None or not layouts.at_hand(old, place):
        looked = folder or old.images or " or ".join(str(each / name) for each in library.folders)
        raise BenchError(f"no images of {name!r} in {looked}; name the folder where they are by now after the name")
    card = replace(old, groups=groups or old.groups)
    was = [(each / (old.images or name)).resolve() for each in library.folders]
    if folder is not None and folder.resolve() not in was:
        card = replace(card, images=str(folder.resolve()))
    if missing != "refuse":
        card = adding.leaving_out_lines(card, place)
    if not card.manifest and not card.masks and masked != "refuse" and masks.found(layouts.entries(card, place)):
        card = replace(card, masks=masked)
    every = layouts.entries(card, place)
    adding.check_rule(groups, every)
    known = {loading.composed(image) for image in card.left_out}
    entries = [entry for entry in every if known.isdisjoint(map(loading.composed, (entry.id, entry.name)))]
    called = {entry.id: entry.name for entry in every}
    scans = scanning.scan(entries, progress)
    card = scanning.decided(card, scans)
    audit = auditing.audit(card, scans, auditing.lying_there(card, place, every), library.cache)
    tell(audit.settled(duplicates))
    of_name = {loading.composed(name): entry.id for entry in entries for name in reversed(entry.names)}
    accepted = [{of_name.get(loading.composed(name), name) for name in same} for same in card.same]
    torn = [ids for ids in audit.contradictions if not any(set(ids) <= same for same in accepted)]
    wishes = {"update": True, "groups": groups, "duplicates": duplicates, "masks": masked, "missing": missing}
    typed = offering.Typed(name, folder, wishes, library.options)
    adding.refuse(replace(audit, contradictions=tuple(torn)), duplicates, typed)
    there_by_now = {loading.composed(name) for entry in every for name in (entry.id, entry.name)}
    left_out = dict.fromkeys(i for i in card.left_out if loading.composed(i) in there_by_now)
    left_out |= dict.fromkeys(audit.unreadable)
    left_out |= dict.fromkeys(i for ids in torn for i in ids) if duplicates == "leave-out" else {}
    told = [set(same) for same in card.told]
    alike = [ids for ids in audit.alike if not any(set(ids) <= same for same in told)]
    used = [tuple(i for i in ids if i not in left_out) for ids in alike]
    together, conflicts = striking.kept(used, card.told, accepted, audit, called)
    doubled = [tuple(i for i in ids if i not in left_out) for ids in torn] if duplicates == "keep" else []
    fresh = [ids for ids in (*doubled, *together) if len(ids) > 1 and not any(set(ids) <= same for same in accepted)]
    card = replace(card, left_out=tuple(left_out), same=(*card.same, *fresh))
    card = replace(card, told=(*card.told, *alike) if fresh or conflicts else card.told)
    there = dict.fromkeys(sorted({entry.label for entry in every if entry.id not in left_out}))
    dataset = loading.listed(replace(card, classes=_in_order(old.classes, there)), place, None, library.cache)
    card = replace(card, classes=dataset.classes, counts=dataset.counts())
    if card != old:  # what is kept together by now was found as well
        struck = tuple(ids for ids in card.told if not any(set(ids) <= {*same} for same in (*accepted, *fresh)))
        leftovers = auditing.lying_there(card, place, every)
        anew = auditing.audit(replace(card, same=(), told=struck), audit.scans, leftovers, library.cache)
        card = replace(card, found=(*_of_those_left_out(card, called), *anew.sentences))
    text = _edited(path, old, card)
    balance = auditing.balance(library, dataset)
    text = re.sub(r"^# (Split by default:|It cannot be split).*$", lambda _: f"# {balance}", text, flags=re.MULTILINE)
    text = re.sub(
        r"^# \d+ pictures? in \d+ files, found by comparing all.*$", writing.same(card), text, flags=re.MULTILINE
    )
    if cards.parse(name, text, str(path)) != card:
        raise BenchError(f"{path} cannot be changed without changing more of it; write it anew with `add`")
    writing.write(path, text)
    return path, library.load(name), [*_told(old, card, called), *conflicts]


def _of_those_left_out(card: Card, called: Mapping[str, str]) -> tuple[str, ...]:
    """What was found of images that are not used any more, and are not looked at again."""
    reasons = (TORN, UNUSABLE)
    about = [sentence for sentence in card.found if any(reason in sentence for reason in reasons)]
    return tuple(sentence for sentence in about if any(called.get(i, i) in sentence for i in card.left_out))


def _in_order(was: Sequence[str], there: Iterable[str]) -> tuple[str, ...]:
    """The classes as the card has them, then those that are new."""
    known = {loading.composed(name) for name in was}
    found = {loading.composed(name) for name in there}
    return (
        *(name for name in was if loading.composed(name) in found),
        *(n for n in there if loading.composed(n) not in known),
    )


def _edited(path: Path, old: Card, new: Card) -> str:
    """The card's text with the fields that differ written anew."""
    import tomlkit

    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    for field in (
        "images",
        "missing",
        "masks",
        "groups",
        "classes",
        "counts",
        "range",
        "same",
        "left_out",
        "found",
        "told",
    ):
        value = getattr(new, field)
        if _plain(value) == _plain(getattr(old, field)):
            continue
        if field == "range":
            made: object = tomlkit.value(ranges.text(value))
        elif isinstance(value, tuple):
            made = tomlkit.array()
            made.extend(_plain(value))
            made.multiline(field in ("same", "left_out", "found", "told") and len(value) > 0)
        elif field == "counts":
            made = tomlkit.inline_table()
            made.update(value)
        else:
            made = tomlkit.string(value, literal=field == "groups" and value.isprintable() and "'" not in value)
        document[field] = made
    return tomlkit.dumps(document)


def _told(old: Card, new: Card, called: Mapping[str, str]) -> list[str]:
    """What changed between two cards, a sentence each; `called` is what people find an image by."""

    def by_name(ids: Sequence[str]) -> list[str]:
        return [called.get(image, image) for image in ids]

    told = [f"images are in {new.images} now"] if new.images != old.images else []
    told += [f"groups = {_rule(new.groups)}, before {_rule(old.groups)}"] if new.groups != old.groups else []
    told += [f"missing = {new.missing!r}: lines of the table without a file"] if new.missing != old.missing else []
    told += [f"masks = {new.masks!r}"] if new.masks != old.masks else []
    if new.range != old.range:
        told.append(f"range = {ranges.text(new.range)}: which values become black and white; the card had none")
    come, gone = _differing(old.classes, new.classes)
    told += [f"class {name!r} is new, with {number(new.counts[name], 'image')}" for name in come]
    told += [f"class {name!r} has no images any more, and is struck out" for name in gone]
    told += [
        f"class {name!r}: {old.counts.get(name, 'no count')} → {new.counts[name]} images"
        for name in new.classes
        if name in old.classes and old.counts.get(name) != new.counts[name]
    ]
    come, gone = _differing(old.left_out, new.left_out)
    told += [f"left out by now: {names(by_name(come))}"] if come else []
    told += [f"not there any more, and struck out of `left_out`: {names(by_name(gone))}"] if gone else []
    fresh = [" ≈ ".join(by_name(same)) for same in new.same[len(old.same) :]]
    told += [f"kept together by now, under `same`: {names(fresh)}"] if fresh else []
    return told


def _rule(rule: str | None) -> str:
    """A rule as it can be typed, its backslashes as they are."""
    return "none" if rule is None else f"'{rule}'"


def _differing(old: Sequence[str], new: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is new, and what is gone."""
    return [name for name in new if name not in old], [name for name in old if name not in new]


def _plain(value: Any) -> Any:
    """Tuples as the lists that TOML has."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, dict) else value
