"""What every DB-API connection must keep as an engine. A database's test class inherits it and connects."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest

from abkit.analysis.engines.connection import Connection
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError

from . import golden
from .contract import EngineContract, assert_alike

X = Column(name="x", kind=Kind.NUMBER, source="x")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class ConnectionContract(EngineContract):
    """Give `connection` as a fixture."""

    mark = "?"
    connection: Any
    real = "double precision"

    @pytest.fixture
    def engine(self) -> Iterator[Connection]:
        with self.opened() as engine:
            yield engine

    def opened(self) -> Connection:
        """What is tested."""
        return Connection(self.connection)

    def store(self, rows: Sequence[Mapping[str, Any]], name: str = "") -> str:
        """A table that has these rows."""
        name = name or f"t {uuid4().hex}"
        names, values = golden.rows_of(rows)
        cursor = self.connection.cursor()
        columns = ", ".join(
            f"{self.quoted(one)} {self.type_of(row[number] for row in values)}"
            for number, one in enumerate(names)
        )
        cursor.execute(f"create table {self.quoted(name)} ({columns})")
        marks = ", ".join([self.mark] * len(names))
        cursor.executemany(f"insert into {self.quoted(name)} values ({marks})", values)  # noqa: S608
        self.connection.commit()
        return name

    def quoted(self, name: str) -> str:
        """A name, as the database quotes it."""
        return quoted(name)

    def type_of(self, values: Any) -> str:
        types = {type(value) for value in values} - {type(None)}
        return self.real if types == {float} else "text"

    def table(self, rows: Sequence[Mapping[str, Any]]) -> Table:
        return Table(self.store(rows))

    @pytest.fixture
    def foreign(self) -> tuple[Table, Table]:
        return golden.foreign_tables(
            self.store(golden.foreign_exposures()), self.store(golden.foreign_actions())
        )

    def test_it_leaves_no_table(self) -> None:
        name = self.store([{"x": 1.0}])
        before = self.all_tables()
        with self.opened() as engine:
            engine.open("t", Table(name), [X])
            engine.define("kept", "select x from t", keep=True)
            assert_alike(engine.rows("select sum(x) as x from kept"), [{"x": 1.0}])
        assert self.all_tables() == before

    def all_tables(self) -> list[str]:
        """The names of all tables that the connection can read, temporary ones too."""
        raise NotImplementedError

    def test_no_exception_of_the_driver_leaks(self, engine: Connection) -> None:
        with pytest.raises(
            AnalysisError, match="no_such_table cannot be analyzed: .*no_such_table"
        ):
            engine.open("t", Table("no_such_table"), [X])
        engine.open("t", self.table([{"x": 1.0}]), [X])
        with pytest.raises(AnalysisError, match="the data cannot be analyzed"):
            engine.rows("select nothing from t")
        assert_alike(engine.rows("select x from t"), [{"x": 1.0}])

    def test_what_is_no_name_is_refused(self, engine: Connection) -> None:
        with pytest.raises(AnalysisError, match="is not the name of a table"):
            engine.open("t", Table([1, 2]), [X])

    @pytest.mark.parametrize(
        "name", ['a"b', "it's; drop table x; --", "select", "a b", "(select 1)", "Capital s"]
    )
    def test_a_hostile_table_is_only_a_table(self, engine: Connection, name: str) -> None:
        stored = self.store([{"x": 1.5}], name)
        try:
            engine.open("t", Table(stored), [X])
            assert_alike(engine.rows("select x from t"), [{"x": 1.5}])
        finally:
            engine.close()
            self.connection.cursor().execute(f"drop table {self.quoted(name)}")
            self.connection.commit()

    def test_a_table_may_be_called_as_the_queries_call_another(self, engine: Connection) -> None:
        """`exposures` is read as `actions`, and the other way round."""
        engine.open("exposures", Table(self.store([{"x": 1.0}], "actions")), [X])
        engine.open("actions", Table(self.store([{"x": 2.0}], "exposures")), [X])
        try:
            found = engine.rows(
                "select exposures.x as e, a.x as a from exposures join actions a on a.x > exposures.x"
            )
        finally:
            engine.close()
            for name in ("actions", "exposures"):
                self.connection.cursor().execute(f"drop table {name}")
            self.connection.commit()
        assert_alike(found, [{"e": 1.0, "a": 2.0}])


class TransactionContract(ConnectionContract):
    """Inherit this one where there are transactions that a cursor shares with its connection."""

    def test_a_transaction_that_was_begun_before_goes_on(self) -> None:
        name = self.store([{"x": 1.0}])
        cursor = self.connection.cursor()
        cursor.execute(f"insert into {self.quoted(name)} values (2.0)")  # noqa: S608
        with self.opened() as engine:
            engine.open("t", Table(name), [X])
            engine.define("kept", "select x from t", keep=True)
            assert_alike(engine.rows("select sum(x) as x from kept"), [{"x": 3.0}])
        self.connection.rollback()
        cursor.execute(f"select count(*) from {self.quoted(name)}")  # noqa: S608
        assert cursor.fetchone()[0] == 1
