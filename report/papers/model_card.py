"""A model card (Mitchell et al. 2019, arXiv:1810.03993), filled from the store; it says what the store does not know.

It goes with an exported model, as Markdown for people and as JSON for programs.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from report.papers.told import Told, low_classes
from report.statement import plain

UNKNOWN = "not stated in the dataset's card"


def as_dict(of: Told, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The card as plain values; `facts` are what the exported file says of itself."""
    return {
        "model": dict(of.model_card) | {"name": of.model},
        "file": dict(facts),
        "data": {
            "dataset": of.section.dataset,
            "title": of.card["title"],
            "task": of.card.get("task", ""),
            "images": of.card["at_hand"],
            "groups": of.groups,
            "holdout": of.held,
            "source": of.card.get("source", ""),
            "licence": of.card.get("licence", ""),
            "citation": of.card.get("citation", ""),
            "found": list(of.card.get("found", [])),
        },
        "training": {
            "recipe": of.recipe,
            "protocol": of.protocol,
            "trials": of.trials,
            "devices": list(of.devices),
            "versions": list(of.versions),
            "from": of.trained[0],
            "to": of.trained[1],
        },
        "balanced_accuracy": {
            "test_folds": of.test.as_dict(),
            "vote_holdout": of.vote.as_dict() if of.vote else None,
            "vote_out_of_fold": of.out_of_fold.as_dict() if of.out_of_fold else None,
        },
        "recall_out_of_fold": {r.label: r.score.as_dict() | {"images": r.images} for r in of.recalls},
        "calibration": {
            "log_loss": of.log_loss,
            "brier": of.brier,
            "error": of.calibration.error if of.calibration else None,
            "error_if_true": of.calibration.calibrated if of.calibration else None,
        },
    }


def markdown(of: Told, facts: Mapping[str, Any], trust: str, name: str) -> str:
    """The card as Markdown.

    Args:
        of: what the store tells.
        facts: what the exported file says of itself.
        trust: what answers are trusted, and how that fared, in a sentence.
        name: what the file is called.
    """
    card, recipe = of.card, of.recipe
    counts = ", ".join(f"{number} {plain(label)}" for label, number in card["at_hand"].items())
    grouped = f" in {of.groups} groups" if of.groups < of.images else ""
    parts = [
        f"# {plain(of.section.dataset)}: {plain(of.model)}",
        f"{ended(plain(card['title']))} {plain(card.get('task', ''))}",
        "## Use",
        f"`{plain(name)}` takes images as `(n, {recipe['image_size']}, {recipe['image_size']}, 3)` bytes of RGB, and "
        "gives the class, how sure that is, whether to trust it, the probability of each class, and the share of the "
        f"{of.trials} trials that say it. How a file becomes these bytes stands in the file's metadata:",
        f"- Decoding: {plain(facts['decoding'])}; values of more than 8 bits: {plain(facts['values_beyond_8_bits'])}.",
        f"- Resizing: {plain(facts['resizing'])}.",
        f"- Classes, in this order: {', '.join(map(plain, facts['classes']))}.",
        "**Meant for** sorting further images of the kind that it was trained on, taken in the same way, where a person"
        " looks at what it is not sure of. **Not meant for** diagnosis, nor for images of another instrument, stain, "
        "species or preparation, of which nothing here says how it fares.",
        "## Data",
        f"- {of.images} images{grouped}: {counts}. {of.held} of them are the holdout.",
        *(f"- {title}: {ended(plain(card.get(key)) or UNKNOWN)}" for title, key in _SOURCES),
        *(f"- {plain(sentence)}" for sentence in card.get("found", [])),
        "## Training",
        f"- {plain(of.model_card['family'])}; frozen: {plain(of.model_card['frozen'])}; trained: "
        f"{plain(of.model_card['trained'])}; first weights: {plain(of.model_card['weights'])}.",
        f"- {recipe['epochs']} epochs, batches of {recipe['batch_size']}, learning rate {recipe['learning_rate']:g}, "
        f"{recipe['image_size']} px; {of.protocol['folds']} folds, {of.protocol['repeats']} times.",
        f"- Trained from {of.trained[0]} to {of.trained[1]} on {', '.join(map(plain, of.devices))}; "
        f"{'; '.join(_versions(each) for each in of.versions)}.",
        "## Scores",
        "Balanced accuracy, with 95 % intervals:",
        f"- test folds, mean of {of.trials} trials: {of.test.text()}"
        + (", the highest of several models and so rather too high" if _selected(of) else ""),
        *([f"- vote of all trials on the holdout: {of.vote.text()}"] if of.vote else []),
        *([f"- vote of the repeats, out of fold: {of.out_of_fold.text()}"] if of.out_of_fold else []),
        "| class | answered rightly, out of fold | images |\n|---|---|---|\n"
        + "\n".join(f"| {plain(r.label)} | {r.score.text()} | {r.images} |" for r in of.recalls),
        "## Certainty",
        f"- Log loss {of.log_loss:.3f}, Brier score {of.brier:.3f} on the test folds, single trials, uncalibrated.",
        *_calibrated(of),
        f"- The probabilities in the file are at the temperature {facts['rule']['temperature']:.3g}, learned out of "
        "fold.",
        f"- {plain(trust)}",
        "## Limits",
        *_limits(of),
        "## Citation",
        plain(card.get("citation")) or f"The dataset's citation is {UNKNOWN}.",
    ]
    lines = [part for part in parts if part.strip(". ")]
    # What follows an item of a list is the next one, or stands apart.
    joined = [
        ("\n" if one.startswith("- ") and before.startswith("- ") else "\n\n") + one
        for before, one in pairwise(["", *lines])
    ]
    return "".join(joined).lstrip() + "\n"


_SOURCES = (("Source", "source"), ("Licence", "licence"))


def ended(sentence: str) -> str:
    """Words as a sentence, with one stop at the end."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _selected(of: Told) -> bool:
    return of.answer.use == of.model and of.complete > 1


def _versions(each: Mapping[str, str]) -> str:
    return ", ".join(f"{plain(name)} {plain(version)}" for name, version in each.items())


def _calibrated(of: Told) -> list[str]:
    found = of.calibration
    if found is None:
        return []
    return [
        f"- Expected calibration error {found.error:.3f}, where probabilities that are true would show "
        f"{found.calibrated:.3f} on so few images, and one in twenty more than {found.calibrated_high:.3f}."
    ]


def _limits(of: Told) -> list[str]:
    said = [
        "- Scores are of images like those of the dataset: the same source, the same holdout drawn from it.",
        "- The threshold was chosen on the images that its figure out of fold is of; those of the holdout are others.",
    ]
    if of.groups == of.images:
        said.append("- No groups are known: if images of one patient or slide are among them, the scores are too high.")
    if scarce := low_classes(of):
        said.append(f"- Few images in the holdout, too few to say how it varies: {', '.join(map(plain, scarce))}.")
    return said
