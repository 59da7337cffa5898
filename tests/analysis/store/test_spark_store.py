"""A store in a schema of Spark's catalog: the numbers of a run without one."""

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve, field, frozen

from abkit import AnalysisPlan, Distinct, Funnel, Sum, UserExperiment, Winsorize
from abkit.analysis import Analysis, Result, Store
from abkit.analysis.engines.spark import Spark
from abkit.analysis.store.schema.places import Places
from abkit.analysis.store.schema.registers import NameRegister
from abkit.analysis.store.schema.schema_tables import SchemaTables
from abkit.analysis.store.schema.states import new_token
from abkit.errors import AnalysisError

from .arriving_events import LENGTH, Arriving, Event, actions, differences, exposures, write
from .interrupted import Killed
from .test_store import Buyers, Spenders
from .test_warehouse import some_actions


class Several(UserExperiment):
    """Metrics that go on from what is known in every way; not by days since exposure, which takes long."""

    name = "everything"
    salt = "everything"
    variants = {"0": 0.5, "1": 0.5}
    metrics = [
        Sum(
            action="buy",
            property="price",
            name="capped",
            winsorize=Winsorize(upper_percentile=90),
            role="primary",
        ),
        Distinct(action="view", property="page", name="pages"),
        Funnel(steps=["search", "buy"], within=timedelta(days=3), name="funnel"),
    ]
    plan = AnalysisPlan(cuped=timedelta(days=5), novelty=False)


class OtherBuyers(Buyers):
    """Without what is by days since exposure."""

    name = "everything"
    salt = "everything"
    variants = {"0": 0.5, "1": 0.5}
    metrics = Buyers.metrics
    plan = AnalysisPlan(novelty=False)


@frozen
class Files:
    """Files of events, and a schema of a store.

    Attributes:
        spark: The session.
        folder: Where the files are.
        schema: The name of the schema.
    """

    spark: Any
    folder: Path
    schema: str = field(factory=lambda: f"abkit_{uuid4().hex}")

    def add(self, kind: str, events: Iterable[Event]) -> None:
        """Let events arrive."""
        (self.folder / kind).mkdir(exist_ok=True)
        write(events, self.folder / kind, uuid4().hex)

    def analysis(
        self, experiment: type[UserExperiment], engine: Any = None, *, stored: bool = True
    ) -> Analysis:
        """Without a store, DuckDB reads the files."""
        return Analysis(
            experiment,
            exposures=self.folder / "exposures",
            actions=self.folder / "actions",
            engine=(engine or self.spark) if stored else None,
            store=Store(schema=self.schema) if stored else None,
        )

    def check(self, experiment: type[UserExperiment] = Buyers, engine: Any = None) -> Result:
        """Run it with the store, and compare it with one without."""
        expected = self.analysis(experiment, stored=False).run()
        found = self.analysis(experiment, engine).run()
        assert [*differences(expected.to_dict(), found.to_dict())] == []
        return found

    def tables(self) -> list[str]:
        """The tables of the store."""
        found = self.spark.sql(f"show tables in {self.schema}").collect()
        return sorted(row["tableName"] for row in found if not row["isTemporary"])


@pytest.fixture
def empty(spark: Any, tmp_path: Path) -> Iterator[Files]:
    files = Files(spark, tmp_path)
    spark.sql(f"create schema {files.schema} location '{tmp_path}/store'")
    yield files
    spark.sql(f"drop schema {files.schema} cascade")


def arrive(
    files: Files, arriving: dict[str, list[Arriving]], moments: list[float]
) -> Iterator[None]:
    """Let events arrive, and stop at these days."""
    before = float("-inf")
    for moment in moments:
        for kind, rows in arriving.items():
            files.add(kind, [each.event for each in rows if before < each.at <= moment])
        before = moment
        yield


@pytest.fixture
def adaptive(spark: Any) -> Iterator[None]:
    """Spark plans again after each stage, as it does by itself."""
    settings = {"spark.sql.adaptive.enabled": "true", "spark.sql.shuffle.partitions": "3"}
    before = {name: spark.conf.get(name) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    yield
    for name, value in before.items():
        spark.conf.set(name, value)


@pytest.mark.usefixtures("adaptive")
def test_each_run_has_the_numbers_of_a_run_from_nothing(empty: Files) -> None:
    rng = random.Random(7)  # noqa: S311
    arriving = {"exposures": exposures(rng, units=24), "actions": actions(rng, units=24)}
    for _ in arrive(empty, arriving, [8.3, LENGTH + 20]):
        found = empty.check(Several)
    assert "known_units" in found.queries


class Interrupted(Spark):
    """A Spark; before one of the tables that it makes something happens.

    Args:
        session: The session.
        at: The number of the table, from 0.
        happens: What happens.
    """

    def __init__(self, session: Any, at: int, happens: Callable[[str], object]) -> None:
        super().__init__(session)
        self._left, self._happens = at, happens

    def create(self, table: str, query: str, *, days_of: str | None = None) -> None:
        self._left -= 1
        if self._left == -1:
            self._happens(table)
        super().create(table, query, days_of=days_of)


@pytest.fixture
def events(empty: Files) -> Files:
    """Two weeks of events."""
    rng = random.Random(5)  # noqa: S311
    empty.add("exposures", [each.event for each in exposures(rng, units=20)])
    empty.add("actions", [each.event for each in actions(rng, units=20)])
    return empty


def test_runs_that_are_killed_leave_a_store_that_the_next_ones_use(events: Files) -> None:
    def kill(table: str) -> None:
        """Leave a folder without a table."""
        name = table.rpartition(".")[2].strip("`")
        (events.folder / "store" / name / "_temporary").mkdir(parents=True)
        raise Killed

    for at in (3, 3):
        with pytest.raises(Killed), Interrupted(events.spark, at, kill) as engine:
            events.analysis(Spenders, engine).run()
    assert "known_units" not in events.check(Spenders).queries
    events.add("actions", [*some_actions("a", days=17.5), *some_actions("b", days=3)])
    assert "known_units" in events.check(Spenders).queries


def test_of_two_runs_at_once_both_are_right_and_the_next_one_too(events: Files) -> None:
    def another_one(_: str) -> None:
        """Another experiment, which has another declaration: what is known of the first one stays."""
        events.check(Spenders)

    with Interrupted(events.spark, 3, another_one) as engine:
        events.check(OtherBuyers, engine)
    assert "known_units" in events.check(OtherBuyers).queries


def test_what_was_never_valid_or_is_not_any_more_is_dropped(
    empty: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places(empty.schema, "spark")
    valid: list[str] = []

    def open_tables(engine: Spark) -> SchemaTables:
        return SchemaTables(engine, places, NameRegister(engine, places))

    with Spark(empty.spark) as engine:
        for text in ("one", "two"):
            tables, token = open_tables(engine), new_token()
            tables.make(f"units_{token}", token, "select 1 as x")
            tables.write("actions", "", token, text)
            valid.append(token)
        token = new_token()
        open_tables(engine).make(f"units_{token}", token, "select 2 as x")
        engine.create(places.quoted("of_something_else"), "select 3 as x")
        open_tables(engine).sweep(())
        assert len(empty.tables()) == 6
        monkeypatch.setattr("abkit.analysis.store.schema.schema_tables.GRACE", timedelta(0))
        tables = open_tables(engine)
        state = tables.latest("actions")
        assert state is not None
        assert (state.number, state.token, tables.text(state)) == (2, valid[1], "two")
        tables.sweep(())
    left = [name for name in empty.tables() if valid[1] not in name]
    assert left == ["abkit_store_of_something_else"]


def test_the_files_of_a_table_have_one_day_each(empty: Files) -> None:
    with Spark(empty.spark) as engine:
        query = "select 3600000000 as at union all select 90000000000 union all select null"
        engine.create(f"{empty.schema}.days", query, days_of="at")
    places = sorted(each.parent.name for each in empty.folder.rglob("store/days/*/*.parquet"))
    missing = "abkit_day=__HIVE_DEFAULT_PARTITION__"
    assert places == ["abkit_day=1970-01-01", "abkit_day=1970-01-02", missing]


def test_values_that_two_tables_share_are_found(empty: Files) -> None:
    with Spark(empty.spark) as engine:
        for name, values in (("one", "'a', null, 'b'"), ("two", "'c', null"), ("three", "'b'")):
            engine.define(name, f"select unnest([{values}]) as id")
        assert not engine.meet("two", "one", "id")
        assert engine.meet("three", "one", "id")
        engine.define("twice", "select id from one union all select id from three")
        assert engine.repeats("twice", "id")
        assert not engine.repeats("one", "id")


def test_what_is_no_store_of_a_catalog_is_refused(empty: Files) -> None:
    with pytest.raises(AnalysisError, match="in the schema nowhere: .* The schema must be there"):
        evolve(empty.analysis(Buyers), store=Store(schema="nowhere")).run()
    with pytest.raises(AnalysisError, match="a store is a schema of its database"):
        evolve(empty.analysis(Buyers), store=Store("events.duckdb")).run()
    with (
        Spark(empty.spark) as engine,
        pytest.raises(AnalysisError, match="a table that is to stay cannot be written: "),
    ):
        engine.create("nowhere.t", "select 1 as x")
    assert empty.tables() == []
