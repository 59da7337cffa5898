"""A sink that writes to three tables, one for each kind of event, in a database."""

import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from abkit.errors import DeliveryError
from abkit.events import Event, Identity
from abkit.extras import extra
from abkit.quoting import masked, told
from abkit.sinks.base import BatchLimits, Outcome, Retry
from abkit.sinks.records import Record, by_kind, json_object, record
from abkit.sinks.refusals import Refusal, sorted_out, with_refusals
from abkit.sinks.sql_statements import (
    LATER_COLUMN,
    Insertions,
    There,
    definition,
    insertions_for,
    look,
    tables_in,
)
from abkit.sql_tables import DIALECTS, create_missing, missing_driver

if TYPE_CHECKING:
    import sqlalchemy as sa

_CREATION_LOCK = 7_236_281_104  # any number, the same in every process
# SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded.
_REFUSALS = ("22", "23", "54")
_INSUFFICIENT_PRIVILEGE = "42501"
# MySQL and MariaDB have numbers of their own: for that, and for a constraint that a row breaks.
_DENIED = (1044, 1142)
_BROKEN = (3819, 4025)
_CONNECT_TIMEOUT = {"connect_timeout": "10", "tcp_user_timeout": "30000"}  # s, ms; libpq's


class SqlSink:
    """Writes each batch in one transaction; rows with an existing insert id are left unchanged.

    The tables are abkit_exposures, abkit_actions and abkit_identities; their columns are those of
    `abkit.events`. A table without `weights`, from an older version, is written without them. Without a table
    of identities, which older versions did not make, identities are rejected. `groups` is JSONB and
    `properties` JSON in PostgreSQL; both are text elsewhere, where `time` is UTC without a time zone. An
    event without an insert id gets a random one. A row that the database refuses is rejected alone.

    Args:
        url_or_engine: A database URL such as "postgresql+psycopg://user:password@host/name", or a
            SQLAlchemy engine, which the caller disposes of.
        schema: The schema of the tables, which must exist; None: the database's default.
        create: Whether to create missing tables: now or, if the database cannot be reached or
            somebody drops them later, before the next batch.
        timeout: Seconds that a statement may take (PostgreSQL) or wait for a row (MySQL, MariaDB; not
            with an engine of the caller's).
        limits: When a batch is full.

    Raises:
        DeliveryError: The URL cannot be used, the dialect is none of PostgreSQL, SQLite, MySQL
            and MariaDB, or the tables may not be created.
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
            url_or_engine
            if isinstance(url_or_engine, sa.Engine)
            else _engine(url_or_engine, timeout)
        )
        self._dialect = self._engine.dialect.name
        if self._dialect not in DIALECTS:
            message = (
                f"SqlSink: writes to PostgreSQL, SQLite, MySQL and MariaDB, not to {self._dialect}"
            )
            raise DeliveryError(message)
        self._tables = tables_in(schema)
        self._insertions: Insertions | None = None
        self._complaints: set[str] = set()
        self._timeout = timeout
        self._pid = os.getpid()
        self._creates = self._tables_wanted = create
        self.limits: BatchLimits = limits or BatchLimits(count=2_000, size=2_000_000)
        try:
            if create:
                self._prepare()
        except sa.exc.DBAPIError as error:
            if isinstance(error, sa.exc.OperationalError) and not _is_forbidden(error):
                return  # the database is not there yet: `send` tries again
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
            insertions = self._prepare()
            if insertions.identities is None:
                sound, unwanted = _without_identities(sound, self._tables.identities.fullname)
                refusals += unwanted
            self._write(insertions, sound, refusals)
        except DBAPIError as error:
            self._tables_wanted = self._creates  # Maybe somebody has dropped them,
            self._insertions = None  # or given them other columns.
            retry = Retry(reason=f"cannot write to {self._place()}: {self._what(error)}")
        return with_refusals(refusals, retry)

    def close(self) -> None:
        """Close the connections of an engine that the sink has created."""
        if self._owned:
            self._engine.dispose(close=os.getpid() == self._pid)

    def _prepare(self) -> Insertions:
        """The statements that insert events, once the tables are there."""
        if self._insertions is not None:
            return self._insertions
        with self._engine.begin() as connection:
            if self._tables_wanted:
                self._create(connection)
            there = look(connection, self._tables)
        self._tables_wanted = False
        self._complain(there)
        found = insertions_for(self._tables, there, self._dialect)
        # Somebody may create the table of identities while the program runs.
        self._insertions = found if there.identities else None
        return found

    def _create(self, connection: "sa.Connection") -> None:
        """Create missing tables; that of identities only if that is allowed, as it was not always needed."""
        from sqlalchemy.exc import DBAPIError

        tables = self._tables
        create_missing(connection, tables.exposures, tables.actions, lock=_CREATION_LOCK)
        try:
            if self._dialect in (
                "mysql",
                "mariadb",
            ):  # where making a table is no part of a transaction
                create_missing(connection, tables.identities, lock=_CREATION_LOCK)
                return
            with connection.begin_nested():
                create_missing(connection, tables.identities, lock=_CREATION_LOCK)
        except DBAPIError as error:
            if not _is_forbidden(error):
                raise

    def _complain(self, there: There) -> None:
        """Log what is missing, once."""
        exposures, identities = self._tables.exposures.fullname, self._tables.identities
        missing = {}
        if not there.weights:
            missing[LATER_COLUMN] = (
                f"{exposures} has no column {LATER_COLUMN!r}, so exposures are stored without it and the "
                "analysis cannot tell phases with other weights apart. Run ALTER TABLE "
                f"{exposures} ADD COLUMN {LATER_COLUMN} TEXT, then restart."
            )
        if not there.identities:
            missing["identities"] = (
                f"there is no table {identities.fullname}, so identities are rejected and the analysis "
                "cannot count what users do for the visitors that they were. Run "
                f"{definition(identities, self._engine.dialect)}; no restart is needed."
            )
        for what in missing.keys() - self._complaints:
            self._complaints.add(what)
            logging.getLogger("abkit").warning("%s: %s", self._place(), missing[what])

    def _write(
        self,
        insertions: Insertions,
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

    def _insert(self, insertions: Insertions, sound: Sequence[tuple[Event, Record]]) -> None:
        import sqlalchemy as sa

        kinds = by_kind(sound)
        with self._engine.begin() as connection:
            if self._dialect == "postgresql":
                limit = sa.text(f"SET LOCAL statement_timeout = {round(self._timeout * 1e3)}")
                connection.execute(limit)
            for insertion, rows in zip(insertions, kinds, strict=True):
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


def _engine(url: "str | sa.URL", patience: float) -> "sa.Engine":
    import sqlalchemy as sa

    from abkit.sql_texts import refuse_what_does_not_fit, timeouts

    try:
        parsed = sa.make_url(url)
        dialect = parsed.get_backend_name()
        if dialect == "sqlite" and parsed.database in (None, "", ":memory:"):
            message = "SqlSink: an SQLite database in memory is no destination; name a file"
            raise DeliveryError(message)
        driver, limits = parsed.get_driver_name(), {}
        if dialect == "postgresql" and driver in ("psycopg", "psycopg2"):
            limits = {k: v for k, v in _CONNECT_TIMEOUT.items() if k not in parsed.query}
        elif dialect in ("mysql", "mariadb"):
            limits = timeouts(driver, max(10, round(2 * patience)))
            limits = {k: v for k, v in limits.items() if k not in parsed.query}
        engine = sa.create_engine(parsed, pool_pre_ping=True, connect_args=limits)
    except ModuleNotFoundError as error:
        raise missing_driver(error, url) from error
    except sa.exc.ArgumentError as error:
        message = (
            "SqlSink: the URL cannot be used; it should be like "
            '"postgresql+psycopg://user:password@host/name", "mysql+pymysql://user:password@host/name" '
            'or "sqlite:///file.db"'
        )
        raise DeliveryError(message) from error
    refuse_what_does_not_fit(engine, patience=patience)
    return engine


def _parameters(event: Event) -> Record:
    """The event as the parameters of its row."""
    row = record(event)
    own: Record = {"insert_id_": row["insert_id"] or uuid4().hex}
    if "groups" in row:
        own["groups_"] = json_object(row["groups"]) or "{}"  # type: ignore[arg-type]
    return {f"{name}_": value for name, value in row.items()} | own


def _without_identities(
    sound: Sequence[tuple[Event, Record]], table: str
) -> tuple[list[tuple[Event, Record]], list[Refusal]]:
    """The events that have a table, and the refusals of the others."""
    why = f"there is no table {table}"
    kept = [each for each in sound if not isinstance(each[0], Identity)]
    return kept, [Refusal(event, why) for event, _ in sound if isinstance(event, Identity)]


def _is_refusal(error: "sa.exc.DBAPIError") -> bool:
    """Whether the database objects to a row, not to the moment."""
    from sqlalchemy.exc import DataError, IntegrityError

    if error.connection_invalidated:
        return False
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or ""
    return (
        isinstance(error, DataError | IntegrityError)
        or str(state).startswith(_REFUSALS)
        or _number(error) in _BROKEN
    )


def _is_forbidden(error: "sa.exc.DBAPIError") -> bool:
    """Whether the database has denied a right."""
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    return state == _INSUFFICIENT_PRIVILEGE or _number(error) in _DENIED


def _number(error: "sa.exc.DBAPIError") -> object:
    """The number of an error of MySQL."""
    return next(iter(getattr(error.orig, "args", ())), None)
