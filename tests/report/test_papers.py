"""A manuscript's paragraphs: every figure is the store's, every verdict the site's, the rest is the author's to say."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pypandoc
import pytest
from commands import Run, one_sentence

from report import answers, estimates
from report.data import Results
from report.papers import checklists, predicted, told, write_up
from store import Store

FIGURE = re.compile(r"(?<![\w.])[−+]?\d+(?:\.\d+)?(?![\w.])")


@pytest.fixture(scope="module")
def of(trained: Path) -> told.Told:
    return told.told(Results(trained), "tiny", "efficientnet-lite0")


def figures(of: told.Told) -> set[str]:
    """Every figure that a text on this model may state, as it would be written."""
    known = [*of.answer.sentences, json.dumps(of.card), json.dumps(of.recipe), json.dumps(of.protocol)]
    known += [json.dumps(dict(of.model_card)), json.dumps(of.versions), *of.devices, *of.trained]
    scores = [of.test, of.vote, of.out_of_fold, *(r.score for r in of.recalls), *(score for _, score, _ in of.others)]
    known += [score.text() for score in scores if score] + [str(number) for *_, number in of.others]
    known += [str(n) for n in (of.images, of.held, of.groups, of.trials, len(of.card["classes"]), of.complete)]
    return {found for text in known for found in FIGURE.findall(text)} | {"95"}


def test_every_figure_is_one_of_the_store(trained: Path, of: told.Told) -> None:
    said = write_up.sentences(of, write_up.crossing(Results(trained), of))
    allowed = figures(of) | {"3"}  # repeats
    for key, sentence in said.items():
        unknown = set(FIGURE.findall(sentence)) - allowed
        assert not unknown, f"{key}: {sentence}"


def test_figures_are_those_of_the_site(trained: Path, of: told.Told) -> None:
    results = Results(trained)
    means = estimates.fold_means(results, of.section).set_index("model").loc["efficientnet-lite0"]
    assert (of.test.value, of.test.low, of.test.high) == tuple(means[["balanced_accuracy", "low", "high"]])
    text = write_up.markdown(of, write_up.crossing(results, of))
    assert f"{100 * means['balanced_accuracy']:.1f} %" in text
    for sentence in answers.answer(results, "tiny").sentences[:2]:
        assert write_up.plain(sentence) in text
    assert len(re.findall(r"^\| model \|", text, re.M)) == 1


def test_a_template_states_no_figure_of_its_own() -> None:
    assert write_up.say("{a} of 95 %", a="*x* <b>") == "\\*x\\* &lt;b&gt; of 95 %"
    with pytest.raises(write_up.WriteUpError, match="states a figure itself"):
        write_up.say("better by 3 points")


def test_what_stands_on_both_sides_is_said(trained: Path, of: told.Told) -> None:
    crossed = write_up.crossing(Results(trained), of)
    assert (crossed.groups, crossed.copies, crossed.of, crossed.repeats) == (0, 0, 72, 3)
    bad = write_up.leakage(of, replace(crossed, copies=2))[0]
    assert "2 exact copies" in bad
    assert "too high" in bad
    grouped = write_up.leakage(replace(of, groups=10), replace(crossed, of=10))[0]
    assert "10 groups" in grouped


@pytest.mark.parametrize(("items", "numbers"), [(checklists.CLAIM, 44), (checklists.TRIPOD, 27)])
def test_every_item_of_a_checklist_has_an_answer_or_is_the_authors(
    trained: Path, of: told.Told, items: tuple[checklists.Item, ...], numbers: int
) -> None:
    said = write_up.sentences(of, write_up.crossing(Results(trained), of))
    keys = {item.key for item in items if item.key}
    assert keys <= said.keys() | {"source", "comparison"}  # this card names no source
    assert {int(re.match(r"\d+", item.number)[0]) for item in items} == set(range(1, numbers + 1))  # type: ignore[index]
    table = checklists.table(items, said)
    assert table.count("\n") == len(items) + 1
    assert all(line.count("|") - line.count("\\|") == 4 for line in table.splitlines())


def test_the_command_writes_markdown_and_word(trained: Path, bench: Run, tmp_path: Path) -> None:
    for name in ("w.md", "w.docx"):
        code, out, err = bench("write-up", "tiny", "--store", trained, "-o", tmp_path / name)
        assert (code, err) == (0, "")
        assert "are yours to say" in out
    back = pypandoc.convert_file(str(tmp_path / "w.docx"), "gfm", extra_args=["--wrap=none"])
    assert "## Methods" in back
    assert "balanced accuracy" in back
    assert back.count("yours to say") == (tmp_path / "w.md").read_text().count("yours to say")
    for wrong, code in (("w.pdf", 2), ("w.md/x.md", 1)):
        found = bench("write-up", "tiny", "--store", trained, "-o", tmp_path / wrong)
        assert (found[0], one_sentence(found[2])) == (code, True)
    assert bench("write-up", "nothing", "--store", trained)[0] == 2


def test_words_of_a_store_are_no_markup_in_a_write_up(of: told.Told) -> None:
    bad = "<script>alert(1)</script> [x](javascript:alert(1)) | `a` $x$"
    card = {**of.card, "title": bad, "source": bad, "citation": bad, "found": [bad], "at_hand": {bad: 3, "b": 4}}
    text = write_up.markdown(replace(of, card=card), write_up.Crossing(0, 0, 1, 1))  # type: ignore[arg-type]
    made = pypandoc.convert_text(text, "html", format="gfm")
    assert "<script" not in made
    assert "href=" not in made


def test_the_page_on_new_images_shows_names_letter_for_letter() -> None:
    name = '"><script>alert(1)</script>'
    shown = predicted.Shown(name, "inspect", name, 0.5, 1.0, [name], b"jpeg", None, [predicted.Near(name, name, None)])
    page = predicted.page(name, [name], [predicted.Class(name, 0, 1, [shown], [])], {name: name})
    assert "<script" not in page
    assert page.count("&#60;script") >= 8


def test_trials_trained_again_are_equal_and_the_store_is_not_touched(
    trained: Path, data: Path, bench: Run, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(trained, tmp_path / "store"))
    before = Store(root).fingerprint()
    ask = ("reproduce", "--sample", "4", "--store", root, "--data", data)
    code, out, err = bench(*ask, "--format", "json")
    assert (code, err) == (0, ""), out
    rows = json.loads(out)
    assert len(rows) == len({row["trial_id"] for row in rows}) == 4
    assert {row["result"] for row in rows} <= {"equal", "within tolerance"}
    assert all(row["now"]["versions"]["torch"] for row in rows)
    assert Store(root).fingerprint() == before
    assert not list(root.rglob("*.safetensors"))
    again = bench(*ask, "--format", "json")[1]
    assert [row["trial_id"] for row in json.loads(again)] == [row["trial_id"] for row in rows]
    code, out, _ = bench("reproduce", "--sample", "1", "--model", "mean-colour", "--store", root, "--data", data)
    assert code == 0
    assert "equal" in out
    assert "the same versions" in " ".join(out.split())


def test_a_trial_that_comes_out_otherwise_is_different(
    trained: Path, data: Path, bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from bench.training import regressions

    real = regressions.Outcome

    def other(split: object, test: np.ndarray, holdout: np.ndarray, **more: object) -> object:
        wrong = [np.eye(3, dtype=np.float32)[(p.argmax(1) + 1) % 3] for p in (test, holdout)]
        return real(split, *wrong, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(regressions, "Outcome", other)
    ask = ("reproduce", "--sample", "1", "--model", "mean-colour", "--store", trained, "--data", data)
    code, out, _ = bench(*ask)
    assert code == 1
    assert "different" in out
    code, _, err = bench("reproduce", "--dataset", "nowhere", "--store", trained)
    assert (code, one_sentence(err)) == (2, True)
