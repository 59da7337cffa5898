"""MySQL and MariaDB: the settings of a session under which queries mean there what they say."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from abkit.analysis.engines.dialects.database import Database
from abkit.analysis.engines.dialects.mysql import MySQLDialect, held
from abkit.analysis.engines.dialects.mysql_rewriting import rewrite_for_mysql
from abkit.analysis.engines.sessions import Session
from abkit.analysis.engines.translation import constant
from abkit.errors import AnalysisError

_COLLATIONS = {"MariaDB": "utf8mb4_nopad_bin", "MySQL": "utf8mb4_0900_bin"}
_CHARACTERS = ("@@character_set_client", "@@character_set_results")
_OLDEST = {"MariaDB": (10, 4), "MySQL": (8, 0, 17)}


class MySQL(Database):
    """MySQL or MariaDB. In its session, texts are equal only if they are the same, and times are in UTC.

    Raises:
        AnalysisError: The database is too old, or the connection's texts are in another character set.
    """

    def __init__(self, name: str, session: Session) -> None:
        super().__init__(name, session)
        version, *characters = self._values("version()", *_CHARACTERS)
        self._product: str = "MariaDB" if "mariadb" in str(version).lower() else "MySQL"
        self._number: str = str(version).partition("-")[0]
        # MySQL reads a temporary table only once in a query.
        self.keeps: bool = self._product == "MariaDB"
        # By other collations texts are equal also if they differ by the spaces after them.
        self._collation: str = _COLLATIONS[self._product]
        self._check(characters)
        self._reads_only = not self._in_transaction()
        wanted = self._wanted()
        self._before: Mapping[str, object] = dict(
            zip(wanted, self._values(*(f"@@{name}" for name in wanted)), strict=True)
        )
        self._set(wanted)

    def version(self) -> str:
        """Such as "MariaDB 10.11.6"."""
        return f"{self._product} {self._number}"

    def types(self, table: str) -> Mapping[str, str]:
        """The columns and what they hold."""
        _, rows = self.session.run(f"show columns from {table}")
        return {str(name): held(_decoded(type_)) for name, type_, *_ in rows}

    def dialect(self, table: str) -> MySQLDialect:  # noqa: ARG002 - types say it all
        """What writes its values."""
        return MySQLDialect(self._collation)

    def rewrite(self, tree: Any) -> None:
        """Change what SQLGlot would write as something else."""
        rewrite_for_mysql(tree)

    def in_transaction(self) -> bool:
        """Whether there was one when the session began."""
        return not self._reads_only

    def drop(self, table: str) -> None:
        """Drop a temporary table: `drop table` would commit what the caller did."""
        self.session.run(f"drop temporary table if exists {table}")

    def close(self) -> None:
        """Set what was set before, and end a transaction that began with a query; once."""
        before, self._before = self._before, {}
        if not before:
            return
        self._set(before)
        if self._reads_only and self._values("@@autocommit") == (0,):
            self.session.connection.rollback()

    def _wanted(self) -> Mapping[str, object]:
        common = {
            "collation_connection": self._collation,
            "sql_mode": "NO_UNSIGNED_SUBTRACTION",
            "time_zone": "+00:00",
        }
        if self._product == "MySQL":
            return common
        # Else it compares each row of a table with each of another: it hashes only columns of tables, and
        # of selects that it does not merge into others; and groups again for each row that it joins.
        joins = {
            "optimizer_switch": "derived_merge=off,split_materialized=off",
            "join_cache_level": 4,
            "join_buffer_size": 32 << 20,
            "join_buffer_space_limit": 1 << 28,
        }
        return {**common, **joins}

    def _set(self, values: Mapping[str, object]) -> None:
        listed = (
            f"{name} = {value if isinstance(value, int) else constant(str(value), 'mysql')}"
            for name, value in values.items()
        )
        self.session.run(f"set {', '.join(listed)}")

    def _values(self, *expressions: str) -> tuple[object, ...]:
        named = ", ".join(f"{each} as v{number}" for number, each in enumerate(expressions))
        (row,) = self.session.run(f"select {named}")[1]
        return row

    def _check(self, characters: Sequence[object]) -> None:
        oldest = _OLDEST[self._product]
        if tuple(int(part) for part in re.findall(r"\d+", self._number)) < oldest:
            needed = ".".join(map(str, oldest))
            message = f"abkit needs {self._product} {needed} or later; this is {self._number}"
            raise AnalysisError(message)
        other = next((each for each in characters if each != "utf8mb4"), None)
        if other is not None:
            message = (
                f"the connection is in the character set {other}, in which not every text can be told: "
                "connect with charset='utf8mb4'"
            )
            raise AnalysisError(message)

    def _in_transaction(self) -> bool:
        """Whether a transaction is open; so it is taken to be where that cannot be told."""
        if self._product == "MariaDB":
            return self._values("@@in_transaction") == (1,)
        self.session.run("do 0")  # the answer to a select does not tell PyMySQL
        status = getattr(self.session.connection, "server_status", None)
        if isinstance(status, int):
            return bool(status & 1)
        return bool(getattr(self.session.connection, "in_transaction", True))


def _decoded(type_: object) -> str:
    """A type; some drivers give it as bytes."""
    return type_.decode() if isinstance(type_, bytes | bytearray) else str(type_)
