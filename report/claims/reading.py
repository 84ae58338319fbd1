"""Reading `findings.toml`: claims as values, each checked when it is read."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from report.questions import FAMILIES, FLOORS

PATH = Path(__file__).resolve().parents[1] / "findings.toml"
KINDS = ("pairs", "score", "literature", "question", "votes", "share", "largest gain", "difficulty", "open")
WORDS = ("networks", "heads", "pre-trained")
DIRECTIONS = ("better", "worse", "none", "no better", "no worse", "nearly as good", "not shown")


@dataclass(frozen=True)
class Claim:
    """What somebody said, where, and what would confirm it; `findings.toml` says what the fields mean."""

    key: str
    said: str
    where: str
    kind: str
    models: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    direction: str = "better"
    every: bool = True
    score: float = 0.0
    question: str = ""
    lower: bool = False
    share: float = 0.5
    within: float = 0.0
    why: str = ""


@cache
def load() -> tuple[Claim, ...]:
    """The claims, in the order of the file.

    Raises:
        ValueError: a field, kind or direction that is none, or two claims of one key.
    """
    values = tomllib.loads(PATH.read_text(encoding="utf-8"))
    claims = tuple(_claim(dict(row), values["sources"]) for row in values["claims"])
    keys = [claim.key for claim in claims]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise ValueError(f"{PATH.name}: {', '.join(sorted(twice))} is there twice; give each claim a key of its own")
    return claims


@cache
def difficulty() -> dict[str, int]:
    """How hard each dataset is for a person, from 1 to 4."""
    return dict(tomllib.loads(PATH.read_text(encoding="utf-8"))["difficulty"])


def expanded(word: str, models: Sequence[str]) -> list[str]:
    """The models at hand that a word of `findings.toml` stands for."""
    if word == "networks":
        return [m for m in models if m not in FLOORS]
    if word in ("heads", "pre-trained"):
        forms = ("",) if word == "heads" else ("-tuned", "", "-probe")
        return [m for m in models if m in {family + form for family in FAMILIES for form in forms}]
    return [word] if word in models else []


def _claim(row: dict[str, Any], sources: dict[str, str]) -> Claim:
    key = row.get("key", "?")
    unknown = row.keys() - {field.name for field in fields(Claim)}
    if unknown:
        raise ValueError(f"{PATH.name}: claim {key!r} has unknown fields: {', '.join(sorted(unknown))}")
    row = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    claim = Claim(**row | {"where": sources[row["where"]]})
    if claim.kind not in KINDS:
        raise ValueError(f"{PATH.name}: claim {key!r} is of no kind: {claim.kind!r}; known: {', '.join(KINDS)}")
    if claim.direction not in DIRECTIONS:
        raise ValueError(f"{PATH.name}: claim {key!r} goes in no direction: {claim.direction!r}")
    return claim
