"""A sink that writes to two tables, abkit_exposures and abkit_actions, in PostgreSQL or SQLite."""

import logging
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from abkit.errors import DeliveryError, MissingExtraError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, Event
from abkit.extras import extra
from abkit.quoting import masked, told
from abkit.sinks.base import BatchLimits, Outcome, Retry
from abkit.sinks.records import Record, by_kind, json_object, record
from abkit.sinks.refusals import Refusal, sorted_out, with_refusals
from abkit.sql_tables import create_missing

if TYPE_CHECKING:
    import sqlalchemy as sa

_DIALECTS = ("postgresql", "sqlite")
_LATER = "weights"
"""A column that tables may lack: older versions did not make it."""
_CREATION_LOCK = 7_236_281_104  # any number, the same in every process
# SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded.
_REFUSALS = ("22", "23", "54")
_CONNECT_TIMEOUT = {"connect_timeout": "10", "tcp_user_timeout": "30000"}  # s, ms; libpq's


class SqlSink:
    """Writes each batch in one transaction; rows with an existing insert id are left unchanged.

    The columns are those of `abkit.events`. A table without `weights`, from an older version, is written
    without them. `groups` is JSONB and `properties` JSON in PostgreSQL; both are
    text in SQLite, where `time` is UTC without a time zone. An event without an insert id gets a
    random one. A row that the database refuses is rejected alone.

    Args:
        url_or_engine: A database URL such as "postgresql+psycopg://user:password@host/name", or a
            SQLAlchemy engine, which the caller disposes of.
        schema: The schema of the tables, which must exist; None: the database's default.
        create: Whether to create missing tables: now or, if the database cannot be reached or
            somebody drops them later, before the next batch.
        timeout: Seconds that a statement may take (PostgreSQL).
        limits: When a batch is full.

    Raises:
        DeliveryError: The URL cannot be used, the dialect is neither PostgreSQL nor SQLite, or the
            tables may not be created.
        MissingExtraError: SQLAlchemy or the driver is not installed.
    """

    def __init__(
        self,
        url_or_engine: "str | sa.URL | sa.Engine",
        *,
        schema: str | None = None,
        create: bool = True,
        timeout: float = 30.0,
        limits: BatchLimits | None = None,
    ) -> None:
        with extra("sql"):
            import sqlalchemy as sa
        self._owned = not isinstance(url_or_engine, sa.Engine)
        self._engine = (
            url_or_engine if isinstance(url_or_engine, sa.Engine) else _engine(url_or_engine)
        )
        self._dialect = self._engine.dialect.name
        if self._dialect not in _DIALECTS:
            message = f"SqlSink: writes to PostgreSQL and SQLite, not to {self._dialect}"
            raise DeliveryError(message)
        self._exposures = _table("abkit_exposures", EXPOSURE_COLUMNS, schema)
        self._actions = _table("abkit_actions", ACTION_COLUMNS, schema)
        self._insertions: tuple[Any, Any] | None = None
        self._complained = False
        self._timeout = timeout
        self._pid = os.getpid()
        self._creates = self._tables_wanted = create
        self.limits: BatchLimits = limits or BatchLimits(count=2_000, size=2_000_000)
        try:
            if create:
                self._prepare()
        except sa.exc.OperationalError:
            pass  # the database is not there yet: `send` tries again
        except sa.exc.DBAPIError as error:
            self.close()
            message = (
                f"SqlSink: the tables cannot be created in {self._place()}: {self._what(error)}"
            )
            raise DeliveryError(message) from error

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Insert the events. If the database cannot be reached, they are sent again."""
        from sqlalchemy.exc import DBAPIError

        if os.getpid() != self._pid:
            self._engine.dispose(close=False)  # the connections are the parent's
            self._pid = os.getpid()
        sound, refusals = sorted_out(events, _parameters)
        retry = None
        try:
            self._write(self._prepare(), sound, refusals)
        except DBAPIError as error:
            self._tables_wanted = self._creates  # Maybe somebody has dropped them,
            self._insertions = None  # or given them other columns.
            retry = Retry(reason=f"cannot write to {self._place()}: {self._what(error)}")
        return with_refusals(refusals, retry)

    def close(self) -> None:
        """Close the connections of an engine that the sink has created."""
        if self._owned:
            self._engine.dispose(close=os.getpid() == self._pid)

    def _prepare(self) -> tuple[Any, Any]:
        """The statements that insert exposures and actions, once the tables are there."""
        if self._insertions is not None:
            return self._insertions
        with self._engine.begin() as connection:
            if self._tables_wanted:
                create_missing(connection, self._exposures, self._actions, lock=_CREATION_LOCK)
            exposures = self._columns_there(connection)
        self._tables_wanted = False
        self._insertions = (
            _insertion(self._exposures, exposures, self._dialect),
            _insertion(self._actions, ACTION_COLUMNS, self._dialect),
        )
        return self._insertions

    def _columns_there(self, connection: "sa.Connection") -> Mapping[str, str]:
        """Those of an exposure, but for one that older versions had not; that is logged once."""
        import sqlalchemy as sa

        table, inspector = self._exposures, sa.inspect(connection)
        if not inspector.has_table(table.name, table.schema):
            return EXPOSURE_COLUMNS
        there = {column["name"] for column in inspector.get_columns(table.name, table.schema)}
        if _LATER in there:
            return EXPOSURE_COLUMNS
        if not self._complained:
            self._complained = True
            logging.getLogger("abkit").warning(
                "%s: %s has no column %r, so exposures are stored without it and the analysis cannot tell "
                "phases with other weights apart. Run ALTER TABLE %s ADD COLUMN %s TEXT, then restart.",
                *(self._place(), table.fullname, _LATER, table.fullname, _LATER),
            )
        return {name: kind for name, kind in EXPOSURE_COLUMNS.items() if name != _LATER}

    def _write(
        self,
        insertions: tuple[Any, Any],
        sound: Sequence[tuple[Event, Record]],
        refusals: list[Refusal],
    ) -> None:
        """Insert the events in one transaction; if one is refused, the halves in one each."""
        from sqlalchemy.exc import DBAPIError, StatementError

        try:
            self._insert(insertions, sound)
        # psycopg2 meets a NUL byte with a ValueError; what a driver cannot convert is a StatementError.
        except (StatementError, ValueError) as error:
            if isinstance(error, DBAPIError) and not _is_refusal(error):
                raise
            if len(sound) == 1:
                refusals.append(Refusal(sound[0][0], self._what(error)))
                return
            middle = len(sound) // 2
            self._write(insertions, sound[:middle], refusals)
            self._write(insertions, sound[middle:], refusals)

    def _insert(self, insertions: tuple[Any, Any], sound: Sequence[tuple[Event, Record]]) -> None:
        import sqlalchemy as sa

        exposures, actions = by_kind(sound)
        with self._engine.begin() as connection:
            if self._dialect == "postgresql":
                limit = sa.text(f"SET LOCAL statement_timeout = {round(self._timeout * 1e3)}")
                connection.execute(limit)
            for insertion, rows in zip(insertions, (exposures, actions), strict=True):
                if rows:
                    # In the order of their ids, so that two processes do not deadlock.
                    ordered = sorted(rows, key=lambda row: str(row["insert_id_"]))
                    connection.execute(insertion, ordered)

    def _place(self) -> str:
        return masked(self._engine.url.render_as_string(hide_password=True))

    def _what(self, error: Exception) -> str:
        """What the driver said, without the statement and its parameters."""
        url = self._engine.url
        secrets = [text for text in (url.password, *url.query.values()) if isinstance(text, str)]
        said = str(getattr(error, "orig", None) or error).strip()
        return told(said.splitlines()[0], secrets) if said else type(error).__name__

    def __repr__(self) -> str:
        return f"<SqlSink {self._place()}>"


def _engine(url: "str | sa.URL") -> "sa.Engine":
    import sqlalchemy as sa

    try:
        parsed = sa.make_url(url)
        dialect = parsed.get_backend_name()
        if dialect == "sqlite" and parsed.database in (None, "", ":memory:"):
            message = "SqlSink: an SQLite database in memory is no destination; name a file"
            raise DeliveryError(message)
        timeouts = {}
        if dialect == "postgresql" and parsed.get_driver_name() in ("psycopg", "psycopg2"):
            timeouts = {k: v for k, v in _CONNECT_TIMEOUT.items() if k not in parsed.query}
        return sa.create_engine(parsed, pool_pre_ping=True, connect_args=timeouts)
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "the driver", "sql") from error
    except sa.exc.ArgumentError as error:
        message = (
            "SqlSink: the URL cannot be used; it should be like "
            '"postgresql+psycopg://user:password@host/name" or "sqlite:///file.db"'
        )
        raise DeliveryError(message) from error


def _table(name: str, columns: Mapping[str, str], schema: str | None) -> "sa.Table":
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql

    types: dict[str, sa.types.TypeEngine[Any]] = {
        "text": sa.Text(),
        "timestamp": sa.DateTime(timezone=True),
        "map": sa.Text().with_variant(postgresql.JSONB(), "postgresql"),
        # JSONB would refuse "\u0000" and change large numbers; JSON keeps the text.
        "json": sa.Text().with_variant(postgresql.JSON(), "postgresql"),
    }
    optional = ("user_id", "properties", _LATER)
    return sa.Table(
        name,
        sa.MetaData(),
        *(
            sa.Column(
                column, types[kind], primary_key=column == "insert_id", nullable=column in optional
            )
            for column, kind in columns.items()
        ),
        schema=schema,
    )


def _insertion(table: "sa.Table", columns: Mapping[str, str], dialect: str) -> Any:
    """INSERT ... ON CONFLICT DO NOTHING, with a parameter `<column>_` for each column."""
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql, sqlite

    # What is JSON already is not to be made JSON again.
    casts: dict[str, Any] = {}
    if dialect == "postgresql":
        casts = {"map": postgresql.JSONB(), "json": postgresql.JSON()}
    values: dict[str, Any] = {}
    for name, kind in columns.items():
        if kind in casts:
            values[name] = sa.cast(sa.bindparam(f"{name}_", type_=sa.Text()), casts[kind])
        else:
            values[name] = sa.bindparam(f"{name}_", type_=table.columns[name].type)
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).values(values).on_conflict_do_nothing(index_elements=["insert_id"])


def _parameters(event: Event) -> Record:
    """The event as the parameters of its row."""
    row = record(event)
    return {
        **{f"{name}_": value for name, value in row.items()},
        "insert_id_": row["insert_id"] or uuid4().hex,
        "groups_": json_object(row["groups"]) or "{}",  # type: ignore[arg-type]
    }


def _is_refusal(error: "sa.exc.DBAPIError") -> bool:
    """Whether the database objects to a row, not to the moment."""
    from sqlalchemy.exc import DataError, IntegrityError

    if error.connection_invalidated:
        return False
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or ""
    return isinstance(error, DataError | IntegrityError) or str(state).startswith(_REFUSALS)
