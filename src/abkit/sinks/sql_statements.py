"""The tables of the SQL sink, what is there of them, and the statements that write to them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, IDENTITY_COLUMNS
from abkit.sql_tables import insertion

if TYPE_CHECKING:
    import sqlalchemy as sa

LATER_COLUMN = "weights"
"""A column of exposures that a table may lack: older versions did not make it."""


@frozen
class Tables:
    """The tables, one for each kind of event."""

    exposures: "sa.Table"
    actions: "sa.Table"
    identities: "sa.Table"


@frozen
class There:
    """What the tables have of what an older version did not make.

    Attributes:
        weights: Whether exposures have that column.
        identities: Whether there is that table.
    """

    weights: bool = True
    identities: bool = True


@frozen
class Insertions:
    """The statements that insert rows, with a parameter `<column>_` for each column.

    Attributes:
        exposures: Into the table of exposures.
        actions: Into that of actions.
        identities: Into that of identities; None if it is not there.
    """

    exposures: Any
    actions: Any
    identities: Any | None

    def __iter__(self) -> Iterator[Any]:
        """The statements in the order of `abkit.sinks.records.by_kind`."""
        return iter((self.exposures, self.actions, self.identities))


def tables_in(schema: str | None) -> Tables:
    """The tables in a schema; None: in the database's default."""
    return Tables(
        _table("abkit_exposures", EXPOSURE_COLUMNS, schema),
        _table("abkit_actions", ACTION_COLUMNS, schema),
        _table("abkit_identities", IDENTITY_COLUMNS, schema),
    )


def look(connection: "sa.Connection", tables: Tables) -> There:
    """Say what an older version has left out. If it has made nothing at all, nothing is left out."""
    import sqlalchemy as sa

    exposures, inspector = tables.exposures, sa.inspect(connection)
    if not inspector.has_table(exposures.name, exposures.schema):
        return There()
    columns = inspector.get_columns(exposures.name, exposures.schema)
    return There(
        weights=any(column["name"] == LATER_COLUMN for column in columns),
        identities=inspector.has_table(tables.identities.name, tables.identities.schema),
    )


def insertions_for(tables: Tables, there: There, dialect: str) -> Insertions:
    """The statements for what is there."""
    exposed = {
        name: kind
        for name, kind in EXPOSURE_COLUMNS.items()
        if there.weights or name != LATER_COLUMN
    }
    identities = _insertion(tables.identities, IDENTITY_COLUMNS, dialect)
    return Insertions(
        _insertion(tables.exposures, exposed, dialect),
        _insertion(tables.actions, ACTION_COLUMNS, dialect),
        identities if there.identities else None,
    )


def definition(table: "sa.Table", dialect: "sa.Dialect") -> str:
    """The statement that creates a table, on one line."""
    from sqlalchemy.schema import CreateTable

    return " ".join(str(CreateTable(table).compile(dialect=dialect)).split())


def _table(name: str, columns: Mapping[str, str], schema: str | None) -> "sa.Table":
    import sqlalchemy as sa
    from sqlalchemy.dialects import mysql, postgresql

    from abkit.sql_texts import ExactText

    in_microseconds = mysql.DATETIME(fsp=6)
    types: dict[str, sa.types.TypeEngine[Any]] = {
        "text": ExactText(short=True),
        "timestamp": sa.DateTime(timezone=True).with_variant(in_microseconds, "mysql", "mariadb"),
        "map": ExactText().with_variant(postgresql.JSONB(), "postgresql"),
        # JSONB would refuse "\u0000" and change large numbers; JSON keeps the text.
        "json": ExactText().with_variant(postgresql.JSON(), "postgresql"),
    }
    optional = ("user_id", "properties", LATER_COLUMN)
    return sa.Table(
        name,
        sa.MetaData(),
        *(
            sa.Column(
                column,
                # Of many variants the weights are long; an older version had a text of any length.
                ExactText() if column == LATER_COLUMN else types[kind],
                primary_key=column == "insert_id",
                nullable=column in optional,
            )
            for column, kind in columns.items()
        ),
        schema=schema,
    )


def _insertion(table: "sa.Table", columns: Mapping[str, str], dialect: str) -> Any:
    """Of a row, unless there is one of its insert id."""
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql

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
    return insertion(table, values, dialect)
