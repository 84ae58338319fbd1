"""From the store's rows to estimates with intervals: the step between data frames and arithmetic."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from report import statistics
from report.data import Results, Section
from report.statistics import Floats, ResampledT


def fold_means(results: Results, section: Section) -> pd.DataFrame:
    """Each model's mean test score with the corrected 95 % interval: model, balanced_accuracy, low, high, trials.

    Intervals are cut at 0 and 1, where no score can be. Scores that are all alike, 100 % each, do not show how they
    would vary: the interval is then that of their vote over the images, or all there is.
    """
    return _fold_means(results, section).copy()


@lru_cache(maxsize=256)
def _fold_means(results: Results, section: Section) -> pd.DataFrame:
    """A page asks for them ten times, and each takes a test for every model."""
    rows = []
    scores = results.of(results.scores, section)
    for model, group in scores[scores["subset"] == "test"].groupby("model", sort=False):
        found = statistics.corrected_resampled_t(group["balanced_accuracy"], test_train_ratio=test_train_ratio(group))
        low, high = max(found.low, 0.0), min(found.high, 1.0)
        if found.degenerate:
            voted = votes(results, section, "test").fillna({"low": 0.0, "high": 1.0})
            ends = voted[voted["model"] == model]
            low, high = min(float(ends["low"].iloc[0]), found.mean), max(float(ends["high"].iloc[0]), found.mean)
        rows.append({"model": model, "balanced_accuracy": found.mean, "low": low, "high": high, "trials": len(group)})
    return pd.DataFrame(rows, columns=["model", "balanced_accuracy", "low", "high", "trials"])


def highest(means: pd.DataFrame, complete: Collection[str]) -> dict[str, Any] | None:
    """The row of the model with the highest mean among those whose trials are all done; None if there is none."""
    means = means[means["model"].isin(list(complete))]
    if means.empty:
        return None
    rows: list[dict[str, Any]] = means.to_dict("records")  # type: ignore[assignment]
    return max(rows, key=lambda row: row["balanced_accuracy"])


def test_train_ratio(scores: pd.DataFrame) -> float:
    """Mean size of the test fold over that of the training set, which the corrected interval needs.

    The ratio stands for how much the scores of two splits have in common. Trials on a share of their training images
    have less in common than those on all, not more, so the whole pool counts for them too: their intervals are wide
    rather than narrow then, and with the share's own size they would be several times as wide as the truth.
    """
    return float((scores["test_images"] / scores["pool_images"]).mean())


def paired(results: Results, one: tuple[Section, str], other: tuple[Section, str]) -> tuple[Floats, float]:
    """Differences one − other in test score, split by split, and the ratio for their corrected interval.

    Each is a model in a section; both sections are split in the same way, and only splits that both have count.
    """
    sides = [_tested(results, *side) for side in (one, other)]
    scores = [side["balanced_accuracy"] for side in sides]
    if sides[0].index.is_unique and sides[0].index.equals(sides[1].index):  # as nearly always
        return (scores[0] - scores[1]).to_numpy(dtype=np.float64), test_train_ratio(sides[0])
    both = sides[0].join(scores[1].rename("other"), how="inner")
    differences = (both["balanced_accuracy"] - both["other"]).to_numpy(dtype=np.float64)
    return differences, test_train_ratio(both)


def _tested(results: Results, section: Section, model: str) -> pd.DataFrame:
    """A model's scores on the test folds by repeat and fold, with what the ratio needs; to be read alone."""
    own = _tested_of(results, section)
    return own.get(model, _NOTHING)


@lru_cache(maxsize=256)
def _tested_of(results: Results, section: Section) -> dict[str, pd.DataFrame]:
    scores = results.of(results.scores, section)
    test = scores[scores["subset"] == "test"].set_index(["repeat", "fold"])[_NEEDED]
    models = scores["model"][scores["subset"] == "test"].to_numpy()
    return {str(model): rows for model, rows in test.groupby(models, sort=False)}


_NEEDED = ["balanced_accuracy", "test_images", "pool_images"]
_NOTHING = pd.DataFrame(columns=_NEEDED, index=pd.MultiIndex.from_arrays([[], []], names=["repeat", "fold"]))


def votes(results: Results, section: Section, subset: str = "holdout") -> pd.DataFrame:
    """Each model's vote with the 95 % interval over its images (or groups of images).

    On `test`, each image is voted on out of fold by the repeats. Columns: model, balanced_accuracy, low, high (NaN
    where a class has too few images for any interval), scarcest (that class), fewest_units.
    """
    return _votes(results, section, subset).copy()


@lru_cache(maxsize=256)
def _votes(results: Results, section: Section, subset: str) -> pd.DataFrame:
    frame = results.frame(
        """
        select v.model, v.label, v.predicted, i.image_group
        from votes v
        join chosen c on c.study = v.study and c.dataset = v.dataset and c.model = v.model and c.recipe = v.recipe
        join (select distinct cell_id, dataset_hash from trials) t on t.cell_id = c.cell_id
        join images i on i.dataset = v.dataset and i.dataset_hash = t.dataset_hash and i.image_id = v.image_id
        where v.dataset = $dataset and c.scheme = $scheme and v.recipe = $recipe and v.subset = $subset
        order by v.model, v.image_id
        """,
        dataset=section.dataset,  # so that no other dataset's votes are counted before they are left out
        scheme=section.scheme,
        recipe=section.recipe,
        subset=subset,
    )
    rows = []
    for model, group in frame.groupby("model"):
        found = statistics.balanced_accuracy_interval(group["label"], group["predicted"], groups=group["image_group"])
        score = {"model": model, "balanced_accuracy": found.estimate, "low": found.low, "high": found.high}
        rows.append(score | {"scarcest": found.scarcest, "fewest_units": found.fewest_units})
    columns = ["model", "balanced_accuracy", "low", "high", "scarcest", "fewest_units"]
    return pd.DataFrame(rows, columns=columns)


def confusion(results: Results, section: Section) -> pd.DataFrame:
    """Out-of-fold confusion: model, label, predicted, share, images (a repeat), low, high (Jeffreys, 95 %).

    The repeats ask the same images again, so the interval counts each image once.
    """
    frame = results.frame(
        """
        select model, label, predicted, count(*) as asked
        from predictions p semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id)
        where p.dataset = $dataset and p.subset = 'test' and p.recipe = $recipe
        group by all order by all
        """,
        dataset=section.dataset,
        scheme=section.scheme,
        recipe=section.recipe,
    )
    classes = results.dataset_card(section.scheme)["classes"]
    every = pd.MultiIndex.from_product(
        [frame["model"].unique(), classes, classes], names=["model", "label", "predicted"]
    )
    images = results.frame(
        """
        select model, label, count(distinct image_id) as images
        from predictions p semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id)
        where p.dataset = $dataset and p.subset = 'test' and p.recipe = $recipe group by all
        """,
        dataset=section.dataset,
        scheme=section.scheme,
        recipe=section.recipe,
    )
    full = frame.set_index(["model", "label", "predicted"])["asked"].reindex(every, fill_value=0).reset_index()
    full = full.merge(images.rename(columns={"images": "total"}), on=["model", "label"])
    total = full.pop("total")
    full["share"] = full["asked"] / full.groupby(["model", "label"])["asked"].transform("sum")
    full["images"] = full["share"] * total
    full["low"], full["high"] = statistics.jeffreys(full["images"], total)
    return full.drop(columns="asked")


def known(found: ResampledT) -> tuple[float | None, float | None]:
    """The ends of an interval in points; none where it says nothing."""
    if found.degenerate or not np.isfinite([found.low, found.high]).all():
        return None, None
    return found.low * 100, found.high * 100


def points(value: float, digits: int = 1) -> str:
    """A fraction as points, with a sign and a true minus; what rounds to 0 has no sign."""
    written = f"{value * 100:+.{digits}f}"
    return f"{0:.{digits}f}" if float(written) == 0 else written.replace("-", "−")


def times(value: float) -> str:
    """How many times as many images, in the two digits or so that such a guess has."""
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def percent(value: float) -> str:
    """A fraction as a percentage."""
    return f"{value * 100:.1f} %"


def interval(low: float, high: float, *, signed: bool = False) -> str:
    """An interval of fractions, in points or percent; one that is not known, or endless, as a dash."""
    if not np.isfinite([low, high]).all():
        return "–"
    if signed:
        return f"[{points(low)}, {points(high)}]"
    return f"[{low * 100:.1f}, {high * 100:.1f}]"


def with_interval(row: Mapping[Any, Any]) -> str:
    """A score as a percentage, with its interval: `balanced_accuracy`, `low` and `high` of a row."""
    return f"{percent(row['balanced_accuracy'])} {interval(row['low'], row['high'])}"


def signed(found: ResampledT) -> str:
    """A difference in points, with its interval; differences that are all alike have none."""
    if found.degenerate:
        return f"{points(found.mean)} –"
    return f"{points(found.mean)} {interval(found.low, found.high, signed=True)}"


def p_value(p: float) -> str:
    """A p-value, with as many digits as tell it from 0.05; one that is not there as a dash."""
    if not np.isfinite(p):
        return "–"
    return "< .0001" if p < 0.0001 else f"{p:.4f}".lstrip("0") if p < 0.1 else f"{p:.2f}".removeprefix("0")


def counted(number: int, what: str) -> str:
    """A number of things: `1 trial`, `2,000 trials`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
