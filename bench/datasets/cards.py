"""Dataset cards: one TOML file tells everything about a dataset except its images.

Cards that ship lie in `cards/`; a user's own lie as `<name>.toml` in a data folder and win over ours.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.datasets import sources
from bench.datasets.sources import Source
from bench.errors import UsageError
from bench.images import Scale, ranges
from bench.study import Recipe
from store import names

NAME = names.NAME
"""A dataset's name is a folder, a file name, a page's address and a SQL value."""


@dataclass(frozen=True)
class Card:
    """What is known of a dataset.

    `classes` and `counts` may be empty: the folders then tell. `groups` is a regular expression whose first
    capturing group, found in a file's name, names the image's group. `same` lists file names (without ending) that show
    the same thing although their bytes differ, or image ids; `told` are the sets that were found so far, which are
    not put under `same` again once they are struck out there. `left_out` lists the ids of images that are not used.

    `range` says which values of images of more than 8 bits become black and white, in all alike: `full`, the
    `percentiles` of all of them, or two numbers.

    `images` is the folder that holds `<class>/<file>`, where it is not beside the card. In it `parts` are folders that
    hold the class folders, one of which may be the `holdout`; or `manifest` is the table that lists the images, and
    `columns` says what its path, label, group and holdout are called; `missing` says that lines of which there is no
    file are to `leave-out`. `subfolders` has images in folders of class
    folders read too: as `groups`, or `plain`. `masks` says whether files named as masks are to `leave-out` or `keep`.

    `found` are sentences on what was found in the images when they were added: the plans keep them for the site.

    `fetch` says where the images come from. `content` is the identity (`Dataset.content_hash`) of the images that the
    published results are of; `pixels` (`checking.pixels`) is that of their pixels, for images that this project writes,
    since another zlib packs the same pixels otherwise.
    """

    name: str
    title: str
    task: str = ""
    classes: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    source: str = ""
    citation: str = ""
    licence: str = ""
    show_images: bool = False
    difficulty: str = ""
    notes: tuple[str, ...] = ()
    groups: str | None = None
    same: tuple[tuple[str, ...], ...] = ()
    told: tuple[tuple[str, ...], ...] = ()
    left_out: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    images_per_class: int | None = None
    splits_from: str | None = None
    generator: str | None = None
    recipe: Mapping[str, object] = field(default_factory=dict)
    literature: tuple[Mapping[str, object], ...] = ()
    images: str | None = None
    manifest: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    missing: str | None = None
    subfolders: str | None = None
    masks: str | None = None
    range: Scale = None
    parts: tuple[str, ...] = ()
    holdout: str | None = None
    fetch: Source | None = None
    content: str | None = None
    pixels: str | None = None

    def published(self) -> dict[str, object]:
        """What the store keeps and the site shows of a card: all but where its images lie or come from."""
        hidden = {"images", "fetch", "content", "pixels", "told"}
        shown = {k: v for k, v in vars(self).items() if k not in hidden and v not in (None, "", (), {})}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in shown.items()}


_TYPES: dict[str, type] = {
    "title": str,
    "task": str,
    "classes": list,
    "counts": dict,
    "source": str,
    "citation": str,
    "licence": str,
    "show_images": bool,
    "difficulty": str,
    "notes": list,
    "groups": str,
    "same": list,
    "told": list,
    "images_per_class": int,
    "splits_from": str,
    "generator": str,
    "recipe": dict,
    "literature": list,
    "images": str,
    "left_out": list,
    "found": list,
    "manifest": str,
    "parts": list,
    "holdout": str,
    "fetch": dict,
    "content": str,
    "pixels": str,
    "columns": dict,
    "missing": str,
    "subfolders": str,
    "masks": str,
    "range": list,
}
_ITEMS: dict[str, type] = {
    "classes": str,
    "counts": int,
    "notes": str,
    "same": list,
    "told": list,
    "literature": dict,
    "left_out": str,
    "found": str,
    "parts": str,
    "columns": str,
}
_CHOICES = {"missing": ("leave-out",), "subfolders": ("groups", "plain"), "masks": ("leave-out", "keep")}
_SAID: dict[type, str] = {
    str: "words in quotes",
    list: "a list",
    dict: "a table",
    bool: "true or false",
    int: "a whole number",
}
"""What the kinds of values are called for people, who may have never written a program."""
_EXAMPLES: dict[type, str] = {
    str: '"some words"',
    list: '["one", "another"]',
    dict: "{one = 1, another = 2}",
    bool: "true",
    int: "500",
}
_EXAMPLE = {
    "same": '[["a/1.png", "a/2.png"]]',
    "told": '[["a/1.png", "a/2.png"]]',
    "literature": '[{model = "…", score = 0.9}]',
    "recipe": "{image_size = 96}",
    "columns": '{path = "file", label = "class"}',
    "fetch": '{as = "…"}',
    "groups": "'^(patient[0-9]+)'",
}


def parse(name: str, text: str, where: str) -> Card:
    """A card from its TOML text; `where` names the file in errors.

    Raises:
        UsageError: the text is not TOML, or a field is unknown or of the wrong kind.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where}: not valid TOML: {error}") from None
    for key, value in values.items():
        if key not in _TYPES:
            raise UsageError(f"{where}: unknown field {key!r}; known: {', '.join(_TYPES)}")
        if type(value) is not _TYPES[key] and key != "range":  # a word or a list
            raise UsageError(
                f"{where}: {key} must be {_SAID[_TYPES[key]]}, not {_written(value)}; {_for_example(key, value)}"
            )
        items = values[key].values() if isinstance(value, dict) else values[key]
        if key in _ITEMS and (wrong := [item for item in items if type(item) is not _ITEMS[key]]):
            raise UsageError(
                f"{where}: each item of {key} must be {_SAID[_ITEMS[key]]}, not {_written(wrong[0])}; "
                f"{_for_example(key, value)}"
            )
        if key in _CHOICES and value not in _CHOICES[key]:
            raise UsageError(f"{where}: {key} must be {' or '.join(_CHOICES[key])}, not {_written(value)}")
    if len(set(values.get("classes", ()))) < len(values.get("classes", ())):
        raise UsageError(f"{where}: classes names a class twice")
    if values.get("images_per_class", 2) < 2:
        raise UsageError(f"{where}: images_per_class must be a whole number from 2 on")
    if "recipe" in values:
        try:
            Recipe().with_overrides(values["recipe"], "recipe")
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None
    if "groups" in values:
        check_groups(values["groups"], f"{where}: groups")
    if "holdout" in values and values["holdout"] not in values.get("parts", ()):
        raise UsageError(f"{where}: holdout names {values['holdout']!r}, which is not one of parts")
    if strange := [name for name in values.get("columns", ()) if name not in ("path", "label", "group", "holdout")]:
        raise UsageError(f"{where}: columns names {strange[0]!r}; known: path, label, group, holdout")
    if "missing" in values and "manifest" not in values:
        raise UsageError(f"{where}: missing is about lines of a manifest, and there is none; strike it out")
    if "manifest" in values and "parts" in values:
        raise UsageError(f"{where}: a dataset has a manifest or parts, not both; strike one of them out")
    frozen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    frozen |= {"range": check_range(values["range"], f"{where}: range")} if "range" in values else {}
    frozen |= {key: tuple(map(tuple, values[key])) for key in ("same", "told") if key in values}
    if "fetch" in values:
        frozen["fetch"] = sources.parse(values["fetch"], where)
    return Card(name, **{"title": name, **frozen})


def _written(value: object) -> str:
    """A value as a card has it, as far as it is one that cards have."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _for_example(key: str, value: object) -> str:
    """A line of a card that would be right, with what was written in it where that is a list of one."""
    if _TYPES[key] is bool:
        return f"write {key} = true, or false"
    if _TYPES[key] is list and type(value) is str and _ITEMS.get(key) is str:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'write {key} = ["{quoted}"]'
    return f"for example {key} = {_EXAMPLE.get(key, _EXAMPLES[_TYPES[key]])}"


def check_range(value: Any, where: str) -> Scale:
    """A range as a card may give it; `where` names the field in errors."""
    if value in (ranges.FULL, ranges.PERCENTILES):
        return str(value)
    numbers = isinstance(value, list) and len(value) == 2 and all(type(item) in (int, float) for item in value)
    if numbers and -1e300 < value[0] < value[1] < 1e300:
        return float(value[0]), float(value[1])
    raise UsageError(
        f'{where} must be "full", "percentiles" or two numbers, the lower first, such as [0, 4095], not {value!r}'
    )


def check_groups(rule: str, where: str) -> str:
    """The rule itself, if it can name groups; `where` names the field or option in errors."""
    try:
        compiled = re.compile(rule)
    except re.error as error:
        raise UsageError(f"{where} is not a regular expression: {error}") from None
    if compiled.groups < 1:
        raise UsageError(f"{where} needs one capturing group, such as '^(patient[0-9]+)'")
    return rule


def read(path: Path) -> Card:
    """The card in a file; its name is the file's.

    Raises:
        UsageError: the file cannot be read, or is no card.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # with the mark that some editors put before it
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}); a card is a TOML file in UTF-8") from None
    return parse(check_name(path.stem), text, str(path))


def shipped() -> dict[str, Card]:
    """The cards that come with the benchmark, by name."""
    folder = files("bench.datasets") / "cards"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    stems = [f.name.removesuffix(".toml") for f in found]
    return {stem: parse(stem, f.read_text(encoding="utf-8"), f.name) for stem, f in zip(stems, found, strict=True)}


def check_name(name: str) -> str:
    """The name itself, if a dataset may be called so."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a dataset's name: use lower-case letters, digits, '-', '_' and '.', "
            "beginning with a letter or digit"
        )
    return name
