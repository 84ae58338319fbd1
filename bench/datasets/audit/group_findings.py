"""What groups that are declared, or guessed from file names, say of a dataset."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from bench.datasets import feasible, grouping
from bench.datasets.audit.facts import SHOWN, Facts, Finding, called, ids, names, number
from bench.datasets.audit.scanning import Scan
from bench.study import Protocol

UNCUT = "groups that cannot be cut"


def groups(facts: Facts) -> Iterator[Finding]:
    """Groups, how large they are, and where they cross what they should not."""
    if facts.declared:
        yield from _declared_groups(facts)
        yield from _torn_groups(facts.readable, facts.declared, "")
    elif facts.card.groups and facts.readable:
        yield Finding(
            "no groups",
            True,
            f"The rule groups = '{facts.card.groups}' fits none of {len(facts.readable)} file names, such as "
            f"{facts.readable[0].entry.path.stem}",
            "Mend the rule, lest images of one patient or slide stand on both sides of a split",
        )
    elif facts.guesses:
        first = facts.guesses[0]
        stem, group = first.example
        others = f" ({number(len(facts.guesses) - 1, 'other rule')} there too)" if facts.guesses[1:] else ""
        yield Finding(
            "groups guessed",
            False,
            f"File names tell of groups, {stem} may be of {group}: {_sizes(first.sizes)}",
            f"If these are patients or slides, take the # from `groups` in the card{others}, or add with "
            f"--groups '{first.rule}'",
        )
        read = ((scan.id, grouping.read(first.rule, scan.entry.path.stem)) for scan in facts.readable)
        named = {image: group for image, group in read if group is not None}
        yield from _torn_groups(facts.readable, named, ", if the names say what they seem to")


def uncut(facts: Facts) -> Iterator[Finding]:
    """Groups, or likenesses, that join so much that no holdout and folds are left, though the images would do."""
    labels = sorted({scan.label for scan in facts.readable})
    wanted = Protocol()

    def works(sides: Mapping[str, str]) -> bool:
        numbers = [labels.index(scan.label) for scan in facts.readable]
        marked = [scan.entry.held for scan in facts.readable]
        groups = [sides[scan.id] for scan in facts.readable]
        return feasible.numbers(numbers, groups, marked if any(marked) else None, wanted) is not None

    alone = {scan.id: scan.id for scan in facts.readable}
    own = {scan.id: facts.declared.get(scan.id, scan.id) for scan in facts.readable}
    if len(labels) < 2 or len(set(facts.kept.values())) == len(alone) or works(facts.kept) or not works(alone):
        return
    before, after = len(set(own.values())), len(set(facts.kept.values()))
    if after < before and works(own):
        named = "groups" if facts.declared else "images"
        yield Finding(
            UNCUT,
            True,
            f"The sets under `same` and the copies join your {before} {named} into {number(after, 'group')}, and no "
            "holdout and folds are left",
            "Look at these sets, strike out of `same` in the card what is not the same, or set same = [] there",
        )
        return
    few = {name: sorted({own[scan.id] for scan in facts.readable if scan.label == name}) for name in labels}
    least = min(few, key=lambda name: len(few[name]))
    yield Finding(
        UNCUT,
        True,
        f"The groups leave no holdout and folds: class {least!r} has images of {number(len(few[least]), 'group')} "
        f"({names(few[least])})",
        f"Every class needs images of {feasible.LEAST} groups at least, and no group may hold most of several classes; "
        "see whether what names the groups is right, or add images of more",
    )


def _declared_groups(facts: Facts) -> Iterator[Finding]:
    sizes = Counter(facts.declared.values())
    mend = "Each stays on one side of every split"
    if max(sizes.values()) == 1:
        mend = "No two images share one, so nothing is kept together; see whether the rule reads what it should"
    elif facts.card.subfolders == "groups" and any(scan.entry.group for scan in facts.readable):
        mend += (
            ". They are the folders in the class folders; if those are no patients or slides, add with "
            "--subfolders plain"
        )
    yield Finding("groups", False, _sizes(sizes), mend)
    others = [scan for scan in facts.readable if scan.id not in facts.declared]
    if others:
        yield Finding(
            "in no group",
            False,
            f"{number(len(sizes), 'group')} for {len(facts.declared)} of {len(facts.readable)} images, none for "
            f"{called(others)}",
            "Each of these counts as a group of its own; if they belong to one, mend what names the groups",
            ids(others),
        )


def _torn_groups(scans: Sequence[Scan], groups: Mapping[str, str], unless: str) -> Iterator[Finding]:
    members: dict[str, list[Scan]] = defaultdict(list)
    for scan in scans:
        if scan.id in groups:
            members[groups[scan.id]].append(scan)
    by_class = {name: {scan.label for scan in same} for name, same in members.items()}
    by_part = {name: {scan.entry.part for scan in same} for name, same in members.items()}
    by_holdout = {name: {str(scan.entry.held) for scan in same} for name, same in members.items()}
    redrawn = "folds are drawn anew, so that each group is on one side"
    joined = "all their images join the holdout"
    for kind, places, of_group, mend in (
        ("groups across classes", "in more than one class", by_class, "each group is on one side of every split"),
        ("groups across parts", "in more than one of the given parts", by_part, redrawn),
        ("groups across the holdout", "both in the given holdout and outside", by_holdout, joined),
    ):
        torn = sorted(name for name, found in of_group.items() if len(found) > 1)
        if torn:
            yield Finding(
                kind,
                False,
                f"{len(torn)} of {len(members)} groups stand {places}{unless}: {names(torn)}",
                f"Name the groups, and {mend}" if unless else f"Nothing needs to be done: {mend}",
                tuple(scan.id for name in torn for scan in members[name]),
            )


def _sizes(sizes: Mapping[str, int]) -> str:
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    more = ", …" if len(sizes) > SHOWN else ""
    shown = ", ".join(f"{name} {size}" for name, size in largest)
    least, most = min(sizes.values()), largest[0][1]
    span = f"{least} to {most} images" if least < most else number(most, "image")
    return f"{number(len(sizes), 'group')} of {span} ({shown}{more})"
