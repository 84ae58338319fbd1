"""What a page's scripts read of a dataset, as a file beside the pages: every trial, and what it said of every image.

The file is a script, so that it loads where the pages are opened without a server; all in it is JSON.
"""

import base64
import json
from itertools import combinations
from typing import Any

from report import findings, recipes
from report.data import Results, Section
from report.devices import named
from report.sections import trials
from report.transfer import GRID, Paired


def script(name: str, value: object) -> str:
    """A script that hands a value to the pages' own under a name."""
    written = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return f"(window.benchData??={{}})[{json.dumps(name)}]={written};\n"


def dataset(found: Results, name: str) -> dict[str, Any]:
    """A dataset's images, and for each of its recipes the trials with their answers.

    An answer is one number: 101 × the place of the class it names + how sure it was in percent.
    """
    card = found.dataset_card(name)
    frame = found.frame(
        "select image_id, any_value(label) as label from predictions p "
        "semi join chosen_trials using (trial_id) where p.dataset = $dataset group by image_id order by image_id",
        dataset=name,
    )
    pictures = found.frame(
        "select image_id, any_value(thumbnail) as thumbnail from images where dataset = $dataset "
        "and thumbnail is not null group by image_id",
        dataset=name,
    )
    places = {str(image): place for place, image in enumerate(frame["image_id"])}
    shown = {
        places[row["image_id"]]: base64.b64encode(bytes(row["thumbnail"])).decode("ascii")
        for row in pictures.to_dict("records")
        if row["image_id"] in places
    }
    classes = card["classes"]
    return {
        "dataset": name,
        "classes": classes,
        "images": list(places),
        "labels": [classes.index(label) for label in frame["label"]],
        "pictures": shown,
        "sections": [_section(found, section, places) for section in recipes.ordered(found, name)],
    }


def _section(found: Results, section: Section, places: dict[str, int]) -> dict[str, Any]:
    models = trials.ordered(found, section)
    styles = {model: found.style(model) for model in models}
    wanted = found.of(found.cells, section).set_index("model")["wanted"].to_dict()
    tests, holdout, rows = _trials(found, section, models, places)
    return {
        "slug": section.slug,
        "title": section.title,
        "models": [
            {"name": m, "colour": styles[m].colour, "shape": styles[m].shape, "wanted": int(wanted[m])} for m in models
        ],
        "tests": tests,
        "holdout": holdout,
        "trials": rows,
        "pairs": _pairs(found, section, models),
    }


def _trials(
    found: Results, section: Section, models: list[str], places: dict[str, int]
) -> tuple[dict[str, list[int]], list[int], list[dict[str, Any]]]:
    """The images of each split's test fold, those of the holdout, and the trials with their answers in that order."""
    own = {"dataset": section.dataset, "scheme": section.scheme, "recipe": section.recipe}
    frame = found.frame(
        """
        select p.trial_id, p.subset, any_value(p.model) as model, any_value(p.repeat) as repeat,
            any_value(p.fold) as fold, list(p.image_id order by p.image_id) as images,
            list((list_position(t.classes, p.predicted) - 1) * 101
                + round(100 * list_max(p.probabilities))::integer order by p.image_id) as said
        from predictions p semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id)
        join trials t using (trial_id)
        where p.dataset = $dataset and p.recipe = $recipe
        group by p.trial_id, p.subset order by model, repeat, fold, p.subset
        """,
        **own,
    )
    facts = found.frame(
        "select trial_id, seconds, device, finished_at::date::varchar as day, loss, accuracy from trials "
        "semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id) "
        "where dataset = $dataset and recipe = $recipe",
        **own,
    )
    facts_of = {str(row["trial_id"]): row for row in facts.to_dict("records")}
    scores = found.of(found.scores, section).set_index(["trial_id", "subset"])["balanced_accuracy"].to_dict()
    tests: dict[str, list[int]] = {}
    held: list[int] = []
    rows: dict[str, dict[str, Any]] = {}
    for row in frame.to_dict("records"):
        trial, subset = str(row["trial_id"]), str(row["subset"])
        images = [places[image] for image in row["images"]]
        if subset == "test":
            tests.setdefault(f"{row['repeat']}/{row['fold']}", images)
        else:
            held = images
        if trial not in rows:
            fact = facts_of[trial]
            rows[trial] = {
                "model": models.index(row["model"]),
                "repeat": int(row["repeat"]),
                "fold": int(row["fold"]),
                "seconds": round(float(fact["seconds"]), 2),
                "device": named([fact["device"]]),
                "day": str(fact["day"]),
                "curve": [round(float(v), 4) for v in fact["accuracy"]] if fact["accuracy"] is not None else [],
            }
        rows[trial][subset] = round(float(scores[trial, subset]), 5)
        rows[trial][f"said_{subset}"] = [int(code) for code in row["said"]]
    return tests, held, list(rows.values())


def _pairs(found: Results, section: Section, models: list[str]) -> list[list[Any]]:
    """For each two models: their places, the difference with its interval in points, the verdicts at ±1 and ±5."""
    made = []
    pairs_of = Paired.of(found, section)
    for one, other in combinations(range(len(models)), 2):
        comparison = pairs_of.compared(GRID, models[one], models[other])
        if comparison is None or len(comparison.differences) < 2:
            continue
        (finding,) = findings.judged([comparison])  # a question of its own: the reader asks for one pair
        d = finding.difference
        made.append([one, other, *(_points(v) for v in (d.mean, d.low, d.high)), finding.narrow, finding.wide])
    return made


def _points(value: float) -> float | None:
    return round(value * 100, 2) if abs(value) < 10 else None


def index(found: Results) -> list[dict[str, Any]]:
    """The datasets that have such a file, for the page that compares two models."""
    listed = []
    for name in found.datasets:
        sections = recipes.ordered(found, name)
        listed.append(
            {
                "name": name,
                "title": name,
                "sections": [{"slug": s.slug, "title": s.title, "models": trials.ordered(found, s)} for s in sections],
            }
        )
    return listed
