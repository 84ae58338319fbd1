"""A dataset or a model that is no name: left out of every answer, named, reported, refused; however it came in."""

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from writing import append, everything, files, listed, plan

from store import Store, StoreError, StoreWarning, checking, names, parts, query, schema
from store.compaction import compact
from store.merging import merge

CODE = "x\");__import__('os').system('touch /tmp/owned');(\""
NONE = [
    CODE,
    "Malaria",
    "white cells",
    "it's",
    "../up",
    "..",
    ".hidden",
    "-a",
    "",
    "a\n",
    "a\nb",
    "<b>",
    "{{< env HOME >}}",
    "@fig-a",
    "ü",
    "a" * 65,
    "a/b",
    "a\u202eb",
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store", create=True)
    append(made, "good")
    plan(made, "it's a study", "good")
    listed(made, "d", "h")
    return made


def renamed(store: Store, key: str, name: str) -> set[str]:
    """Trials, images and splits of a dataset or model that is called so, written by hand; their paths."""
    other = Store(store.root.parent / "other", create=True)
    values = {"dataset": "evil", "model": "m"} if key == "dataset" else {"dataset": "d", "model": "evil"}
    append(other, "bad", **values)
    if key == "dataset":
        listed(other, "evil", "h")
    made = set()
    for path in files(other.root):
        if key == "model" and path.startswith("activations"):  # where it is a column
            rows = pq.read_table(other.root / path, partitioning=None)
            rows = rows.set_column(0, "model", pa.array([name] * rows.num_rows))
            save = partial(pq.write_table, rows)
            made.add(parts.publish(store.root, "activations", {"dataset": "d"}, "made by hand", save).path)
            continue
        target = path.replace(f"{key}=evil", f"{key}={quote(name, safe=' ')}")
        (store.root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(other.root / path, store.root / target)
        made.add(target)
    return made


def planned(store: Store, **odd: object) -> str:
    """A part of plans that names a dataset or a model so in a row of its own; its path."""
    row = {"study_title": "S", "dataset": "d", "model": "m", "recipe": "r", "cell_id": "c", "trial_id": "bad"} | odd
    rows = pa.Table.from_pylist([{n: row.get(n) for n in schema.PLANS.names}], schema=schema.PLANS)
    save = partial(pq.write_table, rows)
    return parts.publish(store.root, "plans", {"study": "other"}, "made by hand", save).path


def holds_to_the_rule(store: Store, before: object, named: dict[str, str]) -> None:
    """All of them at once, so that each is told by its own name; `named` are their paths, and what each is called."""
    with pytest.warns(StoreWarning) as caught:
        shown = everything(store)
    assert shown == before
    told = {warning.message.path: str(warning.message) for warning in caught}  # type: ignore[union-attr]
    bad = set(named)
    assert told.keys() == bad
    for path, name in named.items():
        assert f"{name[:80]!a}, which is no name" in told[path]

    report = checking.check(store)
    assert not report.sound
    assert report.damaged.keys() == bad
    ours = Store(store.root.parent / "ours", create=True)
    append(ours, "own")
    with pytest.raises(StoreError, match="which is no name") as refused:
        merge(ours, store)
    assert "\n" not in str(refused.value)
    assert ours.finished() == ({"own"}, set()), "nothing of it came in"
    compact(store)
    assert bad <= set(files(store.root))

    checking.repair(store)
    assert checking.check(store).sound
    assert not bad & set(files(store.root))
    assert everything(store) == before
    assert merge(ours, store).added == 1


@pytest.mark.parametrize("key", names.NAMED)
def test_a_folder_that_is_no_name(store: Store, key: str) -> None:
    before = everything(store)
    holds_to_the_rule(store, before, {path: name for name in NONE for path in renamed(store, key, name)})


@pytest.mark.parametrize("key", names.NAMED)
def test_a_plan_that_names_none(store: Store, key: str) -> None:
    before = everything(store)
    none = {planned(store, **{key: None}): "None"} if key == "dataset" else {}
    holds_to_the_rule(store, before, {planned(store, **{key: name}): name for name in NONE} | none)


@pytest.mark.parametrize("key", names.NAMED)
def test_one_of_them_is_enough(store: Store, key: str) -> None:
    before = everything(store)
    holds_to_the_rule(store, before, dict.fromkeys(renamed(store, key, CODE), CODE))


def test_the_folder_tells_the_name_and_no_column_of_a_file(store: Store) -> None:
    """A file of trials that carries columns `dataset` and `model` of its own is read by its folder."""
    (path,) = files(store.root, "trials")
    table = pq.ParquetFile(store.root / path).read()
    (store.root / path).unlink()
    for key in names.NAMED:
        table = table.append_column(key, pa.array([CODE] * table.num_rows))
    parts.publish(
        store.root, "trials", {"dataset": "d", "model": "m"}, "odd", lambda target: pq.write_table(table, target)
    )
    assert query(store, "select dataset, model from trials").to_pylist() == [{"dataset": "d", "model": "m"}]


@pytest.mark.parametrize("name", NONE, ids=ascii)
def test_none_is_written(store: Store, name: str) -> None:
    before = files(store.root)
    row = {"study_title": "S", "dataset": "d", "model": "m", "recipe": "r", "cell_id": "c", "trial_id": "t"}
    for attempt in (
        lambda: append(store, "t", dataset=name),
        lambda: append(store, "t", model=name),
        lambda: store.append_images(name, "h", [{"image_id": "a", "label": "a", "sha256": "", "image_group": "g"}]),
        lambda: store.append_splits(name, "h", "p", [{"repeat": 0, "image_id": "a", "fold": 0}]),
        lambda: store.append_plan("s", [row | {"dataset": name}]),
        lambda: store.append_plan("s", [row | {"model": name}]),
    ):
        with pytest.raises(StoreError, match="which is no name"):
            attempt()
    assert files(store.root) == before


def test_what_was_noted_before_the_rule_is_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note of what was verified is older than the rule: it must not vouch for a plan."""
    bad = planned(store, dataset=CODE)
    with monkeypatch.context() as patched:
        patched.setattr(names, "NAME", __import__("re").compile("(?s).*"))
        query(store, "select 1")
    with pytest.warns(StoreWarning, match="which is no name"):
        query(store, "select 1")
    assert checking.check(store).damaged.keys() == {bad}


def test_the_commands_say_so(store: Store) -> None:
    renamed(store, "dataset", CODE)
    shown = {}
    for command in (("check",), ("info",), ("merge", store.root)):
        target = store.root if command[0] != "merge" else store.root.parent / "ours"
        done = subprocess.run(
            [sys.executable, "-m", "bench", "store", *map(str, command), "--store", str(target)],
            capture_output=True,
            text=True,
            check=False,
        )
        shown[command[0]] = (done.returncode, " ".join((done.stdout + done.stderr).split()))
    assert all("which is no name" in said for _, said in shown.values())
    assert {name: code for name, (code, _) in shown.items()} == {"check": 1, "info": 0, "merge": 1}
    assert not Path("/tmp/owned").exists()
