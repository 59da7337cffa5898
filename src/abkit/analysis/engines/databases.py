"""The databases that are known, by SQLGlot's names of their dialects."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from abkit.analysis.engines.dialects.clickhouse import ClickHouse
from abkit.analysis.engines.dialects.database import Database
from abkit.analysis.engines.dialects.duckdb import DuckDBConnection
from abkit.analysis.engines.dialects.generic import GENERIC, Warehouse
from abkit.analysis.engines.dialects.mysql_database import MySQL
from abkit.analysis.engines.dialects.postgres import Postgres
from abkit.analysis.engines.dialects.sqlite import SQLite
from abkit.analysis.engines.sessions import Session
from abkit.errors import AnalysisError

Opens: TypeAlias = Callable[[str, Session], Database]
"""Makes what is asked of a database, of the name of its dialect and a session."""

_DATABASES: Mapping[str, Opens] = MappingProxyType(
    {
        **dict.fromkeys(GENERIC, Warehouse),
        "clickhouse": ClickHouse,
        "duckdb": DuckDBConnection,
        "mysql": MySQL,
        "postgres": Postgres,
        "sqlite": SQLite,
    }
)


def known(dialect: str | None, connection: object, opens: Opens | None) -> tuple[str, Opens]:
    """The name of a dialect, and what makes its database.

    Args:
        dialect: Its name, or None.
        connection: The connection whose dialect it is, for the message.
        opens: What makes the database of a dialect that is not known here; None for those that are.

    Raises:
        AnalysisError: It is not known, or None.
    """
    if dialect is None:
        what = f"the dialect of {type(connection).__module__} is not known; name it with dialect="
    else:
        found = opens or _DATABASES.get(dialect)
        if found is not None:
            return dialect, found
        what = f"the dialect {dialect!r} is not known"
    message = f"{what}. The dialects are {', '.join(sorted(_DATABASES))}"
    raise AnalysisError(message)
