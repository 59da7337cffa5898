"""The variants of units as rows of a table, in a database."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from abkit.errors import DeliveryError
from abkit.exposure.sticky.store import Choice, StickyKey
from abkit.extras import extra
from abkit.quoting import masked
from abkit.sql_tables import DIALECTS, create_missing, insertion, missing_driver

if TYPE_CHECKING:
    import sqlalchemy as sa

_TABLE = "abkit_sticky"
_CREATION_LOCK = 7_236_281_106  # any number, the same in every process
_PATIENCE = 5
"""Seconds that MySQL may take to answer."""
_CONNECT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": 5.0},  # s that it waits for another process's transaction
    "postgresql": {"connect_timeout": "5", "tcp_user_timeout": "5000"},  # s, ms; libpq's
}


class SqlStickyStore:
    """A `StickyStore` in the table `abkit_sticky`, one row for each unit of each experiment.

    Use it in an application that has a database and no Redis, as many Django projects: pass the URL of the
    same database.

    Args:
        url_or_engine: A database URL such as "postgresql+psycopg://user:password@host/name", or an engine
            of SQLAlchemy, which stays the caller's to dispose of.
        schema: The schema of the table, which must exist; None: the database's default.
        create: Whether to create the table if it is missing, before the first variant is stored.

    Raises:
        DeliveryError: The URL cannot be used, or the dialect is none of PostgreSQL, SQLite, MySQL and
            MariaDB.
        MissingExtraError: SQLAlchemy or the driver is not installed.
    """

    def __init__(
        self,
        url_or_engine: "str | sa.URL | sa.Engine",
        *,
        schema: str | None = None,
        create: bool = True,
    ) -> None:
        with extra("sql"):
            import sqlalchemy as sa
        from abkit.sql_texts import ExactText

        self._engine = (
            url_or_engine if isinstance(url_or_engine, sa.Engine) else _engine(url_or_engine)
        )
        self._dialect = self._engine.dialect.name
        _check_dialect(self._dialect)
        names = ("experiment", "unit_type", "unit_id")
        self._table = sa.Table(
            _TABLE,
            sa.MetaData(),
            *(sa.Column(name, ExactText(short=True), primary_key=True) for name in names),
            sa.Column("variant", ExactText(short=True), nullable=False),
            schema=schema,
        )
        columns = self._table.c
        self._is = sa.and_(*(columns[name] == sa.bindparam(f"{name}_") for name in names))
        self._select = sa.select(columns.variant).where(self._is)
        self._update = (
            sa.update(self._table)
            .where(self._is, columns.variant == sa.bindparam("instead_of_"))
            .values(variant=sa.bindparam("variant_"))
        )
        self._insert = self._insertion()
        self._table_wanted = create
        self._pid = os.getpid()

    def get(self, key: StickyKey, /) -> str | None:
        """As `StickyStore.get`.

        Raises:
            sqlalchemy.exc.DBAPIError: The database cannot be reached, or refuses.
        """
        self._create_table()
        with self._connect() as connection:
            found = connection.execute(self._select, _parameters(key)).scalar_one_or_none()
            return None if found is None else str(found)

    def set(self, choices: Sequence[Choice], /) -> None:
        """As `StickyStore.set`, in one transaction.

        Raises:
            sqlalchemy.exc.DBAPIError: The database cannot be reached, or refuses.
        """
        self._create_table()
        # In the order of their keys, so that two processes do not deadlock.
        rows = [
            {**_parameters(each.key), "variant_": each.variant, "instead_of_": each.instead_of}
            for each in sorted(choices, key=lambda choice: choice.key)
        ]
        with self._connect() as connection, connection.begin():
            replacing = [row for row in rows if row["instead_of_"] is not None]
            if replacing:
                connection.execute(self._update, replacing)
            new = [
                {name: value for name, value in row.items() if name != "instead_of_"}
                for row in rows
            ]
            connection.execute(self._insert, new)

    def _connect(self) -> "sa.Connection":
        if os.getpid() != self._pid:
            self._engine.dispose(close=False)  # the connections are the parent's
            self._pid = os.getpid()
        return self._engine.connect()

    def _create_table(self) -> None:
        if not self._table_wanted:
            return
        with self._connect() as connection, connection.begin():
            create_missing(connection, self._table, lock=_CREATION_LOCK)
        self._table_wanted = False

    def _insertion(self) -> Any:
        import sqlalchemy as sa

        values: dict[str, Any] = {
            column.name: sa.bindparam(f"{column.name}_") for column in self._table.c
        }
        return insertion(self._table, values, self._dialect)

    def __repr__(self) -> str:
        place = masked(self._engine.url.render_as_string(hide_password=True))
        return f"<SqlStickyStore {place}>"


def _parameters(key: StickyKey) -> dict[str, Any]:
    return {f"{name}_": value for name, value in key._asdict().items()}


def _check_dialect(dialect: str) -> None:
    if dialect not in DIALECTS:
        message = f"SqlStickyStore: keeps variants in PostgreSQL, SQLite, MySQL or MariaDB, not in {dialect}"
        raise DeliveryError(message)


def _engine(url: "str | sa.URL") -> "sa.Engine":
    import sqlalchemy as sa

    from abkit.sql_texts import refuse_what_does_not_fit, timeouts

    try:
        parsed = sa.make_url(url)
        dialect = parsed.get_backend_name()
        _check_dialect(dialect)
        arguments = _CONNECT_ARGUMENTS.get(dialect) or timeouts(parsed.get_driver_name(), _PATIENCE)
        if dialect == "postgresql" and parsed.get_driver_name() not in ("psycopg", "psycopg2"):
            arguments = {}
        arguments = {name: value for name, value in arguments.items() if name not in parsed.query}
        engine = sa.create_engine(parsed, pool_pre_ping=True, connect_args=arguments)
    except ModuleNotFoundError as error:
        raise missing_driver(error, url) from error
    except sa.exc.ArgumentError as error:
        message = (
            "SqlStickyStore: the URL cannot be used; it should be like "
            '"postgresql+psycopg://user:password@host/name" or "sqlite:///file.db"'
        )
        raise DeliveryError(message) from error
    refuse_what_does_not_fit(engine, patience=_PATIENCE)
    return engine
