"""Random events that arrive in the tables of a database, row by row."""

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any

from abkit.analysis import Analysis, Result, Store
from abkit.experiments.declaring.experiment import Experiment

from .arriving_events import Event

COLUMNS = {
    "exposures": (
        *("insert_id", "time", "experiment", "salt", "unit_type"),
        *("unit_id", "variant", "user_id", "properties", "weights"),
    ),
    "actions": ("insert_id", "time", "action", "user_id", "properties"),
}
STORE = Store(schema="abkit")


class Tables:
    """The tables of events of a database, and a schema for a store.

    Args:
        connection: A DB-API connection.
        text: The type of a text.
        timestamp: The type of a time.
        mark: What stands for a value.
        after: What follows the columns of a table.
        schema: What makes the schema of the store; nothing if it is there.
    """

    def __init__(
        self,
        connection: Any,
        *,
        text: str = "text",
        timestamp: str = "timestamp",
        mark: str = "?",
        after: str = "",
        schema: str = "create schema abkit",
    ) -> None:
        self.connection, self._mark = connection, mark
        cursor = connection.cursor()
        for kind, columns in COLUMNS.items():
            listed = ", ".join(f"{c} {timestamp if c == 'time' else text}" for c in columns)
            cursor.execute(f"create table {kind} ({listed}){after}")
        if schema:
            cursor.execute(schema)
        self.commit()

    def add(self, kind: str, events: Iterable[Event]) -> None:
        """Let events arrive."""
        rows = [tuple(self.value(event[c]) for c in COLUMNS[kind]) for event in events]
        if rows:
            marks = ", ".join([self._mark] * len(COLUMNS[kind]))
            self.connection.cursor().executemany(f"insert into {kind} values ({marks})", rows)  # noqa: S608
        self.commit()

    def run(self, statement: str) -> Sequence[Sequence[Any]]:
        """The answer to a statement."""
        cursor = self.connection.cursor()
        cursor.execute(statement)
        found: Sequence[Sequence[Any]] = cursor.fetchall() if cursor.description else []
        self.commit()
        return found

    def commit(self) -> None:
        self.connection.commit()

    def value(self, value: object) -> object:
        return value.astimezone(UTC).replace(tzinfo=None) if hasattr(value, "astimezone") else value

    def analysis(self, experiment: type[Experiment], store: Store | None = STORE) -> Analysis:
        return Analysis(
            experiment,
            exposures="exposures",
            actions="actions",
            engine=self.connection,
            store=store,
        )

    def result(self, experiment: type[Experiment], store: Store | None = STORE) -> Result:
        return self.analysis(experiment, store).run()


class DuckDBTables(Tables):
    """Those of a DuckDB, which commits by itself."""

    def commit(self) -> None:
        """Nothing is left to commit."""
