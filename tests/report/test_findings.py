"""Verdicts: what a family does to them, what is incomplete, and the published white cells by other means."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from paths import ROOT

from report import findings, questions, recipes
from report.comparisons import Comparison
from report.data import Results, Section
from report.statistics import holm

HERE = Section("d", "96px", "s")


def comparison(mean: float, sd: float = 0.05, n: int = 20, wanted: int = 20, seed: int = 0) -> Comparison:
    x = np.random.default_rng(seed).normal(size=n)
    values = mean + sd * (x - x.mean()) / x.std(ddof=1)
    return Comparison(questions.SMALL, HERE, "a", "b", tuple(values.tolist()), 0.25, wanted, HERE)


def test_a_verdict_needs_the_posterior_and_holm() -> None:
    strong = comparison(0.08)
    (alone,) = findings.judged([strong])
    assert (alone.narrow, alone.asked) == ("better", 1)
    assert alone.holm == alone.difference.p < 0.01
    crowd = findings.judged([strong, *(comparison(0.001 * n, seed=n) for n in range(20))])
    assert (crowd[0].narrow, crowd[0].asked) == ("undecided", 21)
    assert [f.holm for f in crowd] == pytest.approx(holm([f.difference.p for f in crowd]).tolist())
    (mirrored,) = findings.judged([replace(strong, differences=tuple(-d for d in strong.differences))])
    assert mirrored.narrow == "worse"
    # Significant, and yet no larger than what counts as none.
    (small,) = findings.judged([comparison(0.02, sd=0.01)])
    assert small.holm < 0.05
    assert (small.narrow, small.wide) == ("better", "equivalent")


def test_no_comparison_of_two_that_are_alike_says_more_than_it_may() -> None:
    rng, families, false = np.random.default_rng(0), 400, 0
    for _ in range(families):
        values = rng.normal(0, 0.05, (6, 20))
        family = [Comparison(questions.SMALL, HERE, "a", "b", tuple(row), 0.0, 20, HERE) for row in values.tolist()]
        false += any(f.narrow in ("better", "worse") for f in findings.judged(family))
    assert false / families <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / families)


def test_too_few_splits_are_incomplete_and_no_member() -> None:
    strong, some = comparison(0.2), comparison(0.3, n=8)
    complete, incomplete = findings.judged([strong, some])
    assert (complete.asked, complete.holm) == (1, complete.difference.p)
    assert (incomplete.narrow, incomplete.wide) == ("incomplete", "incomplete")
    assert np.isnan(incomplete.holm)
    # Ten will do, and so will all that there are.
    assert [f.narrow for f in findings.judged([comparison(0.3, n=10), comparison(0.5, n=5, wanted=5)])] == [
        "better",
        "better",
    ]


def test_differences_that_are_all_alike_decide_nothing() -> None:
    (alike,) = findings.judged([replace(comparison(0.1), differences=(0.1,) * 20)])
    assert (alike.narrow, alike.wide, alike.holm) == ("undecided", "undecided", 1.0)


def test_pairs_are_those_that_the_study_asks_for() -> None:
    from bench import models

    made = {(q.key, a, b) for q, a, b in questions.pairs(models.names())}
    for key, a, b in (
        ("pretraining", "resnet18-tuned", "resnet18-scratch"),
        ("pretraining", "vgg19", "vgg19-scratch"),
        ("pretraining", "efficientnet-lite0-probe", "efficientnet-lite0-scratch"),
        ("ways", "efficientnet-lite0-tuned", "efficientnet-lite0"),
        ("ways", "resnet18", "resnet18-probe"),
        ("lower", "vgg19-lower", "vgg19"),
        ("small", "resnet18", "cnn"),
        ("depth", "cnn", "cnn-shallow"),
        ("networks", "vgg19-lower", "resnet18-lower"),
        ("pixels", "cnn", "pixel-ratio"),
    ):
        assert (key, a, b) in made
    assert all(a != b for _, a, b in made)
    assert not any(
        "mean-colour" in (a, b) or "pixel-ratio" in (a, b) for q, a, b in made if q not in ("colour", "pixels")
    )


# --- The published store


@pytest.fixture(scope="module")
def published() -> Iterator[Results]:
    found = Results(ROOT / "results")
    yield found
    found.connection.close()


def test_cut_out_cells_against_the_whole_field(published: Results) -> None:
    """The figures that two independent computations gave for this store."""
    found = {f.model: f for f in findings.everywhere(published) if f.question is questions.SEGMENTED}
    colour = found["mean-colour"]
    said = [round(100 * value, 1) for value in (colour.difference.mean, colour.difference.low, colour.difference.high)]
    assert said == [14.2, 2.1, 26.3]
    assert (colour.splits, colour.section.dataset, colour.comparison.against.dataset) == (
        20,
        "wbc-segmented",
        "wbc-raw",
    )
    for f in found.values():  # no learning rate is between them
        cut, whole = (published.recipe(section) for section in (f.section, f.comparison.against))
        assert cut["learning_rate"] == whole["learning_rate"]


def test_a_family_is_one_question_at_the_main_recipes(published: Results) -> None:
    everything = findings.everywhere(published)
    for question in questions.QUESTIONS:
        found = [f for f in everything if f.question is question]
        members = [f for f in found if f.narrow != "incomplete"]
        assert {f.asked for f in found} <= {len(members)}
        assert [f.holm for f in members] == pytest.approx(holm([f.difference.p for f in members]).tolist())
    main = {name: recipes.main(published, name) for name in published.datasets}
    assert main["wbc-segmented"].recipe == "96px"
    assert all(f.section == main[f.section.dataset] for f in everything if f.question is not questions.SIZE)
    # On its own page a dataset counts alone.
    alone = findings.of_section(published, main["malaria"])
    asked = {f.asked for f in alone if f.question is questions.COLOUR}
    assert asked == {sum(f.question is questions.COLOUR and f.narrow != "incomplete" for f in alone)}
    size = [f for f in everything if f.question is questions.SIZE]
    sizes = {(f.section.recipe, f.comparison.against.recipe) for f in size}
    assert ("224px", "96px") in sizes
    assert all(one.replace("224px", "96px") == other for one, other in sizes), "nothing but the size differs"
