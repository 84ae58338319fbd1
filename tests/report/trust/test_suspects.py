"""Suspects: planted errors are found, and the table that is handed out is a manifest."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import commands
import numpy as np
import pytest
from paths import ROOT

from report import recipes
from report.data import Results
from report.trust import asked, suspects
from report.trust.asked import Asked


@pytest.fixture(scope="module")
def published() -> Iterator[Results]:
    found = Results(ROOT / "results")
    yield found
    found.connection.close()


def planted(found: Asked, share: float, seed: int) -> tuple[Asked, set[str]]:
    """The same answers beside labels of which a share was exchanged for another class; and which."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([found.labels, found.held_labels])
    chosen = rng.choice(labels.size, round(share * labels.size), replace=False)
    labels[chosen] = (labels[chosen] + rng.integers(1, len(found.classes), chosen.size)) % len(found.classes)
    names = [*found.images, *found.held]
    kept = len(found.labels)
    return replace(found, labels=labels[:kept], held_labels=labels[kept:]), {names[i] for i in chosen}


@pytest.mark.parametrize("dataset", ["malaria", "wbc-segmented"])
def test_of_planted_errors_most_are_among_the_first_tenth(published: Results, dataset: str) -> None:
    """Planted into the labels beside stored answers, so no model has learnt them; a slow test trains on them too."""
    section = recipes.main(published, dataset)
    whole = asked.of_section(published, section)
    floors = [m for m in whole.models if published.model_card(m)["family"] == "Floor"]
    shares = []
    for seed in range(5):
        wrong, names = planted(whole, 0.05, seed)
        ranked = suspects.rank(wrong, suspects.good(wrong, floors))
        first = {s.image for s in ranked[: len(ranked) // 10]}
        shares.append(len(first & names) / len(names))
        assert len({s.image for s in ranked}) == len(whole.images) + len(whole.held)
    assert min(shares) > 0.5
    assert np.mean(shares) > 0.75


def test_where_no_model_is_good_nobody_doubts(published: Results) -> None:
    found = suspects.of_dataset(published, "reticulocytes")
    assert (found.models, found.listed) == ((), ())
    assert "No model here is good enough" in found.sentence


def test_the_first_have_every_good_model_against_them(published: Results) -> None:
    found = suspects.of_dataset(published, "malaria")
    assert len(found.models) >= 2
    count = len(found.flagged)
    assert [s.flagged for s in found.listed] == [True] * count + [False] * (len(found.listed) - count)
    margins = [s.margin for s in found.listed[count:]]
    assert margins == sorted(margins)
    assert all(s.suggested != s.label for s in found.listed)
    assert sum(bool(s.nearest) for s in found.listed) > 900
    labels = {s.image: s.label for s in found.listed}
    for s in found.listed[:20]:
        assert s.alike == sum(labels[name] == s.suggested for name in s.nearest)
        assert s.image not in s.nearest


def test_the_table_is_a_manifest(bench: commands.Run, data: Path, trained: Path, tmp_path: Path) -> None:
    """What one corrects in it, `dataset add` reads."""
    results = Results(trained)
    (section,) = results.sections
    found = asked.of_section(results, section)
    ranked = suspects.rank(found, ["efficientnet-lite0"])
    text = suspects.as_csv(suspects.Suspects(section, ("efficientnet-lite0",), tuple(ranked)))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 72
    rows[0]["label"] = rows[0]["suggested"]
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    monkey = tmp_path / "data"
    code, _, said = bench(
        "dataset", "add", "mended", str(data / "tiny"), "--manifest", "labels.csv", "--data", str(monkey)
    )
    assert code == 0, said
    card = (monkey / "mended.toml").read_text()
    assert "25" in card
    assert "23" in card


def test_the_command_writes_it_or_says_why_not(bench: commands.Run, tmp_path: Path) -> None:
    store = str(ROOT / "results")
    assert bench("answer", "malaria", "--suspects", "labels.csv", "--store", store)[0] == 0
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 1001
    for code, arguments, said in (
        (2, ("--suspects", "x.csv"), "about one dataset"),
        (2, ("reticulocytes", "--suspects", "x.csv"), "good enough"),
        (2, ("malariaa", "--suspects", "x.csv"), "did you mean 'malaria'"),
        (1, ("malaria", "--suspects", "nowhere/labels.csv"), "cannot be written"),
    ):
        found, _, err = bench("answer", *arguments, "--store", store)
        assert (found, commands.one_sentence(err)) == (code, True), err
        assert said in err
    assert not (tmp_path / "x.csv").exists()
