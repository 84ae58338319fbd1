"""What is found in the kinds of files: pixels that have to be changed before a model sees them, and how they are."""

from collections.abc import Callable, Iterator

from bench.datasets.audit import similarity
from bench.datasets.audit.facts import Facts, Finding, called, ids, number
from bench.datasets.audit.scanning import Scan
from bench.images import Scale, Seen, ranges

SMALL, LEAST_SIZE = 64, 32
"""Pixels: pictures up to the first are small; the second is the least size that a recipe can have."""


def _of_file(facts: Facts) -> Iterator[Finding]:
    looks: tuple[tuple[str, Callable[[Scan], bool], str, str], ...] = (
        (
            "turned",
            lambda scan: scan.turned,
            "a picture that is upright by its EXIF orientation alone",
            "They are turned as it says, as viewers do",
        ),
        (
            "CMYK",
            lambda scan: scan.mode == "CMYK",
            "colours for print (CMYK)",
            "They are turned into RGB; colours may shift against those of other files",
        ),
        (
            "several pictures",
            lambda scan: scan.frames > 1,
            "several pages or pictures",
            "The first alone is used; store the others as files of their own if they are wanted",
        ),
        (
            "transparency",
            lambda scan: scan.transparent,
            "transparent parts",
            "Transparency is dropped, and the colour below it shows",
        ),
    )
    for kind, fits, what, mend in looks:
        some = [scan for scan in facts.readable if fits(scan)]
        if some:
            yield Finding(kind, False, f"{number(len(some), 'file')} with {what}: {called(some)}", mend, ids(some))


def _deep(facts: Facts) -> Iterator[Finding]:
    some = [scan for scan in facts.readable if scan.deep]
    seen = [scan.deep.seen for scan in some if scan.deep]
    if not seen:
        return
    low, high = min(one.low for one in seen), max(one.high for one in seen)
    yield Finding(
        "16 bits",
        False,
        f"{number(len(some), 'file')} with more than 8 bits a pixel, whose values are {ranges.said(low, high)}: "
        f"{called(some)}",
        _said(facts.card.range, seen, low, high),
        ids(some),
    )
    lost = [scan for scan in some if scan.deep and scan.deep.seen.lost]
    if lost:
        yield Finding(
            "no numbers",
            False,
            f"{number(len(lost), 'file')} with pixels that are no numbers (NaN or infinite), "
            f"{sum(one.lost for one in seen)} in all: {called(lost)}",
            "They are filled, with white where they are infinite and with black elsewhere; mend the files if that is "
            "not what these pixels mean",
            ids(lost),
        )


def _said(scale: Scale, seen: list[Seen], low: float, high: float) -> str:
    """What becomes of values between two ends."""
    if scale is None:
        return "No card says which of them become black and white; `add` decides, and writes `range` into the card"
    if scale == ranges.FULL:
        return 'The least that the files can hold becomes black, the greatest white (`range = "full"` in the card)'
    black, white = scale if isinstance(scale, tuple) else ranges.percentiles(seen)
    said = f"In all images alike {black:.6g} becomes black and {white:.6g} white, as `range` in the card says"
    if black <= low and high <= white:
        return said
    return (
        f"{said}; values beyond are cut. Where those are more than dead or hot pixels, write "
        f"range = {ranges.text((low, high))} there"
    )


def _unsought(facts: Facts) -> Iterator[Finding]:
    some = facts.unsought
    if not some:
        return
    small = sum(min(scan.width, scan.height) < similarity.SMALL for scan in some)
    plain = len(some) - small
    why = [f"smaller than {similarity.SMALL} pixels ({small})"] * bool(small)
    why += [f"so plain that one lies on another, an edge or a shade ({plain})"] * bool(plain)
    yield Finding(
        "near copies not sought",
        False,
        f"Near copies were not sought among {len(some)} of {number(len(facts.readable), 'image')}, which are "
        f"{' or '.join(why)}: a copy cannot be told from another picture of its kind there; equal pictures were",
        "If you know that some show the same, name them under `same` in the card; images of one patient or slide are "
        "best named as groups",
        ids(some),
    )


def _small(facts: Facts) -> Iterator[Finding]:
    longest = max((max(scan.width, scan.height) for scan in facts.readable), default=0)
    if not 0 < longest <= SMALL or "image_size" in facts.card.recipe:
        return
    yield Finding(
        "small pictures",
        False,
        f"All pictures are small, of {longest} pixels a side at most",
        f"A run makes them larger, which takes time; --image-size {max(longest, LEAST_SIZE)} trains near their own "
        "size. Pre-trained networks learned from larger ones; whether they do as well there, a run shows",
        ids(facts.readable),
    )


LOOKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (_of_file, _deep, _small, _unsought)
