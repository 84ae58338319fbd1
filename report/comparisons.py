"""Which differences, split by split, the store holds for each question: rows in, arrays out, no verdicts.

Two models are compared on the same splits alone, and at the same recipe unless the question is about the recipe.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from report import questions, recipes
from report.data import Results, Section
from report.estimates import paired, test_train_ratio
from report.questions import Question


@dataclass(frozen=True)
class Comparison:
    """Differences model − reference in test balanced accuracy on the splits that both have.

    `section` is the model's, `against` the reference's; `wanted` is how many different splits their plans hold.
    """

    question: Question
    section: Section
    model: str
    reference: str
    differences: tuple[float, ...]
    ratio: float
    wanted: int
    against: Section
    what: str = ""  # in words, where it is not two models that are compared

    @property
    def complete(self) -> bool:
        """Whether the splits are enough: ten, or all that there are."""
        return len(self.differences) >= min(ENOUGH, self.wanted)


ENOUGH = 10


def compared(
    results: Results, question: Question, one: tuple[Section, str], other: tuple[Section, str]
) -> Comparison | None:
    """One − other split by split, each a model in a section; None where no split has both."""
    differences, ratio = paired(results, one, other)
    if differences.size == 0:
        return None
    wanted = max(int(_wanted(results, section)[model]) for section, model in (one, other))
    return Comparison(question, one[0], one[1], other[1], tuple(differences.tolist()), ratio, wanted, other[0])


@lru_cache(maxsize=64)
def of_section(results: Results, section: Section) -> tuple[Comparison, ...]:
    """Every comparison within one dataset and recipe."""
    scores = results.of(results.scores, section)
    test = scores[scores["subset"] == "test"]
    if test.empty:
        return ()
    ratio, wanted = test_train_ratio(test), _wanted(results, section)
    table = test.pivot(index="split_hash", columns="model", values="balanced_accuracy")
    found = []
    for question, model, reference in questions.pairs(results.models(section)):
        differences = tuple((table[model] - table[reference]).dropna().tolist())
        if differences:
            most = int(max(wanted[model], wanted[reference]))
            found.append(Comparison(question, section, model, reference, differences, ratio, most, section))
    return tuple(found)


@lru_cache(maxsize=64)
def of_dataset(results: Results, dataset: str) -> tuple[Comparison, ...]:
    """Every comparison that a dataset's main recipe takes part in, larger pictures and cut-out cells included."""
    main = recipes.main(results, dataset)
    return (
        *of_section(results, main),
        *_sizes(results, main),
        *_segmented(results, main),
        *_imbalance(results, main),
    )


def against_number(results: Results, question: Question, section: Section, model: str, number: float) -> Comparison:
    """A model's score on each split less a number that somebody named."""
    scores = results.of(results.scores, section)
    rows = scores[(scores["model"] == model) & (scores["subset"] == "test")]
    differences = tuple((rows["balanced_accuracy"] - number).tolist())
    wanted = int(_wanted(results, section)[model])
    said = f"{number * 100:.4g} %"
    ratio = test_train_ratio(rows)
    return Comparison(question, section, model, said, differences, ratio, wanted, section, f"{model} − {said}")


@lru_cache(maxsize=256)
def _wanted(results: Results, section: Section) -> "pd.Series[int]":
    return results.of(results.cells, section).set_index("model")["wanted"]


def _sizes(results: Results, main: Section) -> Iterator[Comparison]:
    """Models of the main recipe at another image size: the larger less the smaller."""
    for other in results.sections_of(main.dataset):
        if other.scheme == main.scheme and _differing(results, main, other) == {"image_size"}:
            small, large = sorted((main, other), key=lambda s: int(results.recipe(s)["image_size"]))
            both = set(results.models(small)) & set(results.models(large))
            for model in (m for m in results.models(large) if m in both):
                found = compared(results, questions.SIZE, (large, model), (small, model))
                if found:
                    yield found


def _differing(results: Results, one: Section, other: Section) -> set[str]:
    """In what two recipes differ. What only one of them knows is a field of a later version, at its default."""
    own, theirs = results.recipe(one), results.recipe(other)
    return {key for key in own.keys() & theirs.keys() if own[key] != theirs[key]}


def _segmented(results: Results, main: Section) -> Iterator[Comparison]:
    """Models on images that were cut out of those of another dataset, against themselves on these, split by split,
    where both were trained by the same recipe: a card may ask for another learning rate.
    """
    source = results.dataset_card(main.scheme).get("splits_from")
    if source not in results.datasets:
        return
    sections = [s for s in results.sections_of(source) if not _differing(results, main, s)]
    usable = [(section, set(results.models(section))) for section in sections if _same_splits(results, main, section)]
    for model in results.models(main):
        for section, models in usable:
            found = compared(results, questions.SEGMENTED, (main, model), (section, model)) if model in models else None
            if found:
                yield found
                break


def _imbalance(results: Results, main: Section) -> Iterator[Comparison]:
    """Recall of the rarest class less that of the commonest, for each model, where that has twice as many images."""
    card = results.dataset_card(main.scheme)
    counts = {name: card["at_hand"][name] for name in card["classes"]}
    rare, common = (pick(counts, key=lambda name: counts[name]) for pick in (min, max))
    if counts[common] < 2 * counts[rare]:
        return
    scores = results.of(results.scores, main)
    test = scores[scores["subset"] == "test"]
    places, wanted = [card["classes"].index(name) for name in (rare, common)], _wanted(results, main)
    for model in results.models(main):
        rows = test[test["model"] == model]
        recalls = pd.DataFrame(rows["recall"].tolist()).iloc[:, places].dropna()
        differences = tuple((recalls.iloc[:, 0] - recalls.iloc[:, 1]).tolist())
        if differences:
            what = f"{model}: recall of {rare} − {common}"
            ratio, most = test_train_ratio(rows), int(wanted[model])
            yield Comparison(questions.IMBALANCE, main, model, common, differences, ratio, most, main, what)


def _same_splits(results: Results, one: Section, other: Section) -> bool:
    """Whether each test fold of the one holds images of the same fold of the other alone, by their names."""
    sql = """
        select distinct repeat, fold, regexp_replace(image_id, '[.][^.]*$', '') as image
        from predictions semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id)
        where recipe = $recipe and subset = 'test'
    """
    ours, theirs = (results.frame(sql, scheme=section.scheme, recipe=section.recipe) for section in (one, other))
    splits = ours[["repeat", "fold"]].drop_duplicates().merge(theirs[["repeat", "fold"]].drop_duplicates())
    ours = ours.merge(splits)
    return len(ours) > 0 and len(ours.merge(theirs)) == len(ours)
