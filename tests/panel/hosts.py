"""The four hosts of the panel, each as a process of its own on the loopback."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen
from tests.exposure.redis_server import free_port
from tests.panel.asking import PATIENCE
from tests.panel.hosted import EVENTS, KEEP, SETTINGS
from tests.panel.shop import manager

ROOT = Path(__file__).resolve().parents[2]

PYTHON = (sys.executable, "-W", "ignore", "-m")
GUNICORN = (
    *PYTHON,
    "gunicorn",
    "--log-level",
    "error",
    "--threads",
    "4",
    "--bind",
    "127.0.0.1:{port}",
)
UVICORN = (*PYTHON, "uvicorn", "--log-level", "error", "--port", "{port}")

FASTAPI = (*UVICORN, "--factory", "tests.panel.hosted:fastapi_app")
FLASK = (*GUNICORN, "tests.panel.hosted:flask_app()")
DJANGO = (*GUNICORN, "tests.panel.hosted_django:application")


@frozen
class Host:
    """A server that runs.

    Attributes:
        enter: The address at which a person signs in, and is led to the panel.
        panel: The address of the panel.
        gives: What the application gives a user.
    """

    enter: str
    panel: str
    gives: Callable[[str], str]


@contextmanager
def application(command: Sequence[str], events: Path, folder: Path, **more: str) -> Iterator[Host]:
    """An application that has the panel, until the block ends.

    Args:
        command: Of its server, in which `{port}` stands for the port.
        events: The folder of events.
        folder: Where its settings are, as experiments.toml.
        more: Other variables of the environment.
    """
    port = str(free_port())
    origin = f"http://127.0.0.1:{port}"
    places = {EVENTS: str(events), SETTINGS: str(folder / "experiments.toml")}
    with subprocess.Popen(
        [part.replace("{port}", port) for part in command],
        cwd=ROOT,
        env={**os.environ, **places, **more},
    ) as server:
        try:
            _wait(server, origin)
            yield Host(
                enter=f"{origin}/sign-in/",
                panel=f"{origin}/inside/experiments/",
                gives=lambda user: answered(f"{origin}/variant/?user={user}"),
            )
        finally:
            server.terminate()


@contextmanager
def standalone(events: Path, folder: Path, **more: str) -> Iterator[Host]:
    """`abkit panel`, until the block ends; the application that follows its settings is this process."""
    settings = folder / "experiments.toml"
    command = [*PYTHON, "abkit", "panel", "--no-browser", "--port", "0", "--events", str(events)]
    command += ["--config", "tests.panel.shop", "--settings", str(settings)]
    command += ["--keep", more.get(KEEP, str(folder / "kept"))]
    following = manager()
    following.use_settings(settings)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+/\?token=\S+", server.stdout.readline())
            assert found is not None
            yield Host(
                enter=found.group(),
                panel=found.group().partition("?")[0],
                gives=lambda user: str(following.get("Checkout", user=user)),
            )
        finally:
            server.terminate()


def answered(address: str) -> str:
    """What an address answers."""
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:  # noqa: S310 - our own
        return str(answer.read().decode())


def _wait(server: "subprocess.Popen[bytes]", origin: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            answered(f"{origin}/variant/?user=somebody")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(server.args)
