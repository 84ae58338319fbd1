"""A study: datasets, models, protocol and recipe that belong together, read from a TOML file."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.errors import UsageError, unknown
from bench.study.protocol import Protocol
from bench.study.recipe import Recipe

AT_HAND = "at hand"


@dataclass(frozen=True)
class Study:
    """What a run wants.

    Attributes:
        name: a file's name without its ending.
        title: one line for people.
        datasets: names, or None for all whose images are at hand.
        models: names.
        images_per_class: draw so many images of each class, where there are more; None for all.
        weights: for some models another source of weights, `none` or `file:PATH`.
        recipes: for each recipe the fields that it changes in `recipe`; empty for that one alone.
        overrides: recipe fields given on the command line, which win over all others.
    """

    name: str
    title: str
    datasets: tuple[str, ...] | None
    models: tuple[str, ...]
    protocol: Protocol = field(default_factory=Protocol)
    recipe: Recipe = field(default_factory=Recipe)
    images_per_class: int | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    recipes: tuple[Mapping[str, Any], ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def recipes_for(self, card_recipe: Mapping[str, Any], dataset: str) -> list[Recipe]:
        """The study's recipes, each once: `recipe`, with what the dataset's card changes, then what each of `recipes`
        does, then what the command line does.
        """
        own = self.recipe.with_overrides(dict(card_recipe), f"card of {dataset!r}")
        made = [own.with_overrides(dict(each), f"study {self.name!r}") for each in self.recipes or [{}]]
        return list(dict.fromkeys(recipe.with_overrides(dict(self.overrides), "command line") for recipe in made))

    def narrowed(
        self,
        *,
        datasets: Sequence[str] = (),
        models: Sequence[str] = (),
        protocol: Mapping[str, Any] | None = None,
        recipe: Mapping[str, Any] | None = None,
    ) -> "Study":
        """The study with the command line's choices in the place of its own.

        Raises:
            UsageError: a value that no recipe or protocol can have.
        """
        self.recipe.with_overrides(dict(recipe or {}), "command line")
        return replace(
            self,
            datasets=tuple(dict.fromkeys(datasets)) or self.datasets,
            models=tuple(dict.fromkeys(models)) or self.models,
            protocol=replace(self.protocol, **(protocol or {})),
            overrides={**self.overrides, **(recipe or {})},
        )


def shipped() -> list[str]:
    """The studies that come with the benchmark."""
    return sorted(f.name.removesuffix(".toml") for f in (files("bench.study") / "studies").iterdir())


def load(name_or_path: str) -> Study:
    """A study by its name or from a TOML file.

    Raises:
        UsageError: there is none, or the file is not a study.
    """
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        try:
            return parse(path.stem, path.read_text(encoding="utf-8-sig"), name_or_path)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"study {name_or_path} cannot be read ({error}); name a TOML file") from None
    if name_or_path not in shipped():
        raise unknown("study", name_or_path, shipped())
    file = files("bench.study") / "studies" / f"{name_or_path}.toml"
    return parse(name_or_path, file.read_text(encoding="utf-8"), file.name)


def parse(name: str, text: str, where: str) -> Study:
    """A study from its TOML text; `where` names the file in errors."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where}: not valid TOML: {error}") from None
    known = {"title", "datasets", "models", "protocol", "recipe", "recipes", "images_per_class", "weights"}
    for key in values:
        if key not in known:
            raise UsageError(f"{where}: unknown field {key!r}; known: {', '.join(sorted(known))}")
    for key in ("protocol", "recipe", "weights"):
        if not isinstance(values.get(key, {}), dict):
            raise UsageError(f"{where}: {key} must be a table, not {values[key]!r}")
    recipes = values.get("recipes", [])
    if not isinstance(recipes, list) or not all(isinstance(each, dict) for each in recipes):
        raise UsageError(f"{where}: recipes must be tables, each headed [[recipes]], not {recipes!r}")
    for model, source in values.get("weights", {}).items():
        if not isinstance(source, str):
            raise UsageError(f"{where}: weights of {model!r} must be 'imagenet', 'none' or 'file:PATH', not {source!r}")
    datasets = values.get("datasets", AT_HAND)
    if datasets != AT_HAND and not _names(datasets):
        raise UsageError(f'{where}: datasets must be a list of names or "{AT_HAND}"')
    if not _names(values.get("models")):
        raise UsageError(f"{where}: models must be a list of names")
    cap = values.get("images_per_class")
    if cap is not None and (not isinstance(cap, int) or cap < 2):
        raise UsageError(f"{where}: images_per_class must be a whole number from 2 on, not {cap!r}")
    protocol = values.get("protocol", {})
    wanted = {f.name for f in fields(Protocol)}
    for key, value in protocol.items():
        if key not in wanted:
            raise UsageError(f"{where}: unknown protocol field {key!r}; known: {', '.join(sorted(wanted))}")
        kinds = {"holdout": (int, float), "groups": (str,)}.get(key, (int,))
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise UsageError(f"{where}: protocol field {key!r} must be a {_said(kinds)}, not {value!r}")
    recipe = Recipe().with_overrides(values.get("recipe", {}), where)
    for changed in recipes:
        recipe.with_overrides(changed, where)
    return Study(
        name=name,
        title=str(values.get("title", name)),
        datasets=None if datasets == AT_HAND else tuple(datasets),
        models=tuple(values["models"]),
        protocol=Protocol(**protocol),
        recipe=recipe,
        images_per_class=cap,
        weights=values.get("weights", {}),
        recipes=tuple(recipes),
    )


def _said(kinds: tuple[type, ...]) -> str:
    return "text" if str in kinds else "number"


def _names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
