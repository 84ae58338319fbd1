"""Parts of a dataset's page: the trials on the holdout and on the test folds, and how each of them went."""

from collections.abc import Sequence

import pandas as pd

from report import charts, estimates, queries, show, statistics
from report.data import Results, Section
from report.devices import named
from report.estimates import counted
from report.show import Html, Markup
from report.transfer import chance


def ordered(found: Results, section: Section) -> list[str]:
    """A section's models, the highest mean on the test folds first."""
    means = estimates.fold_means(found, section)
    return [str(m) for m in means.sort_values("balanced_accuracy", ascending=False, kind="stable")["model"]]


def holdout(found: Results, section: Section) -> None:
    """Print the holdout's box plot, as in the study's article, with the votes."""
    scores = found.of(found.scores, section)
    own = scores[scores["subset"] == "holdout"]
    votes, beside = (estimates.votes(found, section, subset) for subset in ("holdout", "test"))
    few = _too_few(votes)
    models, held = ordered(found, section), int(own["holdout_images"].max())
    show.heading(2, Markup("On the holdout"), "holdout")
    show.chart(
        charts.boxes(_trials(found, section, own, votes, "vote of all trials"), models, _styles(found, models)),
        f"holdout-{section.slug}",
        Markup(
            "Performance of various models on the holdout dataset, {}, as in the study's article. Upper lane: a dot a "
            "trial{}, in a box. All trials are scored on the same images, so the box shows the luck of training and "
            "says nothing of other images. Lower lane: the vote of the trials{}."
        ).format(
            counted(held, "image"),
            _each(found, section),
            Markup("; the holdout has {} and so no interval").format(few)
            if few
            else ", with its 95 % interval over images",
        ),
        f"Holdout scores of {len(models)} models as boxes, with their votes",
        title=Html("The same {} for every trial: how much is luck, and what the vote makes of it").format(
            counted(held, "held-out image")
        ),
        sql=queries.scores(section, "holdout"),
    )
    if few:
        _beside(found, section, beside, models)


def _too_few(votes: pd.DataFrame) -> str:
    """Which class has too few images in the holdout for any interval, copies and groups counted once; else empty."""
    few = votes[votes["fewest_units"] < statistics.FEWEST_UNITS].sort_values("fewest_units")
    if few.empty:
        return ""
    number = counted(int(few.iloc[0]["fewest_units"]), "independent image")
    return f"{number} of {few.iloc[0]['scarcest']}"


def _beside(found: Results, section: Section, votes: pd.DataFrame, models: Sequence[str]) -> None:
    """Print the votes out of fold, over all other images, where those on the holdout have no interval."""
    show.folded(Html("What the vote is worth on all other images, with its interval"))
    show.chart(
        charts.means(votes, models, _styles(found, models), chance(found, section)),
        f"votes-{section.slug}",
        Markup(
            "The vote over the repeats on all other images, each asked out of fold, with the 95 % interval over images "
            "or their groups."
        ),
        f"Votes out of fold of {len(models)} models",
        title=Html("What the vote is worth on all other images"),
        by=estimates.votes,
    )
    show.unfolded()


def folds(found: Results, section: Section) -> None:
    """Print the test folds' box plot, and right below it what may be said of the differences."""
    scores = found.of(found.scores, section)
    own = scores[scores["subset"] == "test"]
    means = estimates.fold_means(found, section)
    models = ordered(found, section)
    show.heading(2, Markup("On the test folds"), "folds")
    show.chart(
        charts.boxes(_trials(found, section, own, means, "mean of the folds"), models, _styles(found, models)),
        f"folds-{section.slug}",
        Markup(
            "Each trial{} on the fold that it did not train on; below, their mean, with the 95 % interval that knows "
            "that training sets overlap. Click a dot to see the trial and the images that it got wrong."
        ).format(_each(found, section)),
        f"Test fold scores of {len(models)} models as boxes, with their means",
        title=Html("{} models on images that they had not seen").format(len(models)),
        sql=queries.scores(section, "test"),
    )


def _trials(found: Results, section: Section, own: pd.DataFrame, points: pd.DataFrame, what: str) -> charts.Trials:
    cells = found.of(found.cells, section).set_index("model")["wanted"].to_dict()
    wanted = {str(model): int(count) for model, count in cells.items()}
    return charts.Trials(own, points, what, wanted, chance(found, section), f"trial={section.slug}")


def _each(found: Results, section: Section) -> Markup:
    """How many trials a model has, where all have as many; else each row says it."""
    cells = found.of(found.cells, section)
    counts = {*cells["done"], *cells["wanted"]}
    return Markup(", {} a model").format(int(counts.pop())) if len(counts) == 1 else Markup("")


def _styles(found: Results, models: Sequence[str]) -> charts.Styles:
    return {model: found.style(model) for model in models}


def _devices(found: Results, section: Section) -> None:
    """What the trials were trained on, cell by cell; a cell of several arithmetics is named as such."""
    cells = found.of(found.cells, section)
    kinds: dict[str, list[str]] = {}
    for row in cells.sort_values("model").to_dict("records"):
        kinds.setdefault(named(row["devices"]), []).append(str(row["model"]))
    said = [Markup("{}: {}").format(kind, Markup(", ").join(map(show.code, names))) for kind, names in kinds.items()]
    words = Markup("**Trained on.** {}.").format(Markup("; ").join(said))
    if any(len(row) > 1 for row in cells["devices"]):
        words = words + Markup(
            " Trials of a *mixed* cell were computed in more than one arithmetic; "
            "[Methods](/methods.qmd#arithmetic) says what that is worth."
        )
    show.write(Markup("::: {.note}"), words, Markup(":::"))


def every(found: Results, section: Section) -> None:
    """Print how the trainings went, and the place where a trial or an image is shown."""
    show.heading(2, Markup("Every trial, every image"), "trials")
    show.write(
        Markup(
            "Click a dot above, or choose here: a trial shows its split, its seconds and its wrong images, an image "
            "what every model said of it. Each has an address of its own, to send on."
        )
    )
    show.raw(
        Html(
            '<div class="explorer" data-dataset="{}" data-section="{}"><p class="needs-script">This part needs '
            "JavaScript. It works without a server too.</p></div>"
        ).format(section.dataset, section.slug)
    )
    curves = found.frame(
        "select model, epoch, avg(accuracy) as accuracy, avg(loss) as loss from curves "
        "semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id) "
        "where dataset = $dataset and recipe = $recipe and accuracy is not null "
        "group by model, epoch order by model, epoch",
        dataset=section.dataset,
        scheme=section.scheme,
        recipe=section.recipe,
    )
    models = [model for model in ordered(found, section) if (curves["model"] == model).sum() > 1]
    show.folded(Html("How the training went, and on what"))
    _devices(found, section)
    if not models:
        show.unfolded()
        return
    show.chart(
        charts.learning(curves[curves["model"].isin(models)], models, _styles(found, models), chance(found, section)),
        f"learning-{section.slug}",
        Markup(
            "Accuracy on the training images, which are drawn so that each class counts alike; the mean over a cell's "
            "trials. Probes and floors have no epochs."
        ),
        "Learning curves",
        title=Html("How the training went"),
        sql=queries.curves(section),
    )
    show.unfolded()
