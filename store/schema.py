"""The columns of the store's parts, one Arrow schema for each kind.

A kind is a folder. `dataset` and `model` are folders below it (hive partitions) and so no columns of the files; but
activations of all models of a dataset lie together, since frozen layers give the same maps under several names, and
Parquet writes equal values of one file once. There `model` is a column.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

VERSION = 5
"""Stands in every part and in its name; a reader that meets a later one says so.

1: parts named by their trial alone. 2: a part's name carries its SHA-256, and a part may hold many trials.
3: trials tell the memory they took. 4: activations hold the mean map, Grad-CAM and the nearest images.
5: activations of all models of a dataset lie in one folder.
"""

ADDED: dict[int, dict[str, tuple[str, ...]]] = {
    3: {"trials": ("peak_memory",)},
    4: {
        "activations": ("weights", "mean_map", "deepest", "explained", "grad_cam", "nearest", "likeness"),
    },
    5: {"activations": ("model",)},
}
"""Columns that a version brought: version → kind → names. In parts of an earlier version they are null."""

_UTC = pa.timestamp("us")

PREDICTIONS = pa.schema(
    [
        ("trial_id", pa.string()),
        ("attempt_id", pa.string()),
        ("recipe", pa.string()),
        ("repeat", pa.int16()),
        ("fold", pa.int16()),
        ("subset", pa.string()),
        ("image_id", pa.string()),
        ("label", pa.string()),
        ("predicted", pa.string()),
        ("probabilities", pa.list_(pa.float32())),
    ]
)

TRIALS = pa.schema(
    [
        ("trial_id", pa.string()),
        ("attempt_id", pa.string()),
        ("cell_id", pa.string()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("recipe", pa.string()),
        ("recipe_json", pa.string()),
        ("repeat", pa.int16()),
        ("fold", pa.int16()),
        ("dataset_hash", pa.string()),
        ("split_hash", pa.string()),
        ("model_version", pa.int32()),
        ("weights", pa.string()),
        ("protocol_json", pa.string()),
        ("classes", pa.list_(pa.string())),
        ("train_images", pa.int32()),
        ("test_images", pa.int32()),
        ("holdout_images", pa.int32()),
        ("mean", pa.list_(pa.float64())),
        ("std", pa.list_(pa.float64())),
        ("loss", pa.list_(pa.float64())),
        ("accuracy", pa.list_(pa.float64())),
        ("seconds", pa.float64()),
        ("images_trained", pa.int64()),
        ("peak_memory", pa.int64()),
        ("parameters_trained", pa.int64()),
        ("parameters_frozen", pa.int64()),
        ("device", pa.string()),
        ("versions_json", pa.string()),
        ("finished_at", _UTC),
        ("parts", pa.list_(pa.struct([("path", pa.string()), ("sha256", pa.string()), ("rows", pa.int64())]))),
    ]
)

IMAGES = pa.schema(
    [
        ("dataset_hash", pa.string()),
        ("image_id", pa.string()),
        ("label", pa.string()),
        ("sha256", pa.string()),
        ("image_group", pa.string()),
        ("listed_at", _UTC),
        ("thumbnail", pa.binary()),
    ]
)

SPLITS = pa.schema(
    [
        ("dataset_hash", pa.string()),
        ("protocol", pa.string()),
        ("repeat", pa.int16()),
        ("image_id", pa.string()),
        ("fold", pa.int16()),
        ("drawn_at", _UTC),
    ]
)

ACTIVATIONS = pa.schema(
    [
        ("model", pa.string()),
        ("trial_id", pa.string()),
        ("attempt_id", pa.string()),
        ("recipe", pa.string()),
        ("image_id", pa.string()),
        ("label", pa.string()),
        ("layer", pa.string()),
        ("maps", pa.int32()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("values", pa.binary()),
        ("low", pa.list_(pa.float32())),
        ("high", pa.list_(pa.float32())),
        ("thumbnail", pa.binary()),
        ("weights", pa.string()),
        ("mean_map", pa.binary()),
        ("deepest", pa.string()),
        ("explained", pa.string()),
        ("grad_cam", pa.binary()),
        ("nearest", pa.list_(pa.string())),
        ("likeness", pa.list_(pa.float32())),
    ]
)

PLANS = pa.schema(
    [
        ("plan_id", pa.string()),
        ("planned_at", _UTC),
        ("study_title", pa.string()),
        ("dataset", pa.string()),
        ("model", pa.string()),
        ("recipe", pa.string()),
        ("cell_id", pa.string()),
        ("scheme", pa.string()),
        ("trial_id", pa.string()),
        ("repeat", pa.int16()),
        ("fold", pa.int16()),
        ("recipe_json", pa.string()),
        ("protocol_json", pa.string()),
        ("dataset_hash", pa.string()),
        ("model_version", pa.int32()),
        ("weights", pa.string()),
        ("unavailable", pa.string()),
        ("dataset_card", pa.string()),
        ("model_card", pa.string()),
    ]
)

# Trials come first: what they name is then read after them, so that it is all there while a writer is at work.
KINDS: dict[str, pa.Schema] = {
    "trials": TRIALS,
    "predictions": PREDICTIONS,
    "images": IMAGES,
    "splits": SPLITS,
    "activations": ACTIVATIONS,
    "plans": PLANS,
}

PARTITIONS: dict[str, tuple[str, ...]] = {
    "predictions": ("dataset", "model"),
    "trials": ("dataset", "model"),
    "images": ("dataset",),
    "splits": ("dataset",),
    "activations": ("dataset",),
    "plans": ("study",),
}

_PARTITIONS_BEFORE: dict[int, dict[str, tuple[str, ...]]] = {5: {"activations": ("dataset", "model")}}
"""How parts of earlier versions lie: version → kind → folders of the versions before it."""


def columns(kind: str) -> dict[str, str]:
    """The columns that a reader sees of a kind, those of its folders last: name → SQL type."""
    stored = {field.name: _sql_type(field.type) for field in KINDS[kind]}
    return stored | {key: "varchar" for key in PARTITIONS[kind] if key not in stored}


def partitions(kind: str, version: int) -> tuple[str, ...]:
    """The folders in which the parts of a version lie, outermost first."""
    changes = sorted(number for number, kinds in _PARTITIONS_BEFORE.items() if number > version and kind in kinds)
    return _PARTITIONS_BEFORE[changes[0]][kind] if changes else PARTITIONS[kind]


def layouts(kind: str) -> list[tuple[str, ...]]:
    """Every way in which parts of a kind may lie, today's first."""
    return list(dict.fromkeys(partitions(kind, version) for version in range(VERSION, 0, -1)))


def stored_in(kind: str, version: int) -> list[str]:
    """The columns that the parts of a version hold."""
    later = {name for number, added in ADDED.items() if number > version for name in added.get(kind, ())}
    return [name for name in KINDS[kind].names if name not in later]


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return _sql_type(kind.value_type) + "[]"
    if pa.types.is_struct(kind):
        return "struct(" + ", ".join(f'"{f.name}" {_sql_type(f.type)}' for f in kind) + ")"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    names = {
        "string": "varchar",
        "int16": "smallint",
        "int32": "integer",
        "int64": "bigint",
        "float": "real",
        "double": "double",
        "binary": "blob",
    }
    return names[str(kind)]


Row = Mapping[str, object]
"""What one holds, by the names of its columns."""


def table(kind: str, rows: Sequence[Row]) -> pa.Table:
    """Rows as an Arrow table in the kind's schema; what a row lacks is null."""
    wanted = KINDS[kind]
    return pa.Table.from_pylist([{name: row.get(name) for name in wanted.names} for row in rows], schema=wanted)
