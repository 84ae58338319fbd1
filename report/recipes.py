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


def main(results: Results, dataset: str) -> Section:
    """The recipe that a dataset's page and its claims rest on: of most models, most trials, smallest images."""
    return ordered(results, dataset)[0]


def others(results: Results, dataset: str) -> list[Section]:
    """A dataset's other recipes, those with the smallest images first."""
    return sorted(ordered(results, dataset)[1:], key=lambda s: (_size(results, s), s.recipe, s.also))


def ordered(results: Results, dataset: str) -> list[Section]:
    """A dataset's recipes, the one that most was run with first."""
    return list(_ordered(results, dataset))


@lru_cache(maxsize=1024)
def _ordered(results: Results, dataset: str) -> tuple[Section, ...]:
    def key(section: Section) -> tuple[int, int, int, str]:
        cells = results.of(results.cells, section)
        return -len(cells), -int(cells["done"].sum()), _size(results, section), section.slug

    return tuple(sorted(results.sections_of(dataset), key=key))


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
