"""What every engine must keep. An engine's test class inherits it and says where the tables are."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pytest

from abkit.analysis.engines.base import Engine
from abkit.analysis.engines.local import DuckDB
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.quoting import literal
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError, MissingColumnError

from . import golden


def assert_alike(found: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> None:
    """Equal, floats to 1e-12; and of the same types, but for whole numbers."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert list(one) == list(other)
        for name, value in one.items():
            expected = other[name]
            if isinstance(expected, int | float):
                assert isinstance(value, int | float), (name, value, expected)
                assert math.isclose(value, expected, rel_tol=1e-12), (name, value, expected)
            else:
                assert value == expected, (name, value, expected)


@cache
def reference() -> dict[str, Any]:
    """The answers of DuckDB to the queries, from frames."""
    import pandas as pd

    exposures, actions = golden.foreign_tables(
        pd.DataFrame(golden.foreign_exposures()), pd.DataFrame(golden.foreign_actions())
    )
    with DuckDB() as engine:
        golden.canonical_rows(engine, exposures, actions)
        return {name: engine.rows(query) for name, query in golden.QUERIES.items()}


class EngineContract:
    """Give `engine`, `own` (as abkit's sink stores events) and `foreign` as fixtures, and `table`."""

    def table(self, rows: Sequence[Mapping[str, Any]]) -> Table:
        """A table that has these rows."""
        raise NotImplementedError

    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        raise NotImplementedError

    @pytest.fixture
    def own(self) -> tuple[Table, Table]:
        raise NotImplementedError

    @pytest.fixture
    def foreign(self) -> tuple[Table, Table]:
        raise NotImplementedError

    def test_events_of_abkits_own_sink_read_alike(
        self, engine: Engine, own: tuple[Table, Table]
    ) -> None:
        exposures, actions = golden.canonical_rows(engine, *own)
        assert_alike(exposures, golden.EXPECTED_EXPOSURES)
        assert_alike(actions, golden.EXPECTED_ACTIONS)

    def test_events_of_others_read_alike(
        self, engine: Engine, foreign: tuple[Table, Table]
    ) -> None:
        """Other names, times as text or seconds, entries of JSON within JSON, prices as text."""
        exposures, actions = golden.canonical_rows(engine, *foreign)
        assert_alike(exposures, golden.EXPECTED_EXPOSURES)
        assert_alike(actions, golden.EXPECTED_ACTIONS)

    def test_queries_have_equal_answers(self, engine: Engine, own: tuple[Table, Table]) -> None:
        golden.canonical_rows(engine, *own)
        for name, answer in reference().items():
            assert_alike(engine.rows(golden.QUERIES[name]), answer)

    @pytest.mark.parametrize("keep", [False, True])
    def test_a_definition_can_be_read_by_definitions(
        self, engine: Engine, own: tuple[Table, Table], keep: bool
    ) -> None:
        golden.canonical_rows(engine, *own)
        engine.define("bought", "select org, price from actions where action = 'buy'", keep=keep)
        engine.define(
            "sums",
            "with s as (select org, sum(price) as s from bought group by org) select * from s",
            keep=keep,
        )
        (row,) = engine.rows(
            "with total as (select sum(s) as s from sums) "
            "select total.s as s, count(*) as n from bought, total group by total.s"
        )
        prices = [one["price"] for one in golden.EXPECTED_ACTIONS]
        total = math.fsum(price for price in prices if isinstance(price, float))
        bought = sum(one["action"] == "buy" for one in golden.EXPECTED_ACTIONS)
        assert_alike([row], [{"s": total, "n": bought}])

    def test_repetitions_are_found_and_nulls_are_none(self, engine: Engine) -> None:
        columns = [Column(name=name, kind=Kind.TEXT, source=name) for name in ("a", "b")]
        rows: list[dict[str, str | None]] = [
            {"a": "1", "b": "x"},
            {"a": "2", "b": "x"},
            {"a": None, "b": "y"},
            {"a": None, "b": None},
        ]
        engine.open("t", self.table(rows), columns)
        assert [engine.repeats("t", name) for name in ("a", "b")] == [False, True]

    def test_a_missing_column_is_named_with_those_that_are_there(self, engine: Engine) -> None:
        columns = [Column(name="time", kind=Kind.TEXT, source="time", required=True)]
        with pytest.raises(MissingColumnError) as caught:
            engine.open("t", self.table([{"tim": "1", "b": "2"}]), columns)
        assert (caught.value.column, caught.value.available) == ("time", ("tim", "b"))

    def test_a_mapped_column_must_exist_even_if_it_is_optional(self, engine: Engine) -> None:
        columns = [Column(name="salt", kind=Kind.TEXT, source="salt")]
        table = self.table([{"a": "1"}])
        with pytest.raises(MissingColumnError, match="seed"):
            engine.open("t", Table(table.source, {"salt": "seed"}), columns)

    def test_open_says_what_is_there_and_the_rest_is_null(self, engine: Engine) -> None:
        kinds = [Column(name=f"of_{kind}", kind=kind, source=kind) for kind in Kind]
        known = Column(name="known", kind=Kind.TEXT, source="a")
        assert list(engine.open("t", self.table([{"a": "1"}]), [*kinds, known])) == ["known"]
        (row,) = engine.rows("select * from t")
        assert row == {**{one.name: None for one in kinds}, "known": "1"}

    @pytest.mark.parametrize(
        ("kind", "value", "wanted"),
        [
            (Kind.NUMBER, "nine", "a finite number"),
            (Kind.NUMBER, "NaN", "a finite number"),
            (Kind.NUMBER, "Infinity", "a finite number"),
            (Kind.NUMBER, "1,5", "a finite number"),
            (Kind.NUMBER, "15 x", "a finite number"),
            (Kind.NUMBER, "0x10", "a finite number"),
            (Kind.INSTANT, "soon", "a time"),
            (Kind.INSTANT, "1709294400250", "not milliseconds"),
            (Kind.TRUTH, "maybe", "true or false"),
        ],
    )
    def test_a_value_that_cannot_be_used_is_named_with_its_column(
        self, engine: Engine, kind: Kind, value: str, wanted: str
    ) -> None:
        column = Column(name="x", kind=kind, source="it")
        engine.open("t", self.table([{"it": None}, {"it": value}]), [column])
        with pytest.raises(AnalysisError) as caught:
            engine.rows("select count(x) as n, min(x) as x from t")
        message = str(caught.value)
        assert "column 'it' of " in message
        assert f"{value!r}, which is not" in message
        assert wanted in message
        assert [dict(row) for row in engine.rows("select 1 as one")] == [{"one": 1}]

    @pytest.mark.parametrize("value", [math.inf, -math.inf])
    def test_an_infinite_number_is_refused_or_seen(self, engine: Engine, value: float) -> None:
        """Either the query fails and names it, or the sum is not finite, which the reader refuses."""
        column = Column(name="x", kind=Kind.NUMBER, source="it")
        engine.open("t", self.table([{"it": 1.0}, {"it": value}]), [column])
        message = ""
        try:
            (row,) = engine.rows("select sum(x) as x from t")
        except AnalysisError as error:
            message = str(error)
        named = re.search("column 'it' of .* has '.*[iI]nf.*, which is not a", message)
        assert named or not math.isfinite(float(str(row["x"])))

    def test_times_of_all_kinds_are_microseconds_in_utc(self, engine: Engine) -> None:
        texts = {
            "2024-03-01 12:00:00.250000": 0.25,
            "2024-03-01T12:00:00.25Z": 0.25,
            "2024-03-01T12:00:00.250000+00:00": 0.25,
            "2024-03-01 14:00:00+02:00": 0,
            "2024-03-01T12:00:00": 0,
            "2024-03-01": -43_200,
            "1709294400": 0,
            "1709294400.25": 0.25,
        }
        column = Column(name="x", kind=Kind.INSTANT, source="it")
        engine.open("t", self.table([{"it": text} for text in texts]), [column])
        found = sorted(int(str(row["x"])) for row in engine.rows("select x from t"))
        assert found == sorted(golden.micros(golden.START + more) for more in texts.values())

    def test_whole_floats_lose_their_point_as_ids_must(self, engine: Engine) -> None:
        columns = [
            Column(name="id", kind=Kind.TEXT, source="it"),
            Column(name="number", kind=Kind.NUMBER, source="it"),
        ]
        engine.open("t", self.table([{"it": 42.0}, {"it": None}, {"it": 0.5}]), columns)
        found = engine.rows("select id, number from t order by number")
        assert [tuple(row.values()) for row in found] == [("0.5", 0.5), ("42", 42.0), (None, None)]

    def test_what_is_true_is_1(self, engine: Engine) -> None:
        texts = ["true", "T", "1", "1.0", "False", "f", "0", "0.0", "", None]
        columns = [Column(name="x", kind=Kind.TRUTH, source="it")]
        engine.open("t", self.table([{"it": text} for text in texts]), columns)
        (row,) = engine.rows("select sum(x) as x, count(x) as n, count(*) as rows from t")
        assert_alike([row], [{"x": 4.0, "n": 8, "rows": 10}])

    @pytest.mark.parametrize(
        "name",
        ["x y", 'a"b', "it's", "x; drop table t; --", "select", "${a}", "a.b", "100%s?", "a`\\b"],
    )
    def test_a_hostile_column_is_only_a_column(self, engine: Engine, name: str) -> None:
        column = Column(name="x", kind=Kind.TEXT, source=name)
        try:
            engine.open("t", self.table([{name: "1"}]), [column])
        except AnalysisError as error:
            assert "cannot be written" in str(error)  # noqa: PT017 - Spark's variables
        else:
            assert [dict(row) for row in engine.rows("select x from t")] == [{"x": "1"}]

    def test_an_entry_that_is_missing_is_null_and_one_in_broken_json_is_an_error(
        self, engine: Engine
    ) -> None:
        """If both were null, an experiment would look as if nobody had done anything."""
        column = Column(name="x", kind=Kind.TEXT, source="it", key="org")
        true = Column(name="y", kind=Kind.TEXT, source="it", key="is")
        sound: list[dict[str, str | None]] = [
            {"it": '{"org": "7", "is": true}'},
            {"it": '{"is": true}'},
            {"it": ""},
            {"it": None},
        ]
        engine.open("sound", self.table(sound), [column, true])
        (row,) = engine.rows("select count(x) as x, max(y) as y, count(*) as n from sound")
        assert_alike([row], [{"x": 1, "y": "true", "n": 4}])
        engine.open("broken", self.table([{"it": '{"org": "7"}'}, {"it": '{"org": "'}]), [column])
        with pytest.raises(AnalysisError, match="cannot be analyzed"):
            engine.rows("select count(x) as x from broken")

    def test_texts_are_equal_only_if_they_are_the_same(self, engine: Engine) -> None:
        columns = [
            Column(name="x", kind=Kind.TEXT, source="it"),
            Column(name="exact", kind=Kind.EXACT, source="it"),
        ]
        texts = ["a", "A", "a ", "ä", "B", "B"]
        engine.open("t", self.table([{"it": text} for text in texts]), columns)
        query = "select count(distinct x) as n, min(exact) as low, max(exact) as high from t"
        assert_alike(engine.rows(query), [{"n": 5, "low": "A", "high": "ä"}])

    def test_what_a_join_does_not_find_is_null_and_a_sum_of_nothing_too(
        self, engine: Engine
    ) -> None:
        column = Column(name="x", kind=Kind.NUMBER, source="it")
        engine.open("t", self.table([{"it": 1.0}, {"it": 2.0}]), [column])
        joined = """select t.x as x, u.x as y, u.n as n
            from t left join (select x, 1 as n from t where x > 1.5) as u on u.x = t.x order by t.x"""
        wanted: list[dict[str, float | None]] = [
            {"x": 1.0, "y": None, "n": None},
            {"x": 2.0, "y": 2.0, "n": 1},
        ]
        assert_alike(engine.rows(joined), wanted)
        query = "select sum(1) as a, max(x) as b, count(*) as c from t where x > 5.0"
        assert_alike(engine.rows(query), [{"a": None, "b": None, "c": 0}])

    def test_a_name_stands_for_the_column_and_not_for_what_is_made_of_it(
        self, engine: Engine
    ) -> None:
        column = Column(name="x", kind=Kind.NUMBER, source="it")
        engine.open("t", self.table([{"it": 1.0}, {"it": 2.0}]), [column])
        query = "select max(x) + 1.0 as x, count(*) as n from t where x > 1.5"
        assert_alike(engine.rows(query), [{"x": 3.0, "n": 1}])

    @pytest.mark.parametrize("text", ["a%%b", "%s?", "it's \\ \\'", "{x:String}", "$1 :x @y"])
    def test_a_hostile_text_is_only_a_text(self, engine: Engine, text: str) -> None:
        column = Column(name="x", kind=Kind.TEXT, source="it")
        engine.open("t", self.table([{"it": text}, {"it": "a%b"}]), [column])
        query = f"select x from t where x = {literal(text)}"  # noqa: S608
        assert_alike(engine.rows(query), [{"x": text}])
