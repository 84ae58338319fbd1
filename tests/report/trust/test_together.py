"""Ensembles, claims of a lead and new groups, of the published store and of made-up ones."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import verdicts
from paths import ROOT
from sklearn.metrics import balanced_accuracy_score

from report import findings, recipes
from report.data import Results
from report.sections import trusting
from report.trust import asked, claims, ensembles, rows, spread
from store import Store


@pytest.fixture(scope="module")
def published() -> Iterator[Results]:
    found = Results(ROOT / "results")
    yield found
    found.connection.close()


def test_independent_models_are_better_together(tmp_path: Path) -> None:
    """Made-up models fail on images of their own, so that three of them together know much more."""
    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", {"cnn": 0.7, "resnet18": 0.7, "vgg19": 0.69}, images=400)
    results = Results(store.root)
    found = ensembles.of_dataset(results, "mine")
    assert found is not None
    assert found.word == "better"
    assert {model for model, _ in found.voices} == {"cnn", "resnet18", "vgg19"}
    assert found.sentence.startswith("Several models together are better")
    # Nobody's own fold chose: by hand, for one repeat.
    whole = asked.of_section(results, results.sections[0])
    assert found.score > max(
        balanced_accuracy_score(whole.labels, whole.averaged(m).argmax(axis=1)) for m in whole.models
    )
    assert rows.of_ensemble(found)["verdict_at_1"] == "better"


def test_one_model_is_no_ensemble(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", {"cnn": 0.9, "resnet18": 0.8}, done={"resnet18": 7})
    assert ensembles.of_dataset(Results(store.root), "mine") is None


def test_published_ensembles_are_judged_together(published: Results) -> None:
    made = ensembles.everywhere(published)
    several = [name for name in published.datasets if ensembles.of_dataset(published, name)]
    assert [e.section.dataset for e in made] == several
    assert len(several) == made[0].asked >= 6
    assert any(e.alone for e in made)
    for e in made:
        assert e.alone == e.sentence.startswith("No second model")
        assert not e.alone or (e.word, e.wide, len(e.voices)) == ("equivalent", "equivalent", 1)
        assert e.holm >= e.p
        assert e.gain.low <= e.gain.estimate <= e.gain.high
        assert e.gain.estimate == pytest.approx(e.score - e.single_score)
        alone = ensembles.of_dataset(published, e.section.dataset)
        assert alone is not None
        assert (alone.gain, alone.holm) == (e.gain, e.p)


def test_where_probability_and_verdict_differ_it_says_why(published: Results) -> None:
    made = claims.everywhere(published)
    assert len(made) > 80
    for c in made:
        assert c.ours == (c.finding.narrow in ("better", "worse"))
        assert bool(c.why) == (c.stands != c.ours)
        assert {c.winner, c.loser} == {c.finding.model, c.finding.reference}
        if "asked at once" in c.why:
            assert c.finding.holm > 0.05 > c.finding.difference.p
        if "less than a point" in c.why and c.finding.narrow == "undecided":
            d = c.finding.difference
            assert (d.low if d.mean > 0 else -d.high) < 0.01
        # The claim is that the higher mean is better: no verdict on that pair can be the opposite.
        assert trusting.of_the_claim(c) == ("better" if c.ours else c.finding.narrow)
    assert any(c.winner == c.finding.reference and c.ours for c in made)
    assert any(c.stands and c.ours for c in made)
    assert any(not c.stands and not c.ours for c in made)
    assert any(c.why for c in made)
    of_one = claims.of_dataset(published, "malaria")
    every = findings.of_section(published, recipes.main(published, "malaria"))
    assert len(of_one) == sum(not f.comparison.what and f.comparison.against == f.section for f in every)


def test_new_groups_are_spoken_of_where_there_are_groups(published: Results) -> None:
    found = spread.of_dataset(published, "malaria")
    assert found is not None
    whole = asked.of_section(published, found.section)
    hits = (whole.said[found.model].argmax(axis=2) == whole.labels).mean(axis=0)
    row = found.dots.iloc[0]
    own = (np.array(whole.named)[whole.groups] == row["group"]) & (whole.labels == whole.classes.index(row["label"]))
    assert (row["images"], row["recall"]) == (own.sum(), pytest.approx(hits[own].mean()))
    assert found.dots["images"].min() >= spread.FEWEST
    # Copies that stay together are no donors.
    assert spread.of_dataset(published, "wbc-segmented") is None
    t_cells = spread.of_dataset(published, "t-cells")
    assert t_cells is not None
    assert all(e.high - e.low > 0.3 for e in t_cells.expected.values())
    assert [r["label"] for r in rows.of_spread(t_cells)] == sorted(t_cells.expected)
