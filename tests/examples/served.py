"""The example, copied as a newcomer would, built, and served by gunicorn."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from ..npm import installed

SOURCES = Path(__file__).parents[2] / "examples" / "integration_directory"
_NOT_COPIED = shutil.ignore_patterns(
    "node_modules", "dist", "data", "report.html", "experiments.toml", "__pycache__"
)
_ACCESS = re.compile(r"(?P<request>\w+ \S+) (?P<status>\d+)")


@frozen
class Example:
    """A copy of the example's folder, with its page built."""

    folder: Path

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`manage.py`."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )


@frozen
class Server:
    """The example as it serves."""

    address: str
    access_log: Path

    def answered(self, request: str) -> int:
        """How often a request, such as "POST /clicks/", was answered."""
        return sum(count for (each, _), count in self.answers().items() if each == request)

    def answers(self) -> Counter[tuple[str, int]]:
        """All requests so far, with the status of the answer."""
        lines = self.access_log.read_text().splitlines()
        found = [_ACCESS.fullmatch(line) for line in lines]
        return Counter((each["request"], int(each["status"])) for each in found if each)


def made(folder: Path) -> Example:
    """Copy the example into a folder, which must not exist, and build its page."""
    packages = installed(SOURCES / "page")
    shutil.copytree(SOURCES, folder, ignore=_NOT_COPIED)
    page = folder / "page"
    (page / "node_modules").symlink_to(packages / "node_modules")
    build = [shutil.which("npm") or "npm", "run", "build"]
    ran = subprocess.run(build, cwd=page, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Example(folder)


@contextmanager
def served(example: Example) -> Iterator[Server]:
    """Serve the example; at the end it is stopped as an orchestrator does it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    log = example.folder / "access.log"
    options = ["--preload", "--workers", "2", "--threads", "4", "--log-level", "warning"]
    process = subprocess.Popen(
        [
            *(sys.executable, "-W", "ignore", "-m", "gunicorn", "directory.wsgi", *options),
            *("--bind", f"127.0.0.1:{port}", "--access-logfile", str(log)),
            *("--access-logformat", "%(m)s %(U)s %(s)s"),
        ],
        cwd=example.folder,
        env=_environment(),
    )
    try:
        _wait_for(port)
        yield Server(f"http://127.0.0.1:{port}/", log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=20).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server does not answer")


def _environment() -> dict[str, str]:
    """Without what pytest, and the tests of other projects, add: the example stands alone."""
    foreign = ("PYTEST", "ABKIT", "DJANGO")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
