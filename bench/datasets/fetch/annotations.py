"""Pascal VOC annotations: which objects an image shows, and where.

An object's box runs from (xmin, ymin) up to, not including, (xmax, ymax). That is how `wbc-segmented` was cut.
"""

from dataclasses import dataclass
from xml.etree import ElementTree

from bench.errors import BenchError


@dataclass(frozen=True)
class Object:
    """A named box: left, top, right, bottom in pixels."""

    name: str
    box: tuple[int, int, int, int]


def objects(text: bytes, where: str) -> list[Object]:
    """The objects of one annotation file; `where` names it in errors.

    Raises:
        BenchError: the file is no annotation.
    """
    try:
        return [_object(item) for item in ElementTree.fromstring(text).iter("object")]
    except (ElementTree.ParseError, ValueError) as error:
        raise BenchError(f"{where} is no Pascal VOC annotation ({error})") from None


def _object(item: ElementTree.Element) -> Object:
    left, top, right, bottom = (
        round(float(item.findtext(f"bndbox/{side}") or "")) for side in ("xmin", "ymin", "xmax", "ymax")
    )
    return Object((item.findtext("name") or "").strip(), (left, top, right, bottom))
