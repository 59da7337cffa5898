"""A MariaDB server of the tests' own: new data on a loopback port, and gone with the tests."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_DATABASE = "events"
_SECONDS = 60


def _program(name: str) -> str:
    """Where a program of the server is; skips where it is not, except in CI."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec")
    if found is None:
        reason = "MariaDB is not installed here (Debian: apt-get install mariadb-server)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class MariaDBServer:
    """Runs as whoever runs the tests, and lets everybody on this machine in.

    Attributes:
        port: Where it listens, on the loopback.
        url: SQLAlchemy's URL of its only database.
    """

    def __init__(self, folder: Path) -> None:
        self._program = _program("mariadbd")
        self._data = folder / "data"
        self._socket = folder / "socket"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url: str = f"mysql+pymysql://root@127.0.0.1:{self.port}/{_DATABASE}?charset=utf8mb4"
        # A server that starts removes the temporary tables of all others in a common folder.
        self._environment = {**os.environ, "TMPDIR": str(folder)}
        self._user = ["--user=root"] if os.geteuid() == 0 else []
        subprocess.run(
            [
                _program("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={self._data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-log-bin",
                *self._user,
            ],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it answers."""
        self._process = subprocess.Popen(
            [
                self._program,
                "--no-defaults",
                f"--datadir={self._data}",
                f"--socket={self._socket}",
                f"--port={self.port}",
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-buffer-pool-size=32M",
                # As Debian has it; texts are not equal by their case or the spaces after them alone.
                "--character-set-server=utf8mb4",
                "--collation-server=utf8mb4_general_ci",
                *self._user,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        )
        self._wait()

    def stop(self) -> None:
        """Ends it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _wait(self) -> None:
        import pymysql

        until = time.monotonic() + _SECONDS
        while True:
            try:
                connection = pymysql.connect(host="127.0.0.1", port=self.port, user="root")
                break
            except pymysql.err.OperationalError:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.05)
        with connection, connection.cursor() as cursor:
            cursor.execute(f"create database if not exists {_DATABASE}")


@contextmanager
def running_mariadb() -> Iterator[MariaDBServer]:
    """A server that has one empty database."""
    with tempfile.TemporaryDirectory(prefix="abkit-mariadb-") as folder:
        server = MariaDBServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
