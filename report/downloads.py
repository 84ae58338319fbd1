"""What a site hands out beside its pages: the tables of its store as files, and DuckDB to ask them in the browser.

DuckDB for browsers comes from npm and is not part of this project: `npm install --no-save @duckdb/duckdb-wasm@1.28.0`
in the folder in which the site is built puts it where `bench report` looks. Nothing is downloaded here.
"""

import os
import shutil
from pathlib import Path

from report.data import ROOT, Results
from store import public

TABLES = (
    "trials",
    "scores",
    "predictions",
    "cells",
    "confusion",
    "curves",
    "auroc",
    "images",
    "plans",
    "splits",
    "votes",
)
"""The tables that can be asked in the browser. The others hold pictures, or take arguments."""
WASM = "@duckdb/duckdb-wasm"
FILES = {
    f"{WASM}/dist/duckdb-eh.wasm": "duckdb-eh.wasm",
    f"{WASM}/dist/duckdb-browser-eh.worker.js": "duckdb-browser-eh.worker.js",
    f"{WASM}/dist/duckdb-browser.cjs": "duckdb.js",
    "apache-arrow/Arrow.es2015.min.js": "arrow.js",
}
_BEFORE = "(function(){var module={exports:{}},exports=module.exports,require=function(){return window.Arrow};\n"
_AFTER = "\nwindow.duckdb=module.exports;})();\n"


def tables(found: Results, folder: Path) -> None:
    """Write every table as a Parquet file; the same store gives the same bytes. May run beside other questions."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = found.connection.cursor()
    known = {view.name: view for view in public()}
    for name in TABLES:
        columns = [column for column in known[name].columns if column != "thumbnail"]
        listed = ", ".join(f'"{column}"' for column in columns)
        target = str(folder / f"{name}.parquet").replace("'", "''")
        connection.execute(
            f"copy (select {listed} from {name} order by all) to '{target}' (format parquet, compression zstd)"
        )


def modules() -> Path | None:
    """The folder of npm's packages that hold DuckDB for browsers: `BENCH_NODE_MODULES`, or beside this project."""
    named = os.environ.get("BENCH_NODE_MODULES")
    places = [Path(named)] if named else [ROOT.parent / "node_modules"]
    return next((place for place in places if all((place / file).is_file() for file in FILES)), None)


def engine(folder: Path) -> bool:
    """Copy DuckDB for browsers into a folder, if it is at hand; says whether it was."""
    place = modules()
    if place is None:
        shutil.rmtree(folder, ignore_errors=True)
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for source, name in FILES.items():
        if source.endswith(".cjs"):  # made for bundlers: it asks for one other package
            text = (place / source).read_text(encoding="utf-8").partition("//# sourceMappingURL")[0]
            (folder / name).write_text(f"{_BEFORE}{text}{_AFTER}", encoding="utf-8")
        else:
            shutil.copy(place / source, folder / name)
    return True
