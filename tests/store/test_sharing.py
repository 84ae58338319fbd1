"""Maps that several models have are kept once, and whatever happens to one model, no other loses its own."""

import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import SHARED, age, append, everything, files

from store import (
    Store,
    StoreError,
    StoreWarning,
    checking,
    compaction,
    dropping,
    inventory,
    merging,
    names,
    packing,
    parts,
    query,
)

SIDE = 56
MODELS = ("head", "lower", "probe")


def show(store: Store, trial: str, model: str, pool: int, dataset: str = "d") -> None:
    """A trial of a cell of its own, whose maps are those of the same number of the pool."""
    row = {**SHARED, "trial_id": trial, "cell_id": trial, "dataset": dataset, "model": model, "recipe": trial}
    row |= {"repeat": 0, "fold": 0, "status": "done", "classes": ["a", "b"]}
    said = {"subset": "test", "image_id": "a/0", "label": "a", "predicted": "a", "probabilities": [0.75, 0.25]}
    store.append_trial(row, [said], [maps(pool, image) for image in range(3)])


def maps(pool: int, image: int) -> dict[str, Any]:
    """Four maps that no compression makes smaller, always the same ones."""
    rng = random.Random(f"{pool} {image}")
    values = rng.randbytes(4 * SIDE * SIDE)
    shape = {"maps": 4, "height": SIDE, "width": SIDE, "low": [rng.random()] * 4, "high": [2.0] * 4}
    named = {"image_id": f"a/{image}", "label": "a", "layer": "l", "weights": "trained"}
    return {**named, **shape, "values": values, "mean_map": values[: SIDE * SIDE]}


def of_pool(pool: int) -> list[bytes]:
    return [maps(pool, image)["values"] for image in range(3)]


def kept(store: Store) -> dict[str, list[bytes]]:
    """The maps of each trial."""
    rows = query(store, 'select trial_id, list("values" order by image_id) as v from activations group by 1')
    return {row["trial_id"]: row["v"] for row in rows.to_pylist()}


def size(store: Store) -> int:
    return sum((store.root / path).stat().st_size for path in files(store.root, "activations"))


def test_what_models_and_recipes_share_is_kept_once(tmp_path: Path) -> None:
    store, alone = (Store(tmp_path / name, create=True) for name in ("store", "alone"))
    show(alone, "only", "head", 1)
    for number in range(12):
        show(store, f"t{number}", MODELS[number % 3], 1)
    before, loose = everything(store), size(store)
    compaction.compact(alone)
    compaction.compact(store)
    assert loose > 10 * size(alone)
    assert size(store) < 1.05 * size(alone)
    assert everything(store) == before
    assert len(files(store.root, "activations")) == 1
    assert kept(store) == {f"t{number}": of_pool(1) for number in range(12)}


def test_many_maps_become_several_parts_and_equal_ones_stay_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No part is much larger than what may lie together, and who compacts again changes nothing."""
    pools, together = 6, 4 * SIDE * SIDE * 3
    monkeypatch.setattr(packing, "TOGETHER", together)
    store = Store(tmp_path / "store", create=True)
    for number in range(3 * pools):
        show(store, f"t{number}", MODELS[number % 3], number // 3)
    before = everything(store)
    compaction.compact(store)
    packed = files(store.root, "activations")
    assert len(packed) == pools
    assert max((store.root / path).stat().st_size for path in packed) < 1.5 * together
    assert everything(store) == before
    assert {trial: shown == of_pool(int(trial[1:]) // 3) for trial, shown in kept(store).items()} == dict.fromkeys(
        (f"t{number}" for number in range(3 * pools)), True
    )
    compaction.compact(store)
    assert files(store.root, "activations") == packed
    show(store, "new", "head", 0)
    compaction.compact(store)
    assert len(files(store.root, "activations")) == pools, "what is new joins its like"


def test_who_has_nothing_new_stays_as_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    for model in MODELS[:2]:
        show(store, model, model, 1)
    append(store, "none", "none either", model="floor", status="failed")
    compaction.compact(store)
    packed = {path: (store.root / path).read_bytes() for path in files(store.root)}
    append(store, "more", "and more", model="lower", status="failed")
    compaction.compact(store)
    left = set(files(store.root))
    gone = {path for path in packed if path not in left}
    assert {(path.split("/")[0], path.split("/")[-2]) for path in gone} == {
        ("trials", "model=lower"),
        ("predictions", "model=lower"),
    }, "one model's rows, not the maps of all"
    show(store, "probe", "probe", 1)
    compaction.compact(store)
    gone = {path for path in left if path not in files(store.root)}
    assert {(path.split("/")[0], path.split("/")[-2]) for path in gone} == {
        ("activations", "dataset=d"),
        ("trials", "model=head"),
        ("trials", "model=lower"),
    }, "maps that move take rows with them, and no predictions"
    before = everything(store)
    assert checking.check(store).sound
    assert set(kept(store)) == {"head", "lower", "probe"}
    compaction.compact(store)
    assert everything(store) == before


def test_a_model_that_is_trained_again_takes_nothing_from_others(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    for model in MODELS:
        show(store, model, model, 1)
    compaction.compact(store)
    show(store, "head", "head", 2)
    for _ in range(2):
        assert kept(store) == {"head": of_pool(2), "lower": of_pool(1), "probe": of_pool(1)}
        compaction.compact(store)


def test_another_store_takes_what_it_lacks(tmp_path: Path) -> None:
    store, other = (Store(tmp_path / name, create=True) for name in ("store", "other"))
    for model in MODELS:
        show(store, model, model, 1)
    show(other, "head", "head", 1)
    compaction.compact(store)
    compaction.compact(other)
    assert merging.merge(other, store).added == 2
    assert kept(other) == kept(store)
    shutil.rmtree(store.root)
    compaction.compact(other)
    assert kept(other) == dict.fromkeys(MODELS, of_pool(1))
    assert checking.check(other).sound


@pytest.mark.parametrize("how", ["flipped", "gone"])
def test_damage_costs_the_trials_that_had_maps_there_and_is_named(tmp_path: Path, how: str) -> None:
    store = Store(tmp_path, create=True)
    for model in MODELS:
        show(store, model, model, 1)
        append(store, f"{model} 2", f"{model} 3", model=model, status="failed")
    compaction.compact(store)
    show(store, "late", "head", 1)
    (path,) = (path for path in files(store.root, "activations") if packed(path))
    if how == "gone":
        (store.root / path).unlink()
    else:
        content = bytearray((store.root / path).read_bytes())
        content[len(content) // 2] ^= 1
        (store.root / path).write_bytes(content)
    report = checking.check(store)
    assert (report.damaged if how == "flipped" else report.lost).keys() == {path}
    with pytest.warns(StoreWarning, match=r"altered|is missing, and 3 trial\(s\) with it"):
        assert kept(store) == {"late": of_pool(1)}
    compaction.compact(store)
    with pytest.warns(StoreWarning):
        assert kept(store) == {"late": of_pool(1)}
    checking.repair(store)
    assert checking.check(store).sound
    assert kept(store) == {"late": of_pool(1)}
    failed = query(store, "select count(*) as n from trials where status = 'failed'").to_pylist()
    assert failed == [{"n": 6}], "the rows beside them stay"
    for model in MODELS:
        show(store, model, model, 1)
    compaction.compact(store)
    assert kept(store) == dict.fromkeys((*MODELS, "late"), of_pool(1))


def packed(path: str) -> bool:
    return path.split("/")[-1].startswith("packed")


@pytest.mark.parametrize("model", ["M", "../x", "<b>"])
def test_a_model_in_a_part_that_is_no_name_is_left_out(tmp_path: Path, model: str) -> None:
    store = Store(tmp_path, create=True)
    show(store, "t", "head", 1)
    (path,) = files(store.root, "activations")
    rows = pq.read_table(store.root / path, partitioning=None)
    rows = rows.set_column(0, "model", pa.array([model] * rows.num_rows))
    with pytest.raises(StoreError, match="which is no name"):
        parts.write(store.root, "activations", {"dataset": "d"}, "wrong", rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "require", lambda rows: None)
        parts.write(store.root, "activations", {"dataset": "d"}, "wrong", rows)
    with pytest.warns(StoreWarning, match="which is no name"):
        assert kept(store) == {"t": of_pool(1)}
    found = inventory.take(store.root)
    assert {file.path for file in found.of("activations")} == {path}


@pytest.mark.parametrize("version", [4, 5])
def test_a_part_that_lies_as_another_version_kept_them_is_left_out(tmp_path: Path, version: int) -> None:
    store = Store(tmp_path, create=True)
    show(store, "t", "head", 1)
    (path,) = (store.root / path for path in files(store.root, "activations"))
    folder = path.parent / "model=head" if version == 5 else path.parent
    folder.mkdir(exist_ok=True)
    wrong = shutil.copy(path, folder / path.name.replace(".v5.", f".v{version}."))
    with pytest.warns(StoreWarning, match="lies in a folder in which this version keeps none of its kind"):
        assert kept(store) == {"t": of_pool(1)}
    checking.repair(store)
    assert not Path(wrong).exists()
    assert checking.check(store).sound


# --- Whatever is done, in whatever order


def test_stopped_at_any_step_each_model_has_its_maps_once(tmp_path: Path) -> None:
    whole = Store(tmp_path / "whole", create=True)
    for model in MODELS[:2]:
        show(whole, model, model, 1)
    steps = 0
    while True:
        store = Store(shutil.copytree(whole.root, tmp_path / str(steps)))
        ended = killed(store, steps)
        assert kept(store) == dict.fromkeys(MODELS[:2], of_pool(1)), steps
        assert checking.check(store).sound
        if ended:
            break
        steps += 1
    assert steps == 5 + 6, "five new parts, of which two are of trials, and six that they replace"


def test_what_a_repair_takes_from_one_model_is_gone_and_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    for model in MODELS:
        show(store, model, model, 1)
    compaction.compact(store)
    (path,) = (path for path in files(store.root, "predictions") if "model=lower" in path)
    (store.root / path).write_bytes(b"cut")
    for _ in range(2):
        checking.repair(store)
        assert kept(store) == {"head": of_pool(1), "probe": of_pool(1)}, "no map without its trial"
        compaction.compact(store)
    show(store, "lower", "lower", 1)
    assert kept(store) == dict.fromkeys(MODELS, of_pool(1))


class Killed(BaseException):
    """A kill: nothing is tidied up."""


def killed(store: Store, steps: int) -> bool:
    """A compaction that ends before the step of that number, a rename or a deletion; whether it came to its end."""
    rename, unlink, left = Path.replace, Path.unlink, steps

    def step(path: Path) -> None:
        nonlocal left
        if path.suffix in (parts.UNFINISHED, parts.SUFFIX):
            left -= 1
            if left < 0:
                raise Killed

    def stop_rename(path: Path, target: Path) -> Path:
        step(path)
        return rename(path, target)

    def stop_unlink(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == parts.SUFFIX:
            step(path)
        unlink(path, missing_ok=missing_ok)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", stop_rename)
        patch.setattr(Path, "unlink", stop_unlink)
        try:
            compaction.compact(store)
        except Killed:
            age(store.root)
            return False
    return True


OPERATIONS = st.one_of(
    st.tuples(st.just("show"), st.sampled_from("abcd"), st.integers(0, 2)),
    st.tuples(st.just("fail"), st.sampled_from(MODELS), st.just(0)),
    st.tuples(st.just("kill"), st.just(""), st.integers(0, 14)),
    st.tuples(st.sampled_from(["compact", "merge", "drop", "repair"]), st.just(""), st.just(0)),
)


@pytest.mark.parametrize("examples", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_every_trial_has_the_maps_of_its_last_run_whatever_is_done(
    tmp_path_factory: pytest.TempPathFactory, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(st.lists(OPERATIONS, min_size=4, max_size=10))
    def run(operations: list[tuple[str, str, int]]) -> None:
        _do_all(tmp_path_factory.mktemp("any"), operations)

    run()


def _do_all(folder: Path, operations: list[tuple[str, str, int]]) -> None:
    store, expected, failed = Store(folder / "0", create=True), dict[str, list[bytes]](), 0
    for number, (what, of, which) in enumerate([*operations, ("compact", "", 0), ("merge", "", 0)], 1):
        if what == "show":
            show(store, of, MODELS[ord(of) % 3], which)
            expected[of] = of_pool(which)
        elif what == "fail":
            failed += 1
            append(store, f"failed {number}", model=of, status="failed")
        elif what == "kill":
            killed(store, which)
        elif what == "compact":
            compaction.compact(store)
        elif what == "repair":
            assert checking.repair(store).sound
        elif what == "drop" and expected:
            dropping.drop(store, "d")
            assert kept(store) == {}
            dropping.undo(store, "d")
        elif what == "merge":
            other = Store(folder / str(number), create=True)
            merging.merge(other, store)
            store = other
        assert kept(store) == expected, what
        assert checking.check(store).sound
    assert query(store, "select count(*) as n from trials").to_pylist() == [{"n": len(expected) + failed}]
    assert len(files(store.root, "activations")) <= 1 or not packed(files(store.root, "activations")[0])
