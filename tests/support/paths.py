"""Where the project lies, and the real images beside it, for tests that need either."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BENCH_SHARED_DATA") or ROOT.parent / "shared" / "data")
