"""The audit log as a table, in PostgreSQL or SQLite: for servers that share no disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from abkit.errors import ConfigError, MissingExtraError
from abkit.experiments.changing.audit_log import AuditRecord, AuditTrail, to_text, trail_of
from abkit.extras import extra
from abkit.quoting import masked, told
from abkit.sql_tables import create_missing

if TYPE_CHECKING:
    import sqlalchemy as sa

_TABLE = "abkit_settings_audit"
_DIALECTS = ("postgresql", "sqlite")
_CREATION_LOCK = 7_236_281_106  # any number, the same in every process
_CONNECT_ARGUMENTS = {
    "sqlite": {"timeout": 10.0},  # seconds that it waits for another process
    "postgresql": {"connect_timeout": 10},
}


class SqlAuditLog:
    """Records as rows of the table `abkit_settings_audit`, which is made if it is missing.

    A row has the record as JSON, and beside it what one searches for. Nothing updates or deletes a row: to
    be sure of it, give the user of the database the rights to select and to insert only.

    Args:
        url_or_engine: A database URL such as "postgresql+psycopg://user:password@host/name", or an
            engine of SQLAlchemy, which stays the caller's to dispose of.
        schema: The schema of the table, which must exist; None: the database's default.

    Raises:
        ConfigError: The URL cannot be used, or the dialect is neither PostgreSQL nor SQLite.
        MissingExtraError: SQLAlchemy or the driver is not installed.
    """

    def __init__(
        self, url_or_engine: "str | sa.URL | sa.Engine", *, schema: str | None = None
    ) -> None:
        with extra("sql"):
            import sqlalchemy as sa
        self._engine = (
            url_or_engine if isinstance(url_or_engine, sa.Engine) else _engine(url_or_engine)
        )
        _check_dialect(self._engine.dialect.name)
        self._table = sa.Table(
            _TABLE,
            sa.MetaData(),
            sa.Column(
                "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True
            ),
            sa.Column("change_id", sa.Text(), nullable=False),
            sa.Column("time", sa.DateTime(timezone=True), nullable=False),
            sa.Column("experiment", sa.Text(), nullable=False),
            sa.Column("record", sa.Text(), nullable=False),
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
        with self._transaction() as connection:
            create_missing(connection, self._table, lock=_CREATION_LOCK)
            connection.execute(self._table.insert().values(row))

    def read(self) -> AuditTrail:
        """As `AuditLog.read`.

        Raises:
            ConfigError: The database cannot be used.
        """
        import sqlalchemy as sa

        columns = self._table.c
        with self._transaction() as connection:
            if not sa.inspect(connection).has_table(_TABLE, self._table.schema):
                return AuditTrail()
            query = sa.select(columns.position, columns.record).order_by(columns.position)
            rows = connection.execute(query).all()
        return trail_of((f"{_TABLE}, position {position}", text) for position, text in rows)

    @contextmanager
    def _transaction(self) -> "Iterator[sa.Connection]":
        from sqlalchemy.exc import DBAPIError

        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            said = "".join(str(error.orig).strip().splitlines()[:1])
            password = self._engine.url.query.get("password", "")
            why = told(said, [self._engine.url.password or "", str(password)])
            message = f"The audit log in {self._place()} cannot be used: {why}"
            raise ConfigError(message) from None

    def _place(self) -> str:
        return masked(self._engine.url.render_as_string(hide_password=True))

    def __repr__(self) -> str:
        return f"<SqlAuditLog {self._place()}>"


def _check_dialect(dialect: str) -> None:
    if dialect not in _DIALECTS:
        message = f"An audit log is kept in PostgreSQL or SQLite, not in {dialect}"
        raise ConfigError(message)


def _engine(url: "str | sa.URL") -> "sa.Engine":
    import sqlalchemy as sa

    try:
        parsed = sa.make_url(url)
        _check_dialect(parsed.get_backend_name())
        arguments = _CONNECT_ARGUMENTS.get(parsed.get_backend_name(), {})
        # A connection for each record, which may be days apart: there is nothing to close.
        return sa.create_engine(parsed, connect_args=arguments, poolclass=sa.NullPool)
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "the driver", "sql") from None
    except sa.exc.ArgumentError:
        message = (
            "The URL of the audit log cannot be used; it should be like "
            '"postgresql+psycopg://user:password@host/name" or "sqlite:///audit.db"'
        )
        raise ConfigError(message) from None
