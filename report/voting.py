"""What voting over the repeats adds, out of fold: each image is asked once in every repeat.

The gain is the balanced accuracy of the repeats' vote less that of a single repeat, over the images outside the
holdout, in groups where these are known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy import special

from report import questions, recipes, statistics
from report.data import Results, Section
from report.findings import NARROW, WIDE, Word
from report.questions import Question
from report.statistics import SIGNIFICANT, BootstrapInterval, RopeProbabilities

RULES = {"majority": "voted", "mean probability": "averaged"}
DRAWS = 1000
FEWEST = 3
"""Two repeats that disagree have no majority."""


@dataclass(frozen=True)
class Gain:
    """What a vote gains, and what may be said of it: verdicts as those of `findings`, by the bootstrap over images."""

    question: Question
    section: Section
    model: str
    what: str
    gain: BootstrapInterval
    repeats: int
    p: float
    holm: float = np.nan
    asked: int = 0
    narrow: Word = "undecided"
    wide: Word = "undecided"


def everywhere(results: Results, datasets: Sequence[str] | None = None) -> list[Gain]:
    """The gains of all models at the main recipe of each dataset, judged together, question by question."""
    return list(_everywhere(results, tuple(results.datasets if datasets is None else datasets)))


@lru_cache(maxsize=4)
def _everywhere(results: Results, datasets: tuple[str, ...]) -> tuple[Gain, ...]:
    """Several pages ask, and each answer takes a bootstrap for every vote."""
    votes = _votes(results, [recipes.main(results, name) for name in datasets])
    made = [gain for key, rows in votes for gain in _gains(*key, rows)]
    made += _lower(votes)
    every = (judged(m for m in made if m.question is q) for q in (questions.VOTING, questions.VOTING_LOWER))
    return tuple(gain for gains in every for gain in gains)


def judged(family: Iterable[Gain]) -> list[Gain]:
    """The gains of one family with their verdicts."""
    gains = list(family)
    adjusted = statistics.holm([gain.p for gain in gains]).tolist()
    return [
        replace(
            gain,
            holm=holm,
            asked=len(gains),
            narrow=_word(gain.gain, holm, NARROW),
            wide=_word(gain.gain, holm, WIDE),
        )
        for gain, holm in zip(gains, adjusted, strict=True)
    ]


def _votes(results: Results, sections: Sequence[Section]) -> list[tuple[tuple[Section, str], pd.DataFrame]]:
    """For each section and model with repeats enough: an image a row, its votes, and how many repeats were right."""
    if not sections:
        return []
    of_scheme = {(section.scheme, section.recipe): section for section in sections}
    frame = results.frame(
        """
        with asked as (
            select t.trial_id, c.scheme, t.recipe, t.model, t.repeat, t.dataset, t.dataset_hash,
                sum(t.test_images) over (partition by c.scheme, t.recipe, t.model, t.repeat) as images
            from trials t join chosen_trials c using (trial_id)
            where list_contains($wanted, c.scheme || ' ' || t.recipe)
        ), whole as (
            -- A repeat of which folds are still missing asked some images only.
            select *, images = max(images) over (partition by scheme, recipe, model) as whole from asked
        ), voters as (
            select trial_id, scheme as study, model, recipe, dataset, dataset_hash from whole where whole
            qualify (dense_rank() over (partition by scheme, recipe, model order by repeat)
                + dense_rank() over (partition by scheme, recipe, model order by repeat desc) - 1) >= $fewest
        ), ballots as (
            select v.study, v.model, v.recipe, p.image_id, any_value(v.dataset) as dataset,
                any_value(v.dataset_hash) as dataset_hash, avg((p.predicted = p.label)::int) as single
            from voters v join predictions p using (trial_id) where p.subset = 'test' group by all
        )
        select t.study as scheme, t.recipe, t.model, t.label, t.trials, b.single, i.image_group,
            (t.predicted = t.label)::double as voted, (t.predicted_by_mean = t.label)::double as averaged
        from tally(voters) t
        join ballots b on (t.study, t.model, t.recipe, t.image_id) = (b.study, b.model, b.recipe, b.image_id)
        join images i on i.dataset = b.dataset and i.dataset_hash = b.dataset_hash and i.image_id = b.image_id
        where t.subset = 'test' order by t.study, t.recipe, t.model, t.image_id
        """,
        wanted=[f"{scheme} {recipe}" for scheme, recipe in of_scheme],
        fewest=FEWEST,
    )
    grouped = dict(iter(frame.groupby(["scheme", "recipe", "model"])))
    return [
        ((section, model), grouped[key])
        for section in sections
        for model in results.models(section)
        if (key := (section.scheme, section.recipe, model)) in grouped
    ]


def _gains(section: Section, model: str, rows: pd.DataFrame) -> list[Gain]:
    return [
        _gain(
            questions.VOTING, (section, model), f"{model}: {rule} − a single repeat", rows[vote], rows["single"], rows
        )
        for rule, vote in RULES.items()
    ]


def _lower(votes: Sequence[tuple[tuple[Section, str], pd.DataFrame]]) -> list[Gain]:
    """What lower layers gain by the majority less what the whole network gains, image by image."""
    made, of = [], dict(votes)
    for (section, model), lower in votes:
        whole = of.get((section, model.removesuffix("-lower")))
        if model.endswith("-lower") and whole is not None and len(whole) == len(lower):
            gains = [(rows["voted"] - rows["single"]).to_numpy() for rows in (lower, whole)]
            what = f"{model}'s gain − {model.removesuffix('-lower')}'s"
            made.append(_gain(questions.VOTING_LOWER, (section, model), what, gains[0], gains[1], lower))
    return made


def _gain(
    question: Question, of: tuple[Section, str], what: str, one: object, other: object, rows: pd.DataFrame
) -> Gain:
    found = statistics.paired_recalls(rows["label"], one, other, groups=rows["image_group"], draws=DRAWS)  # type: ignore[arg-type]
    z = abs(found.estimate) / found.deviation if found.deviation > 0 else 0.0
    p = 2 * float(special.ndtr(-z))
    return Gain(question, *of, what, found, int(rows["trials"].max()), p)


def _word(gain: BootstrapInterval, holm: float, rope: float) -> Word:
    if not 0 < gain.deviation < np.inf:
        return "undecided"
    worse = float(special.ndtr((-rope - gain.estimate) / gain.deviation))
    better = float(special.ndtr((gain.estimate - rope) / gain.deviation))
    word = statistics.verdict(RopeProbabilities(worse, max(0.0, 1 - worse - better), better))
    return "undecided" if word in ("better", "worse") and holm > SIGNIFICANT else word
