"""The study's claims, as `findings.toml` lists them, and what the store says of each."""

from report.claims.evidence import Evidence
from report.claims.judging import Judgement, everything
from report.claims.reading import Claim, difficulty, load

__all__ = ["Claim", "Evidence", "Judgement", "difficulty", "everything", "load"]
