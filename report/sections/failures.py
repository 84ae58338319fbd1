"""A part of a dataset's page: where models fail, class by class and image by image."""

import pandas as pd

from report import charts, estimates, queries, show
from report.data import Results, Section
from report.estimates import counted
from report.sections import trials
from report.show import Html, Markup
from report.transfer import baseline

SURE = 0.8


def telling(found: Results, section: Section) -> list[str]:
    """Up to three models that stand for the others: the highest mean, the small network, the best without a network."""
    complete = set(found.complete(section))
    best = [m for m in trials.ordered(found, section) if m in complete] or trials.ordered(found, section)
    floors = [m for m in best if found.model_card(m)["family"] == "Floor"]
    small = baseline(found.models(section))
    return list(dict.fromkeys([best[0], *([small] if small else []), *floors[:1]]))


def show_section(found: Results, section: Section) -> None:
    """Print the part: recall by class, what is taken for what, the hardest images."""
    classes = found.dataset_card(section.scheme)["classes"]
    shares = estimates.confusion(found, section)
    models = telling(found, section)
    show.heading(2, Markup("Where it fails"), "fails")
    hits = shares[(shares["label"] == shares["predicted"]) & shares["model"].isin(models)]
    hits = hits.assign(images=hits.groupby("label")["images"].transform("max") * 0 + hits["label"].map(_sizes(shares)))
    place = {model: k for k, model in enumerate(models)}
    hits = hits.assign(lane=hits["model"].map(place)).sort_values("lane", kind="stable")
    worst = hits[hits["model"] == models[0]].nsmallest(1, "share").iloc[0]
    show.chart(
        charts.recalls(hits, classes, {m: found.style(m) for m in models}),
        f"recall-{section.slug}",
        Markup(
            "Out of fold: the share of each class's images that is recognised, with 95 % Jeffreys intervals in which "
            "an image counts once however often it was asked. From top to bottom in each row: {}."
        ).format(show.listed([show.code(m) for m in models])),
        f"Recall of {len(models)} models by class",
        title=Html("{} finds {} least often: {} [{:.0f}, {:.0f}]").format(
            models[0],
            worst["label"],
            f"{worst['share'] * 100:.0f}\u00a0%",
            worst["low"] * 100,
            worst["high"] * 100,
        ),
        by=estimates.confusion,
    )
    ranked = [m for m in trials.ordered(found, section) if m in set(shares["model"])]
    show.folded(Html("<strong>What is taken for what?</strong> by each of {}").format(counted(len(ranked), "model")))
    show.chart(
        charts.confusion(shares, classes, ranked),
        f"confusion-{section.slug}",
        Markup(
            "Out of fold: for the images of each class, the share that is taken for each class, averaged over the "
            "repeats. The menu chooses the model."
        ),
        "What is taken for what by one model; a menu chooses which",
        title=Html("What is taken for what"),
        sql=queries.confusion(section),
    )
    show.unfolded()
    _hardest(found, section)


def _sizes(shares: pd.DataFrame) -> dict[str, float]:
    first = shares[shares["model"] == shares["model"].iloc[0]]
    return {str(label): float(count) for label, count in first.groupby("label")["images"].sum().items()}


def hardest(found: Results, section: Section, most: int = 10) -> pd.DataFrame:
    """The images that networks recognise least often, out of fold: image_id, label, right, taken_for, sure, models."""
    return found.frame(
        """
        select image_id, any_value(label) as label, avg((predicted = label)::int) as right_share,
            mode(predicted order by predicted) filter (predicted != label) as taken_for,
            avg(list_max(probabilities)) filter (predicted != label) as sure, count(distinct model) as models
        from predictions semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id)
        where dataset = $dataset and subset = 'test' and recipe = $recipe and list_contains($models, model)
        group by image_id order by right_share, sure desc, image_id limit $most
        """,
        scheme=section.scheme,
        recipe=section.recipe,
        dataset=section.dataset,
        models=[m for m in found.models(section) if found.model_card(m)["family"] != "Floor"],
        most=most,
    )


def _hardest(found: Results, section: Section) -> None:
    frame = hardest(found, section)
    if frame.empty:
        return
    suspects = frame[(frame["right_share"] == 0) & (frame["sure"] >= SURE) & (frame["models"] >= 3)]
    line = Html("<strong>The hardest images?</strong> {} that networks recognise least often, and what each said")
    show.folded(line.format(len(frame)), "hardest")
    words = Markup("How often all networks together recognise an image that they did not train on.")
    if len(suspects):
        words = words + Markup(
            " Those with a † no network ever recognised, and all were sure of another class: look at their labels "
            "first."
        )
    show.write(words)
    rows = []
    for row in frame.to_dict("records"):
        link = show.link_to_image(row["image_id"], " †" if row["image_id"] in set(suspects["image_id"]) else "")
        right = f"{row['right_share'] * 100:.0f} %"
        taken = row["taken_for"] if isinstance(row["taken_for"], str) else "–"
        sure = f"{row['sure'] * 100:.0f} %" if row["sure"] == row["sure"] else "–"
        rows.append([link, row["label"], right, taken, sure])
    headers = ["image", "class", "recognised", "mostly taken for", "how sure then"]
    show.table(headers, rows)
    show.unfolded()
