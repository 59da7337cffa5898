"""The examples, copied as a newcomer would, and served by gunicorn."""

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

EXAMPLES = Path(__file__).parents[2] / "examples"
_NOT_COPIED = shutil.ignore_patterns(
    "node_modules", "dist", "data", "report.html", "experiments.toml", "__pycache__"
)
_ACCESS = re.compile(r"(?P<request>\w+ \S+) (?P<status>\d+) (?P<cookie>.*)")


@frozen
class Example:
    """A copy of an example's folder.

    Attributes:
        folder: The copy.
        application: What gunicorn serves of it.
        workers: How many processes serve.
    """

    folder: Path
    application: str
    workers: int

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`manage.py`."""
        return self.run("manage.py", *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Python, in the example's folder."""
        command = [sys.executable, *arguments]
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
        return Counter((each["request"], int(each["status"])) for each in self._lines())

    def cookies(self, name: str) -> list[str]:
        """The values of a cookie that answers have set, if it was the last one of the answer."""
        set_cookies = [each["cookie"] for each in self._lines()]
        start = f"{name}="
        return [
            each.removeprefix(start).partition(";")[0]
            for each in set_cookies
            if each.startswith(start)
        ]

    def _lines(self) -> list[re.Match[str]]:
        found = map(_ACCESS.fullmatch, self.access_log.read_text().splitlines())
        return [each for each in found if each]


def signup_page(folder: Path) -> Example:
    """Copy the example into a folder, which must not exist."""
    shutil.copytree(EXAMPLES / "signup_page", folder, ignore=_NOT_COPIED)
    return Example(folder, "signup.app:app", workers=1)


def integration_directory(folder: Path) -> Example:
    """Copy the example into a folder, which must not exist, and build its page."""
    sources = EXAMPLES / "integration_directory"
    packages = installed(sources / "page")
    shutil.copytree(sources, folder, ignore=_NOT_COPIED)
    page = folder / "page"
    (page / "node_modules").symlink_to(packages / "node_modules")
    build = [shutil.which("npm") or "npm", "run", "build"]
    ran = subprocess.run(build, cwd=page, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Example(folder, "directory.wsgi", workers=2)


@contextmanager
def served(example: Example) -> Iterator[Server]:
    """Serve the example; at the end it is stopped as an orchestrator does it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    log = example.folder / "access.log"
    options = ["--preload", "--workers", str(example.workers), "--threads", "4"]
    process = subprocess.Popen(
        [
            *(sys.executable, "-W", "ignore", "-m", "gunicorn", example.application, *options),
            *("--bind", f"127.0.0.1:{port}", "--log-level", "warning"),
            *("--access-logfile", str(log)),
            *("--access-logformat", "%(m)s %(U)s %(s)s %({set-cookie}o)s"),
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
    for _ in range(1_200):  # a minute: two cores may have more to do
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
