"""Activation figures: the maps of a middle layer as one picture, for two models beside each other."""

import math
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from report.data import Results, Section
from report.show import Html, picture

ANCHORS = (
    (0, 0, 4),
    (40, 11, 84),
    (101, 21, 110),
    (159, 42, 99),
    (212, 72, 66),
    (245, 125, 21),
    (250, 193, 39),
    (252, 255, 164),
)
"""Black to pale yellow in even steps of lightness (after matplotlib's inferno), readable without colour vision."""


def mosaic(maps: NDArray[np.uint8], columns: int | None = None, gap: int = 1, zoom: int = 2) -> bytes:
    """(M, H, W) maps as one PNG, row by row, `gap` pixels apart, each pixel drawn `zoom` times.

    Without `columns` it is about 1.6 times as wide as high, so that few maps and many stand beside each other.
    """
    count, height, width = maps.shape
    columns = columns or math.ceil(math.sqrt(1.6 * count))
    rows = -(-count // columns)
    canvas = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap), dtype=np.uint8)
    for number, each in enumerate(maps):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        canvas[top : top + height, left : left + width] = each
    image = Image.fromarray(canvas.repeat(zoom, 0).repeat(zoom, 1), "L").convert("P")
    image.putpalette(_palette())
    buffer = BytesIO()
    image.save(buffer, "PNG")  # trying harder takes four times as long and saves half a hundredth
    return buffer.getvalue()


def pair(results: Results, section: Section) -> list[str]:
    """The two models whose answers to the same image are shown: a pre-trained one and one trained from scratch.

    Frozen layers are the same under the names of a head, of a probe and of its lower layers: never two of those.
    """
    return list(_pair(results, section))


@lru_cache(maxsize=256)
def _pair(results: Results, section: Section) -> tuple[str, ...]:
    """Three parts of a site ask, and each answer reads every map."""
    frame = results.frame(
        "select model, list(distinct image_id || md5(values)) as seen from activations "
        "semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id) "
        "where recipe = $recipe and maps > 0 group by model",
        scheme=section.scheme,
        recipe=section.recipe,
    )
    seen = {str(model): set(each) for model, each in zip(frame["model"], frame["seen"], strict=True)}
    have = [m for m in results.models(section) if m in seen]
    cards = {m: results.model_card(m) for m in have}
    transfer = [m for m in have if cards[m]["weights"] != "none"]
    scratch = [m for m in ("cnn", "cnn-shallow", *have) if m in have and m not in transfer]
    chosen: list[str] = []
    for model in (*transfer[:1], *scratch[:1], *have):
        if all(seen[model].isdisjoint(seen[other]) for other in chosen):
            chosen.append(model)
    return tuple(chosen[:2])


def html(results: Results, section: Section, models: list[str], classes: int | None = None) -> Html:
    """The figure: a row for each class, the image first where it may be shown, then each model's maps."""
    frame = results.frame(
        "select * from activations "
        "semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id) "
        "where recipe = $recipe and list_contains($models, model) and maps > 0 "
        "qualify row_number() over (partition by model, label order by image_id) = 1 order by label, model",
        scheme=section.scheme,
        recipe=section.recipe,
        models=models,
    )
    rows = []
    for label in list(results.dataset_card(section.scheme)["classes"])[:classes]:
        shown = {row.model: row for row in frame[frame["label"] == label].itertuples()}
        if set(models) <= set(shown):
            rows.append(_row(label, [shown[model] for model in models]))
    return Html('<div class="activations">{}</div>').format(Html("").join(rows))


def _row(label: str, shown: list[Any]) -> Html:
    parts = []
    thumbnail = shown[0].thumbnail
    if isinstance(thumbnail, bytes | bytearray):
        image = Html('<div class="activation-input">{}<span>the image</span></div>')
        parts.append(image.format(picture(bytes(thumbnail), f"an image of class {label}", "jpeg")))
    for row in shown:
        maps = np.frombuffer(bytes(row.values), dtype=np.uint8).reshape(row.maps, row.height, row.width)
        alt = f"{row.maps} maps of {row.model}, {row.layer}, for an image of class {label}"
        drawn = Html('<div class="activation-maps">{}<span>{} · {}</span></div>')
        parts.append(drawn.format(picture(mosaic(maps), alt), row.model, row.layer))
    frame = Html(
        '<div class="activation-class"><p class="activation-label">{}</p><div class="activation-row">{}</div></div>'
    )
    return frame.format(label, Html("").join(parts))


def _palette() -> list[int]:
    places = np.linspace(0, 255, len(ANCHORS))
    channels = [np.interp(np.arange(256), places, [anchor[c] for anchor in ANCHORS]) for c in range(3)]
    return np.stack(channels, 1).round().astype(int).ravel().tolist()
