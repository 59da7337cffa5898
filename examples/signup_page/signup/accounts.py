"""Accounts and invitations, in SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from werkzeug.security import check_password_hash, generate_password_hash

_TABLES = """
    CREATE TABLE IF NOT EXISTS account (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, password TEXT
    );
    CREATE TABLE IF NOT EXISTS invitation (account INTEGER NOT NULL, email TEXT NOT NULL);
"""


class Accounts:
    """Who has signed up: with an e-mail address and a password, or with a GitHub login.

    Args:
        path: The file of the database, which is created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._connected() as database:
            database.executescript(_TABLES)

    def create(self, email: str, password: str) -> int | None:
        """Return the id of the new account; None if the address has one already."""
        return self._create(email, generate_password_hash(password))

    def create_with_github(self, login: str) -> int | None:
        """Return the id of the new account; None if the login has one already."""
        return self._create(f"@{login}", None)

    def authenticate(self, email: str, password: str) -> int | None:
        """Return the id of the account that has this password; None if there is none."""
        query = "SELECT id, password FROM account WHERE name = ? AND password IS NOT NULL"
        with self._connected() as database:
            for account, password_hash in database.execute(query, [email]):
                if check_password_hash(password_hash, password):
                    return account
        return None

    def of_github(self, login: str) -> int | None:
        """Return the id of the account of somebody whom GitHub has signed in; None if there is none."""
        query = "SELECT id FROM account WHERE name = ? AND password IS NULL"
        with self._connected() as database:
            found = database.execute(query, [f"@{login}"]).fetchone()
        return None if found is None else found[0]

    def name_of(self, account: int) -> str | None:
        """Return the name that the account has on pages; None if it was deleted."""
        with self._connected() as database:
            found = database.execute("SELECT name FROM account WHERE id = ?", [account]).fetchone()
        return None if found is None else found[0]

    def invite(self, account: int, email: str) -> None:
        """Note an invitation. Yours sends an e-mail."""
        with self._connected() as database:
            database.execute("INSERT INTO invitation VALUES (?, ?)", [account, email])

    def invited_by(self, account: int) -> list[str]:
        """Return the addresses that the account has invited."""
        query = "SELECT email FROM invitation WHERE account = ? ORDER BY rowid"
        with self._connected() as database:
            return [email for (email,) in database.execute(query, [account])]

    def _create(self, name: str, password_hash: str | None) -> int | None:
        insert = "INSERT OR IGNORE INTO account (name, password) VALUES (?, ?) RETURNING id"
        with self._connected() as database:
            created = database.execute(insert, [name, password_hash]).fetchone()
        return None if created is None else created[0]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._path)
        try:
            with database:
                yield database
        finally:
            database.close()
