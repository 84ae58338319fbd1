"""The text of a card: as `add` writes it, for people to go on writing."""

from collections.abc import Sequence
from pathlib import Path

from bench.datasets import Card, Guess
from bench.errors import BenchError
from bench.images import ranges

_SAID = {
    "subfolders": "   # what folders in class folders are: groups (patients, slides), or plain",
    "range": '   # values that become black and white: two numbers, "full" (all that the files can hold), or '
    '"percentiles" (of all images)',
    "missing": "   # lines of the table without a file are left out",
    "masks": "   # files that are named as masks are: leave-out, or keep",
}


def text(card: Card, guesses: Sequence[Guess], balance: str) -> str:
    """A new card, with rules for groups that were guessed and how the dataset splits as comments."""
    layout = {
        "images": card.images,
        "manifest": card.manifest,
        "missing": card.missing,
        "subfolders": card.subfolders,
        "masks": card.masks,
        "holdout": card.holdout,
    }
    lines = [
        f"title = {_toml(card.title)}",
        'task = ""        # one sentence: what is told apart, from what kind of image',
        f"classes = [{', '.join(map(_toml, card.classes))}]",
        f"counts = {{{', '.join(f'{_toml(k)} = {v}' for k, v in card.counts.items())}}}",
        'source = ""\ncitation = ""\nlicence = ""',
        'notes = []       # sentences for the dataset\'s page: ["One.", "Another."]',
        "show_images = false   # true: the site may show small copies of these images",
        *(f"{key} = {_toml(value)}{_SAID.get(key, '')}" for key, value in layout.items() if value),
        *([f"range = {ranges.text(card.range)}{_SAID['range']}"] if card.range is not None else []),
        *([f"columns = {{{', '.join(f'{k} = {_toml(v)}' for k, v in card.columns.items())}}}"] if card.columns else []),
        *([f"parts = [{', '.join(map(_toml, card.parts))}]   # folders of class folders"] if card.parts else []),
        "",
        "# Images of one group (a patient, a slide) stay on one side of every split.",
        f"# {balance}",
    ]
    if card.groups:
        lines.append(f"groups = {_rule(card.groups)}")
    elif guesses:
        lines.append("# File names tell of these groups; take the # from the rule that is right, if one is:")
        lines += [f"# groups = {_rule(g.rule)}   # {len(g.sizes)} groups, {g.example[1]!a} is one" for g in guesses]
    else:
        lines.append("# groups = '^(patient[0-9]+)'   # file names that share this are of one group")
    if card.same:
        lines += ["", same(card)]
        lines += ["same = [", *_sets(card.same), "]"]
    if card.left_out:
        lines += ["", "# Not used: files that cannot be read, and pictures that stand in several classes."]
        lines += ["left_out = [", *(f"    {_toml(image)}," for image in card.left_out), "]"]
    if card.found:
        lines += ["", "# What was found in the images; the dataset's page says it."]
        lines += ["found = [", *(f"    {_toml(sentence)}," for sentence in card.found), "]"]
    if card.told:
        lines += [
            "",
            "# What was found to be the same so far; none of it is put under `same` again. Leave this as it is.",
        ]
        lines += ["told = [", *_sets(card.told), "]"]
    return "\n".join(lines) + "\n"


def same(card: Card) -> str:
    """How many pictures a card keeps together, as a comment."""
    pictures, files = len(card.same), len({image for images in card.same for image in images})
    what = "1 picture" if pictures == 1 else f"{pictures} pictures"
    return (
        f"# {what} in {files} files, found by comparing all; each stays on one side. Strike out what is not the same."
    )


def write(path: Path, text: str) -> None:
    """Put a card into a data folder, whole or not at all.

    Raises:
        BenchError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror}); name another --data folder") from None


def _sets(sets: Sequence[Sequence[str]]) -> list[str]:
    return [f"    [{', '.join(map(_toml, images))}]," for images in sets]


def _rule(rule: str) -> str:
    return f"'{rule}'" if rule.isprintable() and "'" not in rule else _toml(rule)


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
