"""One colour and one shape for each model, the same on every page, for ever.

The hue tells the family (Okabe & Ito 2008, chosen to be told apart by colour-blind readers). The shape tells what is
done with it: a circle for frozen layers with a head, a triangle that points up for the lower layers, one that points
right for a probe and one that points down where all of it is tuned; a square for training from scratch, a diamond for
the small network; a cross for floors. What brings pre-trained weights is filled, what starts from random ones hollow.
A family that nobody foresaw gets a hue by its name, so that adding one recolours no other; where two of its models, or
two such families, would look alike, the later one by name moves on to the next shape that is free.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

FAMILIES = {
    "VGG19": "#D55E00",
    "ResNet18": "#0072B2",
    "EfficientNet-Lite0": "#009E73",
    "CNN": "#CC79A7",
    "Floor": "#7F7F7F",
}
SPARE = ("#E69F00", "#56B4E9", "#A6761D", "#6A3D9A")
ORDER = tuple(FAMILIES)
SHAPES = {
    "lower": "triangle-up",
    "probe": "triangle-right",
    "tuned": "triangle-down",
    "scratch": "square",
    "shallow": "diamond",
}
EVERY_SHAPE = ("circle", *SHAPES.values(), "triangle-left")


@dataclass(frozen=True)
class Style:
    """How a model is drawn."""

    colour: str
    shape: str
    filled: bool = True


def styles(models: Iterable[tuple[str, str]]) -> dict[str, Style]:
    """The style of each of some models (name, family), no two alike: ours as always, then the others by name."""
    every = sorted(set(models))
    found = {name: style(name, family) for name, family in every if family in FAMILIES}
    for name, family in ((name, family) for name, family in every if family not in FAMILIES):
        wanted = style(name, family)
        hues = (wanted.colour, *(hue for hue in SPARE if hue != wanted.colour))
        free = (Style(hue, shape, wanted.filled) for hue in hues for shape in (wanted.shape, *EVERY_SHAPE))
        found[name] = next((each for each in free if each not in found.values()), wanted)
    return found


def style(model: str, family: str) -> Style:
    """The colour and shape of a model; its name's ending tells which part of the family it is."""
    colour = FAMILIES.get(family) or SPARE[hashlib.sha256(family.encode()).digest()[0] % len(SPARE)]
    if family == "Floor":
        return Style(colour, "plus" if model == "pixel-ratio" else "cross", False)
    variant = model.rpartition("-")[2]
    return Style(colour, SHAPES.get(variant, "circle"), family != "CNN" and variant != "scratch")


def ordered(models: Iterable[tuple[str, str]]) -> list[str]:
    """Models (name, family), family by family, each whole before its parts; the floors last."""

    def key(item: tuple[str, str]) -> tuple[int, str, int, str]:
        name, family = item
        place = ORDER.index(family) if family in ORDER else len(ORDER) - 2
        variants = ["", "lower", "shallow", "probe", "tuned", "scratch"]
        variant = name.rpartition("-")[2]
        return place, family, variants.index(variant) if variant in variants else 0, name

    return [name for name, _ in sorted(set(models), key=key)]
