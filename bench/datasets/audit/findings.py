"""What may be found in the files of a dataset, a sentence each, with what to do about it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from bench.datasets import feasible, layouts
from bench.datasets.audit import kinds, metadata
from bench.datasets.audit.facts import (
    SHOWN,
    TORN,
    UNUSABLE,
    Facts,
    Finding,
    all_ids,
    classes,
    ids,
    names,
    nearly_alike,
    number,
    shown,
)
from bench.datasets.audit.group_findings import groups, uncut
from bench.datasets.audit.metadata import Tell
from bench.datasets.audit.scanning import Scan
from bench.study import Protocol

FEW = 25
UNREADABLE, COPIES = "unreadable", "copies across classes"
TOO_FEW, NEARLY_ALIKE = "too few images", "classes nearly alike"


def findings(facts: Facts) -> list[Finding]:
    """All that was found, problems first."""
    found = [finding for look in LOOKS for finding in look(facts)]
    return sorted(found, key=lambda finding: not finding.problem)


# --- One look each


def _unreadable(facts: Facts) -> Iterator[Finding]:
    broken = [scan for scan in facts.scans if scan.unreadable]
    if broken:
        reasons = [scan.unreadable.removeprefix(str(scan.entry.path)).rpartition(";")[0].strip(" :") for scan in broken]
        shown = [f"{scan.name} {reason}" for scan, reason in zip(broken, reasons, strict=True)]
        yield Finding(
            UNREADABLE,
            True,
            f"{number(len(broken), 'file')} {UNUSABLE}: {names(shown)}",
            "Mend or remove them; until then leave them out, under `left_out` in the card",
            ids(broken),
        )


def _masks(facts: Facts) -> Iterator[Finding]:
    if facts.masks:
        yield Finding(
            "masks",
            True,
            f"{number(len(facts.masks), 'file')} named as masks of other files: "
            f"{names([entry.name for entry in facts.masks])}",
            'Leave them out: add with --masks leave-out, or write masks = "leave-out" in the card. If they are images '
            "like the others, say keep instead",
            tuple(entry.id for entry in facts.masks),
        )


def _classes_nearly_alike(facts: Facts) -> Iterator[Finding]:
    for same in nearly_alike(scan.label for scan in facts.scans):
        yield Finding(
            NEARLY_ALIKE,
            True,
            f"Classes whose names differ in upper and lower case or in spaces alone: {names([*map(repr, same)])}",
            "If they are one class, give them one name; as it is they are told apart",
            ids([scan for scan in facts.scans if scan.label in same]),
        )
    parts = sorted(
        {scan.label for scan in facts.scans if not scan.entry.part and layouts.part_rank(scan.label) is not None}
    )
    if parts and not facts.card.manifest:
        yield Finding(
            "classes called as parts",
            False,
            f"{names([*map(repr, parts)])} {'is' if len(parts) == 1 else 'are'} called as a part of a split is, and "
            f"{'counts' if len(parts) == 1 else 'count'} as a class here",
            "If it holds images of several classes, sort them into folders of their classes",
        )


def _contradictions(facts: Facts) -> Iterator[Finding]:
    torn = [same for same in facts.copies if classes(same) > 1]
    if torn:
        yield Finding(
            COPIES,
            True,
            f"{number(len(torn), 'picture')} {TORN}: {shown(torn)}",
            "One label at most is right: remove the wrong file, or add with --duplicates leave-out (none of these is "
            "used) or --duplicates keep",
            all_ids(torn),
        )
    near = [same for same in _apart(facts) if classes(same) > 1]
    if near:
        yield Finding(
            "near duplicates across classes",
            True,
            f"{number(len(near), 'picture')} in more than one class, as different files: {shown(near, ' ≈ ')}",
            "Look at them: one label at most is right. Under `same` in the card they stay on one side of every split",
            all_ids(near),
        )


def _copies(facts: Facts) -> Iterator[Finding]:
    within = [same for same in facts.copies if classes(same) == 1]
    if within:
        yield Finding(
            "copies within a class",
            False,
            f"{number(len(within), 'picture')} more than once, as the same bytes: {shown(within)}"
            + _across_parts(within),
            "Copies stay on one side of every split; remove them if they are a mistake",
            all_ids(within),
        )
    near = [same for same in _apart(facts) if classes(same) == 1]
    if near:
        yield Finding(
            "near duplicates",
            False,
            f"{number(len(near), 'picture')} more than once, as different files (resized, turned, stored anew, "
            f"or the next slice): {shown(near, ' ≈ ')}" + _across_parts(near) + _in_groups(facts),
            "Look at them; under `same` in the card they stay on one side of every split",
            all_ids(near),
        )


def _classes_that_are_small(facts: Facts) -> Iterator[Finding]:
    counts = Counter(scan.label for scan in facts.readable)
    wanted = Protocol()
    small = [label for label in sorted({scan.label for scan in facts.scans}) if counts[label] <= wanted.folds]
    mend = _what_would_do(facts, wanted) if small else ""
    too_few = f"too few for a holdout and {wanted.folds} folds"
    if len(small) > SHOWN:
        said = names([f"{label} has {counts[label]}" for label in small])
        yield Finding(TOO_FEW, True, f"{len(small)} classes have usable images {too_few}: {said}", mend)
    else:
        for label in small:
            usable = number(counts[label], "usable image")
            yield Finding(TOO_FEW, True, f"Class {label!r} has {usable}: {too_few}", mend)
    few = {label: count for label, count in sorted(counts.items()) if wanted.folds < count < FEW}
    if few:
        said = ", ".join(f"{label} has {count}" for label, count in few.items())
        yield Finding(
            "near-empty classes",
            False,
            f"Fewer than {FEW} images: {said}",
            "Expect wide intervals there: one mistake in the holdout weighs much",
            tuple(scan.id for scan in facts.readable if scan.label in few),
        )
    rest = {label: count for label, count in counts.items() if label not in small}  # of which nothing was said so far
    if rest and (most := max(counts.values())) >= 3 * (least := min(rest.values())):
        large, little = (sorted(k for k, v in counts.items() if v == n)[0] for n in (most, least))
        yield Finding(
            "imbalance",
            False,
            f"{large} has {most / least:.1f} times the images of {little}",
            "Nothing needs to be done: training draws each class alike, and balanced accuracy counts each alike",
        )


def _what_would_do(facts: Facts, wanted: Protocol) -> str:
    """The numbers by which the images could be cut, or that there are none."""
    labels = sorted({scan.label for scan in facts.scans})
    if {scan.label for scan in facts.readable} != set(labels):
        return "Add images, or move the class away"
    found = feasible.numbers(
        [labels.index(scan.label) for scan in facts.readable],
        [facts.together[scan.id] for scan in facts.readable],
        [scan.entry.held for scan in facts.readable] if any(scan.entry.held for scan in facts.readable) else None,
        wanted,
    )
    said = feasible.advice(found, wanted)
    return said[0].upper() + said[1:] + ("; more images, or a class joined with another, would be better" * bool(found))


def _metadata(facts: Facts) -> Iterator[Finding]:
    clear = [tell for tell in facts.tells if tell.clear]
    borders = [tell for tell in clear if tell.of == metadata.BORDERS]
    files = [tell for tell in clear if tell.of not in (metadata.BORDERS, metadata.ALL)]
    if files:
        told = []
        for tell in (*files, *(tell for tell in clear if tell.of == metadata.ALL)):
            shares = {
                "file type": _by_class(facts.readable, lambda scan: scan.format),
                "colours": _by_class(facts.readable, lambda scan: scan.mode),
            }.get(tell.of, "")
            told.append(f"{_scored(tell)}{shares}")
        yield Finding(
            "tells the class",
            False,
            f"What should not tell the class does. Balanced accuracy by the files alone, where chance is "
            f"{files[0].chance:.2f}: {'; '.join(told)}",
            "No model is told file types or sizes, but images of one class were stored or cut otherwise than those of "
            "another, and that may show in the pixels: say so in the card's notes, and doubt high scores",
        )
    if borders:
        yield Finding(
            "dark borders tell the class",
            False,
            f"How much of a picture is dark along its edges tells the class. Balanced accuracy by that alone, where "
            f"chance is {borders[0].chance:.2f}: {_scored(borders[0])}",
            "Models see it. Look at some: where the dark is the ground around a cell, it tells the cell's size, which "
            "may be just what is asked; where it comes from the device or from cutting, doubt high scores; where whole "
            "pictures are nearly black, their values are small",
        )


def _left_lying(facts: Facts) -> Iterator[Finding]:
    mends = {
        "Pictures of a kind that is not read": "Store them as PNG or TIFF if they are wanted",
        "Pictures without the ending of one": "Give them the ending of what they are, .png or .jpg, if they are wanted",
        "Images that are in no class folder": "Move them right into the folder of their class, or list all images in "
        "a manifest",
        "Images that the manifest does not list": "Nothing needs to be done if they are not wanted; else add a line "
        "for each",
        "Lines of the table without a file": "They are left out (`missing` in the card), as long as there is no file",
        "Empty folders, which are no classes": "If one should be a class, put its images there, and add again",
        "Images beside the given split": "Nothing needs to be done if they are not wanted; else move them into a part",
        "Folders called as the parts of a split, which are no classes": "Sort their images into the class folders if "
        "they are wanted; if such a folder is a class, give it another name",
        "Linked folders": "Links are not followed, since they may lead in a circle; add the folder that they mean",
    }
    for reason, paths in facts.leftovers.items():
        mend = mends.get(reason, "Nothing needs to be done")
        if reason.startswith("A table"):
            mend = "If these are the classes that you mean, add with --manifest FILE --path COLUMN --label COLUMN"
        yield Finding("not read", False, f"{reason} ({len(paths)}): {names(paths)}", mend, tuple(paths))


LOOKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    _unreadable,
    _masks,
    _classes_nearly_alike,
    _contradictions,
    _classes_that_are_small,
    groups,
    uncut,
    _copies,
    _metadata,
    *kinds.LOOKS,
    _left_lying,
)


# --- Words


def _apart(facts: Facts) -> list[tuple[Scan, ...]]:
    """Sets of one picture that nothing keeps together so far, and that nobody struck out of `same`."""
    apart = [same for same in facts.alike if len({facts.together[scan.id] for scan in same}) > 1]
    return [same for same in apart if not any({*ids(same)} <= {*told} for told in facts.card.told)]


def _in_groups(facts: Facts) -> str:
    """How many more there are that need nothing."""
    rest = 0 if facts.card.same else len(facts.alike) - len(_apart(facts))
    return f"; {rest} more within the groups that are given" if rest else ""


def _across_parts(sets: Sequence[Sequence[Scan]]) -> str:
    torn = sum(len({(scan.entry.part, scan.entry.held) for scan in same}) > 1 for same in sets)
    return f"; {torn} of them in more than one of the given parts" if torn else ""


def _scored(tell: Tell) -> str:
    return f"{tell.of} {tell.score:.2f} ({tell.low:.2f} to {tell.high:.2f})"


def _by_class(scans: Sequence[Scan], value: Callable[[Scan], str]) -> str:
    """How often the second most common value is found in each class: the one that tells most."""
    rare = Counter(map(value, scans)).most_common(2)[-1][0]
    shares = []
    for label in sorted({scan.label for scan in scans}):
        hits = [value(scan) == rare for scan in scans if scan.label == label]
        shares.append(f"{100 * sum(hits) / len(hits):.0f} % of {label}")
    return f", {rare} is {names(shares)}"
