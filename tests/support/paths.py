"""Where the project lies, and the real images beside it, for tests that need either."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BENCH_SHARED_DATA") or ROOT.parent / "shared" / "data")
CASES = SHARED.parent / "cases"
"""Programs that end with 0 where the product does right, beside the real images."""
