"""Splits and identities: what must hold for any labels and groups, and on the real images where they are at hand."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import SHARED
from sklearn.model_selection import StratifiedGroupKFold

from bench import datasets
from bench.datasets import Card, Dataset, Image, Library, cards
from bench.errors import BenchError, UsageError
from bench.study import from_places, places, protocol
from bench.study.protocol import Protocol, Split
from store import cache_folder

CLASSES = ("a", "b", "c")
REAL = ["covid-ct", "malaria", "reticulocytes", "wbc-raw", "wbc-segmented"]
repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=40)


@st.composite
def grouped(draw: st.DrawFn) -> tuple[list[int], list[str]]:
    """Labels of three classes and groups of up to six images, some of which hold more than one class."""
    labels, groups = [], []
    for group in range(draw(st.integers(45, 70))):
        main = group % 3
        for _ in range(draw(st.integers(1, 6))):
            labels.append(draw(st.sampled_from((main, main, main, 0, 1, 2))))
            groups.append(f"g{group}")
    return labels, groups


single = st.lists(st.integers(8, 60), min_size=2, max_size=3).map(
    lambda counts: [label for label, count in enumerate(counts) for _ in range(count)]
)


def ids_of(labels: Sequence[int]) -> list[str]:
    return [f"{CLASSES[label]}/{number:03}.png" for number, label in enumerate(labels)]


def parts(split: Split) -> tuple[list[int], list[int], list[int]]:
    return split.train.tolist(), split.test.tolist(), split.holdout.tolist()


@repeatable
@given(grouped(), st.integers(2, 5), st.integers(0, 3))
def test_a_cut_separates_every_image_once_and_no_group(
    images: tuple[list[int], list[str]], folds: int, seed: int
) -> None:
    labels, groups = images
    wanted = Protocol(folds=folds, repeats=2, seed=seed)
    drawn = protocol.draw_splits(labels, groups, wanted, CLASSES)
    assert [(s.repeat, s.fold) for s in drawn] == [(r, f) for r in range(2) for f in range(folds)]
    for split in drawn:
        assert sorted(split.train.tolist() + split.test.tolist() + split.holdout.tolist()) == list(range(len(labels)))
        assert split.holdout.tolist() == drawn[0].holdout.tolist()
        assert all(part == sorted(part) for part in parts(split))
        sides = [{groups[i] for i in part} for part in parts(split)]
        assert sum(map(len, sides)) == len(set(groups))
    for repeat in range(2):
        tested = [i for split in drawn if split.repeat == repeat for i in split.test.tolist()]
        assert sorted(tested + drawn[0].holdout.tolist()) == list(range(len(labels)))


@repeatable
@given(grouped(), st.integers(2, 3), st.randoms(use_true_random=False))
def test_a_given_holdout_takes_the_rest_of_its_groups_along(
    images: tuple[list[int], list[str]], folds: int, random: Random
) -> None:
    labels, groups = images
    marked = [False] * len(labels)
    for label in set(labels):  # one image of each class, and some more
        marked[random.choice([i for i, one in enumerate(labels) if one == label])] = True
    theirs = {group for group, mark in zip(groups, marked, strict=True) if mark}
    try:
        drawn = protocol.draw_splits(labels, groups, Protocol(folds=folds, repeats=2), CLASSES, marked)
    except BenchError:  # what the given holdout leaves is too little
        assert any(
            len({g for g, one in zip(groups, labels, strict=True) if one == label} - theirs) < folds
            or max(Counter(g for g, one in zip(groups, labels, strict=True) if one == label).values()) > 1
            for label in set(labels)
        )
        return
    for split in drawn:
        assert {groups[i] for i in split.holdout} == theirs
        assert split.holdout.tolist() == [i for i, group in enumerate(groups) if group in theirs]
        assert not {groups[i] for i in split.train} & {groups[i] for i in split.test}
        assert sorted(split.train.tolist() + split.test.tolist() + split.holdout.tolist()) == list(range(len(labels)))


@repeatable
@given(single, st.integers(2, 5), st.sampled_from((0.1, 0.2, 0.37)), st.integers(0, 3))
def test_single_images_are_dealt_by_exact_shares(labels: list[int], folds: int, held: float, seed: int) -> None:
    """Every class count in every bin differs by less than one from its share."""
    groups = [str(i) for i in range(len(labels))]
    generator = np.random.default_rng(seed)
    for shares in ((held, 1 - held), [1 / folds] * folds):
        bins = protocol.assign(labels, groups, shares, generator)
        for label in set(labels):
            chosen = bins[np.equal(labels, label)]
            counted = np.bincount(chosen, minlength=len(shares))
            assert np.abs(counted - np.multiply(shares, len(chosen))).max() < 1


@repeatable
@given(grouped(), st.integers(1, 4))
def test_later_repeats_leave_earlier_ones_alone(images: tuple[list[int], list[str]], repeats: int) -> None:
    labels, groups = images
    few = protocol.draw_splits(labels, groups, Protocol(folds=3, repeats=repeats), CLASSES)
    many = protocol.draw_splits(labels, groups, Protocol(folds=3, repeats=5), CLASSES)
    assert [parts(s) for s in few] == [parts(s) for s in many[: 3 * repeats]]


def test_every_repeat_and_every_seed_draws_anew() -> None:
    labels = [i % 2 for i in range(60)]
    groups = list(map(str, range(60)))
    drawn = [protocol.draw_splits(labels, groups, Protocol(seed=seed), CLASSES[:2]) for seed in (0, 1)]
    assert len({tuple(s.test.tolist()) for splits in drawn for s in splits}) == 40
    assert drawn[0][0].holdout.tolist() != drawn[1][0].holdout.tolist()


@repeatable
@given(grouped(), st.randoms(use_true_random=False))
def test_the_order_of_the_images_matters_neither_to_the_draw_nor_to_the_hash(
    images: tuple[list[int], list[str]], random: Random
) -> None:
    labels, groups = images
    ids = ids_of(labels)
    shuffled = list(range(len(labels)))
    random.shuffle(shuffled)
    there = [ids[i] for i in shuffled]
    wanted = Protocol(folds=3, repeats=1)
    straight = protocol.draw_splits(labels, groups, wanted, CLASSES)
    crooked = protocol.draw_splits([labels[i] for i in shuffled], [groups[i] for i in shuffled], wanted, CLASSES)
    for one, other in zip(straight, crooked, strict=True):
        assert protocol.split_hash(one, ids) == protocol.split_hash(other, there)
        assert protocol.trial_id("cell", one, ids) == protocol.trial_id("cell", other, there)
    assert len({protocol.split_hash(split, ids) for split in straight}) == 3


@repeatable
@given(grouped(), st.lists(st.floats(1e-3, 1), min_size=2, max_size=4), st.integers(0, 3))
def test_shares_of_the_training_images_are_stratified_and_nest(
    images: tuple[list[int], list[str]], fractions: list[float], seed: int
) -> None:
    labels, groups = images
    target, ids = np.array(labels), ids_of(labels)
    for split in protocol.draw_splits(labels, groups, Protocol(folds=2, repeats=2, seed=seed), CLASSES):
        smaller: set[int] = set()
        for fraction in sorted(fractions):
            part = protocol.subset(split, labels, ids, fraction, seed)
            assert (part.test.tolist(), part.holdout.tolist()) == (split.test.tolist(), split.holdout.tolist())
            assert part.train.tolist() == sorted(set(part.train.tolist()) & set(split.train.tolist()))
            assert smaller <= set(part.train.tolist())
            smaller = set(part.train.tolist())
            for label in range(3):
                whole, taken = (int((target[s.train] == label).sum()) for s in (split, part))
                assert taken >= min(2, whole)
                assert taken == whole or taken == 2 or 0 <= taken - fraction * whole < 1 + 1e-6
        assert protocol.subset(split, labels, ids, 1.0, seed) is split
        assert parts(protocol.subset(split, labels, ids, 1 - 1e-12, seed)) == parts(split)


def test_every_repeat_fold_and_seed_has_an_order_of_its_own() -> None:
    labels = [i % 2 for i in range(60)]
    one = protocol.draw_splits(labels, list(map(str, range(60))), Protocol(folds=2, repeats=1), CLASSES[:2])[0]
    drawn = [
        protocol.subset(replace(one, repeat=repeat, fold=fold), labels, ids_of(labels), 0.3, seed).train.tolist()
        for repeat, fold, seed in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    ]
    assert len(set(map(tuple, drawn))) == 4


def worst_imbalance(labels: np.ndarray, fold_of: np.ndarray, folds: int) -> float:
    """The largest distance of a class's share in a fold from 1 / folds."""
    counts = np.array([np.bincount(fold_of[labels == label], minlength=folds) for label in np.unique(labels)])
    return float(np.abs(counts / counts.sum(1, keepdims=True) - 1 / folds).max())


def test_classes_are_balanced_as_well_as_by_scikit_learn() -> None:
    ours, theirs = [], []
    for seed in range(40):
        random = np.random.default_rng(seed)
        sizes = random.integers(1, 9, 60)
        group_of = np.repeat(np.arange(60), sizes)
        leaning = random.dirichlet((0.3, 0.2, 0.1), 60)
        labels = np.array([random.choice(3, p=leaning[group]) for group in group_of])
        ours.append(worst_imbalance(labels, protocol.assign(labels, group_of.astype(str), [0.2] * 5, random), 5))
        fold_of = np.empty(len(labels), dtype=int)
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        for fold, (_, test) in enumerate(splitter.split(labels, labels, group_of)):
            fold_of[test] = fold
        theirs.append(worst_imbalance(labels, fold_of, 5))
    assert np.mean(ours) <= np.mean(theirs) + 0.005
    assert np.max(ours) <= np.max(theirs) + 0.02


@repeatable
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25))
def test_merged_groups_are_the_connected_components(pairs: list[tuple[int, int]]) -> None:
    groups, keys = [f"g{group}" for group, _ in pairs], [f"k{key}" for _, key in pairs]
    merged = protocol.merge_groups(groups, keys)
    # The slow way: let each image take its neighbours' smallest group until nothing moves.
    expected, before = list(groups), []
    while expected != before:
        before = list(expected)
        expected = [
            min(e for e, g, k in zip(before, groups, keys, strict=True) if g == group or k == key)
            for group, key in zip(groups, keys, strict=True)
        ]
    assert merged == expected
    assert protocol.merge_groups(merged, keys) == merged


def test_merging_joins_over_several_steps() -> None:
    assert protocol.merge_groups(list("dcbae"), list("12233")) == list("dbbaa")
    assert protocol.merge_groups(["z", "y", "z", "x"], ["1", "1", "2", "2"]) == ["x"] * 4


def test_copies_and_images_called_the_same_share_a_group() -> None:
    """Over several steps: 0 and 1 are one patient, 1 and 2 the same bytes, 2 and 3 the same cell; 4 is alone."""
    groups, hashes = ["p1", "p1", "b/2.png", "b/3.png", "b/4.png"], ["s0", "s1", "s1", "s3", "s4"]
    images = tuple(
        Image(f"{'aabbb'[n]}/{n}.png", n // 2 and 1, Path(f"{n}.png"), hashes[n], groups[n]) for n in range(5)
    )
    dataset = Dataset(Card("some", title="", same=(("3", "2", "9"),)), ("a", "b"), images)
    assert len(set(dataset.groups[:4])) == 1
    assert dataset.groups[4] == "b/4.png"
    assert len(set(replace(dataset, card=Card("some", title="")).groups)) == 3


@repeatable
@given(grouped(), st.randoms(use_true_random=False))
def test_inherited_splits_keep_each_image_where_its_parent_stands(
    images: tuple[list[int], list[str]], random: Random
) -> None:
    labels, groups = images
    keys = ids_of(labels)
    parent = protocol.draw_splits(labels, groups, Protocol(folds=2, repeats=2), CLASSES)
    kept = list(range(len(keys)))
    random.shuffle(kept)
    kept = kept[: int(0.95 * len(kept))]
    child = [keys[i] for i in kept]
    inherited = protocol.inherit_splits(parent, keys, child, [labels[i] for i in kept], classes=())
    for mine, theirs in zip(inherited, parent, strict=True):
        assert (mine.repeat, mine.fold) == (theirs.repeat, theirs.fold)
        for part, origin in zip(parts(mine), parts(theirs), strict=True):
            assert {child[i] for i in part} == {keys[i] for i in origin} & set(child)


def test_an_image_without_a_parent_is_an_error() -> None:
    labels = [i % 2 for i in range(40)]
    parent = protocol.draw_splits(labels, list(map(str, range(40))), Protocol(folds=2, repeats=1), CLASSES[:2])
    keys = ids_of(labels)
    with pytest.raises(BenchError, match=r"2 images have no counterpart .* the first is b/x\.png"):
        protocol.inherit_splits(parent, keys, [*keys, "b/x.png", "b/y.png"], [*labels, 1, 1], CLASSES[:2])


def test_a_class_that_the_derived_images_lack_somewhere_is_named() -> None:
    labels = [i % 2 for i in range(40)]
    parent = protocol.draw_splits(labels, list(map(str, range(40))), Protocol(folds=2, repeats=1), CLASSES[:2])
    keys = ids_of(labels)
    kept = [i for i in range(40) if labels[i] == 0 or i not in parent[0].holdout]
    with pytest.raises(BenchError, match=r"class 'b' has too few images .* in the holdout"):
        protocol.inherit_splits(parent, keys, [keys[i] for i in kept], [labels[i] for i in kept], CLASSES[:2])


@pytest.mark.parametrize(
    ("labels", "groups", "where"),
    [
        ([0] * 30 + [1] * 5, None, "each of 5 folds"),  # one goes to the holdout
        ([0] * 30, None, "the holdout"),
        ([0] * 30 + [1] * 20, ["all"] * 50, "the holdout"),
        ([0] * 30 + [1] * 20, [str(i) for i in range(30)] + ["one patient"] * 20, "the holdout"),
    ],
)
def test_a_class_too_small_to_be_split_is_named(labels: list[int], groups: list[str] | None, where: str) -> None:
    with pytest.raises(BenchError) as caught:
        protocol.draw_splits(labels, groups or list(map(str, range(len(labels)))), Protocol(holdout=0.2), CLASSES[:2])
    name = "a" if groups and len(set(groups)) == 1 else "b"
    hint = " or ask for fewer --folds" if "folds" in where else ""
    message = f"class {name!r} has too few images (or groups of images) to be in {where}; add images{hint}"
    assert str(caught.value) == message


@pytest.mark.parametrize("field", [{"holdout": 0}, {"holdout": 0.95}, {"folds": 1}, {"repeats": 0}])
def test_a_protocol_that_cannot_be_is_refused(field: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=rf"protocol: {next(iter(field))} must .*{next(iter(field.values()))}"):
        Protocol(**field)  # type: ignore[arg-type]


def test_no_release_of_a_library_redraws_silently() -> None:
    """If this fails and `protocol.py` has not changed, a library has; if it has, `protocol.VERSION` must rise."""
    labels = [0] * 25 + [1] * 18 + [2] * 12
    groups = [f"g{number // 3}" for number in range(25)] + [f"s{number}" for number in range(30)]
    split = protocol.draw_splits(labels, groups, Protocol(folds=3, repeats=2, seed=7), CLASSES)[4]
    assert protocol.VERSION == 1
    assert (split.repeat, split.fold) == (1, 1)
    assert split.holdout.tolist() == [3, 4, 5, 35, 42, 48]
    assert protocol.split_hash(split, ids_of(labels)) == "9826ce7cf20818b4eb60"
    assert protocol.trial_id("cell", split, ids_of(labels)) == "b6d7ff2d8bdae5192ac5"
    assert protocol.rng("sampling", 0, 1, 2).integers(1000, size=4).tolist() == [440, 805, 516, 337]


def test_a_split_is_drawn_once() -> None:
    """Six patients: one is held out, and the other five make five folds, however often they are drawn."""
    labels = [i % 2 for i in range(60)]
    groups = [f"patient {i // 2 % 6}" for i in range(60)]
    drawn = protocol.draw_splits(labels, groups, Protocol(), CLASSES[:2])
    once = protocol.distinct(drawn)
    assert (len(drawn), [(split.repeat, split.fold) for split in once]) == (20, [(0, fold) for fold in range(5)])
    assert once == drawn[:5]
    many = protocol.draw_splits(labels, list(map(str, range(60))), Protocol(), CLASSES[:2])
    assert protocol.distinct(many) == many


@repeatable
@given(grouped(), st.randoms(use_true_random=False))
def test_kept_places_tell_of_distinct_splits_too(images: tuple[list[int], list[str]], random: Random) -> None:
    """Also of a repeat whose first fold was drawn before."""
    labels, groups = images
    ids = ids_of(labels)
    drawn = protocol.draw_splits(labels, groups, Protocol(folds=3, repeats=3), CLASSES)
    some = [split for split in drawn if random.random() < 0.6]
    found = from_places(places(some, ids), ids)
    assert {key: parts(split) for key, split in found.items()} == {(s.repeat, s.fold): parts(s) for s in some}


def test_where_groups_are_ignored_images_are_split_one_by_one() -> None:
    images = tuple(
        Image(f"{'ab'[n % 2]}/{n:03}.png", n % 2, Path("nowhere"), f"sha {n // 4}", f"patient {n // 10}")
        for n in range(200)
    )
    dataset = Dataset(Card("some", title="Some"), ("a", "b"), images)
    library = Library((), Path("nowhere"))
    kept, ignored = (
        datasets.splits(library, dataset, Protocol(folds=3, repeats=1, groups=how)) for how in protocol.GROUPS
    )
    torn = [{images[i].group for i in split.train} & {images[i].group for i in split.test} for split in ignored]
    assert all(len(groups) >= 4 for groups in torn)
    assert not any({images[i].group for i in s.train} & {images[i].group for i in s.test} for s in kept)
    assert all(len(split.holdout) == 20 for split in ignored)


@cache
def real(name: str) -> tuple[Dataset, list[Split]]:
    """A dataset and its splits under the study's protocol, or a skipped test where its images are not at hand."""
    if not (SHARED / name).is_dir() and not cards.shipped()[name].generator:
        pytest.skip(f"no images of {name} in {SHARED}; set BENCH_SHARED_DATA to the folder that holds them")
    library = Library((SHARED,), cache_folder())
    dataset = library.load(name)
    return dataset, datasets.splits(library, dataset, Protocol())


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if card.generator else [])  # its images are drawn first
        for name, card in cards.shipped().items()
    ],
)
def test_images_that_belong_together_stay_together(name: str) -> None:
    """Counted here anew from names and bytes, not from `Dataset.groups`."""
    dataset, drawn = real(name)
    assert len(drawn) == (5 if name == "t-cells" else 20)  # six donors
    assert {len(split.train) + len(split.test) + len(split.holdout) for split in drawn} == {len(dataset.images)}
    same = {stem: number for number, stems in enumerate(dataset.card.same) for stem in stems}
    for split in drawn:
        side = np.empty(len(dataset.images), dtype=int)
        for number, part in enumerate((split.train, split.test, split.holdout)):
            side[part] = number
        bonds = {}
        for image, at in zip(dataset.images, side.tolist(), strict=True):
            keys = [("group", image.group), ("bytes", image.sha256)]
            keys += [("same", same[image.path.stem])] if image.path.stem in same else []
            for key in keys:
                assert bonds.setdefault(key, at) == at, f"{image.id} is torn from {key}"


@pytest.mark.parametrize("name", REAL)
def test_real_classes_get_about_their_share(name: str) -> None:
    dataset, drawn = real(name)
    labels = np.array(dataset.labels)
    for split in drawn:
        for label, total in Counter(dataset.labels).items():
            held, tested = ((labels[part] == label).sum() for part in (split.holdout, split.test))
            assert abs(held - 0.1 * total) <= max(1, 0.02 * total)
            assert abs(tested - 0.18 * total) <= max(1.4, 0.03 * total)


def test_the_holdout_of_the_white_cells_is_the_studys() -> None:
    dataset, drawn = real("wbc-raw")
    assert np.bincount(np.array(dataset.labels)[drawn[0].holdout]).tolist() == [9, 3, 2, 21]


def test_segmented_cells_stand_where_their_fields_stand() -> None:
    (raw, fields), (cut, cells) = real("wbc-raw"), real("wbc-segmented")
    stems = [image.path.stem for image in raw.images]
    for field, cell in zip(fields, cells, strict=True):
        for part, origin in zip(parts(cell), parts(field), strict=True):
            assert {cut.images[i].path.stem for i in part} <= {stems[i] for i in origin}
    assert len(cut.images) == 339
