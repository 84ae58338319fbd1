"""Quarto and the preview engine run this before they look for pages.

It stands in a folder of its own: Python puts a script's folder first on its path, and the report's own modules would
hide the standard library's `statistics` and `site` there.
"""

from pathlib import Path

from report.data import results
from report.prepare import prepare

prepare(Path(__file__).resolve().parents[1], results())
