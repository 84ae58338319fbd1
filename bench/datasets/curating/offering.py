"""The command that is offered repeats what was typed: an option that is forgotten there changes what comes out."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Typed:
    """What was typed after `bench dataset add`.

    `options` are by name, without dashes; None, False and `refuse`, which is what happens unasked, stand for none, and
    True for an option without a value. `more` is what says where the data folders are, with a space before.
    """

    name: str
    folder: Path | None
    options: Mapping[str, str | bool | None]
    more: str = ""

    def given(self) -> str:
        """The options as they can be typed, each with a space before."""
        said = {name: value for name, value in self.options.items() if value not in (None, False, "refuse")}
        return "".join(
            f" --{name}" + ("" if value is True else f" {shlex.quote(str(value))}") for name, value in said.items()
        )

    def command(self, **changed: str | bool) -> str:
        """The whole command, with some options changed or added."""
        more = Typed(self.name, self.folder, {**self.options, **changed})
        words = [self.name, *([str(self.folder)] if self.folder else [])]
        return f"bench dataset add {shlex.join(words)}{more.given()}{self.more}"
