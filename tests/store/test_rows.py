"""The types of rows are those of the schema, which nothing but this test could hold together."""

from pathlib import Path

import pytest

from store import (
    ActivationRow,
    ImageRow,
    PlaceRow,
    PlanRow,
    PredictionRow,
    ProgressRow,
    Store,
    TrialRow,
    query,
    schema,
)

FILLED_IN = {
    "trials": {"attempt_id", "finished_at", "parts"},
    "predictions": {"trial_id", "attempt_id", "recipe", "repeat", "fold"},
    "activations": {"model", "trial_id", "attempt_id", "recipe", "repeat", "fold"},
    "images": {"dataset_hash", "listed_at"},
    "splits": {"dataset_hash", "protocol", "drawn_at"},
    "plans": {"plan_id", "planned_at"},
}


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("trials", TrialRow),
        ("predictions", PredictionRow),
        ("activations", ActivationRow),
        ("images", ImageRow),
        ("splits", PlaceRow),
        ("plans", PlanRow),
    ],
)
def test_a_kind_of_row_has_the_columns_of_its_kind(kind: str, row: type) -> None:
    keys = set(row.__annotations__) - (set(schema.PARTITIONS[kind]) - set(schema.KINDS[kind].names))
    assert keys == set(schema.KINDS[kind].names) - FILLED_IN[kind]


def test_a_row_of_progress_has_the_columns_of_the_view(tmp_path: Path) -> None:
    assert (
        list(ProgressRow.__annotations__)
        == query(Store(tmp_path / "store", create=True), "select * from progress").column_names
    )
