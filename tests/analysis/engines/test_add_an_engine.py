"""The engine that the page "Add an engine" shows keeps what every engine must keep."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from abkit.analysis.engines.connection import Connection
from abkit.analysis.engines.databases import Opens
from abkit.analysis.reading.sources import Table

from . import golden
from .connection_contract import ConnectionContract, quoted

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "add-an-engine.md"


@pytest.fixture(scope="module")
def quack() -> Opens:
    shown = re.search(r"```python\n(# quack\.py\n.*?)```", PAGE.read_text(), re.DOTALL)
    assert shown is not None
    namespace: dict[str, Any] = {}
    exec(shown[1], namespace)  # noqa: S102 - it is the documentation's own
    opens: Opens = namespace["Quack"]
    return opens


class TestQuack(ConnectionContract):
    real = "double"

    @pytest.fixture(autouse=True)
    def database(self, quack: Opens) -> Iterator[None]:
        import duckdb

        with duckdb.connect() as connection:
            self.connection, self.quack = connection, quack
            yield

    def opened(self) -> Connection:
        return Connection(self.connection, dialect="duckdb", database=self.quack)

    @pytest.fixture
    def own(self) -> tuple[Table, Table]:
        exposures, actions = golden.records()
        return golden.tables(self.store(flat(exposures)), self.store(flat(actions)))

    def store(self, rows: Sequence[Mapping[str, Any]], name: str = "") -> str:
        import pyarrow as pa

        name = name or f"t {uuid4().hex}"
        self.connection.register("arrow", pa.Table.from_pylist(list(rows)))
        self.connection.execute(f"create table {quoted(name)} as from arrow")
        self.connection.unregister("arrow")
        return name

    def all_tables(self) -> list[str]:
        return [row[2] for row in self.connection.execute("show all tables").fetchall()]


def flat(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Maps as texts of JSON, times as they are."""
    return [
        {
            name: value if value is None or isinstance(value, str | datetime) else json.dumps(value)
            for name, value in row.items()
        }
        for row in rows
    ]
