"""What the header of an image file says of how its pixels are to be read; no pixel is decoded.

Files of 8 bits a channel that stand upright are read as they always were. The rest is known by a look at a few bytes,
so that what decoding depends on is part of a trial's identity before any image is decoded.
"""

import struct
from collections.abc import Iterator
from enum import IntFlag

VERSION = 1
"""Raise it when a file may be judged otherwise: what is kept of headers is read again."""

PNG = b"\x89PNG\r\n\x1a\n"
_ORIENTATION, _BITS, _PHOTOMETRIC, _SAMPLES, _FORMAT = 274, 258, 262, 277, 339
_WHOLE = {1: "B", 3: "H", 4: "I", 16: "Q"}
_UNSIGNED, _SIGNED, _FLOAT, _VOID = 1, 2, 3, 4


class Reading(IntFlag):
    """How a file is to be read; 0 for 8 bits a channel, upright.

    `DEEP` values are other than unsigned 8 bits, and become so by a range. Of `UNSCALED` ones (float, signed, more than
    16 bits) no range goes without saying. `ANEW` are those that were read otherwise before there were ranges, even
    where theirs is the full one. `TURNED` pictures are upright by their EXIF orientation alone.
    """

    DEEP = 1
    UNSCALED = 2
    ANEW = 4
    TURNED = 8


PLAIN = Reading(0)


def reading(content: bytes) -> Reading:
    """How the bytes of an image file are to be read."""
    turned = Reading.TURNED if orientation(content) != 1 else PLAIN
    if content.startswith(PNG):
        return turned | _of_png(content)
    if content[:2] in (b"II", b"MM"):  # Pillow turns TIFFs itself, and always did
        return _of_tiff(directory(content))
    return turned


def orientation(content: bytes) -> int:
    """The EXIF orientation of a JPEG, PNG or TIFF, 1 to 8; 1, upright, where none is given."""
    if content.startswith(PNG):
        exif = next((data for kind, data in _chunks(content) if kind == b"eXIf"), b"")
    elif content.startswith(b"\xff\xd8"):
        exif = next((data[6:] for data in _segments(content) if data.startswith(b"Exif\0\0")), b"")
    else:
        exif = content
    value = directory(exif).get(_ORIENTATION, (1,))[0]
    return value if 1 <= value <= 8 else 1


def directory(content: bytes) -> dict[int, tuple[int, ...]]:
    """The tags of the first directory of a TIFF, or of EXIF, which is one, that hold whole numbers."""
    order = {b"II": "<", b"MM": ">"}.get(content[:2])
    tags: dict[int, tuple[int, ...]] = {}
    try:
        if order is None or (magic := struct.unpack_from(order + "H", content, 2)[0]) not in (42, 43):
            return {}
        # BigTIFF has 8 bytes where TIFF has 4, and 8 where it counts entries by 2.
        place, offset, count = ("I", 4, "H") if magic == 42 else ("Q", 8, "Q")
        start = struct.unpack_from(order + place, content, offset)[0]
        entries = struct.unpack_from(order + count, content, start)[0]
        entry = struct.Struct(f"{order}HH{place}")
        room = struct.calcsize(order + place)
        for number in range(min(entries, 4096)):
            at = start + struct.calcsize(order + count) + number * (entry.size + room)
            tag, kind, length = entry.unpack_from(content, at)
            if kind in _WHOLE and 0 < length <= 64:
                layout = f"{order}{length}{_WHOLE[kind]}"
                at += entry.size
                if struct.calcsize(layout) > room:
                    at = struct.unpack_from(order + place, content, at)[0]
                tags[tag] = struct.unpack_from(layout, content, at)
    except (struct.error, OverflowError):
        return tags
    return tags


def white_is_zero(tags: dict[int, tuple[int, ...]]) -> bool:
    """Whether the greatest value of a TIFF is black."""
    return tags.get(_PHOTOMETRIC, (1,))[0] == 0


def _of_png(content: bytes) -> Reading:
    depth, colours = content[24:25], content[25:26]
    if depth != b"\x10":
        return PLAIN
    return Reading.DEEP if colours == b"\0" else Reading.DEEP | Reading.ANEW


def _of_tiff(tags: dict[int, tuple[int, ...]]) -> Reading:
    bits, formats = max(tags.get(_BITS, (1,))), set(tags.get(_FORMAT, (_UNSIGNED,)))
    photometric, samples = tags.get(_PHOTOMETRIC, (1,))[0], tags.get(_SAMPLES, (1,))[0]
    unsigned = formats <= {_UNSIGNED, _VOID}
    if photometric not in (0, 1, 2) or (bits <= 8 and unsigned) or not formats <= {1, 2, 3, 4}:
        return PLAIN
    if not unsigned or bits > 16:
        return Reading.DEEP | Reading.UNSCALED | Reading.ANEW
    as_before = (photometric, samples, bits) == (1, 1, 16)
    return Reading.DEEP if as_before else Reading.DEEP | Reading.ANEW


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each chunk of a PNG."""
    at = len(PNG)
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, content[at + 8 : at + 8 + length]
        at += length + 12


def _segments(content: bytes) -> Iterator[bytes]:
    """The segments of a JPEG that hold what applications note (APP1), up to where its pixels begin."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker, length = struct.unpack_from(">BH", content, at + 1)
        if marker == 0xFF:  # a filling byte
            at += 1
        elif marker == 0xDA or length < 2:
            return
        else:
            if marker == 0xE1:
                yield content[at + 4 : at + 2 + length]
            at += 2 + length
