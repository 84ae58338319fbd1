"""Doubted labels, against cleanlab, which comes from the authors of confident learning."""

import numpy as np
import pytest
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_normalized_margin_for_each_label

from report import statistics


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_who_is_doubted_and_how_far_is_what_cleanlab_says(classes: int) -> None:
    rng = np.random.default_rng(classes)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 400)])
    p = rng.dirichlet(np.full(classes, 0.5), labels.size)
    p[np.arange(labels.size), labels] += rng.uniform(0, 1.5, labels.size)
    p /= p.sum(axis=1, keepdims=True)
    found = statistics.doubted(p, labels)
    theirs = find_label_issues(labels, p, filter_by="confident_learning", n_jobs=1)
    assert found.against.sum() > 20
    assert (found.against == theirs).all()
    # cleanlab's margin lies between 0 and 1.
    assert (found.margin + 1) / 2 == pytest.approx(get_normalized_margin_for_each_label(labels, p))
    assert (found.other != labels).all()


def test_a_class_without_an_image_is_nobodys_suspicion() -> None:
    found = statistics.doubted([[0.1, 0.2, 0.7], [0.3, 0.6, 0.1]], [0, 1])
    assert not found.against.any()
    assert found.other.tolist() == [2, 0]
    with pytest.raises(ValueError, match="two classes"):
        statistics.doubted([[1.0]], [0])
