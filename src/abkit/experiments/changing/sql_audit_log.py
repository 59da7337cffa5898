"""The audit log as a table, in a database: for servers that share no disk."""

from typing import TYPE_CHECKING

from abkit.experiments.changing.audit_log import AuditRecord, AuditTrail, to_text, trail_of
from abkit.extras import extra
from abkit.sql_database import KeptThing, RecordDatabase
from abkit.sql_tables import create_missing

if TYPE_CHECKING:
    import sqlalchemy as sa

_TABLE = "abkit_settings_audit"
_CREATION_LOCK = 7_236_281_106  # any number, the same in every process
_KEEPS = KeptThing(article="An", name="audit log", example="sqlite:///audit.db")
_PATIENCE = 10.0
"""Seconds that SQLite waits for another process."""


class SqlAuditLog:
    """Records as rows of the table `abkit_settings_audit`, which is made if it is missing.

    A row has the record as JSON, and beside it what one searches for. Nothing updates or deletes a row: to
    be sure of it, give the user of the database the rights to select and to insert only.

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
            sa.Column(
                "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True
            ),
            sa.Column("change_id", ExactText(short=True), nullable=False),
            sa.Column("time", sa.DateTime(timezone=True), nullable=False),
            sa.Column("experiment", ExactText(short=True), nullable=False),
            sa.Column("record", ExactText(), nullable=False),
            schema=schema,
        )

    def append(self, record: AuditRecord, /) -> None:
        """As `AuditLog.append`; it waits until the row is committed.

        Raises:
            ConfigError: The database cannot be used.
        """
        row = {
            "change_id": record.id,
            "time": record.time,
            "experiment": record.experiment,
            "record": to_text(record),
        }
        with self._database.transaction() as connection:
            create_missing(connection, self._table, lock=_CREATION_LOCK)
            connection.execute(self._table.insert().values(row))

    def read(self) -> AuditTrail:
        """As `AuditLog.read`.

        Raises:
            ConfigError: The database cannot be used.
        """
        import sqlalchemy as sa

        columns = self._table.c
        with self._database.transaction() as connection:
            if not sa.inspect(connection).has_table(_TABLE, self._table.schema):
                return AuditTrail()
            query = sa.select(columns.position, columns.record).order_by(columns.position)
            rows = connection.execute(query).all()
        return trail_of((f"{_TABLE}, position {position}", text) for position, text in rows)

    def __repr__(self) -> str:
        return f"<SqlAuditLog {self._database.place}>"
