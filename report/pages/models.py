"""The page of models: what each one is, how it does everywhere, and what it costs."""

import pandas as pd

from report import charts, estimates, show
from report.data import results, slug
from report.sections import unfinished
from report.show import Markup


def table() -> None:
    """Print what of each model is frozen and what is trained."""
    found = results()
    rows = []
    for model in found.models():
        card = found.model_card(model)
        rows.append([show.code(model), card["weights"], card["frozen"], card["trained"]])
    show.table(["model", "weights", "frozen", "trained"], rows)


def scores() -> None:
    """Print a chart for each image size: a dot for each model and dataset. Only what is alike is compared."""
    found = results()
    for recipe in dict.fromkeys(section.recipe for section in found.sections):
        sections = [s for s in found.sections if s.recipe == recipe]
        means = pd.concat([estimates.fold_means(found, s).assign(dataset=s.dataset) for s in sections])
        models = [m for m in found.models() if m in set(means["model"])]
        names = unfinished.labels(found, sections)
        show.chart(
            charts.by_model(names.on(means), names.of(models), names.styles),
            f"models-{slug(recipe)}",
            Markup(
                "Mean balanced accuracy on the test folds at {}: a dot for each dataset with its 95 % interval, a grey "
                "bar at the mean of those models that were run on all of them."
            ).format(recipe),
            f"Scores of {len(models)} models on {len(sections)} datasets",
        )


def costs() -> None:
    """Print the weights and seconds of each model's trials."""
    found = results()
    frame = found.frame(
        """
        select model, recipe, max(parameters_trained) as trained, max(parameters_frozen) as frozen,
            median(seconds) as seconds, string_agg(distinct device, '; ') as device
        from trials semi join chosen_trials using (trial_id)
        where list_contains($recipes, recipe) group by model, recipe
        """,
        recipes=list({section.recipe for section in found.sections}),
    ).set_index("model")
    rows = [
        [show.code(model), row.recipe, f"{row.trained:,}", f"{row.frozen:,}", f"{row.seconds:.1f} s", row.device]
        for model in found.models()
        for row in frame.loc[[model]].sort_values("recipe").itertuples()
    ]
    show.table(["model", "recipe", "weights trained", "frozen", "a trial (median)", "on"], rows)
    show.write(
        Markup(
            "Frozen layers run once for all trials of a cell; a trial's seconds hold its share of that, where its run "
            "had to compute them."
        )
    )
