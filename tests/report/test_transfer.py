"""What stands behind the pictures of the pages, beside independent ways to the same numbers."""

import html
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from report import devices, payload, recipes, show, transfer
from report.comparisons import compared
from report.data import Results, Section
from report.sections import failures, images
from report.transfer import GRID, Paired


@pytest.fixture(scope="module")
def found(trained: Path) -> Iterator[Results]:
    results = Results(trained)
    yield results
    results.connection.close()


@pytest.fixture(scope="module")
def section(found: Results) -> Section:
    return recipes.main(found, "tiny")


def test_the_way_goes_from_guessing_to_perfect() -> None:
    assert [transfer.way(score, 1 / 5) for score in (0.2, 0.6, 1.0)] == pytest.approx([0, 0.5, 1])
    assert transfer.way(0.25, 0.5) == -0.5


def test_any_two_models_are_compared_on_the_splits_that_both_have(found: Results, section: Section) -> None:
    paired = Paired.of(found, section)
    for model, reference in (("efficientnet-lite0", "cnn-shallow"), ("cnn-shallow", "mean-colour")):
        assert paired.compared(GRID, model, reference) == compared(found, GRID, (section, model), (section, reference))
    none = Paired(section, paired.table.assign(**{"cnn-shallow": [np.nan] * 6}), paired.ratio, paired.wanted)
    assert none.compared(GRID, "cnn-shallow", "mean-colour") is None


def test_an_arrow_ends_where_the_model_stands(found: Results, section: Section) -> None:
    """No network here has a twin from scratch, so the arrow starts at the small one, and says so."""
    frame = transfer.arrows(found)
    assert frame[["model", "reference", "same"]].to_numpy().tolist() == [["efficientnet-lite0", "cnn-shallow", False]]
    means = found.scores[found.scores["subset"] == "test"].groupby("model")["balanced_accuracy"].mean()
    for place, model in (("start", "cnn-shallow"), ("end", "efficientnet-lite0"), ("floor", "mean-colour")):
        assert frame[place][0] == pytest.approx((means[model] - 1 / 3) / (2 / 3))
    cells = transfer.grid(found)[section]
    assert cells["cnn-shallow"].against is None
    assert {model: cell.score for model, cell in cells.items()} == pytest.approx(means.to_dict())


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ({}, "What pre-training adds is open: no pre-trained model stands beside one from scratch yet"),
        ({"a": "better"}, "Pre-training adds 10 % of the way to perfect on one dataset"),
        (
            {"a": "undecided", "b": "incomplete"},
            "What pre-training adds to the same network: on one dataset these data cannot tell; "
            "on one dataset too few splits are done",
        ),
        (
            {"other": "better"},
            "On one dataset a pre-trained network stands beside a small one only, and is better on 1",
        ),
        (
            {"a": "better", "b": "better", "c": "worse", "d": "undecided"},
            "Pre-training adds 10 to 20 % of the way to perfect on two datasets; it costs on one dataset; "
            "on one dataset these data cannot tell",
        ),
    ],
)
def test_a_headline_says_what_the_verdicts_carry(verdicts: dict[str, str], words: str) -> None:
    rows = [
        {"dataset": name, "verdict": verdict, "start": 0.2, "end": 0.3 + 0.1 * place, "same": name != "other"}
        for place, (name, verdict) in enumerate(verdicts.items())
    ]
    assert transfer.headline(pd.DataFrame(rows)) == words


def test_what_the_scripts_read_is_what_the_store_says(found: Results, section: Section) -> None:
    """Every answer of every trial, read back from its number."""
    data = payload.dataset(found, "tiny")
    (own,) = data["sections"]
    read = set()
    for trial in own["trials"]:
        places = {"test": own["tests"][f"{trial['repeat']}/{trial['fold']}"], "holdout": own["holdout"]}
        for subset, images_ in places.items():
            for place, code in zip(images_, trial[f"said_{subset}"], strict=True):
                name, said = own["models"][trial["model"]]["name"], data["classes"][code // 101]
                read.add((name, trial["repeat"], trial["fold"], subset, data["images"][place], said, code % 101))
    wanted = found.frame(
        "select model, repeat, fold, subset, image_id, predicted, "
        "round(100 * list_max(probabilities))::integer as sure from predictions"
    )
    assert read == {tuple(row) for row in wanted.itertuples(index=False, name=None)}
    labels = found.frame("select distinct image_id, label from predictions").set_index("image_id")["label"].to_dict()
    assert {image: data["classes"][k] for image, k in zip(data["images"], data["labels"], strict=True)} == labels


def test_the_hardest_images_are_those_that_networks_miss(found: Results, section: Section) -> None:
    shown = failures.hardest(found, section, most=5)
    frame = found.frame("select * from predictions where subset = 'test' and model != 'mean-colour'")
    right = (frame["predicted"] == frame["label"]).groupby(frame["image_id"]).mean()
    assert shown["right_share"].tolist() == pytest.approx(sorted(right)[:5])
    assert shown["right_share"].tolist() == pytest.approx(right[shown["image_id"]].tolist())


def test_devices_say_their_arithmetic() -> None:
    assert devices.named(["CPU, 2 threads"]) == "CPU, 2 threads, float32"
    assert devices.named(["CPU, 1 threads, bfloat16"]) == "CPU, 1 thread, bfloat16"
    assert devices.named(["CPU, 2 threads", "CPU, 1 threads, bfloat16"]).startswith("mixed (CPU, 1 thread, bfloat16; ")
    assert devices.named([]) == "not known"


@pytest.mark.parametrize(
    ("words", "links"),
    [
        ("Rajaraman et al., doi:10.7717/peerj.4568, 2018", ["https://doi.org/10.7717/peerj.4568"]),
        ("github.com/UCSD-AI4H/COVID-CT; kaggle.com.", ["https://github.com/UCSD-AI4H/COVID-CT", "https://kaggle.com"]),
        ("`github.com/a` and [b](https://b.org), <https://c.org/d>", ["https://b.org", "https://c.org/d"]),
        ("Cats. arXiv:1803.04873 (2018)", ["https://arxiv.org/abs/1803.04873"]),
        ("a.b 10.5 % of example.exe, me@mail.com", []),
    ],
)
def test_sources_and_dois_are_links(words: str, links: list[str]) -> None:
    drawn = html.unescape(show.prose_html(images.linked(words)).source)
    assert [part.partition('"')[0] for part in drawn.split('href="')[1:]] == links
