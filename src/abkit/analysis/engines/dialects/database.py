"""What a connection asks of its database, beside how values are written there."""

from collections.abc import Mapping
from typing import Any

from abkit.analysis.engines.dialects.base import Dialect
from abkit.analysis.engines.sessions import Session


class Database:
    """One database, for as long as an engine uses a connection to it.

    Each answers `types` and `dialect`; what else it answers is where it differs from most. What it needs
    of the session it sets in `__init__`, and undoes in `close`.

    Attributes:
        keeps: Whether temporary tables are made there for what several queries read; elsewhere it is
            computed each time.
        materializes: Whether it must be told to compute a common table once, before it is joined.
        inlines: Whether it must be told not to compute a common table that only names what is in others:
            else it forgets what it knows of these.

    Args:
        name: SQLGlot's name of the dialect that it is asked in.
        session: Runs statements there.

    Raises:
        AnalysisError: The session has a setting under which names or numbers would go wrong.
    """

    keeps: bool = False
    materializes: bool = False
    inlines: bool = False

    def __init__(self, name: str, session: Session) -> None:
        self.name: str = name
        self.session: Session = session

    def version(self) -> str:
        """What computes, such as "PostgreSQL 15.13"; of a warehouse that has no versions, its name."""
        return self.name

    def types(self, table: str) -> Mapping[str, str]:
        """The columns of a table and their types, as the dialect wants to have them called.

        Args:
            table: Its name, quoted where it must be.
        """
        raise NotImplementedError

    def dialect(self, table: str) -> Dialect:
        """What writes the values of a table.

        Args:
            table: Its name, quoted where it must be.
        """
        raise NotImplementedError

    def rewrite(self, tree: Any) -> None:
        """Change a query of DuckDB's dialect where SQLGlot's translation means something else.

        Args:
            tree: The `sqlglot.exp.Expression`.
        """

    def query(self, text: str) -> str:
        """A whole query as it is sent: with settings after it, where the database has such."""
        return text

    def prepare(self, table: str) -> None:
        """Do what a new temporary table needs before it is read."""

    def permanent(self, table: str, text: str) -> str:
        """The statement that makes a table of the answer to a query, which stays.

        Args:
            table: Its name, quoted where it must be.
            text: The query, as it is sent.
        """
        return f"create table {table} as\n{text}"

    def in_transaction(self) -> bool:
        """Whether the caller has begun a transaction, which must not be committed here."""
        return self.session.in_transaction

    def drop(self, table: str) -> None:
        """Drop a temporary table."""
        self.session.run(f"drop table if exists {table}")

    def told(self, error: Exception) -> str:
        """What an error of the driver says, the mark of a refused value with it."""
        return str(error)

    def close(self) -> None:
        """Leave the session as it was found."""
