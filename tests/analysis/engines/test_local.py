"""DuckDB, embedded: what it opens, and how it refuses."""

import csv
import json
import math
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from abkit.analysis.engines.local import DuckDB
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Source, Table
from abkit.errors import AbkitError, AnalysisError, EmptyDataError
from abkit.sinks.files import FileSink

from . import golden
from .contract import EngineContract, assert_alike

Make = Callable[[Path, bool], tuple[Source, Source]]


def sink_files(format_: Any) -> Make:
    def make(where: Path, own: bool) -> tuple[Source, Source]:
        assert own
        golden.send_all(FileSink(where, format=format_))
        return where / "exposures", str(where / "actions" / "*" / f"*.{format_}")

    return make


def csv_files(where: Path, own: bool) -> tuple[Source, Source]:
    names = []
    for name, rows in zip(("exposures", "actions"), plain_rows(own), strict=True):
        with (where / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        names.append(where / f"{name}.csv")
    return names[0], names[1]


def plain_rows(own: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """With texts for what has no type in a file of texts."""
    if not own:
        return golden.foreign_exposures(), golden.foreign_actions()
    exposures, actions = (
        [{**row, "time": str(row["time"]), "groups": json.dumps(row["groups"])} for row in rows]
        for rows in golden.records()
    )
    return exposures, actions


def compressed_jsonl(where: Path, own: bool) -> tuple[Source, Source]:
    import gzip

    for name, rows in zip(("exposures", "actions"), plain_rows(own), strict=True):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (where / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return where / "exposures.jsonl.gz", str(where / "actions.jsonl.gz")


def pandas_frames(_where: Path, own: bool) -> tuple[Source, Source]:
    import pandas as pd

    if not own:
        return pd.DataFrame(golden.foreign_exposures()), pd.DataFrame(golden.foreign_actions())
    exposures, actions = (
        pd.DataFrame([{**row, "groups": json.dumps(row["groups"])} for row in rows])
        for rows in golden.records()
    )
    return exposures, actions


def polars_frames(_where: Path, own: bool) -> tuple[Source, Source]:
    import polars as pl

    if not own:
        return pl.DataFrame(golden.foreign_exposures()), pl.DataFrame(golden.foreign_actions())
    exposures, actions = (
        pl.DataFrame([{**row, "groups": {"org": None, **dict(row["groups"])}} for row in rows])  # type: ignore[call-overload]
        for rows in golden.records()
    )
    return exposures, actions


def polars_lazy(where: Path, own: bool) -> tuple[Source, Source]:
    exposures, actions = polars_frames(where, own)
    return exposures.lazy(), actions.lazy()  # type: ignore[attr-defined]


def readers(_where: Path, own: bool) -> tuple[Source, Source]:
    exposures, actions = golden.arrow_tables(own=own)
    return exposures.to_reader(), actions.to_reader(max_chunksize=3)


def relations(_where: Path, own: bool) -> tuple[Source, Source]:
    import duckdb

    connection = duckdb.connect()
    exposures, actions = golden.arrow_tables(own=own)
    connection.register("e", exposures)
    connection.register("a", actions)
    return connection.sql("from e"), connection.sql("from a")


def ibis_like(_where: Path, own: bool) -> tuple[Source, Source]:
    """An Ibis table as far as the engine looks at it; Ibis itself would bring 18 packages."""

    class Expression:
        def __init__(self, table: Any) -> None:
            self._table = table

        def to_pyarrow_batches(self) -> Any:
            return self._table.to_reader()

    exposures, actions = golden.arrow_tables(own=own)
    return Expression(exposures), Expression(actions)


def entries_and_structs(_where: Path, own: bool) -> tuple[Source, Source]:
    """Groups as a list of entries, properties as a struct."""
    import duckdb

    assert own
    connection = duckdb.connect()
    exposures, actions = golden.arrow_tables(own=own)
    connection.register("e", exposures)
    connection.register("a", actions)
    entries = "* replace (map_entries(groups) as groups, {} as properties)"
    of_text = "json_extract_string(properties, '{}')"
    odd = "/" + golden.ODD_KEY
    fields = {name: of_text.format(f"$.{name}") for name in ("country", "trial", "seats", "price")}
    fields[golden.ODD_KEY] = of_text.format(odd.replace("'", "''"))
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in fields}
    struct = "{" + ", ".join(f"{quoted[name]}: {sql}" for name, sql in fields.items()) + "}"
    return (
        connection.sql(f"select {entries.format(struct)} from e"),  # noqa: S608
        connection.sql(f"select {entries.format(struct)} from a"),  # noqa: S608
    )


BOTH = [csv_files, compressed_jsonl, pandas_frames, polars_frames, polars_lazy, readers, relations]


class TestDuckDB(EngineContract):
    def table(self, rows: Sequence[Mapping[str, Any]]) -> Table:
        import pandas as pd

        return Table(pd.DataFrame(rows))

    @pytest.fixture
    def engine(self) -> Iterator[DuckDB]:
        with DuckDB() as engine:
            yield engine

    @pytest.fixture(
        params=[*BOTH, ibis_like, entries_and_structs, sink_files("parquet"), sink_files("jsonl")],
        ids=lambda make: make.__qualname__,
    )
    def own(self, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Table, Table]:
        return golden.tables(*request.param(tmp_path, True))

    @pytest.fixture(params=BOTH, ids=lambda make: make.__name__)
    def foreign(self, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Table, Table]:
        return golden.foreign_tables(*request.param(tmp_path, False))

    def test_frames_and_paths_are_what_it_takes(self, engine: DuckDB) -> None:
        for nothing in (42, None, object()):
            with pytest.raises(AnalysisError, match="is not a table: give a path"):
                engine.open("t", Table(nothing), [])


def read(source: Source, *columns: Column) -> list[dict[str, Any]]:
    with DuckDB() as engine:
        engine.open("t", Table(source), columns)
        return [dict(row) for row in engine.rows("select * from t")]


TIME = Column(name="time", kind=Kind.INSTANT, source="time", required=True)
ACTION = Column(name="action", kind=Kind.TEXT, source="action", required=True)


def bytes_of(content: bytes, name: str) -> Callable[[Path], Source]:
    def write(where: Path) -> Source:
        (where / name).write_bytes(content)
        return where / name

    return write


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda where: where / "no.csv", AnalysisError, "does not exist"),
        (lambda _: os.devnull, AnalysisError, "is no regular file"),
        (lambda where: where, EmptyDataError, "has no file that ends in"),
        (lambda where: str(where / "*.csv"), EmptyDataError, "matches no file"),
        (bytes_of(b"", "a.csv"), EmptyDataError, "0 bytes"),
        (bytes_of(b"", "a.parquet"), EmptyDataError, "0 bytes"),
        (bytes_of(b"", "a.jsonl"), EmptyDataError, "0 bytes"),
        (bytes_of(bytes(range(256)) * 9, "a.csv"), AnalysisError, "not text"),
        (bytes_of(b"time,action\n1,b,c\n", "a.csv"), AnalysisError, "line 2 has 3 values"),
        (bytes_of(b"time,action\n1,b", "a.parquet"), AnalysisError, "not a Parquet file"),
        (bytes_of(b"PAR1 and then no", "a.parquet"), AnalysisError, "not a whole Parquet file"),
        (bytes_of(b'{"time": 1, "act', "a.jsonl"), AnalysisError, "line 1 is not JSON"),
        (bytes_of(b'{"time": 1}\n[2]\n', "a.jsonl"), AnalysisError, "line 2 is a JSON list"),
        (bytes_of(b"time,action\nsoon,b\n", "a.csv"), AnalysisError, "'soon', which is not a time"),
        (bytes_of(b"x", "a.xlsx"), AnalysisError, "must end in .parquet, .csv"),
    ],
)
def test_what_cannot_be_read_says_why_and_no_exception_of_duckdb_leaks(
    make: Callable[[Path], Source], kind: type[AbkitError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as caught:
        read(make(tmp_path), TIME, ACTION)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_with_a_quote_is_only_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "it's [here]"
    folder.mkdir()
    (folder / "a.csv").write_text("time,action\n1,buy\n")
    (folder / "_SUCCESS").touch()
    (folder / ".a.csv.tmp").write_text("half")
    assert read(folder, TIME, ACTION) == [{"time": 1_000_000, "action": "buy"}]


def test_tabs_separate_columns_too(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("time\taction\n1\tbuy, now\n")
    assert read(tmp_path / "a.tsv", TIME, ACTION) == [{"time": 1_000_000, "action": "buy, now"}]


def test_files_of_several_formats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time\n1\n")
    (tmp_path / "a.jsonl").write_text('{"time": 1}\n')
    with pytest.raises(AnalysisError, match="several formats"):
        read(tmp_path, TIME)


def test_json_whose_last_line_is_unlike_the_others_is_read(tmp_path: Path) -> None:
    """A time that is a number once, an id that is a text once, a column that comes late."""
    rows: list[dict[str, Any]] = [
        {"time": "2024-03-01T12:00:00Z", "action": 1, "groups": {"org": 7}}
    ] * 30_000
    rows.append({"time": 1709294400, "action": "one", "groups": '{"org": "8"}', "late": 1.5})
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    late = Column(name="late", kind=Kind.NUMBER, source="late")
    org = Column(name="org", kind=Kind.TEXT, source="groups", key="org")
    found = read(tmp_path / "a.jsonl", TIME, ACTION, late, org)
    time = golden.micros(golden.START)
    assert found[0] == {"time": time, "action": "1", "late": None, "org": "7"}
    assert found[-1] == {"time": time, "action": "one", "late": 1.5, "org": "8"}


def test_missing_is_missing_in_pandas_and_nan_is_a_value_elsewhere() -> None:
    """pandas says nan where a number is missing; Polars and Arrow have nulls for that."""
    import pandas as pd
    import polars as pl

    column = Column(name="x", kind=Kind.NUMBER, source="x")
    data = {"x": [1.0, float("nan")]}
    assert read(pd.DataFrame(data), column) == [{"x": 1.0}, {"x": None}]
    assert read(pl.DataFrame({"x": [1.0, None]}), column) == [{"x": 1.0}, {"x": None}]
    assert math.isnan(read(pl.DataFrame(data), column)[1]["x"])


def test_every_type_of_time_is_microseconds() -> None:
    import duckdb

    sql = (
        "{0}::timestamp as a, {0}::timestamptz as b, {0}::timestamp_ns as c, {0}::timestamp_s as d"
    )
    day = "{0}::date as e, epoch({0}::timestamp) as f, cast(epoch({0}::timestamp) as bigint) as g"
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'America/New_York'")
    relation = connection.sql(f"select {sql}, {day}".format("'2024-03-01 00:00:00+00'"))
    columns = [Column(name=one, kind=Kind.INSTANT, source=one) for one in "abcdefg"]
    noon = golden.micros(golden.START)
    assert read(relation, *columns) == [dict.fromkeys("abcdefg", noon - 43_200_000_000)]


def test_whole_decimals_are_ids_and_booleans_are_variants() -> None:
    import duckdb

    relation = duckdb.connect().sql("select 42.00::decimal(9, 2) as a, true as b, 7::hugeint as c")
    columns = [Column(name=one, kind=Kind.TEXT, source=one) for one in "abc"]
    assert read(relation, *columns) == [{"a": "42", "b": "true", "c": "7"}]


def test_an_entry_of_what_has_none_is_refused() -> None:
    import pandas as pd

    column = Column(name="x", kind=Kind.TEXT, source="groups", key="org")
    with pytest.raises(AnalysisError, match="\"groups\" is a BIGINT, which has no entry 'org'"):
        read(pd.DataFrame({"groups": [1]}), column)


def test_many_chunks_of_arrow_give_what_one_file_gives(tmp_path: Path) -> None:
    """Beyond 131,072 rows other libraries mix up the rows of chunks."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    chunks = [
        pa.table({"time": [float(i)] * 999, "action": [f"a{i % 3}"] * 999, "user_id": [i] * 999})
        for i in range(200)
    ]
    whole = pa.concat_tables(chunks)
    pq.write_table(whole, tmp_path / "a.parquet")
    user = Column(name="user", kind=Kind.TEXT, source="user_id")
    query = """
select action, count(*) as rows, sum(hash("user")) as users, min(time) as earliest
from t group by action order by action"""

    def ask(source: Source) -> list[dict[str, object]]:
        with DuckDB() as engine:
            engine.open("t", Table(source), [TIME, ACTION, user])
            return [dict(row) for row in engine.rows(query)]

    answer = ask(whole)
    assert sum(int(str(row["rows"])) for row in answer) == 199_800
    assert answer == ask(whole.to_pandas()) == ask(tmp_path) == ask(whole.to_reader())


def test_names_may_differ_in_capitals_only() -> None:
    import pandas as pd

    frame = pd.DataFrame({"TIME": [1], "Action": ["buy"]})
    assert read(frame, TIME, ACTION) == [{"time": 1_000_000, "action": "buy"}]


def test_what_is_defined_is_computed_when_it_is_kept(tmp_path: Path) -> None:
    """A kept definition does not see what becomes of the file; a view does."""
    path = tmp_path / "a.csv"
    path.write_text("time,action\n1,buy\n")
    with DuckDB() as engine:
        engine.open("t", Table(path), [TIME, ACTION])
        engine.define("kept", "select count(*) as n from t", keep=True)
        engine.define("seen", "select count(*) as n from t")
        path.write_text("time,action\n1,buy\n2,buy\n")
        assert_alike(engine.rows("select * from kept"), [{"n": 1}])
        assert_alike(engine.rows("select * from seen"), [{"n": 2}])


def test_ctrl_c_during_a_query_is_one() -> None:
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        # Of two threads of DuckDB, one now and then goes on in a query without end.
        with DuckDB(threads=1) as engine, pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            engine.rows("select count(*) from range(100000000) a, range(100000000) b")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("limit", ["4", "much", "4GB; select 1", "", 4])
def test_a_limit_of_memory_that_is_no_size_is_refused(limit: Any) -> None:
    with pytest.raises(AnalysisError, match='memory_limit must be a size such as "4GB"'):
        DuckDB(memory_limit=limit)


@pytest.mark.parametrize("limit", ["64MB", "1.5 GiB", "50%"])
def test_a_limit_of_memory_is_a_size_or_a_share(limit: str) -> None:
    with DuckDB(memory_limit=limit, threads=1) as engine:
        assert [*engine.rows("select 1 as one")] == [{"one": 1}]


def test_what_does_not_fit_goes_where_temporary_files_go_and_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with DuckDB(memory_limit="30MB", threads=1) as engine:
        engine.define("many", "select i, hash(i) as h from range(4000000) r(i)", keep=True)
        (folder,) = tmp_path.glob("abkit-spilled-*")
        assert [*folder.iterdir()]
    assert not [*tmp_path.iterdir()]
