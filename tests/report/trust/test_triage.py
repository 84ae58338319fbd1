"""Triage, chance and leaks of whole stores: against pandas and scikit-learn, and what is known of the published one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import verdicts
from paths import ROOT
from sklearn.metrics import balanced_accuracy_score

from report import recipes, statistics
from report.data import Results
from report.sections import trust
from report.trust import asked, chance, leaks, rows, suspects, triage
from store import Store


@pytest.fixture(scope="module")
def published() -> Iterator[Results]:
    found = Results(ROOT / "results")
    yield found
    found.connection.close()


@pytest.fixture
def made_up(tmp_path: Path) -> Results:
    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", {"cnn": 0.9, "mean-colour": 0.5, "resnet18": 0.8}, done={"resnet18": 7})
    return Results(store.root)


def test_what_was_said_is_what_the_store_holds(published: Results) -> None:
    """Every probability, in its place: the balanced accuracies that come out are those of the view."""
    for dataset in published.datasets:
        section = recipes.main(published, dataset)
        found = asked.of_section(published, section)
        scores = published.of(published.scores, section).set_index(["model", "subset", "repeat", "fold"]).sort_index()
        for model in found.models:
            for said, row in zip(found.said[model], found.repeats[model], strict=True):
                for fold in np.unique(found.folds[row]):
                    own = found.folds[row] == fold
                    score = balanced_accuracy_score(found.labels[own], said[own].argmax(axis=1))
                    true = scores["balanced_accuracy"][model, "test", row, fold]
                    assert score == pytest.approx(true), (dataset, model)
            held = [balanced_accuracy_score(found.held_labels, p.argmax(axis=1)) for p in found.held_said[model]]
            assert np.mean(held) == pytest.approx(scores["balanced_accuracy"][model, "holdout"].mean())
            assert len(found.held_folds[model]) == len(held)


def test_repeats_that_are_not_whole_are_left_out(made_up: Results) -> None:
    (section,) = made_up.sections
    found = asked.of_section(made_up, section)
    assert {model: len(said) for model, said in found.said.items()} == {"cnn": 4, "mean-colour": 4, "resnet18": 1}
    assert np.unique(found.groups).size == len(found.images) == 108
    assert triage.of_model(made_up, section, "nothing") is None


@pytest.mark.parametrize("said", [[np.nan, 0.5], [np.inf, -3.0], [0.5], [0.2, 0.3, 0.5], [-0.1, 1.1]])
def test_what_is_no_answer_is_left_out(said: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that was sent may hold anything: what is no probability leaves its repeat incomplete, no page fails."""
    sound = verdicts._asked

    def broken(*arguments: Any) -> list[dict[str, Any]]:
        rows_ = sound(*arguments)
        rows_[0]["probabilities"] = said
        return rows_

    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", {"cnn": 0.9})
    with monkeypatch.context() as patched:
        patched.setattr(verdicts, "_asked", broken)
        verdicts.write(store, "mine", {"mean-colour": 0.5})
    results = Results(store.root)
    (section,) = results.sections
    found = asked.of_section(results, section)
    assert found.models == ["cnn"]
    assert list(found.held_said) == ["cnn"]
    nobody = asked.of_section(results, replace(section, recipe="another"))
    assert (nobody.models, nobody.images) == ([], ())
    assert suspects.of_dataset(results, "mine").models == ("cnn",)


def test_no_error_seen_is_not_none_to_come(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", {"cnn": 1.0})
    told = triage.best(Results(store.root), "mine")
    assert told is not None
    assert told.at(1.0).estimate == 0
    assert told.word == "of use"
    low, high = statistics.jeffreys(0, 108)
    assert (told.at(1.0).low, told.at(1.0).high) == (low, pytest.approx(float(high)))


def test_too_few_images_show_no_rate(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", {"cnn": 1.0}, images=30)
    told = triage.best(Results(store.root), "mine")
    assert told is not None
    assert told.word == "undecided"
    assert told.sentences[1] == (
        "Whether a rate of 5 % wrong answers can be kept so few images do not show: it takes 60 at least."
    )


def test_a_certainty_that_says_nothing_is_no_guide(made_up: Results) -> None:
    """Made-up models are as sure where they are wrong: no triage keeps what it promises, and the sentence says so."""
    (section,) = made_up.sections
    told = triage.best(made_up, "mine")
    assert told is not None
    assert told.model == "cnn"
    assert told.at(1.0).estimate == pytest.approx(told.curve[-1].estimate)
    whole = asked.of_section(made_up, section)
    voted = whole.averaged("cnn").argmax(axis=1)
    assert told.at(1.0).estimate == pytest.approx(1 - balanced_accuracy_score(whole.labels, voted))
    guess = triage.of_model(made_up, section, "mean-colour")
    assert guess is not None
    assert guess.word == "no use"
    assert guess.sentences[1].startswith("Not to be triaged")
    assert "do not show that its certainty tells which" in guess.sentences[0] or "no guide" in guess.sentences[0]
    row = rows.of_triage(guess)
    assert row["verdict"] == "no use"
    assert row["thresholds"][0]["certainty"] is None


def test_the_published_verdicts_are_those_that_are_known(published: Results) -> None:
    """Malaria cells and cut-out white cells may be triaged; lung CTs and reticulocytes may not."""
    told = {t.section.dataset: t for t in triage.everywhere(published)}
    assert {told[name].word for name in ("malaria", "wbc-segmented")} == {"of use"}
    assert {told[name].word for name in ("covid-ct", "reticulocytes")} == {"no use"}
    assert told["malaria"].drop.low > 0.005
    for t in told.values():
        assert all(span.low <= span.estimate <= span.high for span in t.curve if span.known)
        assert t.sentences[1].startswith("Not to be triaged") == (t.word == "no use")
        for rate in t.rates:
            # Nothing is promised for the images that a threshold was chosen on; on others it is about what was wanted.
            if rate.decided > 0.5:
                assert rate.error.low <= rate.wanted


def test_tenths_of_confidence_count_every_answer_once(published: Results) -> None:
    t = next(t for t in triage.everywhere(published) if t.section.dataset == "malaria")
    bins = trust.bins(published, t)
    answers = published.frame(
        "select list_max(probabilities) as sure, label = predicted as hit from predictions "
        "semi join chosen_trials using (trial_id) "
        "where subset = 'test' and dataset = 'malaria' and model = $model and recipe = $recipe",
        model=t.model,
        recipe=t.section.recipe,
    )
    tenth = np.minimum((answers["sure"] * 10).astype(int), 9)
    counted = answers.groupby(tenth).agg(sure=("sure", "mean"), right=("hit", "mean"), images=("hit", "size"))
    own = bins[bins["model"] == t.model]
    assert own["images"].tolist() == pytest.approx((counted["images"] / t.repeats).tolist())
    assert own["confidence"].tolist() == pytest.approx(counted["sure"].tolist())
    assert own["right"].tolist() == pytest.approx(counted["right"].tolist())
    assert (bins["low"] <= bins["right"]).all()
    assert (bins["right"] <= bins["high"]).all()


def test_what_is_at_chance_is_called_so(published: Results, made_up: Results) -> None:
    (section,) = made_up.sections
    words = {row.model: row.word for row in chance.of_section(made_up, section)}
    assert words == {"cnn": "above chance", "mean-colour": "at chance", "resnet18": "above chance"}
    row = chance.of_model(published, recipes.main(published, "reticulocytes"), "pixel-ratio")
    assert row is not None
    assert row.word == "at chance"
    assert (row.null.low, row.null.high) == pytest.approx((0.17, 0.23), abs=0.012)
    assert "pixel-ratio" in chance.sentence([row])
    assert not chance.of_section(published, recipes.main(published, "t-cells"))[0].whole


def test_the_ledger_is_what_pandas_makes_of_the_predictions(published: Results) -> None:
    found = leaks.ledger(published)
    assert {leak.dataset for leak in found} >= {"covid-ct", "malaria", "t-cells", "wbc-segmented"}
    every = published.frame(
        "select p.*, t.dataset_hash from predictions p join trials t using (trial_id) where p.subset = 'test' "
        "and p.dataset = 'covid-ct' and p.model = 'efficientnet-lite0-probe'"
    )
    chosen = published.frame("select trial_id from chosen_trials")["trial_id"]
    every["right"] = (every["predicted"] == every["label"]).astype(float)
    careless = every[every["recipe"] == "96px-groups-ignored"]
    honest = every[every["trial_id"].isin(chosen) & (every["recipe"] == "96px")]
    both = careless.groupby(["image_id", "label"])["right"].mean().to_frame("careless")
    both = both.join(honest.groupby(["image_id", "label"])["right"].mean().rename("honest"), how="inner").reset_index()
    means = both.groupby("label")[["careless", "honest"]].mean().mean()
    leak = next(x for x in found if (x.dataset, x.model) == ("covid-ct", "efficientnet-lite0-probe"))
    assert (leak.careless, leak.honest, leak.images) == pytest.approx((means["careless"], means["honest"], len(both)))
    assert leak.word == "flatters"
    assert "flatters" in leaks.sentence(leak)
    assert leak.claimed.low > 0.05
    assert rows.of_leak(leak)["claimed"]["low"] == leak.claimed.low
    adjusted = statistics.holm([x.p for x in found])
    assert [x.holm for x in found] == pytest.approx(adjusted.tolist())
    words = pd.Series([x.word for x in found], index=[x.dataset for x in found])
    assert set(words["malaria"]) == {"small"}


def test_a_store_without_careless_trials_has_an_empty_ledger(made_up: Results) -> None:
    assert leaks.ledger(made_up) == ()
    assert leaks.of_dataset(made_up, "mine") == []
