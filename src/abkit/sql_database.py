"""A database of few records, written now and then."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.errors import ConfigError
from abkit.extras import extra
from abkit.quoting import masked, told
from abkit.sql_tables import DIALECTS, missing_driver

if TYPE_CHECKING:
    import sqlalchemy as sa

_CONNECT_TIMEOUT = 10
"""Seconds that a server may take to answer."""


@frozen(kw_only=True)
class KeptThing:
    """What a database keeps, for its messages.

    Attributes:
        article: "A" or "An".
        name: What it is, such as "state".
        example: The URL of an SQLite file that would do.
    """

    article: str
    name: str
    example: str


class RecordDatabase:
    """An engine of SQLAlchemy, whose errors are abkit's own and tell no password.

    Args:
        url_or_engine: A database URL, or an engine, which stays the caller's to dispose of.
        keeps: What it keeps.
        patience: Seconds that SQLite and MySQL wait for another process.

    Raises:
        ConfigError: The URL cannot be used, or the dialect is none of PostgreSQL, SQLite, MySQL and
            MariaDB.
        MissingExtraError: SQLAlchemy or the driver is not installed.
    """

    def __init__(
        self, url_or_engine: "str | sa.URL | sa.Engine", *, keeps: KeptThing, patience: float
    ) -> None:
        with extra("sql"):
            import sqlalchemy as sa
        self._keeps = keeps
        self.engine: sa.Engine = (
            url_or_engine
            if isinstance(url_or_engine, sa.Engine)
            else self._made(url_or_engine, patience)
        )
        self._check_dialect(self.engine.dialect.name)

    @contextmanager
    def transaction(self) -> "Iterator[sa.Connection]":
        """A connection, whose work is committed at the end.

        Raises:
            ConfigError: The database cannot be used.
        """
        from sqlalchemy.exc import DBAPIError

        try:
            with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            said = "".join(str(error.orig).strip().splitlines()[:1])
            password = self.engine.url.query.get("password", "")
            why = told(said, [self.engine.url.password or "", str(password)])
            message = f"The {self._keeps.name} in {self.place} cannot be used: {why}"
            raise ConfigError(message) from None

    @property
    def place(self) -> str:
        """The URL, without secrets."""
        return masked(self.engine.url.render_as_string(hide_password=True))

    def _check_dialect(self, dialect: str) -> None:
        if dialect not in DIALECTS:
            what = f"{self._keeps.article} {self._keeps.name}"
            message = f"{what} is kept in PostgreSQL, SQLite, MySQL or MariaDB, not in {dialect}"
            raise ConfigError(message)

    def _made(self, url: "str | sa.URL", patience: float) -> "sa.Engine":
        import sqlalchemy as sa

        from abkit.sql_texts import refuse_what_does_not_fit

        arguments = {
            "sqlite": {"timeout": patience},
            "postgresql": {"connect_timeout": _CONNECT_TIMEOUT},
        }
        try:
            parsed = sa.make_url(url)
            dialect = parsed.get_backend_name()
            self._check_dialect(dialect)
            # A connection for each use, which may be days apart: there is nothing to close.
            engine = sa.create_engine(
                parsed, connect_args=arguments.get(dialect, {}), poolclass=sa.NullPool
            )
        except ModuleNotFoundError as error:
            raise missing_driver(error, url) from None
        except sa.exc.ArgumentError:
            message = (
                f"The URL of the {self._keeps.name} cannot be used; it should be like "
                f'"postgresql+psycopg://user:password@host/name" or "{self._keeps.example}"'
            )
            raise ConfigError(message) from None
        refuse_what_does_not_fit(engine, patience=patience)
        return engine
