"""Which of a dataset's recipes its page is about, and what another one does otherwise, in words."""

from functools import lru_cache

from report.data import Results, Section

WORDS = {
    "image_size": "{} px instead of {}",
    "epochs": "{} epochs instead of {}",
    "batch_size": "batches of {} instead of {}",
    "learning_rate": "learning rate {} instead of {}",
    "augmentation": "augmentation {} instead of {}",
    "train_fraction": "a share of {} of the training images instead of {}",
}
NEARLY = 0.8
"""The share of the most models that a recipe was run with, from which on it may lead."""


def main(results: Results, dataset: str) -> Section:
    """The recipe that a dataset's page and its claims rest on: of nearly all models, and of most that builds on it."""
    return ordered(results, dataset)[0]


def others(results: Results, dataset: str) -> list[Section]:
    """A dataset's other recipes, those with the smallest images first."""
    return sorted(ordered(results, dataset)[1:], key=lambda s: (_size(results, s), s.recipe, s.also))


def ordered(results: Results, dataset: str) -> list[Section]:
    """A dataset's recipes, the one that most was run with first.

    Of recipes of nearly as many models that one leads with which most others share all but preprocessing or the share
    of images, so that one model more does not part a page from what was asked about it; then models, trials, and the
    smaller images.
    """
    return list(_ordered(results, dataset))


@lru_cache(maxsize=1024)
def _ordered(results: Results, dataset: str) -> tuple[Section, ...]:
    sections = results.sections_of(dataset)
    cells = {section: results.of(results.cells, section) for section in sections}
    most = max(map(len, cells.values()), default=0)

    def key(section: Section) -> tuple[bool, int, int, int, int, str]:
        own = cells[section]
        nearly_all = len(own) >= NEARLY * most
        asked = len(results.variants(section)) if nearly_all else 0
        return not nearly_all, -asked, -len(own), -int(own["done"].sum()), _size(results, section), section.slug

    return tuple(sorted(sections, key=key))


def unlike(results: Results, section: Section, reference: Section) -> str:
    """What a section does otherwise than another: `224 px instead of 96`."""
    ours, theirs = results.recipe(section), results.recipe(reference)
    said = []
    for field in sorted((ours.keys() & theirs.keys()) - {"preprocessing_version"}, key=_place):
        if ours[field] != theirs[field]:
            words = WORDS.get(field, f"{field.replace('_', ' ')} {{}} instead of {{}}")
            said.append(words.format(_value(ours[field]), _value(theirs[field])))
    if section.scheme != reference.scheme:
        said.append("images split otherwise")
    return ", ".join(said)


def _place(field: str) -> tuple[int, str]:
    return list(WORDS).index(field) if field in WORDS else len(WORDS), field


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _size(results: Results, section: Section) -> int:
    return int(results.recipe(section).get("image_size", 0))
