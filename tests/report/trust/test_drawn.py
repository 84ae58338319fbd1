"""What is said of trust as pages print it, from the published store."""

import re
from collections.abc import Iterator

import pytest
from paths import ROOT

from report import recipes
from report.data import results
from report.pages import trust as page
from report.sections import fewer_images, suspects, trust, trusting

# On which datasets a page has these words, and on which it has not.
KNOWN = (
    ("Not to be triaged", {"covid-ct", "reticulocytes"}, {"malaria", "wbc-segmented"}),
    ("split one by one", {"covid-ct", "malaria", "t-cells", "wbc-segmented"}, {"reticulocytes"}),
    ("nine of ten groups", {"covid-ct", "malaria", "t-cells"}, {"wbc-segmented", "reticulocytes"}),
    ("no trial here has seen", {"malaria", "t-cells", "wbc-segmented"}, {"covid-ct"}),
    ("At chance", {"reticulocytes"}, {"malaria"}),
)


@pytest.fixture(autouse=True)
def _published(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BENCH_STORE", str(ROOT / "results"))
    results.cache_clear()
    yield
    results().connection.close()
    results.cache_clear()


def plain(printed: str) -> str:
    return " ".join(re.sub(r"<[^>]*>|`|\{=html\}|&#\d+;", " ", printed).split())


def test_the_page_asks_every_question_of_all_datasets(capsys: pytest.CaptureFixture[str]) -> None:
    page.show_all()
    said = capsys.readouterr().out
    headings = re.findall(r"^## .* \{#([a-z]+)\}$", said, re.M)
    assert headings == ["triage", "chance", "leaks", "labels", "more", "together", "claims", "groups"]
    assert set(re.findall(r"#fig-([a-z]+)", said)) >= {"chance", "leaks", "more", "together"}
    assert "Careless splits flatter on" in plain(said)
    assert "/assets/suspects/malaria.csv" in said
    assert said.count("<details") == said.count("</details>") >= 3


def test_each_dataset_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    found = results()
    for name in found.datasets:
        section = recipes.main(found, name)
        trust.show_section(found, section)
        suspects.show_section(found, name)
        trusting.show_section(found, name)
        fewer_images.show_section(found, section)
        said = capsys.readouterr().out
        words = plain(said)
        assert "{#trust}" in said
        assert f"fig-coverage-{section.slug}" in said
        assert "Better than guessing?" in words
        for phrase, where, nowhere in KNOWN:
            assert phrase in words or name not in where, (name, phrase)
            assert phrase not in words or name not in nowhere, (name, phrase)
        # Details are folded, each fold is closed, and no heading stands within.
        for fold in re.findall(r"<details.*?</details>", said, re.S):
            assert not re.search(r"^#+ ", fold, re.M)
        assert said.count("<details") == said.count("</details>")
