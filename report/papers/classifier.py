"""One page that runs an exported model in the browser, from a disk as well: model and onnxruntime stand in it.

onnxruntime for browsers comes from npm and is not part of this project; nothing is downloaded here.
"""

import gzip
import os
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from report import show
from report.data import ROOT
from report.show import Html

VERSION = "1.30.0"
INSTALL = f"npm install --no-save --ignore-scripts onnxruntime-web@{VERSION}"
DIST = "onnxruntime-web/dist"
RUNTIME, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"


def runtime() -> Path | None:
    """The folder with onnxruntime for browsers: in `BENCH_NODE_MODULES`, else here, else beside this project."""
    named = os.environ.get("BENCH_NODE_MODULES")
    places = [Path(named)] if named else [Path("node_modules"), ROOT.parent / "node_modules"]
    found = (place / DIST for place in places)
    return next((place for place in found if all((place / name).is_file() for name in (RUNTIME, WASM))), None)


def page(model: bytes, facts: Mapping[str, Any], trust: str, place: Path) -> str:
    """The page as HTML.

    Args:
        model: the ONNX file's bytes.
        facts: what it says of itself.
        trust: what answers are trusted, in a sentence.
        place: the folder with onnxruntime for browsers.
    """
    title = f"{facts['dataset']}: {facts['model']}"
    return Template((ROOT / "classify.html").read_text(encoding="utf-8")).substitute(
        title=show.written(Html.text(title)),
        trust=show.written(Html.text(trust)),
        facts=show.written(show.data(facts)),
        model=_packed(model),
        wasm=_packed((place / WASM).read_bytes()),
        runtime=show.written(show.data(b64encode((place / RUNTIME).read_bytes()).decode("ascii"))),
        script=(ROOT / "classify.js").read_text(encoding="utf-8"),
    )


def _packed(content: bytes) -> str:
    """Bytes for a `<script type="application/json">`, at half their size."""
    return show.written(show.data(b64encode(gzip.compress(content, 6, mtime=0)).decode("ascii")))
