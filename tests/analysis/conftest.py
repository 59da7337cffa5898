"""Exposures and actions for the tests of the analysis, as Arrow tables in the shared schema."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from abkit.analysis.declared.design import Design
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS
from abkit.experiments.declaring.metrics import Conversion

START = datetime(2024, 3, 1, tzinfo=UTC)


class Tables(Protocol):
    """Makes the tables; a row is what differs from a usual one, its `hour` the time after START."""

    def __call__(
        self, exposures: Sequence[Mapping[str, Any]], actions: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, Any]: ...


def _rows(
    rows: Sequence[Mapping[str, Any]], usual: Mapping[str, Any], columns: Mapping[str, str]
) -> Any:
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "json": pa.string(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "map": pa.map_(pa.string(), pa.string()),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    full = []
    for number, row in enumerate(rows):
        hour = timedelta(hours=row.get("hour", 0))
        filled = {"insert_id": f"id{number}", "time": START + hour, **usual, **row}
        filled["groups"] = list(dict(filled.get("groups", {})).items())
        full.append({name: filled.get(name) for name in columns})
    return pa.Table.from_pylist(full, schema=schema)


@pytest.fixture(scope="session")
def tables() -> Tables:
    def make(
        exposures: Sequence[Mapping[str, Any]], actions: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, Any]:
        usual = {"experiment": "Exp", "salt": "s", "unit_type": "user"}
        return {
            "exposures": _rows(exposures, usual, EXPOSURE_COLUMNS),
            "actions": _rows(actions, {}, ACTION_COLUMNS),
        }

    return make


@pytest.fixture
def design() -> Design:
    return Design(
        name="Exp",
        salt="s",
        unit_type="user",
        control="a",
        weights={"a": 0.5, "b": 0.5},
        metrics=(Conversion("click", goal=0.2),),
    )


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """An SQLite in memory: it is closed also where a test fails, of which Python 3.13 warns."""
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection
