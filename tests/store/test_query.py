"""One SELECT is answered; nothing else is, nothing is written, nothing outside the store is read."""

import decimal
import io
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from writing import append

from store import QueryError, Store, public, query, schema
from store.compaction import compact
from store.views import mentioned, views

IMAGES = 3
NAMES = {"dataset": "white-cells_5.0", "model": "a-b"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with one trial; the working folder is beside it, and nothing may change in either."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "own.csv").write_text("a\n1\n")
    monkeypatch.chdir(tmp_path / "here")
    store = Store(tmp_path / "store", create=True)
    row = {"trial_id": "t", "cell_id": "c", "recipe": "r", "repeat": 0, "fold": 0, "status": "done", "classes": ["a"]}
    guess = {"subset": "test", "label": "a", "predicted": "a", "probabilities": [1.0]}
    store.append_trial(row | NAMES, [guess | {"image_id": f"a/{n}"} for n in range(IMAGES)])
    before = _content(tmp_path)
    yield store
    assert _content(tmp_path) == before


def _content(folder: Path) -> dict[Path, Any]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


# --- What is refused


STATEMENTS = [
    "",
    ";",
    "-- nothing",
    "select 1; select 2",
    "select 1; copy (select 1) to '{inside}'",
    "explain select 1",
    "copy (select 1) to '{inside}'",
    "copy trials to '{outside}'",
    "copy raw_trials from '{outside}'",
    "export database '{inside}'",
    "import database '{inside}'",
    "attach '{inside}'",
    "detach memory",
    "use memory",
    "install httpfs",
    "load httpfs",
    "pragma version",
    "call pragma_version()",
    "set threads = 1",
    "reset threads",
    "create table t (a int)",
    "create macro m() as 1",
    "insert into raw_plans default values",
    "delete from raw_plans",
    "update raw_plans set study = 'x'",
    "drop view trials",
    "alter view trials rename to runs",
    "truncate raw_plans",
    "prepare p as select 1",
    "execute p",
    "begin",
    "commit",
    "checkpoint",
    "vacuum",
    "create secret (type s3)",
    "with x as (copy (select 1) to '{inside}') select * from x",
    "WITH a AS (SELECT 1), x AS (COPY trials TO '{inside}') SELECT 1",
    "(with x as (copy (select 1) to '{inside}') from x) union all select 2",
    "describe with x as (copy (select 1) to '{inside}') select * from x",
    "select * from (with x as (copy (select 1) to '{inside}') select * from x)",
    "select * from query('with x as (copy (select 1) to ''{inside}'') select * from x')",
    "with x as (insert into raw_plans (study) values ('x') returning *) select * from x",
    "with x as (delete from raw_plans returning *) select * from x",
    "with x as (update raw_plans set study = 'x' returning *) select * from x",
]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_all_but_one_select_is_refused(store: Store, sql: str) -> None:
    inside = next((store.root / "trials").rglob("*.parquet"))  # to be overwritten
    with pytest.raises(QueryError) as refused:
        query(store, sql.format(inside=inside, outside=store.root.parent / "here" / "new.csv"))
    assert "\n" not in str(refused.value)
    assert str(refused.value)


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('/etc/passwd')",
        "read_text('/etc/passwd')",
        "read_blob('/etc/passwd')",
        "glob('/etc/*')",
        "sniff_csv('/etc/passwd')",
        "'own.csv'",
        "read_csv('own.csv')",
        "read_text('{root}/../here/own.csv')",
        "read_text('{root}2/own.csv')",
        "glob('{root}/../*')",
        "read_json('/proc/self/environ')",
        "parquet_metadata('{root}/../x')",
        "read_parquet('https://example.com/x.parquet')",
        "query('from ''own.csv''')",
    ],
)
def test_nothing_outside_the_store_is_read(store: Store, source: str) -> None:
    with pytest.raises(QueryError, match=r"^Permission Error: Cannot access file [^\n]*$"):
        query(store, f"select * from {source.format(root=store.root)}")


def test_settings_stay_and_variables_are_no_tables(store: Store) -> None:
    for setting, value in (("enable_external_access", False), ("lock_configuration", True)):
        assert query(store, f"select current_setting('{setting}') as value").to_pylist() == [{"value": value}]
    for name in ("sql", "statements", "connection", "NAMES"):
        with pytest.raises(QueryError, match=f"^Catalog Error: Table with name {name} does not exist!"):
            query(store, f"select * from {name}")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("selct 1", 'Parser Error: syntax error at or near "selct"'),
        ("select", "Parser Error: SELECT clause without selection list"),
        ("select * from trial", 'Catalog Error: Table with name trial does not exist! Did you mean "trials"?'),
        ("select * from raw_trial", 'Table with name raw_trial does not exist! Did you mean "trials"?'),
        ("select * from curent_plans", 'Table with name curent_plans does not exist! Did you mean "'),
        ("select * from every_attempts", "does not exist! `bench query --schema` lists the tables"),
        ("select modl from trials", 'Referenced column "modl" not found in FROM clause! Candidate bindings: "model", '),
        ("with x as (select modl from trials) from x", 'Candidate bindings: "model", '),
        ("select avrage(fold) from trials", "Scalar Function with name avrage does not exist! Did you mean "),
        ("select ?", "Values were not provided for the following parameters: 1"),
        ("select error('stop')", "Invalid Input Error: stop"),
        ("select model::int from trials", "Conversion Error: Could not convert string 'a-b' to INT32"),
    ],
)
def test_wrong_sql_gets_the_hint_of_duckdb(store: Store, sql: str, said: str) -> None:
    with pytest.raises(QueryError) as refused:
        query(store, sql)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "LINE 1" not in str(refused.value)


# --- What is answered


def test_answers_are_arrow_tables(store: Store) -> None:
    answer = query(
        store, "select trial_id, repeat, finished_at, status = 'done' as ok, classes, 0.5::real as x from trials"
    )
    assert isinstance(answer, pa.Table)
    assert dict(zip(answer.column_names, answer.schema.types, strict=True)) == {
        "trial_id": pa.string(),
        "repeat": pa.int16(),
        "finished_at": pa.timestamp("us"),
        "ok": pa.bool_(),
        "classes": pa.list_(pa.string()),
        "x": pa.float32(),
    }
    assert answer.num_rows == 1


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select count(*) as n from predictions; -- all", [{"n": IMAGES}]),
        ("with x as (select model as m from trials) select m from x order by m", [{"m": "a-b"}]),
        ("with recursive x(n) as (select 1 union all select n + 1 from x where n < 2) from x", [{"n": 1}, {"n": 2}]),
        ("from trials select fold where model = 'without'", []),
        ("values ('it''s with')", [{"col0": "it's with"}]),
        ("select n from range(3) r(n) order by n desc", [{"n": 2}, {"n": 1}, {"n": 0}]),
        ("select balanced_accuracy as b from scores semi join trials using (trial_id)", [{"b": 1.0}]),
    ],
)
def test_any_one_select_is_answered(store: Store, sql: str, rows: list[dict[str, Any]]) -> None:
    assert query(store, sql).to_pylist() == rows


def test_every_table_that_shows_is_a_view(store: Store) -> None:
    names = {row["name"] for row in query(store, "show tables").to_pylist()}
    assert {view.name for view in public() if view.call == view.name} <= names


@pytest.mark.parametrize(
    "sql",
    [
        "from TRIALS",
        'select count(*) from "Cells"',
        "select count(*) from scores join memory.main.votes using (dataset)",
        "select count(*) from query_table('trials')",
        "select count(*) from query('from tri' || 'als')",
        "select count(*) from query('from raw_' || 'images')",
        "select count(*) from raw_splits",
        "select count(*) from (describe progress)",
        "select sum(estimated_size) >= 0 from duckdb_tables()",
        "select count(*) from information_schema.columns where table_name = 'votes'",
    ],
)
def test_what_is_asked_for_is_there_however_it_is_called(store: Store, sql: str) -> None:
    """Only the views that a statement mentions are made."""
    with store.connect() as connection:
        assert query(store, sql).to_pylist() == connection.sql(sql).to_arrow_table().to_pylist()


def test_a_view_needs_what_it_is_made_from_and_no_more() -> None:
    made, kinds = mentioned("select count(*) from trials")
    assert ([view.name for view in made], kinds) == (["plans", "current_plans", "trials"], ["trials", "plans"])
    assert mentioned("select 1") == ((), [])
    assert len(mentioned("select model from trials order by fold desc")[0]) == 3
    every = (views(), [*schema.KINDS])
    for sql in (
        None,
        "show tables",
        "-- all\nshow tables",
        "/* all */ show tables",
        "select 1 from (describe trials)",
        "from query('from duckdb' || '_views()')",
    ):
        assert mentioned(sql) == every


@pytest.mark.parametrize("view", [view.name for view in views()])
def test_what_a_view_is_made_from_is_there_with_it(store: Store, view: str) -> None:
    called = next(each.call for each in views() if each.name == view)
    sql = f"select count(*) from {called}" if called == view else f"select 1 -- {called}"
    assert store.read(lambda connection: connection.execute(sql).fetchall(), sql), "without a second try"


def _by_duckdb(folder: Path, columns: list[str]) -> Any:
    with duckdb.connect() as plain:
        pattern = f"'{folder}/**/*.parquet', hive_partitioning = true"
        return plain.sql(f"select {', '.join(columns)} from read_parquet({pattern})").to_arrow_table().to_pylist()


def _by_polars(folder: Path, columns: list[str]) -> Any:
    return pl.read_parquet(f"{folder}/**/*.parquet", hive_partitioning=True).select(columns).to_dicts()


def _by_pandas(folder: Path, columns: list[str]) -> Any:
    frame = pd.read_parquet(folder)[columns].astype({"dataset": str, "model": str})
    return frame.assign(probabilities=frame["probabilities"].map(list)).to_dict("records")


def _by_arrow(folder: Path, columns: list[str]) -> Any:
    return ds.dataset(folder, partitioning="hive").to_table(columns).to_pylist()


@pytest.mark.parametrize("read", [_by_duckdb, _by_polars, _by_pandas, _by_arrow])
def test_parts_are_read_by_any_reader(store: Store, tmp_path: Path, read: Any) -> None:
    """Also while a part is being written, and after a compaction."""
    copy = Store(shutil.copytree(store.root, tmp_path / "copy"))
    columns = [*NAMES, "trial_id", "image_id", "label", "probabilities"]
    for count in (IMAGES, IMAGES + 4):
        (part,) = (copy.root / "predictions").rglob("*.parquet")
        unfinished = part.with_name(f".{part.stem}-0.part")
        unfinished.write_bytes(part.read_bytes()[:100])
        expected = query(copy, f"select {', '.join(columns)} from predictions").to_pylist()
        assert [row["dataset"] for row in expected] == [NAMES["dataset"]] * count
        assert sorted(read(copy.root / "predictions", columns), key=repr) == sorted(expected, key=repr)
        unfinished.unlink()
        append(copy, "more", **NAMES)
        compact(copy)
    shutil.rmtree(copy.root)


# --- Time and memory


ENDLESS = [
    "with recursive x as (select 1 as n union all select n + 1 from x) select count(*) from x",
    "select count(*) from range(1000000000) a, range(1000000000) b",
    "select * from range(1000000000000) where range % 1000000007 = 5",
]


@pytest.mark.parametrize("sql", ENDLESS)
def test_a_query_without_end_is_given_up(store: Store, sql: str) -> None:
    began = time.monotonic()
    with pytest.raises(QueryError, match=r"^the query was given up after 0\.5 seconds; .* --timeout$"):
        query(store, sql, timeout=0.5)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "sql",
    [
        "with recursive x as (select 'abcdefgh' as t union all select t || t from x) select max(len(t)) from x",
        "select range, repeat('x', 1000) as t from range(1000000000)",  # an answer that grows and grows
        "select list(range) from range(1000000000)",
    ],
)
def test_a_query_that_takes_all_memory_is_refused(store: Store, sql: str) -> None:
    with pytest.raises(QueryError, match=r"^the query takes more than 0\.1 GB of memory; .* --memory$"):
        query(store, sql, memory=0.1, timeout=60)


def test_work_that_does_not_fit_goes_on_in_a_file_that_is_removed(
    store: Store, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    numbered = "select row_number() over (order by hash(range)) as r from range(4000000)"
    sql = f"select count(*) as n from ({numbered}) where r % 2 = 0"
    assert query(store, sql, memory=0.1).to_pylist() == [{"n": 2_000_000}]
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("name", ["autoinstall_known_extensions", "autoload_known_extensions"])
def test_no_extension_loads(store: Store, name: str) -> None:
    assert query(store, f"select current_setting('{name}') as value").to_pylist() == [{"value": False}]
    with pytest.raises(QueryError):
        query(store, "select * from sqlite_scan('x', 'y')")


@pytest.mark.parametrize("sql", ["select 1 as a", "select * from nothing", ENDLESS[1]])
def test_no_thread_is_left_behind(store: Store, sql: str) -> None:
    """One that is in a library's code when the process ends may take it down: `FATAL: exception not rethrown`."""
    before = set(threading.enumerate())
    with suppress(QueryError):
        query(store, sql, timeout=0.5)
    assert set(threading.enumerate()) <= before


def test_columns_that_share_a_name_keep_their_own_values(store: Store) -> None:
    answer = query(store, "select 1 as a, 2 as a, 3 as a_1, 4 as b")
    assert answer.to_pylist() == [{"a": 1, "a_2": 2, "a_1": 3, "b": 4}]


STORABLE = [
    ("interval 90 minutes", "01:30:00"),
    ("interval '1 year 2 days'", "1 year 2 days"),
    ("[interval 1 day, null]", ["1 day", None]),
    ("{'INTERVAL': interval 1 day, 'b': 'BIT'}", {"INTERVAL": "1 day", "b": "BIT"}),
    ("'1010'::bit", "1010"),
    ("union_value(a := 1)", "1"),
    ("(select sum(range) from range(4))", 6),
    ("170141183460469231731687303715884105727::hugeint", 2**127 - 1),
    ("null::interval", None),
    ("0.25", decimal.Decimal("0.25")),
]


@pytest.mark.parametrize(("sql", "value"), STORABLE, ids=[sql for sql, _ in STORABLE])
def test_answers_have_types_that_parquet_has(store: Store, tmp_path: Path, sql: str, value: Any) -> None:
    """What has none is text as DuckDB writes it; whole numbers stay so."""
    answer = query(store, f"select 1 as a, {sql} as a, 2 as b")
    assert answer.to_pylist() == [{"a": 1, "a_1": value, "b": 2}]
    written = io.BytesIO()
    pq.write_table(answer, written)
    assert pq.read_table(written).to_pylist() == answer.to_pylist()
    assert answer.schema.field("a_1").type == pa.int64() or not sql.startswith("(select sum")


def test_no_place_for_temporary_files_is_no_reason_to_say_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object, **__: object) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "mkdtemp", nowhere)
    assert query(store, "select count(*) as n from predictions").to_pylist() == [{"n": IMAGES}]
    with pytest.raises(QueryError, match=r"takes more than 0\.1 GB of memory"):
        query(store, "select list(range) from range(1000000000)", memory=0.1, timeout=60)
