"""States as rows of a table, in a database."""

import json
from typing import TYPE_CHECKING, Any

from abkit.analysis.notifications.alert_state import AlertState, ExperimentRun
from abkit.analysis.notifications.records import from_records, not_a_state, to_records
from abkit.analysis.notifications.stores import Step
from abkit.errors import ConfigError
from abkit.extras import extra
from abkit.sql_database import KeptThing, RecordDatabase
from abkit.sql_tables import create_missing, insertion

if TYPE_CHECKING:
    import sqlalchemy as sa

_TABLE = "abkit_notifications"
_CREATION_LOCK = 7_236_281_105  # any number, the same in every process
_KEEPS = KeptThing(article="A", name="state", example="sqlite:///state.db")
_PATIENCE = 120.0
"""Seconds that SQLite waits for another process."""


class SqlStore:
    """One row for each run, in the table `abkit_notifications`, which is made if it is missing.

    A row is locked while its step runs. SQLite can only lock the whole file: give it one of its own,
    not that of the events.

    Args:
        url_or_engine: A database URL such as "postgresql+psycopg://user:password@host/name", or an
            engine of SQLAlchemy, which stays the caller's to dispose of.
        schema: The schema of the table, which must exist; None: the database's default.

    Raises:
        ConfigError: The URL cannot be used, or the dialect is none of PostgreSQL, SQLite,
            MySQL and MariaDB.
        MissingExtraError: SQLAlchemy or the driver is not installed.
    """

    def __init__(
        self, url_or_engine: "str | sa.URL | sa.Engine", *, schema: str | None = None
    ) -> None:
        with extra("sql"):
            import sqlalchemy as sa
        from abkit.sql_texts import ExactText

        self._database = RecordDatabase(url_or_engine, keeps=_KEEPS, patience=_PATIENCE)
        self._table = sa.Table(
            _TABLE,
            sa.MetaData(),
            sa.Column("experiment", ExactText(short=True), primary_key=True),
            sa.Column("salt", ExactText(short=True), primary_key=True),
            sa.Column("state", ExactText(), nullable=False),
            schema=schema,
        )

    def read(self, run: ExperimentRun, /) -> AlertState:
        """The state of a run; empty if there is none yet.

        Raises:
            ConfigError: The database cannot be used, or the row is something else.
        """
        import sqlalchemy as sa

        with self._database.transaction() as connection:
            if not sa.inspect(connection).has_table(_TABLE, self._table.schema):
                return {}
            row = connection.execute(self._select(run)).first()
            return {} if row is None else self._state(row[0])

    def update(self, run: ExperimentRun, step: Step, /) -> None:
        """Replace a run's state, under the lock of its row.

        Raises:
            ConfigError: The database cannot be used, or the row is something else.
        """
        self._create_table()
        with self._database.transaction() as connection:
            # Writing first takes the lock: of the row, in SQLite of the file.
            connection.execute(self._placeholder(run))
            text = connection.execute(self._select(run).with_for_update()).scalar_one()
            before = self._state(text)
            after = step(before)
            if after != before:
                changed = json.dumps(to_records(after), ensure_ascii=False)
                update = self._table.update().where(*self._is(run)).values(state=changed)
                connection.execute(update)

    def _create_table(self) -> None:
        with self._database.transaction() as connection:
            create_missing(connection, self._table, lock=_CREATION_LOCK)

    def _placeholder(self, run: ExperimentRun) -> Any:
        values = {"experiment": run.experiment, "salt": run.salt, "state": "[]"}
        return insertion(self._table, values, self._database.engine.dialect.name)

    def _select(self, run: ExperimentRun) -> "sa.Select[Any]":
        import sqlalchemy as sa

        return sa.select(self._table.c.state).where(*self._is(run))

    def _is(self, run: ExperimentRun) -> "tuple[sa.ColumnElement[bool], ...]":
        columns = self._table.c
        return columns.experiment == run.experiment, columns.salt == run.salt

    def _state(self, text: str) -> AlertState:
        where = f"A row of {_TABLE} in {self._database.place}"
        try:
            records = json.loads(text)
        except ValueError:
            raise ConfigError(not_a_state(where)) from None
        return from_records(records, where=where)

    def __repr__(self) -> str:
        return f"<SqlStore {self._database.place}>"
