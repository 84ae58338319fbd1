"""What there is to say of a folder of images before anything is trained on it."""

from bench.datasets.audit.auditing import Audit, balance, examine
from bench.datasets.audit.facts import TORN, UNUSABLE, names, nearly_alike, number

__all__ = [
    "TORN",
    "UNUSABLE",
    "Audit",
    "auditing",
    "balance",
    "examine",
    "names",
    "nearly_alike",
    "number",
    "recognising",
    "scanning",
]
