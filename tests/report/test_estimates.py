"""The numbers on the site, against what the store's predictions say when asked another way."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

from report import charts, estimates, findings, palette, show
from report.data import Results, Section
from report.sections import mosaics
from report.show import Markup
from report.statistics import corrected_resampled_t
from store import Store


@pytest.fixture(scope="module")
def found(trained: Path) -> Iterator[Results]:
    results = Results(trained)
    yield results
    results.connection.close()


@pytest.fixture(scope="module")
def section(found: Results) -> Section:
    (only,) = found.sections
    return only


def trials(found: Results, model: str, subset: str) -> Iterator[tuple[list[str], list[str]]]:
    frame = found.frame(
        "select * from predictions where model = $model and subset = $subset", model=model, subset=subset
    )
    for _, group in frame.groupby(["repeat", "fold"]):
        yield group["label"].tolist(), group["predicted"].tolist()


def test_means_are_those_of_the_trials(found: Results, section: Section) -> None:
    means = estimates.fold_means(found, section).set_index("model")
    for model in found.models(section):
        scores = [balanced_accuracy_score(*pair) for pair in trials(found, model, "test")]
        wanted = corrected_resampled_t(scores, test_train_ratio=estimates.test_train_ratio(found.scores))
        assert means.loc[model, "balanced_accuracy"] == pytest.approx(np.mean(scores), abs=1e-12)
        assert means.loc[model, "low"] == pytest.approx(max(0, wanted.low), abs=1e-3)
        assert means.loc[model, "trials"] == 6


def test_confusion_is_that_of_scikit_learn(found: Results, section: Section) -> None:
    classes = found.dataset_card(section.dataset)["classes"]
    shares = estimates.confusion(found, section)
    for model in found.models(section):
        labels, predicted = (list(chain(*side)) for side in zip(*trials(found, model, "test"), strict=True))
        wanted = confusion_matrix(labels, predicted, labels=classes, normalize="true")
        table = shares[shares["model"] == model].pivot(index="label", columns="predicted", values="share")
        assert np.allclose(table.loc[classes, classes], wanted)
    assert ((shares["low"] <= shares["share"] + 1e-9) & (shares["share"] <= shares["high"] + 1e-9)).all()
    # The repeats ask the same images again: a class counts its images outside the holdout once.
    assert shares.groupby(["model", "label"])["images"].sum().round(6).isin([19, 20]).all()


def test_votes_are_those_of_the_view(found: Results, section: Section, trained: Path) -> None:
    votes = estimates.votes(found, section).set_index("model")["balanced_accuracy"]
    cells = found.cells.set_index("model")["vote_balanced_accuracy"]
    assert votes.to_dict() == pytest.approx(cells.to_dict(), abs=1e-12)


def test_findings_pair_the_same_splits(found: Results, section: Section) -> None:
    made = {(f.model, f.reference): f for f in findings.of_section(found, section)}
    assert set(made) >= {
        ("efficientnet-lite0-lower", "efficientnet-lite0"),
        ("efficientnet-lite0", "cnn-shallow"),
        ("efficientnet-lite0", "mean-colour"),
    }
    finding = made["efficientnet-lite0", "mean-colour"]
    a, b = ([balanced_accuracy_score(*p) for p in trials(found, m, "test")] for m in (finding.model, finding.reference))
    assert finding.difference.mean == pytest.approx(np.mean(a) - np.mean(b), abs=1e-12)
    # A wider band can turn a difference into none, never into one.
    assert not (finding.wide == "better" and finding.narrow in ("worse", "equivalent"))


def test_a_study_narrows_what_is_shown(trained: Path) -> None:
    everything, small, another = Results(trained), Results(trained, "small"), Results(trained, "another")
    assert small.models() == everything.models()
    assert another.sections == []
    assert everything.about["trials"] == len(Store(trained).finished()[0])
    for each in (everything, small, another):
        each.connection.close()


def test_colours_stay_with_a_model() -> None:
    """A model's colour and shape depend on its name and family alone, and no two of ours look alike."""
    from bench import models

    ours = {name: models.get(name).family for name in models.names()}
    styles = palette.styles(ours.items())
    assert len({(s.colour, s.shape) for s in styles.values()}) == len(styles)
    more = palette.styles([*ours.items(), ("mine-b", "Mine"), ("mine-a", "Mine"), ("wide", "Other"), ("deep", "Third")])
    assert len(set(more.values())) == len(styles) + 4, "nor do those that nobody foresaw"
    assert all(more[name] == style for name, style in styles.items()), "which recolour none of ours"
    assert palette.style("vgg19", "VGG19").colour == palette.FAMILIES["VGG19"]
    assert palette.style("mine", "Mine") == palette.style("mine", "Mine")
    shuffled = palette.ordered(sorted(ours.items(), reverse=True))
    assert shuffled == palette.ordered(ours.items())
    assert shuffled[0] == "vgg19"
    assert set(shuffled[-2:]) == {name for name, family in ours.items() if family == "Floor"}


def test_charts_are_safe_to_embed(found: Results, section: Section) -> None:
    means = estimates.fold_means(found, section)
    means.loc[0, "model"] = name = "</script><b>"
    styles = {model: palette.style(model, "CNN") for model in means["model"]}
    chart = charts.means(means, list(means["model"]), styles, 1 / 3)
    drawn = chart.html.source
    assert name not in drawn
    assert "<script" not in drawn
    assert drawn.count('class="chart-row"') == len(means)
    written = show.numbers(chart.numbers).source
    assert written.count("</script>") == 1
    assert json.loads(written[written.index("{") : written.rindex("}") + 1])["rows"][0][0] == name


def test_tables_escape_and_align() -> None:
    text = show.table_text(["a", "b"], [["x|y", "1.5"], [Markup("*z*"), "−2 [−3, −1]"], ["z", 2]])
    assert text.source.splitlines() == [
        "| a | b |",
        "|:------|-----------:|",
        "| `x&#124;y`{=html} | `1.5`{=html} |",
        "| *z* | `&#8722;2 &#91;&#8722;3, &#8722;1&#93;`{=html} |",
        "| z | 2 |",
    ]


def test_mosaic_places_every_map() -> None:
    from io import BytesIO

    from PIL import Image

    maps = np.stack([np.full((4, 5), v, dtype=np.uint8) for v in (0, 120, 255)])
    image = Image.open(BytesIO(mosaics.mosaic(maps, columns=2, gap=1, zoom=1)))
    assert image.size == (11, 9)
    index = np.asarray(image)
    assert [index[0, 0], index[0, 6], index[5, 0]] == [0, 120, 255]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123, "+12.3"), (-0.05, "−5.0"), (0, "0.0"), (-0.0004, "0.0"), (0.0004, "0.0"), (-0.0006, "−0.1")],
)
def test_points(value: float, text: str) -> None:
    assert estimates.points(value) == text
