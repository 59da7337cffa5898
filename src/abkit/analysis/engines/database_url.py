"""A database by its URL, as a command has it: a new connection for each reading."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from abkit.errors import AnalysisError
from abkit.extras import extra
from abkit.quoting import masked, told
from abkit.sql_tables import missing_driver

if TYPE_CHECKING:
    import sqlalchemy as sa

Connect: TypeAlias = Callable[[], object]
"""Gives what `engine=` of an analysis takes."""

FORMS = (
    "postgresql+psycopg://user:password@host/name, mysql+pymysql://user:password@host/name, "
    "sqlite:///events.db or duckdb:///events.duckdb"
)

_DUCKDB = "duckdb:///"
_TIMEOUT = 10
"""Seconds that a server may take to answer."""


def connecting(url: str) -> Connect:
    """What connects to the database at a URL; nothing is connected to yet.

    A DuckDB file is opened for reading only, and closed once nobody holds the connection.

    Args:
        url: As SQLAlchemy takes it, or "duckdb:///path" (a fourth slash begins an absolute path).

    Raises:
        AnalysisError: It is no such URL, or names a file that is not there.
        MissingExtraError: SQLAlchemy, the driver or duckdb is not installed.
    """
    with extra("warehouse"):
        import sqlglot  # noqa: F401 - what every database but the embedded one needs
    if url.startswith(_DUCKDB):
        return _duckdb(_file(url.removeprefix(_DUCKDB), url))
    return _sqlalchemy(url)


def _duckdb(file: Path) -> Connect:
    with extra("analysis"):
        import duckdb

    def connect() -> object:
        try:
            return duckdb.connect(file, read_only=True)
        except duckdb.Error as error:
            message = f"{file} cannot be opened: {told(str(error).splitlines()[0])}"
            raise AnalysisError(message) from error

    return connect


def _sqlalchemy(url: str) -> Connect:
    with extra("sql"):
        import sqlalchemy as sa
    try:
        parsed = sa.make_url(url)
        arguments: dict[str, Any] = {}
        if parsed.get_driver_name() == "pymysql" or parsed.get_backend_name() == "postgresql":
            arguments["connect_timeout"] = _TIMEOUT
        # Readings may be hours apart: no connection is kept open between them.
        engine = sa.create_engine(parsed, connect_args=arguments, poolclass=sa.NullPool)
    except ModuleNotFoundError as error:
        raise missing_driver(error, url) from None
    except sa.exc.ArgumentError:
        message = f"{masked(url)!r} is no URL of a database; it should be like {FORMS}"
        raise AnalysisError(message) from None
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        _file(parsed.database, url)  # SQLite would make it.
    return lambda: _reachable(engine)


def _reachable(engine: "sa.Engine") -> "sa.Engine":
    """The engine, if its database answers.

    Raises:
        AnalysisError: It does not.
    """
    from sqlalchemy.exc import DBAPIError

    try:
        with engine.connect():
            return engine
    except DBAPIError as error:
        place = masked(engine.url.render_as_string(hide_password=True))
        said = "".join(str(error.orig).strip().splitlines()[:1])
        message = f"{place} cannot be reached: {told(said, [engine.url.password or ''])}"
        raise AnalysisError(message) from None


def _file(path: str, url: str) -> Path:
    file = Path(path)
    if not file.is_file():
        message = f"There is no file {file}, which {masked(url)} names"
        raise AnalysisError(message)
    return file
