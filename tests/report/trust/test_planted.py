"""Label errors that models were trained on too: planted into real images, a probe trained on them, and then sought."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from paths import SHARED

from bench.datasets import Library
from bench.running import runner
from bench.study import study
from report.data import Results
from report.trust import asked, suspects
from store import Store

STUDY = """
title = "Planted label errors"
datasets = ["planted"]
models = ["efficientnet-lite0-probe"]
[protocol]
holdout = 0.1
folds = 5
repeats = 2
[recipe]
image_size = 96
"""


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real images are not in {SHARED}")
@pytest.mark.parametrize("dataset", ["malaria", "wbc-segmented"])
def test_errors_that_were_trained_on_are_found_too(dataset: str, tmp_path: Path) -> None:
    """One in twenty images is in the wrong folder: of these half at least are among the first tenth of the list."""
    files = sorted(path for path in (SHARED / dataset).rglob("*") if path.is_file())
    classes = sorted({path.parent.name for path in files})
    rng = np.random.default_rng(0)
    wrong = set(rng.choice(len(files), round(0.05 * len(files)), replace=False).tolist())
    planted = set()
    for number, path in enumerate(files):
        others = [name for name in classes if name != path.parent.name]
        label = others[int(rng.integers(len(others)))] if number in wrong else path.parent.name
        name = f"{number:04}{path.suffix}"
        (tmp_path / "data" / "planted" / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "data" / "planted" / label / name)
        if number in wrong:
            planted.add(f"{label}/{name}")
    library = Library((tmp_path / "data",), tmp_path / "cache")
    store = Store(tmp_path / "store", create=True)
    done = runner.run(runner.prepare(study.parse("planted", STUDY, "s.toml"), library), store, library.cache, "cpu")
    assert done.failures == []
    results = Results(store.root)
    (section,) = results.sections
    found = asked.of_section(results, section)
    models = suspects.good(found, [])
    assert models == ["efficientnet-lite0-probe"]
    ranked = suspects.rank(found, models)
    first = {s.image for s in ranked[: len(ranked) // 10]}
    print(f"{dataset}: {len(first & planted)} of {len(planted)} planted errors among the first {len(first)}")
    assert len(first & planted) >= len(planted) / 2
    results.connection.close()
