"""Answers in three sentences: where models differ, where nothing is decided, and where trials are missing."""

import json
import random
import shutil
import time
from pathlib import Path

import pytest
import verdicts
from typer.testing import CliRunner

from bench.cli import app
from report import answers, claims, findings, recipes, rows, voting
from report.data import Results
from report.trust import chance, ensembles, growing, leaks, spread, suspects, triage
from report.trust import claims as claimed
from store import Store
from store.compaction import compact

HEAD, SCRATCH = "efficientnet-lite0", "efficientnet-lite0-scratch"
RIGHTS = {HEAD: 0.95, SCRATCH: 0.7, "cnn": 0.72, "mean-colour": 0.55}


def opened(store: Store) -> Results:
    found = Results(store.root)
    assert found.left_out == []
    return found


def test_what_is_better_is_said_with_its_figures(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", RIGHTS)
    found = opened(store)
    answer = answers.answer(found, "mine")
    use, sure, surer = answer.sentences
    assert answer.use == HEAD
    assert use.startswith(f"Use the pre-trained network with a small head ({HEAD}): 9")
    assert sure.startswith(f"Surely worse: the same network from scratch ({SCRATCH}), by 2")
    row = next(r for r in answer.rows if (r["model"], r["reference"]) == (HEAD, SCRATCH))
    assert (row["verdict_at_1"], row["verdict_at_5"], row["splits"]) == ("better", "better", 20)
    assert f"{row['difference'] or 0:.3f}"[2:] in sure.replace(".", "")
    assert "20 splits" in sure
    assert "Holm" in sure
    assert surer.startswith("To be surer: ")
    # The table of the page and the answer are of one making.
    assert answer.rows == [rows.of_finding(f) for f in findings.of_section(found, found.sections[0])]
    # Somebody else's data never change yours.
    verdicts.write(store, "theirs", dict.fromkeys([*RIGHTS, "cnn-shallow", "resnet18", "resnet18-scratch"], 0.6))
    again = answers.answer(opened(store), "mine")
    assert (again.sentences, again.rows) == (answer.sentences, answer.rows)


def test_what_is_not_decided_is_said_with_what_could_have_been_seen(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", {HEAD: 0.8, SCRATCH: 0.79, "cnn": 0.79})
    use, sure, surer = answers.answer(opened(store), "mine").sentences
    assert use.startswith("These data do not decide; if one has to be taken, take ")
    assert sure.startswith("Not told apart from it: ")
    assert "would have been seen four times in five" in sure
    assert "times the images" in surer


def test_where_trials_are_missing_it_says_which(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", RIGHTS, done={SCRATCH: 8})
    answer = answers.answer(opened(store), "mine")
    again = "`bench run --dataset mine`, with the options of before, trains the 12 missing trials of "
    assert f"{again}efficientnet-lite0-scratch" in answer.sentences[2]
    row = next(r for r in answer.rows if r["reference"] == SCRATCH)
    assert (row["verdict_at_1"], row["splits"], row["splits_wanted"], row["holm"]) == ("incomplete", 8, 20, None)
    nothing = Store(tmp_path / "nothing", create=True)
    verdicts.write(nothing, "mine", RIGHTS, done=dict.fromkeys(RIGHTS, 3))
    answer = answers.answer(opened(nothing), "mine")
    assert answer.use is None
    assert answer.sentences[0].startswith("No model has all its trials on mine yet")
    assert len(answer.sentences) == 3


def test_a_recipe_that_does_better_is_no_secret(tmp_path: Path) -> None:
    """A learning rate may ruin the best way to train, and then the answer at that rate is not the whole answer."""
    store, tuned = Store(tmp_path / "store", create=True), f"{HEAD}-tuned"
    verdicts.write(store, "mine", RIGHTS | {HEAD: 0.8, tuned: 0.6})
    assert "another recipe" not in " ".join(answers.answer(opened(store), "mine").sentences)
    verdicts.write(store, "mine", {tuned: 0.97, SCRATCH: 0.6}, rate=1e-4)
    use, sure, _ = answers.answer(opened(store), "mine").sentences
    assert use.startswith(f"Use the pre-trained network with a small head ({HEAD}): ")
    assert (
        "Surely better at another recipe, 96px-lr0.0001 (learning rate 0.0001 instead of 0.001): the pre-trained "
        f"network tuned whole ({tuned}), by 1"
    ) in use
    assert use.endswith(" of 2).")
    assert f"Surely worse: the pre-trained network tuned whole ({tuned}), by 2" in sure, "at the main recipe"


def test_what_pre_training_adds_is_told_by_its_twins(tmp_path: Path) -> None:
    """Lower layers have no twin from scratch; the network that they are of has."""
    store, lower = Store(tmp_path / "store", create=True), f"{HEAD}-lower"
    verdicts.write(store, "mine", {lower: 0.97, HEAD: 0.85})
    assert "no network from scratch has results beside it" in answers.answer(opened(store), "mine").sentences[1]
    verdicts.write(store, "mine", {SCRATCH: 0.6})
    answer = answers.answer(opened(store), "mine")
    assert answer.use == lower
    assert f"({HEAD}) is surely better than {SCRATCH}, +2" in answer.sentences[1]
    assert "not known yet" not in answer.sentences[1]


def test_what_is_ahead_on_some_of_its_splits_is_not_of_a_lower_mean(tmp_path: Path) -> None:
    store, tuned = Store(tmp_path / "store", create=True), f"{HEAD}-tuned"
    verdicts.write(store, "mine", {HEAD: 0.7, tuned: 0.97}, done={tuned: 15})
    _, sure, surer = answers.answer(opened(store), "mine").sentences
    assert sure.startswith("Surely better, though not all of its trials are done: the pre-trained network tuned")
    assert "the 5 missing trials" in surer


def test_neither_order_nor_copies_nor_compaction_change_a_verdict(tmp_path: Path) -> None:
    def everything(store: Store) -> str:
        found = opened(store)
        table = [rows.of_finding(f) for f in findings.everywhere(found)]
        table += [rows.of_gain(gain) for gain in voting.everywhere(found)]
        judged = [rows.of_claim(j) for j in claims.everything(found)]
        return json.dumps([table, judged, answers.answer(found, "malaria").sentences])

    store = Store(tmp_path / "one", create=True)
    verdicts.write(store, "malaria", RIGHTS)
    verdicts.write(store, "wbc-raw", RIGHTS)
    before = everything(store)
    shuffled = list(RIGHTS.items())
    random.Random(1).shuffle(shuffled)
    turned = Store(tmp_path / "turned", create=True)
    for dataset in ("wbc-raw", "malaria"):
        verdicts.write(turned, dataset, dict(reversed(shuffled)))
    for one, other in zip(json.loads(before), json.loads(everything(turned)), strict=True):
        assert sorted(map(str, one)) == sorted(map(str, other))
    for kind in ("predictions", "trials", "images", "plans"):
        for part in list((store.root / kind).rglob("*.parquet")):
            shutil.copy(part, part.with_name(f"copy-{part.name}"))
    assert everything(store) == before
    compact(store)
    assert everything(store) == before


def test_the_command_says_it_and_lists_every_row(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", RIGHTS)
    verdicts.write(store, "malaria", RIGHTS)

    def bench(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["answer", *arguments, "--store", str(store.root)])
        return done.exit_code, done.output

    code, said = bench("mine")
    assert code == 0
    assert "Use the pre-trained network with a small head" in " ".join(said.split())
    assert "malaria" not in said
    code, said = bench("--format", "json")
    everything = json.loads(said)
    assert [a["dataset"] for a in everything["answers"]] == ["malaria", "mine"]
    assert {row["dataset"] for row in everything["findings"]} == {"malaria", "mine"}
    assert {row["question"] for row in everything["findings"]} >= {"pretraining", "small", "colour", "voting"}
    assert next(c for c in everything["claims"] if c["key"] == "malaria-transfer")["verdict"] == "contradicted"
    code, said = bench("mine", "--format", "json")
    assert json.loads(said).keys() == {"answers"}
    lines = rows.as_csv(everything["findings"]).splitlines()
    assert len(lines) == 1 + len(everything["findings"])
    empty = Store(tmp_path / "empty", create=True)
    done = CliRunner().invoke(app, ["answer", "--store", str(empty.root)])
    assert (done.exit_code, "no finished trials" in done.output) == (0, True)


@pytest.mark.slow
def test_a_large_study_is_judged_in_seconds(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    forms = ("", "-tuned", "-probe", "-lower", "-scratch")
    models = [f + form for f in ("resnet18", "efficientnet-lite0") for form in forms]
    models += ["vgg19", "vgg19-scratch", "cnn", "cnn-shallow", "mean-colour", "pixel-ratio"]
    rights = {model: 0.6 + 0.02 * place for place, model in enumerate(models)}
    assert len(rights) == 16
    for number in range(8):
        verdicts.write(store, f"dataset-{number}", rights, images=200)
    compact(store)
    started = time.process_time()  # of both cores, whatever else the machine does
    found = opened(store)
    table = [*findings.everywhere(found), *voting.everywhere(found)]
    claims.everything(found)
    seconds = time.process_time() - started
    assert len(table) > 8 * 60
    assert seconds < 5
    # And all that is said of trust, by every model.
    started = time.process_time()
    for dataset in found.datasets:
        section = recipes.main(found, dataset)
        assert len([triage.of_model(found, section, model) for model in models]) == 16
        assert len(chance.of_section(found, section)) == 16
        assert suspects.of_dataset(found, dataset).listed
        assert claimed.of_dataset(found, dataset)
        assert growing.of_dataset(found, dataset) == ()
        assert spread.of_dataset(found, dataset) is None
    assert len(ensembles.everywhere(found)) == 8
    assert leaks.ledger(found) == ()
    assert time.process_time() - started < 20
