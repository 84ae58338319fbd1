"""A kept model on disk: one safetensors file a trial, named by its trial and its own SHA-256, no list beside them.

`STORE/models/dataset=D/model=M/CELL/TRIAL.SHA256.safetensors`. A file says in its header all that its weights depend on
and need: the identity of its cell (which is checked by making it again), the classes, the recipe, the normalisation. So
files of two recipes or versions cannot be taken for one model, and none is a pickle, which could run code.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cache import replacing
from bench.errors import BenchError
from bench.study import Recipe, fingerprint

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
"""Raise it when older files cannot be read as these are."""
ENDING = ".safetensors"
SURROUNDINGS = "images"
"""The name, in the place of a trial's, of the file that says what the training images are like."""
BACKBONE = "backbone"
"""And of the frozen layers, where they came from a file of the user's."""
_NAMED = re.compile(r"([0-9a-f]{20}|images|backbone)\.([0-9a-f]{64})\.safetensors")
_IDENTITY = ("scheme", "dataset", "content", "model", "model_version", "weights", "recipe_identity", "protocol")


class Missing(BenchError):  # noqa: N818 - it says that something is not there, and a command trains it then
    """No model is kept of a cell, or not of all its trials."""


@dataclass(frozen=True)
class Header:
    """What a file says of its weights.

    Attributes:
        cell_id: the cell; `identity` is what it is made of.
        trial_id: the trial.
        classes: in the order of the logits.
        recipe: the recipe's fields.
        mean: of each channel over the images outside the holdout, as fractions.
        std: likewise.
        scale: what of values beyond 8 bits becomes black and white, as `bench.images.Scale`.
        versions: of the libraries that trained it.
    """

    cell_id: str
    trial_id: str
    identity: Mapping[str, Any]
    classes: tuple[str, ...]
    recipe: Mapping[str, Any]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: str | tuple[float, float] | None
    versions: Mapping[str, Any]

    def text(self) -> str:
        """As the file has it."""
        return json.dumps({"format": FORMAT} | vars(self), sort_keys=True, default=list)

    @property
    def shared(self) -> tuple[object, ...]:
        """What all trials of a cell have in common."""
        return self.cell_id, self.classes, json.dumps(self.recipe, sort_keys=True), self.mean, self.std, self.scale


@dataclass(frozen=True)
class Kept:
    """The kept trials of a cell, checked: every file is as it was written and belongs to the same cell.

    Attributes:
        folder: where they lie.
        header: that of the first; what is said of the cell is the same in all.
        trials: for each trial's id its file.
        surroundings: the file on the training images, where there is one.
    """

    folder: Path
    header: Header
    trials: Mapping[str, Path]
    surroundings: Path | None

    @property
    def fingerprint(self) -> str:
        """Names these very weights."""
        return fingerprint([self.header.cell_id, sorted(path.name for path in self.trials.values())])

    @property
    def recipe(self) -> Recipe:
        """The recipe that they were trained with."""
        return Recipe().with_overrides(
            {k: v for k, v in self.header.recipe.items() if k in Recipe.__dataclass_fields__}, str(self.folder)
        )

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(path.stat().st_size for path in self.trials.values())


def folder(root: Path, dataset: str, model: str, cell_id: str) -> Path:
    """Where the models of a cell are kept beside the store in `root`."""
    return root / "models" / f"dataset={dataset}" / f"model={model}" / cell_id


def write(place: Path, name: str, tensors: "Mapping[str, Tensor]", text: str) -> Path:
    """Write weights under a name and their SHA-256, whole or not at all; what was there under that name goes.

    Raises:
        BenchError: the file cannot be written.
    """
    from safetensors.torch import save

    content = save(
        {key: tensor.detach().cpu().contiguous().clone() for key, tensor in tensors.items()}, {"bench": text}
    )
    path = place / f"{name}.{hashlib.sha256(content).hexdigest()}{ENDING}"
    with replacing(path, "run without --keep-models") as file:
        file.write(content)
    for old in place.glob(f"{name}.*{ENDING}"):
        if old != path:
            with suppress(OSError):
                old.unlink()
    return path


def read(path: Path) -> "tuple[dict[str, Tensor], str]":
    """The weights in a file, and the text in its header.

    Raises:
        BenchError: its content is not what its name says, or no safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    content = _checked(path)
    try:
        length = int.from_bytes(content[:8], "little")
        text = json.loads(content[8 : 8 + length])["__metadata__"]["bench"]
        return load(content), str(text)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BenchError(f"{path} is no kept model ({error}); delete it") from None


def found(place: Path, wanted: Sequence[str], classes: Sequence[str], again: str) -> Kept:
    """The kept models of a cell, every file checked against its name and the others.

    Args:
        place: the folder of the cell, whose name is the cell's identity.
        wanted: the ids of its trials, as the store has them.
        classes: as the store has them.
        again: the command that keeps them again, for messages.

    Raises:
        Missing: trials are missing.
        BenchError: a file was altered, belongs to another cell, is for other classes, or of a later version.
    """
    files = {}
    for path in sorted(place.glob(f"*{ENDING}")) if place.is_dir() else []:
        if (match := _NAMED.fullmatch(path.name)) is not None:
            files[match[1]] = path
    surroundings = files.pop(SURROUNDINGS, None)
    files.pop(BACKBONE, None)
    missing = [trial for trial in wanted if trial not in files]
    if missing:
        lack = "none" if len(missing) == len(wanted) else str(len(wanted) - len(missing))
        raise Missing(
            f"{place} holds {lack} of the {len(wanted)} trials of this model; `{again}` trains and keeps them"
        )
    headers = [header(files[trial], again) for trial in wanted]
    for one, trial in zip(headers, wanted, strict=True):
        if one.trial_id != trial or one.cell_id != place.name or one.shared != headers[0].shared:
            raise BenchError(f"{files[trial]} is of another model than its folder and name say; `{again}` mends it")
    if list(headers[0].classes) != list(classes):
        raise BenchError(
            f"{place} is for the classes {', '.join(headers[0].classes)}, and the store's trials are for "
            f"{', '.join(classes)}; `{again}` keeps one for these"
        )
    return Kept(place, headers[0], {trial: files[trial] for trial in wanted}, surroundings)


def header(path: Path, again: str) -> Header:
    """What a file says of its weights, if that fits together: its cell's identity is made again.

    Raises:
        BenchError: it does not, or the file was altered, or is of a later version.
    """
    content = _checked(path, again)
    try:
        length = int.from_bytes(content[:8], "little")
        values = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["bench"])
        if values.pop("format") != FORMAT:
            raise BenchError(f"{path} was kept by another version of this project; `{again}` keeps it anew")
        values["classes"] = tuple(map(str, values["classes"]))
        for name in ("mean", "std"):
            values[name] = tuple(map(float, values[name]))
            if len(values[name]) != 3 or not all(map(math.isfinite, values[name])):
                raise ValueError(f"{name} is not that of three channels")
        if isinstance(values["scale"], list):
            low, high = map(float, values["scale"])
            values["scale"] = low, high
        made = Header(**values)
        identity = dict(made.identity)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BenchError(f"{path} is no kept model ({error}); `{again}` keeps it anew") from None
    if sorted(identity) != sorted(_IDENTITY) or cell_id(identity) != made.cell_id:
        raise BenchError(f"{path} is of another model than it says; `{again}` keeps it anew")
    return made


def cell_id(identity: Mapping[str, Any]) -> str:
    """The identity of a cell, made of what `Header.identity` tells, as `planning.plan` makes it."""
    named = {key: value for key, value in identity.items() if key != "recipe_identity"}
    return fingerprint(named | {"recipe": identity["recipe_identity"]})


def _checked(path: Path, again: str = "bench model keep") -> bytes:
    match = _NAMED.fullmatch(path.name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error}); `{again}` keeps it anew") from None
    if match is None or hashlib.sha256(content).hexdigest() != match[2]:
        raise BenchError(f"{path} was altered since it was kept (its SHA-256 is another); `{again}` keeps it anew")
    return content
