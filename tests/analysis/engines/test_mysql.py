"""A real MariaDB as an engine; MySQL only as far as its texts."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, ClassVar
from uuid import uuid4

import pytest
import sqlalchemy as sa

from abkit.analysis.engines.connection import Connection
from abkit.analysis.engines.database_url import connecting
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError
from abkit.sinks.sql import SqlSink

from ...sinks.mariadb import MariaDBServer
from . import golden
from .connection_contract import ConnectionContract, X
from .contract import assert_alike


def in_transaction(connection: Any) -> bool:
    connection.cursor().execute("do 0")
    return bool(connection.server_status & 1)


class TestMariaDB(ConnectionContract):
    mark = "%s"

    @pytest.fixture(autouse=True)
    def database(self, mariadb: MariaDBServer) -> Iterator[None]:
        self.server = mariadb
        self.schema = f"s{uuid4().hex}"
        with closing(self.connected()) as connection, connection.cursor() as cursor:
            cursor.execute(f"create database {self.schema}")
            connection.select_db(self.schema)
            # What no query may depend on.
            cursor.execute("set time_zone = '-05:00', sql_mode = 'ansi,no_backslash_escapes'")
            self.connection = connection
            yield
            connection.rollback()
            cursor.execute(f"drop database {self.schema}")

    def connected(self, **options: Any) -> Any:
        import pymysql

        return pymysql.connect(host="127.0.0.1", port=self.server.port, user="root", **options)

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    @pytest.fixture
    def own(self) -> tuple[Table, Table]:
        url = self.server.url.replace("/events", f"/{self.schema}")
        with closing(SqlSink(url)) as sink:
            golden.send_all(sink)
        return golden.tables("abkit_exposures", f'{self.schema}."abkit_actions"')

    def execute(self, *statements: str) -> Sequence[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            found: Sequence[tuple[Any, ...]] = cursor.fetchall()
        return found

    def all_tables(self) -> list[str]:
        return [name for (name,) in self.execute("show tables")]

    @pytest.mark.parametrize("value", [1e308, -1e308])
    def test_an_infinite_number_is_refused_or_seen(self, engine: Any, value: float) -> None:
        """There is none; what is too large to be squared is refused, not taken for 0."""
        engine.open("t", self.table([{"x": 1.0}, {"x": value}]), [X])
        with pytest.raises(AnalysisError, match="DOUBLE value is out of range"):
            engine.rows("select sum(x) as x, sum(x * x) as squares from t")

    def test_the_session_is_as_it_was(self) -> None:
        settings = (
            "select @@sql_mode, @@time_zone, @@collation_connection, @@optimizer_switch, "
            "@@join_cache_level, @@join_buffer_size, @@join_buffer_space_limit"
        )
        before = self.execute(settings)
        with Connection(self.connection) as engine:
            engine.open("t", self.table([{"x": 1.0}]), [X])
            engine.define("kept", "select x from t", keep=True)
            assert self.execute(settings) != before
        assert self.execute(settings) == before

    def test_a_transaction_ends_with_the_engine_if_it_began_with_it(self) -> None:
        """Else the next reading would see what was there at the time of the last."""
        name = self.store([{"x": 1.0}])
        assert self.execute("select @@autocommit, @@in_transaction") == ((0, 0),)
        with Connection(self.connection) as engine:
            engine.open("t", Table(name), [X])
            engine.rows("select x from t")
            assert self.execute("select @@in_transaction") == ((1,),)
        assert self.execute("select @@in_transaction") == ((0,),)

    def test_who_may_not_make_temporary_tables_computes_again(self) -> None:
        name = self.store([{"x": 1.0}, {"x": 2.0}])
        self.execute(
            "create user if not exists reader@'127.0.0.1'",
            f"grant select on {self.schema}.* to reader@'127.0.0.1'",
        )
        import pymysql

        with (
            pymysql.connect(
                host="127.0.0.1", port=self.server.port, user="reader", database=self.schema
            ) as reader,
            Connection(reader) as engine,
        ):
            engine.open("t", Table(name), [X])
            engine.define("kept", "select x from t where x > 1", keep=True)
            assert_alike(engine.rows("select sum(x) as x from kept"), [{"x": 2.0}])

    def test_texts_are_told_apart_and_sorted_also_where_they_are_kept(self) -> None:
        texts = ["a", "A", "a ", "ä", "\\", "\\\\", "🎈", "%s", "%"]
        columns = [Column(name="x", kind=Kind.EXACT, source="x")]
        with Connection(self.connection) as engine:
            engine.open("t", self.table([{"x": text} for text in texts]), columns)
            engine.define("kept", "select x from t", keep=True)
            for table in ("t", "kept"):
                found = engine.rows(f"select x, count(*) as n from {table} group by x order by x")  # noqa: S608
                assert [(row["x"], row["n"]) for row in found] == [
                    (one, 1) for one in sorted(texts)
                ]
            for text in texts:
                (row,) = engine.rows(f"select count(*) as n from t where x in ('{text}')")  # noqa: S608
                assert row["n"] == 1

    @pytest.mark.parametrize(
        ("value", "shown"), [("é" * 40, "é" * 25), ("9" * 70 + "x", "9" * 60), ("🎈", "?")]
    )
    def test_of_a_long_or_an_odd_value_the_beginning_is_shown(
        self, engine: Connection, value: str, shown: str
    ) -> None:
        engine.open("t", self.table([{"x": value}]), [X])
        with pytest.raises(AnalysisError, match="which is not a finite number") as caught:
            engine.rows("select sum(x) as x from t")
        assert f"has {shown!r}, which" in str(caught.value)

    def test_what_is_no_json_is_refused(self, engine: Connection) -> None:
        columns = [Column(name="x", kind=Kind.TEXT, source="p", key="x")]
        engine.open("t", self.table([{"p": '{"x": 1}'}, {"p": "{broken"}]), columns)
        with pytest.raises(AnalysisError, match="this is no JSON: {broken"):
            engine.rows("select x from t")

    def test_every_type_has_its_place(self) -> None:
        self.execute(
            "create table types as select "
            "cast('2024-03-01 12:00:00.25' as datetime(6)) as a, 1709294400.25 as b, "
            "cast(1709294400.25 as double) as c, 42.00 as d, 42e0 as e, true as f, "
            """'{"org": {"deep": 7}, "yes": true, "no": null}' as g, date '2024-03-01' as h, """
            "cast(12 as unsigned) as i, 0.50 as j, '' as k",
            "alter table types add l timestamp(6) null, add m tinyint(1), add n bit(1), "
            "add o enum('p', 'q'), add p json",
            "set time_zone = '+01:00'",
            "update types set l = '2024-03-01 13:00:00.25', m = 1, n = 1, o = 'q', p = '{\"x\": \"y\"}'",
        )
        self.connection.commit()
        kinds = {
            **dict.fromkeys("abchl", Kind.INSTANT),
            **dict.fromkeys("deijko", Kind.TEXT),
            **dict.fromkeys("fmn", Kind.TRUTH),
        }
        columns = [Column(name=one, kind=kind, source=one) for one, kind in kinds.items()]
        columns += [
            Column(name=name, kind=Kind.TEXT, source=source, key=key)
            for name, source, key in [
                ("org", "g", "org"),
                ("yes", "g", "yes"),
                ("no", "g", "no"),
                ("x", "p", "x"),
            ]
        ]
        with Connection(self.connection) as engine:
            engine.open("t", Table("types"), columns)
            (row,) = engine.rows("select * from t")
            assert engine.version.startswith("MariaDB 1")
            with pytest.raises(AnalysisError, match="`d` is of the type decimal, which has no"):
                key = Column(name="x", kind=Kind.TEXT, source="d", key="org")
                engine.open("u", Table("types"), [key])
        assert row == {
            **dict.fromkeys("abcl", golden.micros(golden.START + 0.25)),
            "h": golden.micros(golden.START) - 43_200_000_000,
            "d": "42",
            "e": "42",
            "i": "12",
            "j": "0.5",
            "k": None,
            "o": "q",
            **dict.fromkeys("fmn", 1.0),
            "org": '{"deep": 7}',
            "yes": "true",
            "no": None,
            "x": "y",
        }

    def test_a_connection_in_another_character_set_is_refused(self) -> None:
        with (
            closing(self.connected(charset="latin1")) as other,
            pytest.raises(AnalysisError, match="character set latin1, .* charset='utf8mb4'"),
        ):
            Connection(other)

    def test_rows_may_be_of_any_kind(self) -> None:
        import pymysql.cursors

        name = self.store([{"x": 1.0}])
        with (
            closing(self.connected(cursorclass=pymysql.cursors.DictCursor)) as connection,
            Connection(connection) as engine,
        ):
            engine.open("t", Table(f'{self.schema}."{name}"'), [X])
            assert_alike(
                engine.rows("select x, sum(2) as y from t group by x"), [{"x": 1.0, "y": 2}]
            )

    def test_no_join_compares_each_row_with_each(self) -> None:
        """Else 20,000 units with 200,000 actions would take hours."""
        name = self.quoted(self.store([{"x": 1.0}, {"x": 2.0}]))
        joined = (
            f"explain select count(*) from {name} t "  # noqa: S608
            f"join (select concat(x, '') as y from {name}) as u on u.y = concat(t.x, '')"
        )
        assert "BNL join" in str(self.execute(joined))  # a nested loop over blocks
        with Connection(self.connection):
            assert "BNL join" not in str(self.execute(joined))

    def test_mysql_itself_keeps_nothing_and_is_asked_nothing_of_mariadb(self) -> None:
        name = self.store([{"x": 1.0}, {"x": 2.0}])
        with closing(self.like_mysql("8.0.36")) as connection:
            connection.select_db(self.schema)
            with Connection(connection) as engine:
                engine.open("t", Table(name), [X])
                engine.define("kept", "select x from t where x > 1", keep=True)
                found = engine.rows("select a.x as x from kept a join kept b on b.x = a.x")
                assert_alike(found, [{"x": 2.0}])
                assert engine.version == "MySQL 8.0.36"
                assert in_transaction(connection)
            assert not in_transaction(connection)
            statements = "\n".join(connection.cursorclass.statements)
        assert "utf8mb4_0900_bin" in statements
        assert "temporary" not in statements
        assert "join_cache_level" not in statements

    @pytest.mark.parametrize(
        ("version", "said"),
        [
            ("5.7.44-log", "needs MySQL 8.0.17 or later; this is 5.7.44"),
            ("10.3.39-MariaDB", "needs MariaDB 10.4 or later; this is 10.3.39"),
        ],
    )
    def test_what_is_too_old_is_refused(self, version: str, said: str) -> None:
        with (
            closing(self.like_mysql(version)) as connection,
            pytest.raises(AnalysisError, match=re.escape(said)),
        ):
            Connection(connection)

    def like_mysql(self, version: str) -> Any:
        """A connection that has another version, and knows the collations of MySQL."""
        import pymysql.cursors

        class Disguised(pymysql.cursors.Cursor):  # type: ignore[misc]
            statements: ClassVar[list[str]] = []

            def execute(self, query: str, args: Any = None) -> Any:
                self.statements.append(query)
                known = query.replace("utf8mb4_0900_bin", "utf8mb4_nopad_bin")
                return super().execute(known.replace("version()", f"'{version}'"), args)

        return self.connected(cursorclass=Disguised)

    def test_a_url_of_a_command_is_enough(self) -> None:
        name = self.store([{"x": 1.0}])
        url = self.server.url.replace("/events", f"/{self.schema}")
        with Connection(connecting(url)()) as engine:
            engine.open("t", Table(name), [X])
            assert_alike(engine.rows("select x from t"), [{"x": 1.0}])
        nowhere = "mysql+pymysql://ada:hunter2@127.0.0.1:1/shop"
        with pytest.raises(AnalysisError, match="127.0.0.1:1/shop cannot be reached") as caught:
            connecting(nowhere)()
        assert "hunter2" not in str(caught.value)

    def test_an_engine_of_sqlalchemy_is_a_connection(self) -> None:
        name = self.store([{"x": 1.0}])
        for driver in ("mysql", "mariadb"):
            url = self.server.url.replace("mysql+", f"{driver}+").replace(
                "/events", f"/{self.schema}"
            )
            engine = sa.create_engine(url)
            with Connection(engine) as by_engine:
                by_engine.open("t", Table(name), [X])
                assert_alike(by_engine.rows("select x from t"), [{"x": 1.0}])
            assert engine.pool.status().endswith("Current Checked out connections: 0")
            engine.dispose()
