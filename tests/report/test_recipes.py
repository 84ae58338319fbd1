"""Recipes of one study beside each other on the site: preprocessing, and shares of the training images."""

import html
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from bench.datasets import Library
from bench.running import runner
from bench.study import study
from report import estimates, site
from report.data import Results, Section
from report.sections import fewer_images, preprocessing
from report.statistics import bayesian_correlated_t, corrected_resampled_t, verdict
from store import Store, query

STUDY = """
title = "Recipes beside each other"
datasets = ["tiny"]
models = ["mean-colour", "efficientnet-lite0", "cnn-shallow"]
[protocol]
holdout = 0.2
folds = 2
repeats = 1
[recipe]
image_size = 32
epochs = 2
[[recipes]]
[[recipes]]
preprocessing = ["otsu"]
[[recipes]]
train_fraction = 0.2
[[recipes]]
train_fraction = 0.5
"""


@pytest.fixture(scope="module")
def varied(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three models at four recipes; read it, do not write."""
    root = tmp_path_factory.mktemp("varied") / "store"
    prepared = runner.prepare(study.parse("recipes", STUDY, "recipes.toml"), library)
    result = runner.run(prepared, Store(root, create=True), library.cache, "cpu", count=1)
    assert (result.finished, result.failures) == (24, [])
    again = runner.run(prepared, Store(root), library.cache, "cpu", count=1)
    assert (again.finished, again.failures) == (0, [])
    return root


@pytest.fixture(scope="module")
def found(varied: Path) -> Iterator[Results]:
    results = Results(varied)
    yield results
    results.connection.close()


@pytest.fixture(scope="module")
def section(found: Results) -> Section:
    (only,) = found.sections
    assert (only.recipe, only.steps, only.fraction) == ("32px-ep2", (), 1.0)
    return only


@pytest.fixture(scope="module")
def rendered(varied: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("site") / "site"
    site.render(varied, output, engine="preview")
    return output


def scores(store: Path, model: str, recipe: str) -> dict[tuple[int, int], float]:
    """Balanced accuracy on each test fold, by scikit-learn."""
    rows = query(
        Store(store),
        "select repeat, fold, list(label order by image_id) as labels, list(predicted order by image_id) as predicted "
        f"from predictions where subset = 'test' and model = '{model}' and recipe = '{recipe}' group by all",
    ).to_pylist()
    return {(row["repeat"], row["fold"]): balanced_accuracy_score(row["labels"], row["predicted"]) for row in rows}


def test_preprocessing_is_compared_split_by_split(varied: Path, found: Results, section: Section) -> None:
    made = {f.model: f for f in preprocessing.compared(found, section)}
    assert set(made) == {"mean-colour", "efficientnet-lite0", "cnn-shallow"}
    for model, finding in made.items():
        plain, steps = (scores(varied, model, recipe) for recipe in ("32px-ep2", "32px-ep2-otsu"))
        differences = [steps[split] - plain[split] for split in sorted(plain)]
        (ratio,) = {estimates.test_train_ratio(found.of(found.scores, section)), finding_ratio(found, section, model)}
        wanted = corrected_resampled_t(differences, test_train_ratio=ratio)
        assert finding.difference.mean == pytest.approx(np.mean(differences), abs=1e-12)
        assert (finding.difference.low, finding.difference.high) == pytest.approx((wanted.low, wanted.high), abs=1e-9)
        assert finding.section.steps == ("otsu",)
        if not wanted.degenerate:
            assert finding.narrow == verdict(bayesian_correlated_t(differences, test_train_ratio=ratio, rope=0.01))


def finding_ratio(found: Results, section: Section, model: str) -> float:
    (other,) = (each for each in found.variants(section) if each.steps)
    return estimates.paired(found, (other, model), (section, model))[1]


def test_curves_are_the_scores_of_each_share(varied: Path, found: Results, section: Section) -> None:
    curves = fewer_images.curves(found, section)
    counted = query(Store(varied), "select recipe, avg(train_images) as images from trials group by recipe").to_pylist()
    images = {row["recipe"]: row["images"] for row in counted}
    for model in found.models(section):
        rows = curves[curves["model"] == model]
        assert rows["share"].tolist() == [0.2, 0.5, 1.0]
        recipes = ["32px-ep2-train0.2", "32px-ep2-train0.5", "32px-ep2"]
        assert rows["images"].tolist() == [images[recipe] for recipe in recipes]
        assert rows["images"].is_monotonic_increasing
        for score, recipe in zip(rows["balanced_accuracy"], recipes, strict=True):
            assert score == pytest.approx(np.mean(list(scores(varied, model, recipe).values())), abs=1e-12)
    # Two folds: as many are tested as could be trained on, however few of these were.
    for each in found.variants(section):
        assert estimates.test_train_ratio(found.of(found.scores, each)) == pytest.approx(1, abs=0.1)


def test_few_images_with_a_pretrained_model_stand_beside_all_without(
    varied: Path, found: Results, section: Section
) -> None:
    (finding,) = fewer_images.against_all(found, section)
    assert (finding.model, finding.reference) == ("efficientnet-lite0", "cnn-shallow")
    few = scores(varied, finding.model, finding.section.recipe)
    everything = scores(varied, finding.reference, "32px-ep2")
    assert finding.section.fraction < 1
    gap = np.mean(list(few.values())) - np.mean(list(everything.values()))
    assert finding.difference.mean == pytest.approx(gap, abs=1e-12)
    gains = {f.model: f.difference.mean for f in fewer_images.last_step(found, section)}
    for model, gain in gains.items():
        before, after = (scores(varied, model, recipe) for recipe in ("32px-ep2-train0.5", "32px-ep2"))
        assert gain == pytest.approx(np.mean([after[split] - before[split] for split in after]), abs=1e-12)


def test_a_dataset_has_the_parts_and_the_pages_of_all_have_one_recipe(rendered: Path) -> None:
    page = (rendered / "datasets" / "tiny.html").read_text()
    for heading, chart in (("Preprocessing", "preprocessing"), ("How many images are enough?", "fewer")):
        assert re.search(rf"<h3[^>]*>{re.escape(heading)}", page.replace("\n", " ")), heading
        assert f'id="vis-{chart}-tiny--32px-ep2"' in page
    assert re.findall(r"<h[23][^>]*>(At .*?)<", page.replace("\n", " ")) == []
    for name in ("index.html", "models.html", "conclusions.html", "activations.html"):
        text = (rendered / name).read_text()
        assert "otsu" not in text.replace("share of pixels brighter than Otsu", ""), name
        assert "train0" not in text, name
    methods = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", (rendered / "methods.html").read_text())))
    assert "With preprocessing, in recipes: otsu." in methods
    assert "On a share of the training images, in recipes: 20 % and 50 %." in methods


def test_a_store_without_such_recipes_has_no_such_parts(trained: Path) -> None:
    results = Results(trained)
    (only,) = results.sections
    assert results.variants(only) == []
    assert preprocessing.compared(results, only) == []
    results.connection.close()


def test_where_no_recipe_is_plain_the_plainest_stands_for_all(
    library: Library, varied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two studies without the plain recipe, drawn alone: nothing is trained, the trials are those of the first."""
    shutil.copytree(varied, tmp_path / "store")
    plain = study.parse("recipes", STUDY, "recipes.toml")
    wanted = {"steps": ("32px-ep2-otsu", plain.recipes[1:2]), "shares": ("32px-ep2-train0.5", plain.recipes[2:])}
    for name, (recipe, recipes) in wanted.items():
        own = replace(plain, name=name, recipes=recipes)
        prepared = runner.prepare(own, library)
        assert runner.run(prepared, Store(tmp_path / "store"), library.cache, "cpu").finished == 0
        results = Results(tmp_path / "store", name)
        assert [each.recipe for each in results.sections] == [recipe]
        preprocessing.show_section(results, results.sections[0])
        fewer_images.show_section(results, results.sections[0])
        assert ("How many images are enough?" in capsys.readouterr().out) == (name == "shares")
        results.connection.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_parts_in_a_browser(rendered: Path, serve: Any, watched: Any, width: int) -> None:
    address = serve(rendered)
    page = watched(address, width)
    page.goto(f"{address}datasets/tiny.html")
    names = {"mean-colour", "efficientnet-lite0", "cnn-shallow"}
    for chart, marks, labels in (("preprocessing", 6, ".row-label .name"), ("fewer", 9, ".names span")):
        drawn = page.locator(f"#vis-{chart}-tiny--32px-ep2")
        assert drawn.locator("svg .mark[d]").count() - drawn.locator(".glyph").count() == marks  # models × recipes
        assert set(drawn.locator(labels).all_text_contents()) == names
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_shares_of_the_training_images_keep_the_promise_of_the_interval() -> None:
    """Simulated: with the whole pool in the ratio the interval of a small share covers its truth, and with the share's
    own size it would be more than twice as wide.
    """
    random = np.random.default_rng(3)
    label, shift = np.arange(100) % 2, np.full(10, 0.25)
    # Pairs of one image of each class, ten pairs in each fold.
    fold = np.stack([np.repeat(random.permutation(np.arange(50) % 5), 2) for _ in range(4)])
    means, intervals, narrow_ones = [], [], []
    for _ in range(200):
        x = random.normal(size=(100, 10)) + np.where(label[:, None] == 1, shift, -shift)
        values = []
        for repeat in range(4):
            for number in range(5):
                pool, test = np.flatnonzero(fold[repeat] != number), np.flatnonzero(fold[repeat] == number)
                few = [random.permutation(pool[label[pool] == c])[:4] for c in (0, 1)]
                centre = [x[each].mean(0) for each in few]
                guess = ((x[test] - (centre[0] + centre[1]) / 2) @ (centre[1] - centre[0]) > 0).astype(int)
                values.append((guess == label[test]).mean())
        means.append(np.mean(values))
        intervals.append(corrected_resampled_t(values, test_train_ratio=20 / 80))
        narrow_ones.append(corrected_resampled_t(values, test_train_ratio=20 / 8))
    truth = np.mean(means)
    assert np.mean([each.low <= truth <= each.high for each in intervals]) > 0.94
    widths = [np.mean([each.high - each.low for each in some]) for some in (intervals, narrow_ones)]
    assert widths[1] > 2 * widths[0] > 4 * np.std(means)
