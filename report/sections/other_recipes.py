"""A part of a dataset's page: what other sizes, rates, steps and shares of the images change."""

from report import charts, estimates, findings, recipes, show
from report.comparisons import compared
from report.data import Results, Section
from report.estimates import counted, with_interval
from report.questions import Question
from report.sections import fewer_images, preprocessing, verdicts
from report.show import Html, Markup

QUESTION = Question("recipe", "Does another recipe do better?")


def show_section(found: Results, section: Section) -> None:
    """Print the part, if anything but the main recipe was run."""
    others = recipes.others(found, section.dataset)
    if not others and not found.variants(section) and not any(found.variants(s) for s in others):
        return
    show.heading(2, Markup("More images? Other recipes?"), "recipes")
    for each in (section, *others):
        fewer_images.show_section(found, each)
        preprocessing.show_section(found, each)
    for other in others:
        _other(found, section, other)


def _other(found: Results, section: Section, other: Section) -> None:
    """One other recipe: against the main one where the splits are the same, else its means alone."""
    words = recipes.unlike(found, other, section)
    summary, address = Html("<strong>At {}</strong>: {}{}"), f"sec-{other.slug}"
    otherwise = f"{words}; " if words else ""
    means = estimates.fold_means(found, other)
    models = means.sort_values("balanced_accuracy", ascending=False)["model"].tolist()
    styles = {model: found.style(model) for model in models}
    both = set(models) & set(found.models(section)) if other.scheme == section.scheme else set()
    asked = [compared(found, QUESTION, (other, model), (section, model)) for model in models if model in both]
    # What a recipe does not touch, as a learning rate does not touch a floor, is no comparison.
    rows = findings.judged(comparison for comparison in asked if comparison and any(comparison.differences))
    if rows:
        caption = Markup(
            "The same model on the same splits, {} less {}, with 95 % intervals; in the grey band a difference "
            "counts as none."
        ).format(other.title, section.title)
        title = Html("What {} changes, model by model").format(words or other.title)
        against = f"{counted(len(rows), 'model')} against {section.title}"
        show.folded(summary.format(other.title, otherwise, against), address)
        verdicts.forest(rows, f"recipe-{other.slug}", caption, title, lambda f: f.model)
        show.unfolded()
        return
    complete = set(found.complete(other))
    if len(models) == 1:
        row = means.to_dict("records")[0]
        open_ = Markup("") if models[0] in complete else Markup(", not all of its trials")
        show.folded(summary.format(other.title, otherwise, "one model"), address)
        show.write(Markup("One model was run here: {}, {}{}.").format(show.code(models[0]), with_interval(row), open_))
        show.unfolded()
        return
    show.folded(summary.format(other.title, otherwise, counted(len(models), "model")), address)
    chance = 1 / len(found.dataset_card(other.scheme)["classes"])
    show.chart(
        charts.means(means, models, styles, chance),
        f"recipe-{other.slug}",
        Markup("Mean balanced accuracy on the test folds with its 95 % interval, at {}.").format(other.title),
        f"Scores of {len(models)} models",
        title=Html("{} models at {}").format(len(models), other.title),
        by=estimates.fold_means,
    )
    show.unfolded()
