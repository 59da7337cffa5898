"""A real redis-server on the loopback."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest
import redis


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """Starts, stops and freezes; it forgets everything when it stops."""

    def __init__(self, directory: Path, *, password: str = "") -> None:
        found = shutil.which("redis-server")
        if found is None:
            reason = "there is no redis-server here (Debian: apt-get install redis-server)"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        self._program = found
        self._directory = directory
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.address = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "save": "",
            "appendonly": "no",
            "dir": str(self._directory),
            "requirepass": self._password,
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [self._program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(1_000):
            try:
                with self.client() as client:
                    client.ping()
            except redis.ConnectionError:
                time.sleep(0.01)
            else:
                return
        pytest.fail("redis-server did not start within 10 seconds")

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=self._password or None)

    def freeze(self) -> None:
        """It keeps its connections, and answers nobody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
