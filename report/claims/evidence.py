"""One figure behind a judgement, the same for all kinds of them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from report.estimates import interval, p_value, percent, points
from report.findings import Finding
from report.voting import Gain


@dataclass(frozen=True)
class Evidence:
    """An estimate with its interval, and what it rests on; NaN or 0 where there is none. Fractions.

    `decides` says that this one answers as the whole claim is answered.
    """

    dataset: str
    what: str
    estimate: float
    low: float
    high: float
    verdict: str
    splits: int = 0
    holm: float = np.nan
    asked: int = 0
    unit: Literal["points", "percent", "correlation"] = "points"
    rest: str = "splits"
    decides: bool = False

    @property
    def figure(self) -> str:
        """The estimate in points or percent, its interval, splits and Holm value, as a sentence has them."""
        if self.unit == "correlation":
            parts = [f"{self.estimate:+.2f}".replace("-", "−")]
        else:
            signed = self.unit == "points"
            shown = points(self.estimate) if signed else percent(self.estimate)
            parts = [f"{shown} {interval(self.low, self.high, signed=signed)}"]
        parts += [f"{self.splits} {self.rest}"] if self.splits else []
        parts += [f"Holm {p_value(self.holm)} of {self.asked}"] if np.isfinite(self.holm) else []
        return ", ".join(parts)


def of_finding(f: Finding) -> Evidence:
    """The figure of a finding."""
    known = (np.nan, np.nan) if f.difference.degenerate else (f.difference.low, f.difference.high)
    return Evidence(f.section.dataset, f.pair, f.difference.mean, *known, f.narrow, f.splits, f.holm, f.asked)


def of_gain(gain: Gain) -> Evidence:
    """The figure of a vote's gain."""
    found = gain.gain
    return Evidence(
        gain.section.dataset,
        gain.what,
        found.estimate,
        found.low,
        found.high,
        gain.narrow,
        gain.repeats,
        gain.holm,
        gain.asked,
        rest="repeats",
    )
