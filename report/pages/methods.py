"""The page of methods: the parts of it that are read from the store."""

import json
from collections import defaultdict
from typing import Any

from report import show
from report.data import results
from report.devices import named
from report.estimates import counted
from report.sections import preprocessing
from report.show import Html, Markup

Row = tuple[Any, ...]


def studies() -> None:
    """Print the studies that the site shows, with their protocols and recipes."""
    found = results()
    frame = found.frame(
        "select study, protocol_json, recipe_json, list(distinct dataset) as datasets, list(distinct model) as models "
        "from plans semi join chosen using (study, cell_id) group by study, recipe, protocol_json, recipe_json "
        "order by study, recipe"
    )
    datasets, models = defaultdict[Row, set[str]](set), defaultdict[Row, set[str]](set)
    steps, shares = defaultdict[str, set[str]](set), defaultdict[str, set[float]](set)
    for each in frame.to_dict("records"):
        protocol, recipe = json.loads(each["protocol_json"]), json.loads(each["recipe_json"])
        row = (
            each["study"],
            recipe["image_size"],
            f"{protocol['folds']} × {protocol['repeats']}",
            f"{protocol['holdout'] * 100:.0f} %",
            recipe["epochs"],
            recipe["batch_size"],
            f"{recipe['learning_rate']:g}",
        )
        datasets[row] |= set(each["datasets"])
        models[row] |= set(each["models"])
        if recipe.get("preprocessing"):
            steps[row[0]].add(preprocessing.named(recipe["preprocessing"]))
        if recipe.get("train_fraction", 1) < 1:
            shares[row[0]].add(recipe["train_fraction"])
    names = list(dict.fromkeys(str(row[0]) for row in datasets))
    show.folded(Html("How each study is set: {}").format(", ".join(names)))
    show.table(
        ["study", "px", "folds × repeats", "holdout", "epochs", "batch", "learning rate", "datasets", "models"],
        [[show.code(row[0]), *row[1:], len(datasets[row]), len(models[row])] for row in datasets],
    )
    show.write(
        Markup(
            "All with Adam and the cross-entropy loss; what a dataset's card or the command line changes is a row of "
            "its own."
        )
    )
    for study, kinds in steps.items():
        every = Markup("; ").join(sorted(kinds))
        show.write(Markup("With preprocessing, in {}: {}.").format(show.code(study), every))
    for study, fractions in shares.items():
        every = show.listed([f"{f * 100:.0f} %" for f in sorted(fractions)])
        show.write(Markup("On a share of the training images, in {}: {}.").format(show.code(study), every))
    show.unfolded()


def arithmetic() -> None:
    """Print in which arithmetic the trials on this site were computed, and which cells have more than one."""
    found = results()
    frame = found.frame(
        "select device, count(*) as trials from trials semi join chosen_trials using (trial_id) "
        "group by device order by trials desc, device"
    )
    show.table(["computed on", "trials"], [[named([row["device"]]), row["trials"]] for row in frame.to_dict("records")])
    mixed = found.cells[found.cells["devices"].map(len) > 1]
    if len(mixed):
        names = [Markup("{} on {}").format(show.code(row["model"]), row["dataset"]) for row in mixed.to_dict("records")]
        words = Markup("**{}** is *mixed*, its") if len(mixed) == 1 else Markup("**{}** are *mixed*, their")
        words = words.format(counted(len(mixed), "cell"))
        show.write(Markup("{} trials computed in more than one arithmetic: {}.").format(words, show.listed(names)))
