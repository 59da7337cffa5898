"""Snowflake's own driver, before a server on the loopback that answers as Snowflake does (fakesnow)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve

from abkit.analysis.engines.connection import Connection
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Table
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, IDENTITY_COLUMNS
from abkit.sinks.files import FileSink
from abkit.sinks.records import action_record, exposure_record, identity_record

from ..analysis.engines import golden
from ..analysis.test_same_numbers import (
    ONE_OF_EACH,
    PLAN,
    alike,
    asked,
    events,
    linked,
    numbers,
    visits,
)

fakesnow = pytest.importorskip("fakesnow", reason="`make drivers` runs this")
pytestmark = pytest.mark.filterwarnings("default")  # fakesnow's own

TYPES = {"text": "varchar", "timestamp": "timestamp_ntz", "map": "varchar", "json": "varchar"}


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    driver = pytest.importorskip("snowflake.connector")
    with (
        fakesnow.server() as where,
        driver.connect(database="abkit", schema="analytics", **where) as connection,
    ):
        yield connection


def store(
    connection: Any, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write records as an export does: maps as JSON, times without a zone, names unquoted."""
    cursor = connection.cursor()
    listed = ", ".join(f"{name} {TYPES[kind]}" for name, kind in columns.items())
    cursor.execute(f"create table {table} ({listed})")
    marks = ", ".join(["%s"] * len(columns))
    values = [
        [
            json.dumps(row[name])
            if kind == "map"
            else row[name].isoformat(sep=" ").removesuffix("+00:00")
            if kind == "timestamp"
            else row[name]
            for name, kind in columns.items()
        ]
        for row in rows
    ]
    cursor.executemany(f"insert into {table} values ({marks})", values)  # noqa: S608


def test_snowflakes_driver_gives_the_numbers_of_duckdb(connection: Any, tmp_path: Any) -> None:
    exposures, actions = events()
    sink = FileSink(tmp_path)
    sink.send(exposures)
    sink.send(actions)
    files = {each: str(tmp_path / each) for each in ("exposures", "actions")}
    some = evolve(PLAN, metrics=ONE_OF_EACH)
    expected = asked(of=some, **files)
    exposed = [exposure_record(exposure) for exposure in exposures]
    acted = [action_record(action) for action in actions]
    store(connection, "exposures", EXPOSURE_COLUMNS, exposed)
    store(connection, "actions", ACTION_COLUMNS, acted)
    tables = {"exposures": "analytics.exposures", "actions": "actions"}
    found = asked(of=some, **tables, engine=connection)
    assert found.engine == "snowflake"
    alike(numbers(found), numbers(expected))


def test_identities_link_the_same_in_snowflake(connection: Any, tmp_path: Any) -> None:
    exposures, actions, identities = visits()
    sink = FileSink(tmp_path)
    sink.send([*exposures, *actions, *identities])
    names = ("exposures", "actions", "identities")
    expected = linked(**{name: str(tmp_path / name) for name in names})
    tables = {name: f"visitor_{name}" for name in names}
    store(connection, tables["exposures"], EXPOSURE_COLUMNS, list(map(exposure_record, exposures)))
    store(connection, tables["actions"], ACTION_COLUMNS, list(map(action_record, actions)))
    store(
        connection, tables["identities"], IDENTITY_COLUMNS, list(map(identity_record, identities))
    )
    alike(numbers(linked(**tables, engine=connection)), numbers(expected))


def test_every_type_of_snowflake_has_its_place(connection: Any) -> None:
    connection.cursor().execute(
        "create table types as select "
        "'2024-03-01 12:00:00.25'::timestamp_ntz as a, '2024-03-01 14:00:00.25 +0200'::timestamp_tz as b, "
        "1709294400.25::number(20, 2) as c, 1709294400.25::float as d, 1709294400::number(38, 0) as e, "
        "'2024-03-01'::date as f, 42::float as g, 42.00::number(10, 2) as h, true as i"
    )
    kinds = {**dict.fromkeys("abcdef", Kind.INSTANT), "g": Kind.TEXT, "h": Kind.TEXT}
    columns = [Column(name=one, kind=kind, source=one) for one, kind in kinds.items()]
    columns += [
        Column(name=f"i {kind}", kind=kind, source="i") for kind in (Kind.TRUTH, Kind.NUMBER)
    ]
    with Connection(connection) as engine:
        engine.open("t", Table("types"), columns)
        (row,) = engine.rows("select * from t")
    quarter = golden.micros(golden.START + 0.25)
    assert row == {
        **dict.fromkeys("abcd", quarter),
        "e": golden.micros(golden.START),
        "f": golden.micros(golden.START) - 43_200_000_000,
        "g": "42",
        "h": "42",
        f"i {Kind.TRUTH}": 1.0,
        f"i {Kind.NUMBER}": 1.0,
    }
