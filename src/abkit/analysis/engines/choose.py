"""Which engine a caller means."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from abkit.analysis.engines.base import Engine
from abkit.analysis.engines.local import DuckDB
from abkit.errors import AnalysisError

_METHODS = ("open", "define", "rows", "repeats")


def engine_for(value: object) -> Engine:
    """The engine for what a caller gives.

    Args:
        value: None for DuckDB, embedded; a Spark session; a DB-API connection, or an engine or a connection
            of SQLAlchemy; or an `Engine`, which is taken as it is.

    Raises:
        AnalysisError: It is none of these.
        MissingExtraError: A package is not installed that the engine needs.
    """
    if value is None:
        return DuckDB()
    if all(callable(getattr(value, method, None)) for method in _METHODS):
        engine: Any = value
        return engine  # type: ignore[no-any-return]
    module = type(value).__module__
    if module.startswith("pyspark.sql") and hasattr(value, "createDataFrame"):
        from abkit.analysis.engines.spark import Spark

        session: Any = value
        return Spark(session)
    if module.startswith("sqlalchemy.") or callable(getattr(value, "cursor", None)):
        from abkit.analysis.engines.connection import Connection

        return Connection(value)
    message = (
        f"{value!r} is no engine. Leave it out for files and frames; or give a DB-API connection (such as "
        "sqlite3.connect(...) or psycopg.connect(...)), an engine of SQLAlchemy, or a Spark session"
    )
    raise AnalysisError(message)


@contextmanager
def opened(value: object) -> Iterator[Engine]:
    """The engine for what a caller gives, for a while.

    What was made here is closed afterwards; an engine that the caller made stays open.

    Args:
        value: As for `engine_for`.
    """
    engine = engine_for(value)
    if engine is value:
        yield engine
        return
    try:
        yield engine
    finally:
        close = getattr(engine, "close", None)
        if close is not None:
            close()
