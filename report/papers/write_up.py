"""A manuscript's paragraphs on a dataset, written from the store: methods, results, a table, leakage, two checklists.

Every sentence is a template of this file, which holds no figure, filled with what the store tells; verdicts come from
`answers` alone, which makes them of the site's own. A sentence for which the store has nothing is left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString

from report import data, estimates
from report.papers import checklists
from report.papers.model_card import ended
from report.papers.told import Told, low_classes
from report.statement import plain

CONFIDENCE = "95 %"
"""The one figure that a template may hold: that of all intervals here."""


class WriteUpError(ValueError):
    """A template states a figure, which the store alone may."""


@dataclass(frozen=True)
class Crossing:
    """Whether anything stands on both sides of a split, looked up in the store: groups and exact copies that do, of how
    many groups, in how many repeats.
    """

    groups: int
    copies: int
    of: int
    repeats: int


def say(template: LiteralString, **values: object) -> str:
    """A sentence: figures and words from the store in a template that holds no figure itself; words as plain text.

    Raises:
        WriteUpError: the template holds a figure.
    """
    bare = re.sub(r"\{[^}]*\}", "", template).replace(CONFIDENCE, "")
    if re.search(r"\d", bare):
        raise WriteUpError(f"{template!r} states a figure itself; fill it in from the store")
    return template.format(**{k: plain(v) if isinstance(v, str) else v for k, v in values.items()})


def crossing(results: data.Results, of: Told) -> Crossing:
    """What of a model's images stands on both sides of a split, as its predictions tell."""
    row = results.frame(
        """
        with own as (
            select t.trial_id, t.dataset, t.dataset_hash from trials t join chosen_trials c using (trial_id)
            where t.dataset = $dataset and t.model = $model and t.recipe = $recipe and c.scheme = $scheme
        ), stands as (
            select distinct p.repeat, i.image_group, i.sha256, if(p.subset = 'holdout', -1, p.fold) as place
            from predictions p join own o using (trial_id)
            join images i on i.dataset = o.dataset and i.dataset_hash = o.dataset_hash and i.image_id = p.image_id
        ), groups as (select repeat, image_group, count(distinct place) as places from stands group by all),
        copies as (select repeat, sha256, count(distinct place) as places from stands group by all)
        select (select count(distinct image_group) from groups where places > 1) as groups,
            (select count(distinct sha256) from copies where places > 1) as copies,
            (select count(distinct image_group) from groups) as every,
            (select count(distinct repeat) from groups) as repeats
        """,
        dataset=of.section.dataset,
        model=of.model,
        recipe=of.section.recipe,
        scheme=of.section.scheme,
    ).iloc[0]
    return Crossing(int(row["groups"]), int(row["copies"]), int(row["every"]), int(row["repeats"]))


def sentences(of: Told, crossed: Crossing) -> dict[str, str]:
    """Every sentence that the store supports, by what it is about."""
    recipe, protocol = of.recipe, of.protocol
    counts = ", ".join(f"{number} {name}" for name, number in of.card["at_hand"].items())
    made = {
        "images": say(
            "The dataset has {images} images in {classes} classes ({counts}), {held} of them in the holdout.",
            images=of.images,
            classes=len(of.card["classes"]),
            counts=counts,
            held=of.held,
        ),
        "preprocessing": say(
            "Images were resized to {size} × {size} pixels, whatever their shape, and normalised with the mean and "
            "deviation of the images outside the holdout{steps}.",
            size=recipe["image_size"],
            steps=f", after {', '.join(recipe['preprocessing'])}" if recipe.get("preprocessing") else "",
        ),
        "partitions": say(
            "A holdout of {held} images was set aside once; the others went through {folds}-fold cross-validation, "
            "with folds drawn anew in each of {repeats} repeats.",
            held=of.held,
            folds=protocol["folds"],
            repeats=protocol["repeats"],
        ),
        "model": say(
            "The model is {model} ({family}): frozen is {frozen}; trained is {trained}.",
            model=of.model,
            family=of.model_card["family"],
            frozen=of.model_card["frozen"],
            trained=of.model_card["trained"],
        ),
        "weights": say("Its first weights are: {weights}.", weights=of.model_card["weights"]),
        "training": _training(of),
        "selection": say(
            "All trials are counted, and no epoch or trial was selected; the model was chosen among {models} by its "
            "mean over the test folds, which is therefore rather too high.",
            models=of.complete,
        )
        if of.answer.use == of.model and of.complete > 1
        else say("All trials are counted; no epoch or trial was selected."),
        "ensemble": say("An image's class is that of most of the {trials} trials.", trials=of.trials),
        "output": say("The output is a probability for each of {classes} classes.", classes=len(of.card["classes"])),
        "predictors": say("The pixels of an image are the only predictors."),
        "imbalance": say("Each class is drawn alike in training, and weighs alike in the score."),
        "metrics": say("The score is balanced accuracy: recall averaged over the classes."),
        "uncertainty": say(
            "Every interval is one of 95 %: of means over test folds by the corrected resampled t (Nadeau and Bengio), "
            "which knows that training sets overlap; of votes over the images, or over their groups. Differences "
            "between models carry p-values adjusted by Holm's method."
        ),
        "internal": say("All images come from one dataset; every figure here is of internal data."),
        "performance": _performance(of),
        "failures": say(
            "Out of fold, {low} was recognised least often ({low_recall}) and {high} most often ({high_recall}).",
            **_extremes(of),
        ),
        "protocol": say(
            "The protocol is that of the benchmark, version {version}, with the seed {seed}.",
            version=protocol.get("version", "not recorded"),
            seed=protocol["seed"],
        ),
        "software": say(
            "Trained with {versions} on {devices}.",
            versions="; ".join(sorted({", ".join(f"{k} {v}" for k, v in each.items()) for each in of.versions})),
            devices=", ".join(of.devices),
        ),
        "limits": " ".join(_limits(of)),
        "disjoint": leakage(of, crossed)[0],
    }
    if of.card.get("source"):
        made["source"] = ended(say("The images come from: {source}", source=of.card["source"]))
    if len(of.others) > 1:
        made["comparison"] = " ".join(plain(sentence) for sentence in of.answer.sentences[:2])
    return made


def leakage(of: Told, crossed: Crossing) -> list[str]:
    """What could have leaked, and what the store shows of it; the first sentence is on groups."""
    if crossed.groups or crossed.copies:
        first = say(
            "Images that belong together stand on both sides of a split: {groups} groups and {copies} exact copies do, "
            "so that the scores are too high.",
            groups=crossed.groups,
            copies=crossed.copies,
        )
    elif of.groups < of.images:
        first = say(
            "Images of one group ({groups} groups, which hold exact copies too) stand on one side of every split: "
            "looked up in the predictions of {repeats}.",
            groups=crossed.of,
            repeats=estimates.counted(crossed.repeats, "repeat"),
        )
    else:
        first = say(
            "No groups of images are known; exact copies stand on one side of every split, looked up in the "
            "predictions of {repeats}. Whether several images are of one patient, slide or culture is yours to say.",
            repeats=estimates.counted(crossed.repeats, "repeat"),
        )
    rest = [
        say("Normalisation was taken outside the holdout, and features of frozen layers need no labels."),
        say("No choice was made on the holdout."),
    ]
    found = [ended(plain(sentence)) for sentence in of.card.get("found", [])]
    return [first, *rest, *found]


def markdown(of: Told, crossed: Crossing) -> str:
    """The whole as Markdown."""
    said = sentences(of, crossed)
    methods = ("images", "source", "preprocessing", "partitions", "model", "weights", "training", "ensemble")
    scoring = ("imbalance", "metrics", "uncertainty", "selection", "software")
    results = ("performance", "comparison", "failures")
    parts = [
        say("# Write-up: {dataset}", dataset=of.section.dataset),
        say(
            "Written from a results store; its newest trial of this model is of {day}. What the store does not know is "
            "marked as *{yours}*.",
            day=of.trained[1],
            yours=checklists.YOURS,
        ),
        "## Methods",
        _paragraph(said, methods),
        _paragraph(said, scoring),
        "## Results",
        _paragraph(said, results),
        "## Table",
        _table(of),
        "## Leakage",
        " ".join(leakage(of, crossed)),
        "## CLAIM",
        checklists.table(checklists.CLAIM, said),
        "## TRIPOD+AI",
        checklists.table(checklists.TRIPOD, said),
        "## References",
        _references(of),
    ]
    return "\n\n".join(parts) + "\n"


def _paragraph(said: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return " ".join(said[key] for key in keys if key in said)


def _training(of: Told) -> str:
    recipe = of.recipe
    if of.model_card["family"] == "Floor" or of.model.endswith("-probe"):
        return say("It is a class-balanced logistic regression, fitted in each of {trials} trials.", trials=of.trials)
    return say(
        "Each of {trials} trials trained for {epochs} epochs with Adam, a learning rate of {rate}, batches of {batch}, "
        "and augmentation by {augmentation}; the loss is the cross-entropy.",
        trials=of.trials,
        epochs=recipe["epochs"],
        rate=f"{recipe['learning_rate']:g}",
        batch=recipe["batch_size"],
        augmentation=recipe["augmentation"],
    )


def _performance(of: Told) -> str:
    parts = [
        say(
            "The balanced accuracy of {model} is {score} over {trials}.",
            model=of.model,
            score=of.test.text(),
            trials=estimates.counted(of.trials, "test fold"),
        )
    ]
    if of.vote:
        parts.append(say("The vote of all trials on the holdout reaches {score}.", score=of.vote.text()))
    if of.out_of_fold:
        parts.append(say("The vote of the repeats, out of fold, reaches {score}.", score=of.out_of_fold.text()))
    return " ".join(parts)


def _extremes(of: Told) -> dict[str, str]:
    ordered = sorted(of.recalls, key=lambda recall: recall.score.value)
    least, most = ordered[0], ordered[-1]
    return {
        "low": least.label,
        "low_recall": least.score.text(),
        "high": most.label,
        "high_recall": most.score.text(),
    }


def _limits(of: Told) -> list[str]:
    said = [say("Nothing here says how the model does on images of another source.")]
    if scarce := low_classes(of):
        said.append(say("The holdout has few images of {classes}.", classes=", ".join(scarce)))
    return said


def _table(of: Told) -> str:
    rows = [
        f"| {plain(model)} | {plain(score.text())} | {trials} |" + (" chosen |" if model == of.model else " |")
        for model, score, trials in of.others
    ]
    head = ["| model | balanced accuracy, test folds [95 %] | trials | |", "|:------|:-----------|---:|:--|"]
    return "\n".join([*head, *rows])


def _references(of: Told) -> str:
    cited = [
        "Nadeau C, Bengio Y. Inference for the generalization error. Machine Learning 2003.",
        "Tejani AS et al. Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 update. Radiology: "
        "Artificial Intelligence 2024.",
        "Collins GS et al. TRIPOD+AI statement. BMJ 2024.",
    ]
    own = of.card.get("citation")
    return "\n".join(f"- {ended(each)}" for each in [*([plain(own)] if own else []), *cited])
