"""How many more images, from stored trials: tested backwards, with the largest share hidden."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import verdicts
from paths import ROOT

from report import answers
from report.data import Results
from report.trust import growing, rows
from store import Store


@pytest.fixture(scope="module")
def published() -> Iterator[Results]:
    found = Results(ROOT / "results")
    yield found
    found.connection.close()


def test_smaller_shares_foretell_the_largest(published: Results) -> None:
    made = growing.everywhere(published)
    assert {m.section.dataset for m in made} >= {"malaria", "wbc-segmented"}
    tried = [m for m in made if m.held is not None]
    assert len(tried) >= 6
    assert sum(bool(m.held) for m in tried) >= 0.9 * len(tried) - 0.5


def test_the_sentence_bears_the_interval(published: Results) -> None:
    for more in growing.everywhere(published):
        g = more.growth
        assert 0 <= g.low <= g.gain <= g.high
        assert ("cannot say" in more.sentence) == (g.word == "cannot say")
        assert ("plateau" in more.sentence) == (g.word == "plateau")
        assert more.splits >= 5
        assert rows.of_more(more)["high"] == g.high
    malaria = growing.of_model(published, "malaria", "efficientnet-lite0")
    assert malaria is not None
    assert "(500 more a class)" in malaria.sentence
    for name in published.datasets:
        answer = answers.answer(published, name)
        of_the_used = growing.of_model(published, name, answer.use) if answer.use else None
        for more in growing.of_dataset(published, name):
            assert (more.sentence in answer.sentences[2]) == (more == of_the_used)
    # Classes of white cells differ in size, so that no number a class is named.
    assert all(m.a_class is None for m in growing.of_dataset(published, "wbc-segmented"))


def test_without_shares_nothing_is_said(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    verdicts.write(store, "mine", {"cnn": 0.9})
    found = Results(store.root)
    assert growing.of_dataset(found, "mine") == ()
    assert "To be better" not in " ".join(answers.answer(found, "mine").sentences)
