"""Making tables that several processes make at once."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa


def create_missing(connection: "sa.Connection", *tables: "sa.Table", lock: int) -> None:
    """Create those of some tables that are not there, within the connection's transaction.

    Args:
        connection: Of PostgreSQL or SQLite.
        tables: What is wanted. One that is there is not created: that may need a right of its own.
        lock: Any number, the same in every process that makes these tables.
    """
    import sqlalchemy as sa
    from sqlalchemy.schema import CreateTable

    if connection.dialect.name == "postgresql":
        # IF NOT EXISTS alone does not keep two processes apart.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
    for table in tables:
        if not sa.inspect(connection).has_table(table.name, table.schema):
            connection.execute(CreateTable(table, if_not_exists=True))
