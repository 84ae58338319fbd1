"""The page of models: what each one is, how it does everywhere, and what it costs."""

import pandas as pd

from report import charts, estimates, recipes, show, transfer
from report.data import results
from report.devices import named
from report.show import Html, Markup


def table() -> None:
    """Print what of each model is frozen and what is trained."""
    found = results()
    rows = []
    for model in found.models():
        card = found.model_card(model)
        rows.append([show.code(model), card["weights"], card["frozen"], card["trained"]])
    show.table(["model", "weights", "frozen", "trained"], rows)


PARTS: dict[str, tuple[str, str, str]] = {
    "circle": ("frozen", "frozen", "new"),
    "triangle-right": ("frozen", "frozen", "regression"),
    "triangle-up": ("frozen", "absent", "new"),
    "triangle-down": ("tuned", "tuned", "new"),
    "square": ("new", "new", "new"),
    "diamond": ("new", "absent", "new"),
    "cross": ("absent", "absent", "regression"),
    "plus": ("absent", "absent", "regression"),
}
"""Of each way of training: what happens to the lower half, the upper half and the head."""
WORDS = {
    "frozen": "frozen",
    "tuned": "tuned",
    "new": "from random weights",
    "regression": "regression",
    "absent": "",
}


def drawn() -> None:
    """Print what of each model is frozen and what is trained, as a picture."""
    found = results()
    rows = []
    for model in found.models():
        style = found.style(model)
        parts = PARTS[style.shape] if style.filled or style.shape != "circle" else ("new", "new", "new")
        boxes = Html("").join(Html('<span class="part {}">{}</span>').format(kind, WORDS[kind]) for kind in parts)
        row = Html('<div class="anatomy-row"><span class="row-label">{}<span class="name">{}</span></span>{}</div>')
        rows.append(row.format(charts.glyph(style), model, boxes))
    head = Html(
        '<div class="anatomy-row head"><span></span><span>lower layers</span><span>upper layers</span>'
        "<span>head</span></div>"
    )
    show.figure(
        Html('<div class="anatomy">{}{}</div>').format(head, Html("").join(rows)),
        "anatomy",
        Markup(
            "What of each model comes from a million photographs and stays (grey), what is trained from there (green), "
            "and what starts from random weights (hollow). A floor has no network: a regression on a few numbers."
        ),
    )


def scores() -> None:
    """Print a chart of all models on all datasets, each dataset at its main recipe."""
    found = results()
    frames = []
    for name in found.datasets:
        section = recipes.main(found, name)
        guessing = transfer.chance(found, section)
        own = estimates.fold_means(found, section).assign(dataset=name)
        frames.append(own.assign(way=[transfer.way(score, guessing) for score in own["balanced_accuracy"]]))
    if not frames:
        show.write(Markup("No model has been run yet."))
        return
    means = pd.concat(frames)
    counts = means.groupby("model")["dataset"].nunique()
    models = [m for m in found.models() if m in counts.index]
    show.chart(
        charts.by_model(means, models, {m: found.style(m) for m in models}),
        "models",
        Markup(
            "A dot a dataset: the mean on the test folds, on the way from guessing (0) to perfect (100 %), at the "
            "dataset's main recipe. A grey bar stands at the mean of those models that were run on all of them; others "
            "cannot be compared by their means."
        ),
        f"Scores of {len(models)} models on {len(found.datasets)} datasets",
        title=Html("{} models on {} datasets").format(len(models), len(found.datasets)),
        by=estimates.fold_means,
    )


def costs() -> None:
    """Print the weights and seconds of each model's trials."""
    found = results()
    frame = found.frame(
        """
        select model, recipe, max(parameters_trained) as trained, max(parameters_frozen) as frozen,
            median(seconds) as seconds, list(distinct device order by device) as devices
        from trials semi join chosen_trials using (trial_id)
        where list_contains($recipes, recipe) group by model, recipe
        """,
        recipes=list({section.recipe for section in found.sections}),
    ).set_index("model")
    rows = []
    for model in found.models():
        for row in frame.loc[[model]].sort_values("recipe").to_dict("records"):
            weights = [f"{row[key]:,}" for key in ("trained", "frozen")]
            rows.append([show.code(model), row["recipe"], *weights, f"{row['seconds']:.1f} s", named(row["devices"])])
    show.table(["model", "recipe", "weights trained", "frozen", "a trial (median)", "on"], rows)
    show.write(
        Markup(
            "Frozen layers run once for all trials of a cell; a trial's seconds hold its share of that, where its run "
            "had to compute them."
        )
    )
