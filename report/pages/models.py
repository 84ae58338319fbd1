"""The page of models: what each one is, how it does everywhere, and what it costs."""

import pandas as pd

from report import charts, estimates, recipes, show, transfer
from report.data import Results, results
from report.devices import named
from report.show import Html, Markup


def table() -> None:
    """Print what of each model is frozen and what is trained."""
    found = results()
    rows = []
    for model in found.models():
        card = found.model_card(model)
        rows.append([show.code(model), card["weights"], card["frozen"], card["trained"]])
    show.folded(Html("The same in words: weights, what is frozen, what is trained"))
    show.table(["model", "weights", "frozen", "trained"], rows)
    show.unfolded()


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
    bars = Markup("")
    if (counts == counts.max()).sum() > 1:
        bars = Markup(
            " A grey bar stands at the mean of those models that were run on all of them; others cannot be compared by "
            "their means."
        )
    show.chart(
        charts.by_model(means, models, {m: found.style(m) for m in models}),
        "models",
        Markup(
            "A dot a dataset: the mean on the test folds, on the way from guessing (0) to perfect (100 %), at the "
            "dataset's main recipe.{}"
        ).format(bars),
        f"Scores of {len(models)} models on {len(found.datasets)} datasets",
        title=Html("{} models on {} datasets").format(len(models), len(found.datasets)),
        by=estimates.fold_means,
    )


SHOWN = 3
"""So many devices have their table at once; those on which fewer trials ran are a click away."""


def costs() -> None:
    """Print the weights of each model and the seconds of its trials, a table for each device that they ran on."""
    found = results()
    sizes = {section.recipe: int(found.recipe(section).get("image_size", 0)) for section in found.sections}
    frame = found.frame(
        "select model, recipe, device, parameters_trained as trained, parameters_frozen as frozen, seconds "
        "from trials semi join chosen_trials using (trial_id) where list_contains($recipes, recipe)",
        recipes=list(sizes),
    )
    frame = frame.assign(size=frame["recipe"].map(sizes))
    show.write(
        Markup(
            "Seconds of the median trial, with whatever else ran on the device then: a GPU may have been shared by "
            "several runs. So compare them within a table, and not from device to device; larger datasets take longer "
            "too. Frozen layers run once for all trials of a cell; a trial's seconds hold its share of that, where its "
            "run had to compute them."
        )
    )
    devices = frame["device"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    for place, (device, trials) in enumerate(devices.items()):
        line = Html("A trial on {}: {}").format(named([str(device)]), estimates.counted(int(trials), "trial"))
        if place < SHOWN:
            show.write(Markup("**A trial on {}**").format(named([str(device)])))
        else:
            show.folded(line)
        _on(found, frame[frame["device"] == device])
        if place >= SHOWN:
            show.unfolded()


def _on(found: Results, frame: pd.DataFrame) -> None:
    """Print what each model's trials took on one device."""
    columns = sorted(frame["size"].unique())
    rows: list[list[object]] = []
    for model in (m for m in found.models() if m in set(frame["model"])):
        own = frame[frame["model"] == model]
        seconds = own.groupby("size")["seconds"].median()
        weights = [f"{own[key].max():,.0f}" for key in ("trained", "frozen")]
        times = [f"{seconds[size]:.1f} s" if size in seconds.index else "–" for size in columns]
        rows.append([show.code(model), *times, *weights])
    show.table(["model", *(f"at {size} px" for size in columns), "weights trained", "frozen"], rows)
