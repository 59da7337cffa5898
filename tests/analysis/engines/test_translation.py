"""Queries and names in other dialects."""

import duckdb
import pytest

from abkit.analysis.engines.dialects.base import Value
from abkit.analysis.engines.dialects.described import NUMBER, OTHER, TIME, TRUTH, WHOLE
from abkit.analysis.engines.dialects.generic import GENERIC, GenericDialect
from abkit.analysis.engines.translation import place, translated, with_parts
from abkit.errors import AnalysisError

QUERY = """
with firsts as (select unit, min(time) as t from exposures group by unit)
select firsts.unit, sum(case when actions.price > 1.5 then 1.0 else 0 end) as dear
from firsts join actions on actions.unit = firsts.unit where actions.name in ('it''s \\ ${x}')
group by firsts.unit"""


def text_of(dialect: str) -> str:
    translation = translated(QUERY, dialect, {"exposures": "e_1", "actions": "a_1"})
    assert translation.tables == ("exposures", "actions") or set(translation.tables) == {
        "exposures",
        "actions",
    }
    text = with_parts(translation.parts, translation.body)
    return " ".join(text.split())


@pytest.mark.parametrize("dialect", [*GENERIC, "postgres"])
def test_names_are_quoted_tables_renamed_and_constants_doubles(dialect: str) -> None:
    quote = "`" if dialect in ("bigquery", "databricks") else '"'
    text = text_of(dialect).replace(quote, "|")
    assert "FROM |e_1| AS |exposures|" in text
    assert "JOIN |a_1| AS |actions|" in text
    assert "FROM |firsts|" in text
    assert "CAST(1.0 AS " in text
    assert "CAST(1.5 AS " in text


def test_no_setting_of_spark_changes_a_constant() -> None:
    text = text_of("spark")
    assert "${" not in text
    assert "\\" not in text
    assert "it's" not in text


@pytest.mark.parametrize("dialect", ["bigquery", "databricks", "duckdb", "trino", "redshift"])
def test_plain_names_of_tables_are_quoted_where_that_changes_nothing(dialect: str) -> None:
    quote = "`" if dialect in ("bigquery", "databricks") else '"'
    assert place("analytics.order", dialect).replace(quote, "|") == "|analytics|.|order|"
    assert place("Analytics.Events", dialect) == "Analytics.Events"


def test_snowflake_may_read_plain_names_in_capitals() -> None:
    assert place("analytics.events", "snowflake") == "analytics.events"
    assert place('analytics."events"', "snowflake") == 'analytics."events"'


@pytest.mark.parametrize(
    "name", ['"', "a..b", "a; drop table b", 'a" --', "a.b c.d", "", ".", "(select 1)", "a\nb"]
)
def test_what_is_no_plain_name_is_quoted(name: str) -> None:
    written = place(name, "postgres")
    parts = written.replace('""', "").split('"')
    assert all(outside in ("", ".") for outside in parts[::2])


@pytest.mark.parametrize(
    ("dialect", "instant", "entry"),
    [
        ("bigquery", "unix_micros(timestamp(`t`))", "JSON_EXTRACT_SCALAR(`t`, '$.price')"),
        ("databricks", "unix_micros(cast(`t` as timestamp))", "GET_JSON_OBJECT(`t`, '$.price')"),
        (
            "snowflake",
            'date_part(epoch_microsecond, "t")',
            "JSON_EXTRACT_PATH_TEXT(\"t\", 'price')",
        ),
        (
            "redshift",
            "datediff(microsecond, timestamp '1970-01-01', cast(\"t\" as timestamp))",
            "JSON_EXTRACT_PATH_TEXT(\"t\", 'price')",
        ),
        (
            "trino",
            'cast(floor(to_unixtime("t") * 1e6 + 0.5) as bigint)',
            "JSON_EXTRACT_SCALAR(\"t\", '$.price')",
        ),
    ],
)
def test_the_columns_of_warehouses_are_written_as_documented(
    dialect: str, instant: str, entry: str
) -> None:
    generic = GenericDialect(dialect)
    name = generic.name("t")
    assert generic.instant(Value(name, TIME), "") == instant
    assert generic.entry(Value(name, OTHER), "price").sql == entry


def test_the_form_of_the_warehouses_is_right_where_it_can_be_run() -> None:
    generic = GenericDialect("duckdb")
    time, seconds, json = (generic.name(name) for name in ("time", "seconds", "json"))
    entry = generic.entry(Value(json, OTHER), "the price")
    query = ", ".join(
        [
            generic.instant(Value(time, TIME), ""),
            generic.instant(Value(seconds, NUMBER), ""),
            generic.number(entry, ""),
            generic.text(entry),
            generic.constant("it's \\ ${x}"),
        ]
    )
    source = (
        "(select timestamp '2024-03-01 12:00:00.25' as time, 1709294400.25 as seconds, "
        """'{"the price": 9.5}' as json)"""
    )
    with duckdb.connect() as connection:
        row = connection.execute(f"select {query} from {source}").fetchone()  # noqa: S608
    micros = 1_709_294_400_250_000
    assert row == (micros, micros, 9.5, "9.5", "it's \\ ${x}")


@pytest.mark.parametrize(
    ("source", "held", "text"),
    [
        ("42::double", NUMBER, "42"),
        ("42.50::decimal(10, 2)", NUMBER, "42.50"),
        ("1e300::double", NUMBER, "1e+300"),
        ("9007199254740993::bigint", WHOLE, "9007199254740993"),
        ("true", TRUTH, "true"),
        ("null::double", NUMBER, None),
        ("null::boolean", TRUTH, None),
        ("''", OTHER, None),
    ],
)
def test_in_warehouses_too_a_number_is_one_text(source: str, held: str, text: str | None) -> None:
    generic = GenericDialect("duckdb")
    query = f"select {generic.text(Value('x', held))} from (select {source} as x)"  # noqa: S608
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchone() == (text,)


def test_booleans_of_warehouses_are_numbers() -> None:
    generic = GenericDialect("duckdb")
    x = Value("x", TRUTH)
    columns = f"{generic.number(x, '')}, {generic.truth(x, '')}"
    query = f"select {columns} from (values (true), (false), (null)) t(x)"  # noqa: S608
    with duckdb.connect() as connection:
        rows = connection.execute(query).fetchall()
    assert rows == [(1.0, 1.0), (0.0, 0.0), (None, None)]


def test_milliseconds_are_no_seconds_in_warehouses() -> None:
    instant = GenericDialect("duckdb").instant(Value("x", WHOLE), "abkit refuses 0 <<")
    query = f"select {instant} from (select 1709294400250 as x)"  # noqa: S608
    with (
        duckdb.connect() as connection,
        pytest.raises(duckdb.ConversionException, match="abkit refuses 0 <<1709294400250>>"),
    ):
        connection.execute(query).fetchone()


@pytest.mark.parametrize("key", ["it's", 'a"b', "a.b", "a[0]", "$", "é", ""])
def test_keys_that_paths_cannot_have_are_refused_in_warehouses(key: str) -> None:
    with pytest.raises(AnalysisError, match="cannot be taken out of .* in snowflake"):
        GenericDialect("snowflake").entry(Value("t", OTHER), key)


def test_texts_are_no_times_in_warehouses() -> None:
    with pytest.raises(
        AnalysisError, match="a time in trino must be a timestamp or a number .*; t is neither"
    ):
        GenericDialect("trino").instant(Value("t", OTHER), "")
