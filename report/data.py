"""What the pages draw: the cells of the chosen study (or of all), as data frames straight from the store's views.

The store is `BENCH_STORE`, else `results` beside this project's report; the study is `BENCH_STUDY`, else all.
"""

import atexit
import hashlib
import json
import os
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from report import palette
from report.cards import DatasetCard, ModelCard
from report.palette import Style
from store import Store, StoreWarning

ROOT = Path(__file__).resolve().parent
PAGES_OF = "_generated/datasets.json"
"""Which datasets have a page: by a number of each, its name."""


def store_path() -> Path:
    """The store that the site is drawn from."""
    return ROOT.parent / (os.environ.get("BENCH_STORE") or "results")


def slug(*texts: str) -> str:
    """Texts for addresses and figure names, no two lists of them the same: letters, digits, `-` and `_`.

    A text of words and single hyphens stays as it is. Any other keeps what it has of these, and its hash behind a `_`.
    Two hyphens stand between texts.
    """
    return "--".join(map(_slug, filter(None, texts)))


def _slug(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", text) and len(text) <= 64:
        return text
    readable = re.sub(r"[^A-Za-z0-9]+", "-", text)[:40].strip("-")
    return f"{readable}_{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


@dataclass(frozen=True)
class Section:
    """One dataset at one recipe, split in one way: the only models that may be compared are those within a section.

    `steps` are the recipe's preprocessing, and `fraction` is the share of the training images that it trains on. `also`
    is the study, and the split's identity, where two studies split the dataset differently.
    """

    dataset: str
    recipe: str
    scheme: str
    also: str = ""
    steps: tuple[str, ...] = ()
    fraction: float = 1.0

    @property
    def title(self) -> str:
        """For headings: the recipe, and whose splits these are where two studies split the dataset differently."""
        return f"{self.recipe}, split as in {self.also.rpartition(' ')[0]}" if self.also else self.recipe

    @property
    def slug(self) -> str:
        """For addresses and figure names."""
        return slug(self.dataset, self.recipe, self.also)


class Results:
    """The chosen part of a store.

    Args:
        path: the store.
        study: one study's name, or None for all. Where two studies share a cell, the later plan counts.

    Attributes:
        left_out: damaged parts of the store, which nothing here is drawn from.
    """

    def __init__(self, path: Path, study: str | None = None) -> None:
        self.path, self.study = path, study
        self.store = Store(path)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", StoreWarning)
            self.connection: duckdb.DuckDBPyConnection = self.store.connect(in_memory=True)
        self.left_out = [w.message for w in caught if isinstance(w.message, StoreWarning)]
        self.connection.execute(
            """
            create table chosen as
            select study, dataset, model, recipe, cell_id, scheme from progress
            where done > 0 and ($study is null or study = $study)
            -- What a careless split would have claimed is no result.
            and cell_id not in (select cell_id from plans where protocol_json->>'groups' = 'ignored')
            qualify row_number() over (partition by dataset, model, recipe, scheme order by planned_at desc, study) = 1
            """,
            {"study": study},
        )
        self.connection.execute(
            """
            create table chosen_trials as
            select distinct t.trial_id, c.scheme from trials t join current_plans p using (trial_id)
            join chosen c on c.study = p.study and c.cell_id = p.cell_id
            where t.status = 'done'
            """
        )

    def frame(self, sql: str, **values: Any) -> pd.DataFrame:
        """The answer to a query over the views; `chosen` and `chosen_trials` narrow it to what the site shows."""
        return self.connection.execute(sql, values or None).df()

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row for each cell that has results: the view `cells`, with `family` and `order` of the model."""
        frame = self.frame(
            "select * from cells semi join chosen using (study, cell_id) order by dataset, recipe, model"
        )
        return frame.assign(family=frame["model"].map(lambda m: self.model_card(m)["family"]))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row for each trial and subset that the site shows, with the sizes of its training and test sets.

        `pool_images` are all that the trial might have trained on, `train_images` those that it did.
        """
        return self.frame(
            """
            with sizes as (select dataset, dataset_hash, count(*) as images from images group by all)
            select s.*, c.scheme, t.split_hash, t.train_images, t.test_images, t.holdout_images, t.seconds,
                greatest(coalesce(i.images - t.test_images - t.holdout_images, 0), t.train_images) as pool_images
            from scores s join chosen_trials c using (trial_id) join trials t using (trial_id)
            left join sizes i on i.dataset = t.dataset and i.dataset_hash = t.dataset_hash
            order by s.dataset, s.recipe, s.model, s.repeat, s.fold, s.subset
            """
        )

    @cached_property
    def sections(self) -> list[Section]:
        """Every dataset at every recipe that has results; twice where two studies split it differently.

        Of recipes that differ in their preprocessing or their share of the training images alone, the plainest:
        without preprocessing and on all images, if there is one. The others are its `variants`.
        """
        return [section for section in self._every_section if section in self._families]

    def variants(self, section: Section) -> list[Section]:
        """A section's dataset, split in the same way, at recipes with other preprocessing or fewer training images."""
        return self._families[section]

    @cached_property
    def _recipes(self) -> dict[str, dict[str, Any]]:
        rows = self.frame("select distinct recipe, recipe_json from plans semi join chosen using (study, cell_id)")
        axes = {"preprocessing": [], "train_fraction": 1.0}  # older plans know neither
        return {row["recipe"]: axes | json.loads(row["recipe_json"]) for row in rows.to_dict("records")}

    def recipe(self, section: Section) -> dict[str, Any]:
        """The fields of a section's recipe."""
        return self._recipes[section.recipe]

    @cached_property
    def _every_section(self) -> list[Section]:
        rows = self.cells.drop_duplicates(["dataset", "recipe", "scheme"]).to_dict("records")
        names = Counter((row["dataset"], row["recipe"]) for row in rows)
        studies = {row["scheme"]: row["study"] for row in rows}
        found = []
        for row in rows:
            dataset, name, scheme = row["dataset"], row["recipe"], row["scheme"]
            also = f"{studies[scheme]} {scheme[:4]}" if names[dataset, name] > 1 else ""
            recipe = self._recipes[name]
            found.append(Section(dataset, name, scheme, also, tuple(recipe["preprocessing"]), recipe["train_fraction"]))
        return found

    @cached_property
    def _families(self) -> dict[Section, list[Section]]:
        families: dict[Section, list[Section]] = {}
        for section in sorted(self._every_section, key=lambda s: (len(s.steps), -s.fraction, s.steps)):
            plain = next((other for other in families if self._alike(section, other)), None)
            families.setdefault(plain or section, []).extend([section] if plain else [])
        return families

    def _alike(self, a: Section, b: Section) -> bool:
        ours, theirs = self._recipes[a.recipe], self._recipes[b.recipe]
        # What only one of the two knows is a field of a later version, at its default.
        fields = (ours.keys() & theirs.keys()) - {"preprocessing", "train_fraction", "preprocessing_version"}
        same = all(ours[field] == theirs[field] for field in fields)
        return same and (a.dataset, a.scheme) == (b.dataset, b.scheme)

    @cached_property
    def datasets(self) -> list[str]:
        """Datasets with results."""
        return list(dict.fromkeys(section.dataset for section in self.sections))

    def sections_of(self, dataset: str) -> list[Section]:
        """A dataset's sections."""
        return [section for section in self.sections if section.dataset == dataset]

    def complete(self, section: Section) -> list[str]:
        """Models of a section whose planned trials are all done."""
        cells = self.of(self.cells, section)
        return cells[cells["done"] == cells["wanted"]]["model"].tolist()

    def models(self, section: Section | None = None) -> list[str]:
        """Models with results (in a section, or in any), family by family."""
        if section not in self._models:
            sections = self.sections if section is None else [section]
            cells = pd.concat([self.cells[:0], *(self.of(self.cells, s) for s in sections)])
            self._models[section] = palette.ordered(zip(cells["model"], cells["family"], strict=True))
        return list(self._models[section])

    @cached_property
    def _models(self) -> dict[Section | None, list[str]]:
        return {}

    def of(self, frame: pd.DataFrame, section: Section) -> pd.DataFrame:
        """The rows of a frame, `cells` or `scores`, that belong to a section."""
        none: pd.DataFrame = frame[:0]
        key = section.scheme, section.recipe
        if frame is self.__dict__.get("scores"):
            return self._scores_of.get(key, none)
        if frame is self.__dict__.get("cells"):
            return self._cells_of.get(key, none)
        return frame[(frame["scheme"] == section.scheme) & (frame["recipe"] == section.recipe)]

    @cached_property
    def _scores_of(self) -> dict[tuple[str, str], pd.DataFrame]:
        """The scores by scheme and recipe: a page asks for its own a hundred times, and a store may have thousands."""
        return _apart(self.scores)

    @cached_property
    def _cells_of(self) -> dict[tuple[str, str], pd.DataFrame]:
        return _apart(self.cells)

    @cached_property
    def _cards(self) -> tuple[dict[str, DatasetCard], dict[str, ModelCard]]:
        rows = self.frame(
            "select dataset, scheme, model, dataset_card, model_card from plans "
            "semi join chosen using (study, cell_id) order by planned_at"
        ).to_dict("records")
        datasets = {str(row[key]): json.loads(row["dataset_card"]) for row in rows for key in ("dataset", "scheme")}
        models = {str(row["model"]): json.loads(row["model_card"]) for row in rows}
        return datasets, models

    def dataset_card(self, dataset: str) -> DatasetCard:
        """A dataset's card as the newest plan has it; `at_hand` counts the images that were used.

        A section's scheme in the place of the name gives the card as that section's plan has it.
        """
        return self._cards[0][dataset]

    def model_card(self, model: str) -> ModelCard:
        """What the registry said of a model."""
        return self._cards[1][model]

    @cached_property
    def _styles(self) -> dict[str, Style]:
        return palette.styles((name, card["family"]) for name, card in self._cards[1].items())

    def style(self, model: str) -> Style:
        """The model's colour and shape, which no other model of this store has."""
        return self._styles[model]

    @cached_property
    def about(self) -> dict[str, Any]:
        """The store's fingerprint, how many trials it shows, and the day of the newest."""
        row = self.connection.execute("select count(*), max(finished_at) from trials where status = 'done'").fetchone()
        assert row is not None
        newest = f"{row[1]:%Y-%m-%d}" if row[1] else "no trials yet"
        return {"fingerprint": self.store.fingerprint(), "trials": row[0], "newest": newest}


def _apart(frame: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """The rows of each scheme and recipe, in their order."""
    return {(str(s), str(r)): own for (s, r), own in frame.groupby(["scheme", "recipe"], sort=False)}


@cache
def results() -> Results:
    """The results that this site is drawn from, opened once."""
    warnings.simplefilter("ignore", StoreWarning)  # the home page says what is left out
    found = Results(store_path(), os.environ.get("BENCH_STUDY") or None)
    atexit.register(found.connection.close)
    return found
