"""The page of methods: the parts of it that are read from the store."""

import json

from report import preprocessing, show
from report.data import results


def studies() -> None:
    """Print the studies that the site shows, with their protocols and recipes."""
    found = results()
    frame = found.frame(
        "select distinct study, arg_max(study_title, planned_at) as title, recipe, protocol_json, recipe_json, "
        "count(distinct dataset) as datasets, count(distinct model) as models "
        "from plans semi join chosen using (study, cell_id) group by study, recipe, protocol_json, recipe_json "
        "order by study, recipe"
    )
    rows = []
    for row in frame.to_dict("records"):
        protocol, recipe = json.loads(row["protocol_json"]), json.loads(row["recipe_json"])
        rows.append(
            [f"`{row['study']}`", f"{recipe['image_size']} px", f"{protocol['folds']} × {protocol['repeats']}",
             f"{protocol['holdout']:.0%}", recipe["epochs"], recipe["batch_size"], f"{recipe['learning_rate']:g}",
             preprocessing.named(recipe.get("preprocessing", [])), f"{recipe.get('train_fraction', 1):.0%}",
             row["datasets"], row["models"]]
        )  # fmt: skip
    show.table(
        ["study", "size", "folds × repeats", "holdout", "epochs", "batch", "learning rate", "preprocessing",
         "training images", "datasets", "models"], rows,
    )  # fmt: skip
    print(
        "All with Adam and the cross-entropy loss; what a dataset's card or the command line changes is a row of its "
        "own.\n"
    )
