"""What may be found in the files of a dataset, a sentence each, with what to do about it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from bench.datasets import metadata
from bench.datasets.facts import Facts, Finding, all_ids, classes, ids, names, number, shown
from bench.datasets.group_findings import groups
from bench.datasets.scanning import Scan
from bench.protocol import Protocol

FEW = 25
TOO_FEW = "too few images"


def findings(facts: Facts) -> list[Finding]:
    """All that was found, problems first."""
    found = [finding for look in LOOKS for finding in look(facts)]
    return sorted(found, key=lambda finding: not finding.problem)


# --- One look each


def _unreadable(facts: Facts) -> Iterator[Finding]:
    broken = [scan for scan in facts.scans if scan.unreadable]
    if broken:
        reasons = [scan.unreadable.removeprefix(str(scan.entry.path)).rpartition(";")[0].strip(" :") for scan in broken]
        shown = [f"{scan.id} {reason}" for scan, reason in zip(broken, reasons, strict=True)]
        yield Finding(
            "unreadable", True, f"{number(len(broken), 'file')} cannot be used: {names(shown)}",
            "Mend or remove them; until then leave them out, under `left_out` in the card", ids(broken),
        )  # fmt: skip


def _contradictions(facts: Facts) -> Iterator[Finding]:
    torn = [same for same in facts.copies if classes(same) > 1]
    if torn:
        yield Finding(
            "copies across classes", True,
            f"{number(len(torn), 'picture')} in more than one class, as the same bytes: {shown(torn)}",
            "One label at most is right: remove the wrong file, or add with --duplicates leave-out (none of these is "
            "used) or --duplicates keep", all_ids(torn),
        )  # fmt: skip
    near = [same for same in _apart(facts) if classes(same) > 1]
    if near:
        yield Finding(
            "near duplicates across classes", True,
            f"{number(len(near), 'picture')} in more than one class, as different files: {shown(near, ' ≈ ')}",
            "Look at them: one label at most is right. Under `same` in the card they stay on one side of every split",
            all_ids(near),
        )  # fmt: skip


def _copies(facts: Facts) -> Iterator[Finding]:
    within = [same for same in facts.copies if classes(same) == 1]
    if within:
        yield Finding(
            "copies within a class", False,
            f"{number(len(within), 'picture')} more than once, as the same bytes: {shown(within)}"
            + _across_parts(within),
            "Copies stay on one side of every split; remove them if they are a mistake", all_ids(within),
        )  # fmt: skip
    near = [same for same in _apart(facts) if classes(same) == 1]
    if near:
        yield Finding(
            "near duplicates", False,
            f"{number(len(near), 'picture')} more than once, as different files (resized, turned, stored anew, "
            f"or the next slice): {shown(near, ' ≈ ')}" + _across_parts(near),
            "Look at them; under `same` in the card they stay on one side of every split", all_ids(near),
        )  # fmt: skip


def _classes_that_are_small(facts: Facts) -> Iterator[Finding]:
    counts = Counter(scan.label for scan in facts.readable)
    wanted = Protocol()
    for label in sorted({scan.label for scan in facts.scans}):
        if counts[label] <= wanted.folds:
            yield Finding(
                TOO_FEW, True, f"Class {label!r} has {number(counts[label], 'usable image')}: too few for a "
                f"holdout and {wanted.folds} folds",
                "Add images, join it with another class, or run with fewer `--folds`",
            )  # fmt: skip
    few = {label: count for label, count in sorted(counts.items()) if wanted.folds < count < FEW}
    if few:
        said = ", ".join(f"{label} has {count}" for label, count in few.items())
        yield Finding(
            "near-empty classes", False, f"Fewer than {FEW} images: {said}",
            "Expect wide intervals there: one mistake in the holdout weighs much",
            tuple(scan.id for scan in facts.readable if scan.label in few),
        )  # fmt: skip
    if counts and (most := max(counts.values())) >= 3 * (least := min(counts.values())):
        large, small = (sorted(k for k, v in counts.items() if v == n)[0] for n in (most, least))
        yield Finding(
            "imbalance", False, f"{large} has {most / least:.1f} times the images of {small}",
            "Nothing needs to be done: training draws each class alike, and balanced accuracy counts each alike",
        )  # fmt: skip


def _metadata(facts: Facts) -> Iterator[Finding]:
    clear = [tell for tell in facts.tells if tell.clear]
    alone = [tell for tell in clear if tell.of != metadata.ALL]
    if not clear:
        return
    told = []
    for tell in (*alone, *(tell for tell in clear if tell.of == metadata.ALL)):
        shares = {"file type": _by_class(facts.readable, lambda scan: scan.format),
                  "colours": _by_class(facts.readable, lambda scan: scan.mode)}.get(tell.of, "")  # fmt: skip
        told.append(f"{tell.of} {tell.score:.2f} ({tell.low:.2f} to {tell.high:.2f}){shares}")
    yield Finding(
        "tells the class", False,
        f"What should not tell the class does. Balanced accuracy without a look at the picture, where chance is "
        f"{clear[0].chance:.2f}: {'; '.join(told)}",
        "No model sees these, but the classes seem to come from different places, and that may show in the pixels: "
        "say so in the card's notes, and doubt high scores",
    )  # fmt: skip


def _kinds(facts: Facts) -> Iterator[Finding]:
    looks: tuple[tuple[str, Callable[[Scan], bool], str, str], ...] = (
        ("16 bits", lambda scan: scan.mode.startswith(("I", "F")), "16 bits or more a pixel",
         "0 to 65535 becomes 0 to 255; stretch images of 12-bit cameras before, lest they are nearly black"),
        ("CMYK", lambda scan: scan.mode == "CMYK", "colours for print (CMYK)",
         "They are turned into RGB; colours may shift against those of other files"),
        ("several pictures", lambda scan: scan.frames > 1, "several pages or pictures",
         "The first alone is used; store the others as files of their own if they are wanted"),
        ("transparency", lambda scan: scan.transparent, "transparent parts",
         "Transparency is dropped, and the colour below it shows"),
    )  # fmt: skip
    for kind, fits, what, mend in looks:
        some = [scan for scan in facts.readable if fits(scan)]
        if some:
            yield Finding(kind, False, f"{number(len(some), 'file')} with {what}: {names(ids(some))}", mend, ids(some))


def _left_lying(facts: Facts) -> Iterator[Finding]:
    mends = {
        "Pictures of a kind that is not read": "Store them as PNG or TIFF if they are wanted",
        "Images that are in no class folder": "Move them right into the folder of their class, or list all images in "
        "a manifest",
        "Linked folders": "Links are not followed, since they may lead in a circle; add the folder that they mean",
    }
    for reason, paths in facts.leftovers.items():
        yield Finding(
            "not read", False, f"{reason}: {names(paths)}", mends.get(reason, "Nothing needs to be done"), tuple(paths)
        )


LOOKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    _unreadable, _contradictions, _classes_that_are_small, groups, _copies, _metadata, _kinds, _left_lying,
)  # fmt: skip


# --- Words


def _apart(facts: Facts) -> list[tuple[Scan, ...]]:
    """Sets of one picture that nothing keeps together so far."""
    return [same for same in facts.alike if len({facts.together[scan.id] for scan in same}) > 1]


def _across_parts(sets: Sequence[Sequence[Scan]]) -> str:
    torn = sum(len({(scan.entry.part, scan.entry.held) for scan in same}) > 1 for same in sets)
    return f"; {torn} of them in more than one of the given parts" if torn else ""


def _by_class(scans: Sequence[Scan], value: Callable[[Scan], str]) -> str:
    """How often the second most common value is found in each class: the one that tells most."""
    rare = Counter(map(value, scans)).most_common(2)[-1][0]
    shares = []
    for label in sorted({scan.label for scan in scans}):
        hits = [value(scan) == rare for scan in scans if scan.label == label]
        shares.append(f"{100 * sum(hits) / len(hits):.0f} % of {label}")
    return f", {rare} is {names(shares)}"
