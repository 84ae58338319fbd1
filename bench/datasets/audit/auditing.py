"""What there is to say of a dataset before anything is trained on it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.datasets import Card, Dataset, Entry, Library, grouping, layouts, masks, splits
from bench.datasets.audit import metadata, recognising, remembered, scanning, similarity
from bench.datasets.audit.facts import Facts, Finding, classes
from bench.datasets.audit.findings import COPIES, NEARLY_ALIKE, TOO_FEW, UNREADABLE, findings
from bench.datasets.audit.group_findings import UNCUT
from bench.datasets.audit.metadata import Tell
from bench.datasets.audit.scanning import Scan
from bench.errors import BenchError
from bench.study import Protocol, merge_groups


@dataclass(frozen=True)
class Audit:
    """The records of a dataset's files, and all that was found in them.

    `contradictions` are sets of image ids with the same bytes in several classes; `alike` are sets that show the same
    picture in different bytes; `guesses` are rules by which names may tell groups; `tells` what else tells the class;
    `together` names for each image that can be read the side on which it stands by its copies, its group, and what the
    card calls the same;
    `masks` are ids of files that are named as masks are, unless the card says what to do with them; `dropped` are ids
    of images that the card leaves out from now on.
    """

    scans: tuple[Scan, ...]
    findings: tuple[Finding, ...]
    contradictions: tuple[tuple[str, ...], ...]
    alike: tuple[tuple[str, ...], ...]
    guesses: tuple[grouping.Guess, ...]
    tells: tuple[Tell, ...]
    together: Mapping[str, str] = field(default_factory=dict)
    masks: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Ids of the files that cannot be read as images."""
        return tuple(scan.id for scan in self.scans if scan.unreadable)

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that stop a run, or make its results wrong."""
        return tuple(finding for finding in self.findings if finding.problem)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, a sentence each, problems first; a file's name that is no text has `?` where it is none."""
        return tuple(f"{finding.what}.".encode(errors="replace").decode() for finding in self.findings)

    def settled(self, duplicates: str) -> "Audit":
        """With what becomes of the faults, where the card is written now: files that cannot be read are left out, and
        pictures in several classes are, or are kept together, where that was asked for.
        """
        torn = tuple(image for same in self.contradictions for image in same)
        mends = {UNREADABLE: "They are left out, under `left_out` in the card; mend or remove them"}
        if duplicates == "leave-out":
            mends[COPIES] = "None of these is used: they stand under `left_out` in the card"
        elif duplicates == "keep":
            mends[COPIES] = "All are used, and stay on one side of every split: they stand under `same`"
        settled = [replace(f, mend=mends[f.kind], problem=False) if f.kind in mends else f for f in self.findings]
        return replace(
            self,
            findings=tuple(sorted(settled, key=lambda finding: not finding.problem)),
            dropped=(*self.unreadable, *(torn if duplicates == "leave-out" else ())),
        )

    @property
    def uncut(self) -> bool:
        """Whether it says already that there are too few images or groups to be cut as usual."""
        return any(finding.kind in (TOO_FEW, UNCUT) for finding in self.problems)

    @property
    def faulty(self) -> bool:
        """Whether files are broken or contradict each other. That there are too few is no fault of theirs."""
        return any(finding.kind not in (TOO_FEW, NEARLY_ALIKE, UNCUT) for finding in self.problems)


def audit(
    card: Card, scans: Sequence[Scan], leftovers: Mapping[str, Sequence[str]], cache: Path | None = None
) -> Audit:
    """Look at a dataset's files from every side.

    Args:
        card: its groups, and what it calls the same, are known already.
        scans: the record of each file.
        leftovers: what lies beside them and is not read, by reason.
        cache: the folder that remembers which pictures are the same; None to compare them again.
    """
    scans = scanning.in_range(scans, card.range)
    readable = [scan for scan in scans if not scan.unreadable]
    by_bytes: dict[str, list[Scan]] = defaultdict(list)
    for scan in readable:
        by_bytes[scan.sha256].append(scan)
    copies = [tuple(same) for same in by_bytes.values() if len(same) > 1]
    firsts = [same[0] for same in by_bytes.values() if same[0].picture is not None]
    pictures, sides = np.array([scan.picture for scan in firsts]), [min(scan.width, scan.height) for scan in firsts]
    alike = [tuple(firsts[place] for place in places) for places in remembered.sets(pictures, sides, cache)]
    bare = {firsts[k].sha256 for k in np.flatnonzero(similarity.small_or_plain(pictures, sides))} if firsts else set()
    unsought = [scan for scan in readable if scan.sha256 in bare]
    declared = {scan.id: group for scan in readable if (group := _declared(card, scan))}
    guesses = [] if declared else grouping.guesses([s.entry.path.stem for s in readable], [s.label for s in readable])
    same = {name: f"same {number}" for number, names in enumerate(card.same) for name in names}
    together = merge_groups([declared.get(scan.id, scan.id) for scan in readable], [scan.sha256 for scan in readable])
    said = [next((same[name] for name in scan.entry.names if name in same), scan.id) for scan in readable]
    together = merge_groups(together, said)
    near = {scan.id: f"alike {number}" for number, scans in enumerate(alike) for scan in scans}
    joined = merge_groups(together, [near.get(scan.id, scan.id) for scan in readable])
    tells = metadata.tells(readable, joined)
    side, kept = (dict(zip((scan.id for scan in readable), sides, strict=True)) for sides in (together, joined))
    masked = [] if card.manifest or card.masks else masks.found([scan.entry for scan in scans])
    facts = Facts(
        card, scans, readable, leftovers, copies, alike, declared, side, guesses, tells, masked, unsought, kept
    )
    return Audit(
        tuple(scans),
        tuple(findings(facts)),
        tuple(tuple(scan.id for scan in same) for same in copies if classes(same) > 1),
        tuple(tuple(scan.id for scan in same) for same in alike),
        tuple(guesses),
        tuple(tells),
        side,
        tuple(entry.id for entry in masked),
    )


def examine(library: Library, dataset: Dataset, progress: Callable[[int, int], None] = lambda done, of: None) -> Audit:
    """Read every image of a dataset that is known, and look at them as when one is added."""
    folder = library.image_folder(dataset.card)
    assert folder is not None
    entries, used = layouts.entries(dataset.card, folder), set(dataset.ids)
    scans = scanning.scan([entry for entry in entries if entry.id in used], progress)
    return audit(dataset.card, scans, lying_there(dataset.card, folder, entries), library.cache)


def lying_there(card: Card, folder: Path, entries: Sequence[Entry]) -> dict[str, list[str]]:
    """What lies beside the images and is not read, by reason; a table of other classes than the folders too."""
    left = layouts.leftovers(folder, entries, card)
    if not card.manifest and not card.parts and (other := recognising.other_classes(folder)):
        table, column = other
        rest = [name for name in left.pop("Files that are no images", []) if name != table.name]
        left |= {"Files that are no images": rest} if rest else {}
        left[f"A table that names these images, with other classes than the folders in {column!r}"] = [table.name]
    return left


def balance(library: Library, dataset: Dataset) -> str:
    """How far classes are balanced over holdout and folds of the usual protocol, or why it cannot be split."""
    try:
        drawn = splits(library, dataset, Protocol())
    except BenchError as error:
        return f"It cannot be split as it is: {error}."
    labels = np.array(dataset.labels)
    totals = np.bincount(labels)
    held = np.bincount(labels[drawn[0].holdout], minlength=len(totals))
    tested = np.array([np.bincount(labels[split.test], minlength=len(totals)) for split in drawn])
    folds = f"{_span(tested / (totals - held))} of the rest of each class in each of {Protocol().folds} test folds"
    wanted = Protocol().folds * Protocol().repeats
    fewer = f" Its groups allow {len(drawn)} different splits, not {wanted}." if len(drawn) < wanted else ""
    if dataset.held is None:
        return f"Split by default: {_span(held / totals)} of each class in the holdout, {folds}.{fewer}"
    joined = len(drawn[0].holdout) - sum(dataset.held)
    more = f" and {joined} more that share a group or a copy with it" if joined else ""
    return f"Split by default: the given holdout{more}, {_span(held / totals)} of each class; {folds}.{fewer}"


def _span(shares: NDArray[np.float64]) -> str:
    low, high = round(100 * float(shares.min())), round(100 * float(shares.max()))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _declared(card: Card, scan: Scan) -> str | None:
    return scan.entry.group or (grouping.read(card.groups, scan.entry.path.stem) if card.groups else None)
