"""DuckDB as an engine: what it opens, and how it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abkit.analysis.engines.duckdb import DuckDB
from abkit.analysis.reading.sources import Source, Table, table
from abkit.errors import AbkitError, AnalysisError, EmptyDataError, MissingColumnError
from abkit.events import ACTION_COLUMNS

QUERY = """
select action, user_id, cast(time as varchar) as time, groups['org'] as org,
  json_extract_string(properties, '$.price') as price
from actions order by action"""

EXPECTED = [
    ("buy", "42", "2024-03-01 12:00:00.25", "7", "9.5"),
    ("click", "43", "2024-03-01 13:00:00", None, None),
]


def read(source: Source, **columns: str) -> list[tuple[object, ...]]:
    opened = Table(source, columns) if columns else table(source)
    with DuckDB() as engine:
        engine.open("actions", opened, schema=ACTION_COLUMNS, required=("time", "action"))
        return [tuple(row.values()) for row in engine.rows(QUERY)]


def arrow() -> Any:
    import pyarrow as pa

    return pa.table(
        {
            "time": pa.array([1709294400250000, 1709298000000000], pa.timestamp("us", tz="UTC")),
            "action": ["buy", "click"],
            "user_id": ["42", "43"],
            "groups": pa.array([[("org", "7")], []], pa.map_(pa.string(), pa.string())),
            "properties": ['{"price": 9.5}', None],
        }
    )


def write_parquet(where: Path) -> Source:
    import pyarrow.parquet as pq

    pq.write_table(arrow(), where / "a.parquet")
    return where / "a.parquet"


def write_partitions(where: Path) -> Source:
    import pyarrow.parquet as pq

    for number in (0, 1):
        part = where / f"date=2024-03-0{number + 1}"
        part.mkdir()
        pq.write_table(arrow().slice(number, 1), part / "part.parquet")
        (part / ".part.parquet.tmp").write_bytes(b"half")
        (part / "_SUCCESS").touch()
    return where


def write_glob(where: Path) -> Source:
    write_partitions(where)
    return str(where / "*" / "*.parquet")


def write_csv(where: Path) -> Source:
    path = where / "a.csv"
    path.write_text(
        "time,action,user_id,groups,properties\n"
        '2024-03-01T12:00:00.25Z,buy,42,"{""org"": ""7""}","{""price"": 9.5}"\n'
        "2024-03-01 14:00:00+01:00,click,43,,\n"
    )
    return path


def write_jsonl(where: Path) -> Source:
    path = where / "a.jsonl"
    rows: list[dict[str, object]] = [
        {"time": 1709294400.25, "action": "buy", "user_id": 42, "groups": {"org": 7}},
        {"time": "2024-03-01T13:00:00Z", "action": "click", "user_id": "43", "groups": {}},
    ]
    rows[0]["properties"] = {"price": 9.5}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_jsonl_text(where: Path) -> Source:
    """As the file sink writes it: the properties are text."""
    path = Path(str(write_jsonl(where)))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["properties"] = json.dumps(rows[0]["properties"])
    rows[1]["properties"] = None
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def pandas_frame(where: Path) -> Source:
    import pandas as pd

    return pd.DataFrame(
        {
            "time": pd.to_datetime(["2024-03-01 12:00:00.25", "2024-03-01 13:00:00.00"], utc=True),
            "action": ["buy", "click"],
            "user_id": [42.0, 43.0],
            "groups": ['{"org": "7"}', None],
            "properties": ['{"price": 9.5}', None],
        }
    )


def polars_frame(where: Path) -> Source:
    import polars as pl

    frame = pl.from_arrow(arrow().drop_columns(["groups"]))
    assert isinstance(frame, pl.DataFrame)
    groups = pl.Series("groups", [{"org": "7"}, {"org": None}])
    return frame.with_columns(groups)


def polars_lazy(where: Path) -> Source:
    frame: Any = polars_frame(where)
    return frame.lazy()


def relation(where: Path) -> Source:
    import duckdb

    connection = duckdb.connect()
    connection.register("frame", arrow())
    return connection.sql("select * from frame")


@pytest.mark.parametrize(
    "make",
    [
        write_parquet,
        write_partitions,
        write_glob,
        write_csv,
        write_jsonl,
        write_jsonl_text,
        pandas_frame,
        polars_frame,
        polars_lazy,
        relation,
        lambda _: arrow(),
    ],
)
def test_every_source_reads_alike(make: Callable[[Path], Source], tmp_path: Path) -> None:
    """Times are UTC, whole ids lose their ".0", and groups are a map, wherever rows come from."""
    rows = read(make(tmp_path))
    assert rows == EXPECTED


def test_a_path_with_a_quote_is_only_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "it's [here]"
    folder.mkdir()
    write_csv(folder)
    assert read(folder) == EXPECTED


def test_columns_can_have_other_names(tmp_path: Path) -> None:
    path = Path(str(write_csv(tmp_path)))
    path.write_text(path.read_text().replace("user_id", 'the "user"').replace("action", "event", 1))
    assert read(path, user_id='the "user"', action="event") == EXPECTED


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("tim,action\n1,click\n")
    with pytest.raises(MissingColumnError) as caught:
        read(path)
    assert (caught.value.column, caught.value.available) == ("time", ("tim", "action"))
    assert "Did you mean 'tim'?" in str(caught.value)


def test_a_mapped_column_must_exist_even_if_it_is_optional(tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError):
        read(write_csv(tmp_path), insert_id="uuid")


def test_the_answer_of_open_is_what_the_table_really_has(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,action\n1,click\n")
    with DuckDB() as engine:
        columns = engine.open("actions", table(path), schema=ACTION_COLUMNS, required=())
    assert list(columns) == ["time", "action"]


def bytes_of(content: bytes, name: str) -> Callable[[Path], Source]:
    def write(where: Path) -> Source:
        (where / name).write_bytes(content)
        return where / name

    return write


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda where: where / "no.csv", AnalysisError, "does not exist"),
        (lambda where: where, EmptyDataError, "has no file that ends in"),
        (lambda where: str(where / "*.csv"), EmptyDataError, "matches no file"),
        (bytes_of(b"", "a.csv"), EmptyDataError, "0 bytes"),
        (bytes_of(b"", "a.parquet"), EmptyDataError, "0 bytes"),
        (bytes_of(b"", "a.jsonl"), EmptyDataError, "0 bytes"),
        (bytes_of(bytes(range(256)) * 9, "a.csv"), AnalysisError, "not text in UTF-8"),
        (bytes_of("time,action\n1,b".encode("utf-16"), "a.csv"), AnalysisError, "not text"),
        (bytes_of(b"time,action\n1,\xff\xfe\n", "a.csv"), AnalysisError, "cannot be analyzed"),
        (bytes_of(b"time,action\n1,b", "a.parquet"), AnalysisError, "not a Parquet file"),
        (bytes_of(b"PAR1 and then nonsense", "a.parquet"), AnalysisError, "cannot be analyzed"),
        (bytes_of(b'{"time": 1, "act', "a.jsonl"), AnalysisError, "cannot be analyzed"),
        (bytes_of(b"time,action\nsoon,b\n", "a.csv"), AnalysisError, "soon"),
        (bytes_of(b"x", "a.xlsx"), AnalysisError, "must end in .parquet, .csv"),
        (lambda where: 42, AnalysisError, "the int is not a table"),
        (lambda where: None, AnalysisError, "the NoneType is not a table"),
    ],
)
def test_what_cannot_be_read_says_why_and_no_exception_of_duckdb_leaks(
    make: Callable[[Path], Source], kind: type[AbkitError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as caught:
        read(make(tmp_path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_of_several_formats_are_refused(tmp_path: Path) -> None:
    write_csv(tmp_path)
    write_parquet(tmp_path)
    with pytest.raises(AnalysisError, match="several formats"):
        read(tmp_path)


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
    query = """
select action, count(*) as rows, sum(hash(user_id)) as users, min(time) as earliest
from actions group by action order by action"""

    def ask(source: Source) -> list[dict[str, object]]:
        with DuckDB() as engine:
            engine.open("actions", table(source), schema=ACTION_COLUMNS, required=())
            return [dict(row) for row in engine.rows(query)]

    answer = ask(whole)
    assert sum(int(str(row["rows"])) for row in answer) == 199_800
    assert answer == ask(whole.to_pandas()) == ask(tmp_path)
