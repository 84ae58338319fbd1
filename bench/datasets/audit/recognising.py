"""Which layout a folder has; and where it has none, what was found there and the nearest thing that works."""

import difflib
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from bench.datasets import layouts, manifests, masks
from bench.datasets.audit.facts import names, number
from bench.errors import BenchError

DEEPEST, LOOKED_AT = 4, 300
EXPECTED = "expected <class>/<file>.png (or .jpg, .bmp, .tif) in it"

LABEL = re.compile(r"label|class|diagnos|dx$|categor|target|disease|finding|species|phenotype|type$", re.IGNORECASE)
GROUP = re.compile(
    r"patient|subject|slide|donor|case|lesion|animal|group|participant|specimen|writer|person|individual|mouse|plate|biopsy",
    re.IGNORECASE,
)
ROLES = ("path", "label", "group")

Command = Callable[..., str]
"""Given a folder and options, the command that adds it."""


def recognise(folder: Path, command: Command) -> dict[str, object]:
    """The fields of a card that say how a folder is laid out: none of them for plain class folders.

    Raises:
        BenchError: nothing in the folder fits, or two things do. The message has the command that would work.
    """
    if manifest := manifests.find(folder):
        check_columns(manifest, folder, {}, command)
        return {"manifest": manifest.name}
    plain = [place for place in layouts.class_folders(folder) if not masks.is_folder(place.name, ())]
    if split := _split(folder, plain):
        return split
    flat = [place.name for place in plain if layouts.part_rank(place.name) is not None]
    if plain and len(flat) == len(plain):
        raise BenchError(
            f"{folder}: {' and '.join(flat)} {'is' if len(flat) == 1 else 'are'} called as the parts of a split, and "
            f"hold{'s' * (len(flat) == 1)} pictures right in {'it' if len(flat) == 1 else 'them'}, not class folders; "
            f"{_way_to_classes(folder, command) or 'sort the pictures of each into folders of their classes'}"
        )
    if len(plain) > 1:
        return {}
    return _nested(folder) or _nothing(folder, plain, command)


def check_columns(manifest: Path, folder: Path, named: Mapping[str, str], command: Command) -> None:
    """See that a table has the columns that a manifest needs.

    Raises:
        BenchError: it has not; the message has the columns that look right.
    """
    there = manifests.columns(manifest)
    lowered = {name.strip().lower() for name in there}
    wanted = {"path": "path", "label": "label", **named}
    if missing := [theirs for theirs in wanted.values() if theirs.strip().lower() not in lowered]:
        next(manifests.records(manifest), None)  # says why, where it cannot be read at all
        way = _by_table(manifest, folder, command, named)
        near = difflib.get_close_matches(missing[0], there, n=1, cutoff=0.5)
        way = "; ".join([*([f"did you mean {near[0]!r}"] if near else []), *([way] if way else [])]) or None
        raise BenchError(
            f"{manifest} has no column {missing[0]!r}; its columns are: {', '.join(there) or 'none'}"
            + (f"; {way}" if way else "; name those of file and class with --path and --label")
        )


def other_classes(folder: Path) -> tuple[Path, str] | None:
    """A table beside class folders that names their images, and its column of classes that are not the folders."""
    for table in manifests.tables(folder):
        rows = [row for _, row in islice(_quietly(table), LOOKED_AT)]
        if not (found := _columns(table, folder, rows)):
            continue
        path, label, _ = found
        files = manifests.Files(folder, layouts.SUFFIXES)
        pairs = {(files.named(row[path])[0].split("/")[0], row[label]) for row in rows if files.named(row[path])}
        if LABEL.search(label) and len(pairs) > len({name for name, _ in pairs}):
            return table, label
    return None


# --- Layouts


def _split(folder: Path, plain: Sequence[Path]) -> dict[str, object] | None:
    """A given split: parts that hold class folders, two classes at least in all."""
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and layouts.part_rank(path.name) is not None]
    parts = sorted(
        (path for path in inside if layouts.class_folders(path, deep=True)),
        key=lambda p: layouts.part_rank(p.name) or 0,
    )
    classes = {place.name for part in parts for place in layouts.class_folders(part, deep=True)}
    classes -= {name for name in classes if masks.is_folder(name, classes - {name})}
    if len(classes) < 2:
        return None
    if doubled := [place.name for place in plain if place.name in classes]:
        raise BenchError(
            f"{folder}: the class folder {doubled[0]!r} stands both in it and in {parts[0].name}; add one of the two, "
            "or move the other away"
        )
    held = [part.name for part in parts if part.name.lower().startswith("holdout") and len(parts) > 1]
    fields: dict[str, object] = {"parts": tuple(part.name for part in parts)}
    if not all(layouts.image_files(place) for part in parts for place in layouts.class_folders(part, deep=True)):
        fields["subfolders"] = _kind_of([p for part in parts for p in layouts.class_folders(part, deep=True)])
    return fields | ({"holdout": held[0]} if held else {})


def _nested(folder: Path) -> dict[str, object] | None:
    """Class folders that hold folders of images: of patients, say."""
    places = [
        place
        for place in layouts.class_folders(folder, deep=True)
        if layouts.part_rank(place.name) is None and not masks.is_folder(place.name, ())
    ]
    if len(places) < 2:
        return None
    inner = [{path.name for path in layouts.class_folders(place, deep=True)} for place in places]
    of_name = Counter(name for those in inner for name in those)
    shared = [name for name, count in of_name.items() if count > len(places) / 2 and not _says_nothing(name)]
    if len(places) > len(of_name) >= 2 and len(shared) == len(of_name):
        raise BenchError(
            f"{folder}: {names([place.name for place in places])} each hold folders called "
            f"{names(sorted(shared))}: if those are the classes, and the outer folders patients or slides, list the "
            "images in a manifest.csv with the columns path, label and group; or move them to <class>/<patient>/<file>"
        )
    return {"subfolders": _kind_of(places)}


def _kind_of(places: Sequence[Path]) -> str:
    """What the folders in class folders are: groups, unless their names say nothing, as `images` does."""
    inner = {path.name for place in places for path in _folders(place) if layouts.class_folders(path.parent, deep=True)}
    return "plain" if all(_says_nothing(name) for name in inner) else "groups"


def _says_nothing(name: str) -> bool:
    return layouts.part_rank(name) is not None or masks.is_folder(name, ()) or not set(masks.words(name)) - masks.PLAIN


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))


# --- Where nothing fits


def _nothing(folder: Path, plain: Sequence[Path], command: Command) -> dict[str, object]:
    """Say what was found in a folder that is no dataset, and the nearest thing that works."""
    if way := _way_to_classes(folder, command):
        raise BenchError(f"{folder}: no class folders with images in it; {way}")
    every = list(islice(layouts.walk(folder), 100_000))
    images = [path for path in every if path.suffix.lower() in layouts.SUFFIXES and not path.name.startswith(".")]
    loose = [path for path in images if path.parent == folder]
    others = Counter(path.suffix.lower() for path in every if path.suffix.lower() in layouts.PICTURES)
    if not images and others:
        kinds = " and ".join(f"{count} {ending}" for ending, count in others.most_common(3))
        raise BenchError(f"{folder}: no images that can be read, but {kinds} files; {_conversion(set(others))}")
    if len(plain) == 1:
        raise BenchError(
            f"{folder}: a dataset needs at least two class folders with images, found 1 ({plain[0].name})"
            + "".join(
                f"; {place.name} holds masks, it seems" for place in layouts.class_folders(folder) if place not in plain
            )
            + "".join(f"; {place.name} is empty" for place in _folders(folder) if layouts.is_empty(place))
            + (f"; {number(len(loose), 'picture')} beside it lie in none" if loose else "")
        )
    if loose:
        raise BenchError(
            f"{folder}: {number(len(loose), 'picture')} right in it and in no class folder, {loose[0].name} for one; "
            "put those of each class into a folder of its own, or list them in a manifest.csv with the columns path "
            "and label"
        )
    if images:
        raise BenchError(
            f"{folder}: {number(len(images), 'picture')} in one folder alone, {images[0].relative_to(folder)} for one; "
            "a dataset needs at least two class folders with images"
        )
    packed = [path for path in every if path.suffix.lower() in (".zip", ".gz", ".tar", ".7z", ".rar", ".tgz", ".h5")]
    raise BenchError(
        f"{folder}: no images; {EXPECTED}" + (f"; {packed[0].name} may hold them: unpack it first" if packed else "")
    )


def _way_to_classes(folder: Path, command: Command) -> str | None:
    """A table or a folder further down that would work, and the command for it."""
    for table in manifests.tables(folder):
        if way := _by_table(table, folder, command):
            return f"{table.name} lists them, it seems: {way}"
    for place in _nearest(folder):
        if place != folder:
            return f"those of {place.relative_to(folder)} would do: {command(place)}"
    return None


def _by_table(table: Path, folder: Path, command: Command, named: Mapping[str, str] = {}) -> str | None:
    """The command that adds the images of a table, where one of its columns names files."""
    found = _columns(table, folder, [row for _, row in islice(_quietly(table), LOOKED_AT)])
    if found is None:
        return None
    path, label, group = (
        _meant(column, given, table) for column, given in zip(found, map(named.get, ROLES), strict=True)
    )
    said = f"its column {path!r} names files, and {label!r} looks like the class"
    said += f", {group!r} like what belongs together" if group else ""
    options = ["--manifest", table, "--path", path, "--label", label, *(["--group", group] if group else [])]
    return f"{said}: {command(folder, *options)}"


def _meant(looked: str | None, given: str | None, table: Path) -> str | None:
    """The column for a role: the one that was given, the nearest to it in the table, or else the one that looks so."""
    there = manifests.columns(table)
    if given in there:
        return given
    near = difflib.get_close_matches(given, there, n=1, cutoff=0.5) if given else []
    return near[0] if near else looked


def _columns(table: Path, folder: Path, rows: Sequence[Mapping[str, str]]) -> tuple[str, str, str | None] | None:
    """The columns of a table that look like those of file, class and group; None where none names files."""
    there = manifests.columns(table)
    if not rows or not there:
        return None
    files = manifests.Files(folder, layouts.SUFFIXES)
    named = {name: sum(bool(files.named(row.get(name, ""))) for row in rows) for name in there}
    path = max(there, key=lambda name: named[name])
    kinds = {name: len({row.get(name, "") for row in rows}) for name in there if name != path}
    few = [name for name, count in kinds.items() if 2 <= count <= max(10, len(rows) / 3)]
    # A name that says so is better than a number of values that fits one.
    labels = [name for name in few if LABEL.search(name)] or few
    if 2 * named[path] < len(rows) or not labels:
        return None
    values = {name: len({row.get(name, "") for row in rows}) for name in there}
    groups = [n for n in there if GROUP.search(n) and n not in (path, labels[0]) and 1 < values[n] < len(rows)]
    return path, labels[0], groups[0] if groups else None


def _quietly(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        yield from manifests.records(table)
    except BenchError:
        return


def _nearest(folder: Path) -> Iterator[Path]:
    """Folders below that hold class folders or a given split, the nearest first."""
    level = [folder]
    for _ in range(DEEPEST):
        for place in level:
            classes = [path for path in layouts.class_folders(place) if not masks.is_folder(path.name, ())]
            split = (
                len(layouts.class_folders(path)) > 1
                for path in _folders(place)
                if layouts.part_rank(path.name) is not None
            )
            if sum(layouts.part_rank(path.name) is None for path in classes) > 1 or any(split):
                yield place
        level = [path for place in level for path in _folders(place) if not path.is_symlink()]


def _conversion(endings: set[str]) -> str:
    if endings & {".dcm", ".dicom", ".nii", ".nrrd", ".mha", ".mhd"}:
        return "store their slices as PNG or TIFF first (Fiji does: File → Save As)"
    if endings & {".svs", ".ndpi", ".mrxs", ".scn", ".czi", ".nd2", ".lif", ".oib", ".oif", ".vsi"}:
        return "export PNG or TIFF of what matters first (QuPath and Fiji do)"
    return "store them as PNG or JPEG first (ImageMagick does: magick mogrify -format png *" + min(endings) + ")"


def commands(name: str, more: str) -> Command:
    """Makes the commands that add a dataset of a name; `more` is what was given besides."""

    def command(folder: Path, *options: object) -> str:
        return f"bench dataset add {shlex.join(map(str, [name, folder, *options]))}{more}"

    return command
