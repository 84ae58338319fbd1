"""What a trial is called, and which trials are to run: recipes, studies, plans. Nothing is trained here."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import datasets, models
from bench.commands import cells as told
from bench.commands import printing
from bench.datasets import Card, Dataset, Image, Library
from bench.errors import BenchError, UsageError
from bench.images import preprocessing
from bench.planning import plan
from bench.planning.plan import Cell
from bench.running import runner
from bench.study import protocol, recipe, study
from bench.study.protocol import Protocol
from bench.study.recipe import Recipe

OTHER: dict[str, Any] = {
    "image_size": 96,
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 0.01,
    "augmentation": "none",
    "views": 2,
    "preprocessing": ("clahe", "sobel"),
    "train_fraction": 0.1,
}
TOML = 'models = ["cnn"]\n'


def dataset(**changes: Any) -> Dataset:
    """Two classes of 15 images that exist only as hashes."""
    images = [
        Image(f"{'ab'[n % 2]}/{n:02}.png", n % 2, Path("nowhere"), f"sha {n}", f"{'ab'[n % 2]}/{n:02}.png")
        for n in range(30)
    ]
    return replace(Dataset(Card("some", title="Some"), ("a", "b"), tuple(images)), **changes)


def cell(
    data: Dataset | None = None,
    model: models.Model | None = None,
    made: Recipe | None = None,
    wanted: Protocol | None = None,
    weights: str = "none",
) -> Cell:
    data, wanted = data or dataset(), wanted or Protocol(folds=3, repeats=2)
    splits = protocol.draw_splits(data.labels, data.groups, wanted, data.classes)
    return plan.make_cell(data, model or models.get("cnn-shallow"), made or Recipe(), wanted, splits, weights)


def ids(one: Cell) -> list[str]:
    return [trial.id for trial in one.trials]


# Recipes


def test_a_recipe_is_named_by_what_differs_from_the_studys_own() -> None:
    assert Recipe().name == "224px"
    assert Recipe(image_size=96).name == "96px"
    assert Recipe(**OTHER).name == "96px-ep3-b16-lr0.01-aug-none-views2-clahe+sobel-train0.1"
    thirds = [Recipe(train_fraction=share).name for share in (1 / 3, 0.333333)]
    assert thirds == ["224px-train0.3333333333333333", "224px-train0.333333"]
    assert Recipe(learning_rate=1e-5, image_size=64).name == "64px-lr1e-05"
    changed = {Recipe(**{name: value}).name for name, value in OTHER.items()}
    assert len(changed) == len(OTHER) == len(fields(Recipe))


@pytest.mark.parametrize("name", OTHER)
def test_a_default_is_no_part_of_a_recipes_identity_and_all_else_is(name: str) -> None:
    """A field that a later version adds, at its default, must make no older trial stale."""
    versions = {"procedure": recipe.PROCEDURE, "preprocessing_version": preprocessing.VERSION}
    its = versions if name == "preprocessing" else {"procedure": recipe.PROCEDURE}
    assert Recipe().identity() == {"procedure": recipe.PROCEDURE}
    assert Recipe(**{name: OTHER[name]}).identity() == {name: OTHER[name]} | its
    default = next(field.default for field in fields(Recipe) if field.name == name)
    without = {k: v for k, v in OTHER.items() if k != name}
    left = {"procedure": recipe.PROCEDURE} if name == "preprocessing" else versions
    assert Recipe(**{**OTHER, name: default}).identity() == without | left
    assert Recipe(**OTHER).as_dict() == OTHER | {"procedure": 1, "preprocessing_version": 1}
    assert "preprocessing_version" not in Recipe().as_dict()


def test_whole_numbers_are_rates_too() -> None:
    assert Recipe().with_overrides({"learning_rate": 1}, "here").identity()["learning_rate"] == 1.0
    assert Recipe().with_overrides({"train_fraction": 1}, "here") == Recipe()
    assert Recipe().with_overrides({"epochs": 3}, "here") == Recipe(epochs=3)
    assert Recipe().with_overrides({}, "here") == Recipe()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"epoch": 3}, "here: unknown recipe field 'epoch'; known: augmentation, batch_size, epochs, "),
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"epochs": 2.5}, "epochs must be a whole number, not 2.5"),
        ({"epochs": True}, "epochs must be a whole number, not True"),
        ({"epochs": "8"}, "epochs must be a whole number, not '8'"),
        ({"image_size": 16}, "image_size must be 32 to 2048 pixels, not 16"),
        ({"batch_size": 1}, "batch_size must be at least 2 (batch norm), not 1"),
        ({"learning_rate": 0}, "learning_rate must lie between 0 and 10, not 0"),
        ({"learning_rate": float("nan")}, "learning_rate must lie between 0 and 10, not nan"),
        ({"learning_rate": "fast"}, "learning_rate must be a number, not 'fast'"),
        ({"learning_rate": True}, "learning_rate must be a number, not True"),
        ({"views": -1}, "views must be 0 (two an epoch) or more, not -1"),
        ({"augmentation": "mixup"}, "augmentation must be one of rotate-flip, none, not 'mixup'"),
        ({"augmentation": ["none"]}, "augmentation must be one of rotate-flip, none, not ['none']"),
        ({"preprocessing": "clahe"}, "preprocessing must be a list of steps, not 'clahe'"),
        ({"preprocessing": [["clahe"]]}, "preprocessing must be a list of steps, not (['clahe'],)"),
        ({"preprocessing": ["clae"]}, "unknown preprocessing step 'clae'; did you mean 'clahe'?"),
        (
            {"preprocessing": ["x"]},
            "unknown preprocessing step 'x'; known: adaptive-mean, clahe, erode-dilate, gaussian-blur, ",
        ),
        ({"train_fraction": 0}, "train_fraction must be above 0 and at most 1, not 0"),
        ({"train_fraction": 1.01}, "train_fraction must be above 0 and at most 1, not 1.01"),
        ({"train_fraction": float("nan")}, "train_fraction must be above 0 and at most 1, not nan"),
        ({"train_fraction": "half"}, "train_fraction must be a number, not 'half'"),
    ],
)
def test_a_recipe_that_cannot_be_is_a_usage_error(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        Recipe().with_overrides(values, "here")
    assert problem in str(caught.value)


def test_views_follow_the_epochs_where_nothing_else_is_said() -> None:
    assert Recipe(epochs=5).view_count == 10
    assert Recipe(epochs=5, views=2).view_count == 2
    assert Recipe(epochs=5, views=2, augmentation="none").view_count == 0


def test_trials_are_called_as_they_were_when_they_were_published() -> None:
    """An axis that a later version adds, at its default, makes no published trial stale."""
    assert Protocol().identity() == {"holdout": 0.1, "folds": 5, "seed": 0, "version": 1}
    assert Protocol(groups="ignored").identity() == Protocol().identity() | {"groups": "ignored"}
    assert cell().id == "4f267a0458f17fe10f9a"
    assert ids(cell())[:2] == ["e9b30ee76e9a99928e5b", "ef6624370d0830eb0f7d"]


def test_trials_that_ignore_groups_are_others_under_another_name() -> None:
    kept, ignored = cell(), cell(wanted=Protocol(folds=3, repeats=2, groups="ignored"))
    assert not {*ids(kept)} & {*ids(ignored)}
    assert (kept.recipe_name, ignored.recipe_name) == ("224px", "224px-groups-ignored")
    assert plan.rows(study.parse("x", TOML, "x.toml"), [ignored])[0]["recipe"] == "224px-groups-ignored"
    assert kept.groups == kept.dataset.groups
    assert ignored.groups == ignored.dataset.ids


def test_a_pass_through_a_backbone_is_counted_once() -> None:
    head, lower, probe, other = (
        cell(model=models.get(name)) for name in ("resnet18", "resnet18-lower", "resnet18-probe", "cnn")
    )
    assert head.passes == lower.passes == probe.passes != cell(model=models.get("efficientnet-lite0")).passes
    assert other.passes is None
    assert probe.cost(passed=True) < 0.1 * probe.cost()
    assert other.cost(passed=True) == other.cost()


# Studies


def test_the_studies_that_ship() -> None:
    assert study.shipped() == ["blog", "cpu", "demo", "few", "leaks", "preprocessing", "rates", "segmentation"]
    known = set(datasets.cards.shipped())
    for name in study.shipped():
        shipped = study.load(name)
        assert shipped.name == name
        assert shipped.title
        assert set(shipped.models) <= set(models.names())
        assert set(shipped.datasets or ()) <= known
    blog = study.load("blog")
    assert set(blog.models) <= set(models.names())
    assert set(blog.datasets or ()) == known
    assert (blog.protocol, blog.recipe) == (Protocol(0.1, 5, 4, 0), Recipe(224, 8, 8, 1e-3, "rotate-flip", 0))
    assert study.load("cpu").datasets is None
    assert study.load("demo").images_per_class == 40
    few, steps = (study.load(name).recipes_for({}, "") for name in ("few", "preprocessing"))
    assert [each.train_fraction for each in few] == [0.1, 0.25, 0.5, 1]
    assert {step for each in steps for step in each.preprocessing} == set(preprocessing.STEPS)
    assert few[-1] == steps[0] == study.load("cpu").recipe  # cells that all want are trained once
    raw = {"learning_rate": 0.01}  # as the card of `wbc-raw` has it
    assert [each.learning_rate for each in study.load("segmentation").recipes_for(raw, "")] == [1e-3]
    assert [each.learning_rate for each in study.load("rates").recipes_for({}, "")] == [1e-3, 1e-4]
    assert study.load("leaks").protocol == Protocol(groups="ignored")
    twins = {name: study.load(name) for name in ("segmentation", "leaks", "rates", "few", "preprocessing")}
    assert all(set(each.models) <= set(study.load("cpu").models) for each in twins.values())


def test_a_study_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "my study.toml"
    path.write_text(
        'title = "Mine"\ndatasets = ["some", "wbc-raw"]\nmodels = ["cnn", "resnet18"]\nimages_per_class = 20\n'
        "[protocol]\nholdout = 0.2\nfolds = 3\nrepeats = 1\nseed = 5\n"
        '[recipe]\nepochs = 2\n[weights]\nresnet18 = "none"\n'
    )
    assert study.load(str(path)) == study.Study(
        "my study",
        "Mine",
        ("some", "wbc-raw"),
        ("cnn", "resnet18"),
        Protocol(0.2, 3, 1, 5),
        Recipe(epochs=2),
        20,
        {"resnet18": "none"},
    )
    path.write_text(TOML)
    assert study.load(str(path)) == study.Study("my study", "my study", None, ("cnn",))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("models = ", "not valid TOML: "),
        ("", "models must be a list of names"),
        ("models = 'cnn'", "models must be a list of names"),
        ("models = []", "models must be a list of names"),
        ("models = ['cnn', 3]", "models must be a list of names"),
        (TOML + "datasets = 'all'", 'datasets must be a list of names or "at hand"'),
        (TOML + "datasets = []", 'datasets must be a list of names or "at hand"'),
        (TOML + "dataset = ['some']", "unknown field 'dataset'; known: datasets, "),
        (TOML + "images_per_class = 1", "images_per_class must be a whole number from 2 on, not 1"),
        (TOML + "images_per_class = 2.5", "images_per_class must be a whole number from 2 on, not 2.5"),
        (TOML + "protocol = 3", "protocol must be a table, not 3"),
        (TOML + "recipe = 'fast'", "recipe must be a table, not 'fast'"),
        (TOML + "weights = 'none'", "weights must be a table, not 'none'"),
        (TOML + "[weights]\ncnn = 3", "weights of 'cnn' must be 'imagenet', 'none' or 'file:PATH', not 3"),
        (TOML + "[weights]\nresnet81 = 'none'", "unknown model 'resnet81'; did you mean 'resnet18'"),
        (TOML + "[protocol]\nfold = 3", "unknown protocol field 'fold'; known: folds, groups, holdout, repeats, seed"),
        (TOML + "[protocol]\nfolds = 2.5", "protocol field 'folds' must be a number, not 2.5"),
        (TOML + "[protocol]\nfolds = true", "protocol field 'folds' must be a number, not True"),
        (TOML + "[protocol]\nholdout = '0.1'", "protocol field 'holdout' must be a number, not '0.1'"),
        (TOML + "[protocol]\ngroups = 2", "protocol field 'groups' must be a text, not 2"),
        (TOML + "[protocol]\ngroups = 'torn'", "groups must be one of kept, ignored, not 'torn'"),
        (TOML + "[protocol]\nholdout = 0.9", "holdout must lie between 0 and 0.9, not 0.9"),
        (TOML + "[recipe]\nepoch = 2", "unknown recipe field 'epoch'; known: "),
        (TOML + "[recipe]\nepochs = '2'", "epochs must be a whole number, not '2'"),
        (TOML + "recipes = 'two'", "recipes must be tables, each headed [[recipes]], not 'two'"),
        (TOML + "recipes = ['two']", "recipes must be tables, each headed [[recipes]], not ['two']"),
        (TOML + "[recipes]\nepochs = 2", "recipes must be tables, each headed [[recipes]], not {'epochs': 2}"),
        (TOML + "[[recipes]]\nepoch = 2", "unknown recipe field 'epoch'; known: "),
        (TOML + "[[recipes]]\npreprocessing = 'otsu'", "preprocessing must be a list of steps, not 'otsu'"),
    ],
)
def test_a_wrong_study_is_a_usage_error(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        runner.prepare(study.load(str(path)), Library((tmp_path,), tmp_path / "cache"))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_names_get_the_nearest(tmp_path: Path) -> None:
    library = Library((tmp_path,), tmp_path / "cache")

    def prepare(text: str) -> None:
        runner.prepare(study.parse("x", text, "x.toml"), library)

    with pytest.raises(UsageError, match="unknown study 'blogg'; did you mean 'blog'"):
        study.load("blogg")
    with pytest.raises(UsageError, match=r"none\.toml cannot be read"):
        study.load(str(tmp_path / "none.toml"))
    with pytest.raises(UsageError, match="unknown model 'cnn-shalow'; did you mean 'cnn-shallow'"):
        prepare('models = ["cnn-shalow"]')
    with pytest.raises(UsageError, match="unknown dataset 'wbc-row'; did you mean 'wbc-raw'"):
        prepare(TOML + 'datasets = ["wbc-row"]')
    with pytest.raises(BenchError, match=r"no images of wbc-raw in .*; put them into"):
        prepare(TOML + 'datasets = ["wbc-raw"]')
    with pytest.raises(BenchError, match="no images in "):
        prepare(TOML)
    (tmp_path / "latin.toml").write_bytes(b"title = '\xe9'")
    with pytest.raises(UsageError, match=r"latin\.toml cannot be read"):
        study.load(str(tmp_path / "latin.toml"))


def test_the_command_line_wins_over_the_card_and_the_card_over_the_study() -> None:
    asked = study.parse("x", TOML + "[recipe]\nlearning_rate = 0.1\nepochs = 2\nimage_size = 64", "x.toml")
    card = {"learning_rate": 0.01, "epochs": 3}
    assert asked.recipes_for(card, "some") == [Recipe(64, epochs=3, learning_rate=0.01)]
    narrowed = asked.narrowed(datasets=["b", "a", "b"], models=["vgg19"], protocol={"folds": 2}, recipe={"epochs": 4})
    assert narrowed.recipes_for(card, "some") == [Recipe(64, epochs=4, learning_rate=0.01)]
    assert (narrowed.datasets, narrowed.models) == (("b", "a"), ("vgg19",))
    assert narrowed.protocol == Protocol(folds=2)
    assert asked.narrowed() == asked
    with pytest.raises(UsageError, match="card of 'some': unknown recipe field 'epoch'"):
        asked.recipes_for({"epoch": 3}, "some")
    with pytest.raises(UsageError, match="folds must be at least 2"):
        asked.narrowed(protocol={"folds": 1})


def test_each_recipe_of_a_study_is_the_shared_one_changed() -> None:
    """What a study lists wins over the card, or the card could make two recipes one; the command line wins over all."""
    text = "[recipe]\nepochs = 2\nimage_size = 64\n[[recipes]]\n[[recipes]]\nepochs = 5\npreprocessing = ['otsu']\n"
    asked = study.parse("x", TOML + text + "[[recipes]]\nepochs = 7\n", "x.toml")
    plain, steps = Recipe(64, epochs=3, batch_size=4), Recipe(64, epochs=5, batch_size=4, preprocessing=("otsu",))
    assert asked.recipes_for({"epochs": 3, "batch_size": 4}, "some") == [plain, steps, replace(plain, epochs=7)]
    narrowed = asked.narrowed(recipe={"epochs": 4, "image_size": 96})
    assert narrowed.recipes_for({}, "some") == [Recipe(96, epochs=4), Recipe(96, epochs=4, preprocessing=("otsu",))]


# Identity


def swapped(data: Dataset) -> Dataset:
    """One image stands in the other class."""
    first = data.images[0]
    return replace(data, images=(replace(first, label=1), *data.images[1:]))


def other_bytes(data: Dataset) -> Dataset:
    return replace(data, images=(replace(data.images[0], sha256="else"), *data.images[1:]))


def together(data: Dataset) -> Dataset:
    """Groups of two: other splits of the same content."""
    images = [replace(image, group=f"{image.label} {n // 4}") for n, image in enumerate(data.images)]
    return replace(data, images=tuple(images))


MODEL = models.get("cnn-shallow")
CHANGES: dict[str, Callable[[], Cell]] = {
    "bytes": lambda: cell(other_bytes(dataset())),
    "label": lambda: cell(swapped(dataset())),
    "dataset": lambda: cell(replace(dataset(), card=Card("other", title="Some"))),
    "one image less": lambda: cell(replace(dataset(), images=dataset().images[1:])),
    "splits": lambda: cell(together(dataset())),
    "model": lambda: cell(model=models.get("cnn")),
    "version": lambda: cell(model=replace(MODEL, version=MODEL.version + 1)),
    "weights": lambda: cell(weights="file:0123"),
    "seed": lambda: cell(wanted=Protocol(folds=3, repeats=2, seed=1)),
    "holdout": lambda: cell(wanted=Protocol(holdout=0.2, folds=3, repeats=2)),
    "folds": lambda: cell(wanted=Protocol(folds=2, repeats=2)),
    "fewer still": lambda: cell(made=Recipe(train_fraction=0.05)),
    **{f"recipe: {name}": lambda name=name: cell(made=Recipe(**{name: OTHER[name]})) for name in OTHER},
}
NO_CHANGES: dict[str, Callable[[], Cell]] = {
    "again": cell,
    "title": lambda: cell(replace(dataset(), card=Card("some", title="Another", notes=("a note",), licence="MIT"))),
    "order of images": lambda: cell(replace(dataset(), images=dataset().images[::-1])),
    "place of images": lambda: cell(
        replace(dataset(), images=tuple(replace(image, path=Path("elsewhere")) for image in dataset().images))
    ),
    "how a model is described": lambda: cell(model=replace(MODEL, trained="all of it", cost=99)),
    "names of groups": lambda: cell(
        replace(dataset(), images=tuple(replace(image, group=f"g {image.id}") for image in dataset().images))
    ),
}


def test_every_trial_has_an_identity_of_its_own() -> None:
    every = [cell(), *(change() for change in CHANGES.values())]
    assert [len(one.trials) for one in every] == [4 if one.protocol.folds == 2 else 6 for one in every]
    found = [trial for one in every for trial in ids(one)]
    assert len(set(found)) == len(found)
    assert all(len(trial) == 20 and int(trial, 16) >= 0 for trial in found)
    assert len({one.id for one in every}) == len(every)


def test_a_share_of_the_training_images_is_the_same_share_in_any_order_of_the_list() -> None:
    """0.05 of 9 images a class is two of them, and so is 0.2: still they are cells of their own."""
    made = Recipe(train_fraction=0.2)
    few, reversed_ = cell(made=made), cell(replace(dataset(), images=dataset().images[::-1]), made=made)
    assert [len(trial.split.train) for trial in few.trials] == [4] * 6
    assert set(ids(few)) == set(ids(reversed_))
    assert few.cost() < cell().cost()


@pytest.mark.parametrize("change", NO_CHANGES)
def test_what_does_not_shape_a_result_changes_no_identity(change: str) -> None:
    assert set(ids(NO_CHANGES[change]())) == set(ids(cell()))


def test_a_scheme_is_shared_by_the_cells_whose_models_can_be_compared() -> None:
    """It names the images and their splits, and nothing that is trained on them."""
    same = {"model", "version", "weights", "fewer still", *(name for name in CHANGES if name.startswith("recipe"))}
    for name, change in CHANGES.items():
        assert (change().scheme == cell().scheme) == (name in same), name
    for name, change in NO_CHANGES.items():
        assert change().scheme == cell().scheme, name
    assert cell(wanted=Protocol(folds=3, repeats=5)).scheme == cell().scheme


def test_more_repeats_add_trials_and_change_none() -> None:
    more = cell(wanted=Protocol(folds=3, repeats=4))
    assert ids(more)[:6] == ids(cell())
    assert len(ids(more)) == 12
    assert more.id == cell().id


@pytest.mark.parametrize(("module", "name"), [(protocol, "VERSION"), (recipe, "PROCEDURE")])
def test_a_new_version_of_the_procedure_makes_every_trial_new(
    module: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ids(cell())
    monkeypatch.setattr(module, name, getattr(module, name) + 1)
    assert not set(ids(cell())) & set(before)


# What is to run


def cells() -> list[Cell]:
    """Three cells, dear ones first."""
    return [cell(model=models.get("cnn")), cell(), cell(model=models.get("mean-colour"))]


def left(
    planned: Sequence[Cell],
    done: Sequence[str] = (),
    failed: Sequence[str] = (),
    *,
    force: bool = False,
    retry_failed: bool = False,
) -> dict[str, list[str]]:
    found = plan.to_run(planned, done, failed, force=force, retry_failed=retry_failed)
    return {one.model.name: ids(one) for one in found}


def test_what_is_wanted_less_what_is_done_is_to_run() -> None:
    deep, shallow, floor = cells()
    everything = {"mean-colour": ids(floor), "cnn-shallow": ids(shallow), "cnn": ids(deep)}
    assert left(cells()) == everything
    assert list(left(cells())) == list(everything)  # cheap ones first
    assert left(cells(), done=["unknown"]) == everything
    assert left(cells(), done=ids(shallow)) == {"mean-colour": ids(floor), "cnn": ids(deep)}
    done, failed = ids(deep)[:2], [ids(deep)[3]]
    assert left([deep], done, failed) == {"cnn": [ids(deep)[i] for i in (2, 4, 5)]}
    assert left([deep], done, failed, retry_failed=True) == {"cnn": ids(deep)[2:]}
    assert left([deep], done, failed, force=True) == {"cnn": ids(deep)}
    assert left([deep], done=ids(deep)) == {}
    assert left([deep], failed=ids(deep)) == {}
    assert left([deep], done=ids(deep), retry_failed=True) == {}


def test_what_cannot_run_here_is_left_out() -> None:
    deep, shallow, _ = cells()
    assert list(left([replace(deep, unavailable="no weights"), shallow])) == ["cnn-shallow"]
    assert left([replace(deep, unavailable="no weights")], force=True) == {}


def test_a_limit_takes_the_first_trials() -> None:
    planned = cells()
    assert plan.limited(planned, None) == planned
    for limit, expected in ((1, [1]), (6, [6]), (8, [6, 2]), (18, [6, 6, 6]), (99, [6, 6, 6])):
        kept = plan.limited(planned, limit)
        assert [len(one.trials) for one in kept] == expected
        assert [trial for one in kept for trial in ids(one)] == [t for one in planned for t in ids(one)][:limit]


def test_a_cells_cost_grows_with_its_trials_and_its_images() -> None:
    deep, shallow, floor = cells()
    assert deep.cost() > shallow.cost() > floor.cost() > 0
    assert shallow.only(shallow.trials[:3]).cost() == pytest.approx(shallow.cost() / 2, rel=0.05)
    assert cell(made=Recipe(image_size=112)).cost() == pytest.approx(shallow.cost() / 4)


def test_a_plan_of_several_recipes_fits_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(printing, "console", lambda: Console(width=80))
    recipes = study.load("preprocessing").recipes_for({}, "")
    data = dataset(card=Card("synthetic-proteins", title="Some"))
    planned = [cell(data, models.get("efficientnet-lite0-lower"), made) for made in recipes]
    told.plan(planned, planned, set())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "synthetic-proteins"
    assert max(map(len, lines)) <= 80
    shown = [line.split() for line in lines if line.startswith(" efficientnet-lite0-lower ")]
    assert [row[1] for row in shown] == [made.name for made in recipes]


def test_a_plan_is_kept_with_the_cards_as_they_were() -> None:
    one = cell()
    rows = plan.rows(study.parse("x", 'title = "A title"\n' + TOML, "x.toml"), [replace(one, unavailable="why")])
    assert [row["trial_id"] for row in rows] == ids(one)
    assert {row["cell_id"] for row in rows} == {one.id}
    assert [(row["repeat"], row["fold"]) for row in rows] == [(r, f) for r in range(2) for f in range(3)]
    assert rows[0]["unavailable"] == "why"
    assert rows[0]["study_title"] == "A title"
    assert '"classes": ["a", "b"]' in rows[0]["dataset_card"]
    assert '"at_hand": {"a": 15, "b": 15}' in rows[0]["dataset_card"]
    assert '"name": "cnn-shallow"' in rows[0]["model_card"]
