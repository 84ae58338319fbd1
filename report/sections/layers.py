"""A part of a dataset's page: what the layers of two models see in the same image, chosen from all by menus."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from report import recipes, show
from report.data import Results, Section
from report.sections import mosaics
from report.show import Html, Markup


def kept(found: Results, dataset: str) -> Section | None:
    """The recipe of which the layers are shown: the main one, or else the first of which anything was kept."""
    return next((s for s in recipes.ordered(found, dataset) if mosaics.pair(found, s)), None)


def show_section(found: Results, dataset: str) -> None:
    """Print the part: two models beside each other, and menus that choose others where scripts run."""
    section = kept(found, dataset)
    if section is None:
        return
    models = mosaics.pair(found, section)
    show.heading(2, Markup("What the layers see"), "layers")
    opening = Html('<div class="layers" data-dataset="{}" data-section="{}">{}</div>')
    show.figure(
        opening.format(section.dataset, section.slug, mosaics.html(found, section, models, classes=1)),
        f"activations-{section.slug}",
        Markup(
            "Each small picture is one map of a middle layer: how strongly one filter answers at each place of a "
            "held-out image, from its own darkest to its own brightest. With scripts, menus choose the image and the "
            "models, the mean of all maps, and Grad-CAM: where the image speaks most for the class that the model "
            "names. Beside it stands Grad-CAM of the same network with random weights; a map that looks the same there "
            "explains the picture, not the training."
        ),
    )


def payload(found: Results, dataset: str) -> dict[str, Any] | None:
    """All images and models of the part, as its script reads them: pictures as PNG in base64."""
    section = kept(found, dataset)
    if section is None:
        return None
    frame = found.frame(
        "select * from activations "
        "semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id) "
        "where recipe = $recipe order by label, image_id, model, weights",
        scheme=section.scheme,
        recipe=section.recipe,
    )
    images: list[dict[str, Any]] = []
    for (label, image), own in frame.groupby(["label", "image_id"], sort=True):
        trained = own[(own["weights"] == "trained") & (own["maps"] > 0)]
        if trained.empty:
            continue
        drawn = own[own["weights"] == "random"].drop_duplicates("model")
        random = dict(zip(drawn["model"], drawn["grad_cam"], strict=True))
        seen: dict[bytes, str] = {}
        models = {str(row["model"]): _model(row, random, seen) for row in trained.to_dict("records")}
        thumbnail = next((bytes(t) for t in own["thumbnail"] if isinstance(t, bytes | bytearray)), None)
        images.append({"image": str(image), "label": str(label), "picture": _base64(thumbnail), "models": models})
    return {"images": images, "pair": mosaics.pair(found, section)}


def _model(row: dict[Any, Any], random: Mapping[object, object], seen: dict[bytes, str]) -> dict[str, Any]:
    values = bytes(row["values"])
    maps = np.frombuffer(values, dtype=np.uint8).reshape(row["maps"], row["height"], row["width"])
    made: dict[str, Any] = {"layer": str(row["layer"]), "maps": int(row["maps"])}
    # Frozen layers are the same under several names: said, and sent once.
    if values in seen:
        made["same"] = seen[values]
    else:
        seen[values] = str(row["model"])
        made["mosaic"] = _base64(mosaics.mosaic(maps, zoom=1))
    if isinstance(row["mean_map"], bytes | bytearray):
        made["mean"] = _square(row["mean_map"], int(row["height"]), int(row["width"]))
    if isinstance(row["grad_cam"], bytes | bytearray):
        made["cam"] = _square(row["grad_cam"], 28, 28)
        made["says"] = str(row["explained"])
    other = random.get(row["model"])
    if isinstance(other, bytes | bytearray):
        made["random"] = _square(other, 28, 28)
    return made


def _square(values: bytes | bytearray, height: int, width: int) -> str | None:
    picture = np.frombuffer(bytes(values), dtype=np.uint8).reshape(1, height, width)
    return _base64(mosaics.mosaic(picture, columns=1, gap=0, zoom=1))


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")
