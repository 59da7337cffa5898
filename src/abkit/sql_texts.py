"""Texts in tables: MySQL and MariaDB limit and compare them as no other database does."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, event
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

if TYPE_CHECKING:
    from sqlalchemy import Dialect, Engine

LONGEST_NAME = 255
"""Characters of a name or an id in MySQL and MariaDB, so that three of them fit into a key."""


class ExactText(TypeDecorator[str]):
    """A text that equals only itself, whatever the collation of the database.

    Args:
        short: Whether it is a name or an id, which may be in a key: MySQL has none of long texts.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def __init__(self, *, short: bool = False) -> None:
        super().__init__()
        self.short = short

    def load_dialect_impl(self, dialect: "Dialect") -> TypeEngine[Any]:
        """The type in a dialect."""
        if dialect.name not in ("mysql", "mariadb"):
            return dialect.type_descriptor(Text())
        # By other collations texts are also equal if they differ by the spaces after them.
        is_mariadb = getattr(dialect, "is_mariadb", False)
        collation = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        if self.short:
            return dialect.type_descriptor(mysql.VARCHAR(LONGEST_NAME, collation=collation))
        return dialect.type_descriptor(mysql.LONGTEXT(collation=collation))


def refuse_what_does_not_fit(engine: "Engine", *, patience: float) -> None:
    """Let MySQL never shorten a text, whatever its settings, nor wait long for a row that is locked.

    Args:
        engine: Any; other databases are left as they are.
        patience: Seconds that it waits for another transaction.
    """
    if engine.dialect.name not in ("mysql", "mariadb"):
        return
    settings = (
        "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), "
        f"SESSION innodb_lock_wait_timeout = {max(1, round(patience))}"
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(settings)
        cursor.close()


def timeouts(driver: str, seconds: int) -> dict[str, Any]:
    """What limits how long a driver of MySQL waits for its server.

    Args:
        driver: As SQLAlchemy calls it; of one that is not known, nothing.
        seconds: How long.
    """
    if driver not in ("pymysql", "mysqldb", "mariadbconnector"):
        return {}
    return dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), seconds)
