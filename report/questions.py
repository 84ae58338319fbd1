"""The study's questions, and which pairs of models answer each: names alone, no numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

FAMILIES = ("vgg19", "resnet18", "efficientnet-lite0")
FORMS = ("-tuned", "", "-probe", "-lower", "-scratch")
"""The forms of a family of pre-trained networks: tuned whole, a head, a probe, the lower layers; and from scratch."""
CNNS = ("cnn", "cnn-shallow")
FLOORS = ("mean-colour", "pixel-ratio")


@dataclass(frozen=True)
class Question:
    """A question that pairs can answer; all of them together are a family, whose p-values Holm adjusts.

    `short` is what it is about, for a list of several; `first` is the first of each pair, for a sentence.
    """

    key: str
    text: str
    short: str = ""
    first: str = "the first model"


PRETRAINING = Question(
    "pretraining",
    "Does pre-training help, against the same network trained from scratch?",
    "pre-training",
    "the pre-trained network",
)
WAYS = Question(
    "ways",
    "Which way of using a pre-trained network: tuned whole, a small head, a probe?",
    "ways of using it",
    "the way that trains more",
)
LOWER = Question(
    "lower", "Do the lower layers alone do better than the whole pre-trained network?", "lower layers", "the lower half"
)
SMALL = Question(
    "small",
    "Does a pre-trained network beat a small one trained from scratch?",
    "small networks",
    "the pre-trained network",
)
DEPTH = Question("depth", "Does a deeper small network beat a shallower one?", "depth", "the deeper one")
NETWORKS = Question("networks", "VGG or ResNet?", "VGG or ResNet", "VGG")
SIZE = Question("size", "Do larger pictures of the same images help?", "picture sizes", "the larger size")
SEGMENTED = Question("segmented", "Does it help to cut the cell out?", "cells cut out", "the cut-out cell")
IMBALANCE = Question("imbalance", "Does imbalance hurt the rare classes?", "imbalance", "the rarest class")
COLOUR = Question("colour", "Is it more than colour?", "colour alone", "the network")
PIXELS = Question("pixels", "Is it more than the share of bright pixels?", "bright pixels alone", "the network")
VOTING = Question("voting", "Does voting over the repeats help?")
VOTING_LOWER = Question("voting-lower", "Do lower layers gain the most from voting?")
QUESTIONS = (PRETRAINING, WAYS, LOWER, SMALL, DEPTH, NETWORKS, SIZE, SEGMENTED, IMBALANCE, COLOUR, PIXELS)
"""Those that differences over the splits answer, in the order of the page; votes are asked image by image."""


def pairs(models: Sequence[str]) -> list[tuple[Question, str, str]]:
    """The comparisons within one recipe that the models at hand allow, as (question, model, reference)."""
    have = set(models)
    found = []
    for model in models:
        # The twin that differs in its first weights alone comes first: the sharpest test.
        base = model.removesuffix("-scratch")
        if base != model:
            found += [(PRETRAINING, twin, model) for twin in (f"{base}-tuned", base, f"{base}-probe")]
        if (base := model.removesuffix("-tuned")) != model:
            found += [(WAYS, model, base), (WAYS, model, f"{base}-probe")]
        if (base := model.removesuffix("-probe")) != model:
            found.append((WAYS, base, model))
        if (base := model.removesuffix("-lower")) != model:
            found.append((LOWER, model, base))
    found += [(SMALL, family + form, small) for family in FAMILIES for form in FORMS[:3] for small in CNNS]
    found.append((DEPTH, "cnn", "cnn-shallow"))
    found += [(NETWORKS, f"vgg19{form}", f"resnet18{form}") for form in FORMS]
    others = [model for model in models if model not in FLOORS]
    found += [(COLOUR, model, "mean-colour") for model in others]
    found += [(PIXELS, model, "pixel-ratio") for model in others]
    return [pair for pair in found if {pair[1], pair[2]} <= have]
