"""A real Spark as an engine."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from abkit.analysis.engines.spark import Spark
from abkit.analysis.engines.spark.subqueries import join_by_hash
from abkit.analysis.engines.translation import translated
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError
from abkit.sinks.files import FileSink

from . import golden
from .contract import EngineContract, assert_alike

X = Column(name="x", kind=Kind.NUMBER, source="x")


class TestSpark(EngineContract):
    @pytest.fixture(autouse=True)
    def session(self, spark: Any) -> Iterator[None]:
        """Its time zone must not matter."""
        before = spark.conf.get("spark.sql.session.timeZone")
        spark.conf.set("spark.sql.session.timeZone", "America/New_York")
        self.spark = spark
        yield
        spark.conf.set("spark.sql.session.timeZone", before)

    @pytest.fixture
    def engine(self) -> Iterator[Spark]:
        with Spark(self.spark) as engine:
            yield engine

    def frame(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        import pyarrow as pa

        return self.spark.createDataFrame(pa.Table.from_pylist(list(rows)))

    def table(self, rows: Sequence[Mapping[str, Any]]) -> Table:
        return Table(self.frame(rows))

    @pytest.fixture(params=["parquet", "jsonl"])
    def own(self, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Table, Table]:
        golden.send_all(FileSink(tmp_path, format=request.param))
        return golden.tables(tmp_path / "exposures", f"{tmp_path}/actions")

    @pytest.fixture
    def foreign(self) -> Iterator[tuple[Table, Table]]:
        """Tables of the catalog."""
        names = [f"t{uuid4().hex}" for _ in range(2)]
        rows = (golden.foreign_exposures(), golden.foreign_actions())
        for name, some in zip(names, rows, strict=True):
            self.frame(some).createOrReplaceTempView(name)
        yield golden.foreign_tables(*names)
        for name in names:
            self.spark.catalog.dropTempView(name)

    def test_it_leaves_no_view_and_nothing_cached(self, engine: Spark) -> None:
        before = {table.name for table in self.spark.catalog.listTables()}
        engine.open("t", self.table([{"x": 1.0}]), [X])
        engine.define("kept", "select x from t", keep=True)
        assert_alike(engine.rows("select sum(x) as x from kept"), [{"x": 1.0}])
        engine.close()
        assert {table.name for table in self.spark.catalog.listTables()} == before
        assert self.spark._jsparkSession.sharedState().cacheManager().isEmpty()

    def test_csv_and_every_type_of_time_and_text(self, engine: Spark, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text('time,"a ""b"""\n2024-03-01T12:00:00.25Z,"{""org"": 7}"\n')
        columns = [
            Column(name="time", kind=Kind.INSTANT, source="time"),
            Column(name="org", kind=Kind.TEXT, source='a "b"', key="org"),
        ]
        engine.open("t", Table(tmp_path / "a.csv"), columns)
        quarter = golden.micros(golden.START + 0.25)
        assert_alike(engine.rows("select * from t"), [{"time": quarter, "org": "7"}])
        frame = self.spark.sql(
            "select timestamp_ntz'2024-03-01 12:00:00.25' as a, date'2024-03-01' as b, "
            "timestamp'2024-03-01 12:00:00.25Z' as c, 1709294400.25 as d, 1709294400.25d as e, "
            "cast(42 as decimal(9, 2)) as f, true as g, named_struct('org', 7) as h"
        )
        kinds = {**dict.fromkeys("abcde", Kind.INSTANT), "f": Kind.TEXT, "g": Kind.TRUTH}
        of_frame = [Column(name=one, kind=kind, source=one) for one, kind in kinds.items()]
        of_frame += [
            Column(name=key, kind=Kind.TEXT, source="h", key=key) for key in ("org", "team")
        ]
        engine.open("u", Table(frame), of_frame)
        (row,) = engine.rows("select * from u")
        day = golden.micros(golden.START) - 43_200_000_000
        rest = {"b": day, "f": "42", "g": 1.0, "org": "7", "team": None}
        assert row == {**dict.fromkeys("acde", quarter), **rest}
        with pytest.raises(AnalysisError, match="of the type boolean, which has no entry 'org'"):
            engine.open(
                "v", Table(frame), [Column(name="x", kind=Kind.TEXT, source="g", key="org")]
            )

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("no_such_table", "no_such_table cannot be analyzed: "),
            ("t; drop table x", "cannot be analyzed: "),
            ("/no/such/path", "cannot be analyzed: "),
            (42, "the int is not a table of Spark"),
        ],
    )
    def test_no_exception_of_spark_leaks(self, engine: Spark, source: Any, message: str) -> None:
        with pytest.raises(AnalysisError, match=message) as caught:
            engine.open("t", Table(source), [X])
        assert "\n" not in str(caught.value)

    def test_rows_that_are_not_among_others_are_found_by_hashes(
        self, engine: Spark, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Spark compares each row with each, where a null among the others would let none be found."""
        for name, values in (("a", "(1), (2), (3)"), ("b", "(1), (2)"), ("c", "(2)")):
            frame = self.spark.sql(f"select nullif(col1, 0) as x from values {values}")  # noqa: S608
            frame.createOrReplaceTempView(name)
        query = "select x from a where x not in (select x from b) or x in (select x from c)"
        for rewrite, loops in ((lambda _: None, True), (join_by_hash, False)):
            found = self.spark.sql(translated(query, "spark", {}, rewrite=rewrite).body)
            found.explain()
            assert ("NestedLoop" in capsys.readouterr().out) == loops
            assert sorted(row["x"] for row in found.collect()) == [2, 3]
        for name in "abc":
            self.spark.catalog.dropTempView(name)
