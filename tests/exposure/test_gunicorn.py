"""A real gunicorn that loads the application before it forks: nothing is lost, nothing comes twice."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .webhook import Destination

HERE = Path(__file__).parent
APPLICATION = """
import os, time
from urllib.parse import parse_qs
from abkit import ExperimentManager, UserExperiment
from abkit.exposure.logger import ExposureLogger
from webhook import WebhookSink

class Buttons(UserExperiment):
    variants = ["old", "new"]

manager = ExperimentManager(on_event=ExposureLogger(WebhookSink(os.environ["DESTINATION"])), strict=True)
manager.add(Buttons)
manager.log_exposure(Buttons, user="made before the fork")

def application(environ, start_response):
    user = parse_qs(environ["QUERY_STRING"])["user"][0]
    variant = manager.get(Buttons, user=user)
    for _ in range(3):
        manager.log_exposure(Buttons, user=user)
    time.sleep(0.02)  # so that the other worker gets the next request
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {variant}".encode()]
"""


@pytest.fixture
def destination() -> Iterator[Destination]:
    with Destination() as destination:
        yield destination


@pytest.fixture
def server(
    destination: Destination, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """gunicorn with two workers, and its address."""
    (tmp_path / "application.py").write_text(APPLICATION)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        [
            *(sys.executable, "-W", "ignore", "-m", "gunicorn", "application:application"),
            *("--preload", "--workers", "2", "--bind", address, "--log-level", "error"),
        ],
        cwd=tmp_path,
        env={**os.environ, "DESTINATION": destination.address, "PYTHONPATH": str(HERE)},
    )
    yield process, address
    process.kill()
    process.wait()


def ask(address: str, user: str) -> str:
    """What a worker answers; it may not have begun to listen yet."""
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://{address}/?user={user}", timeout=10) as answer:
                body: bytes = answer.read()
                return body.decode()
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError("gunicorn does not answer")


def test_workers_forked_from_a_loaded_application_deliver_everything_once(
    destination: Destination, server: tuple[subprocess.Popen[bytes], str]
) -> None:
    process, address = server
    users = [f"u{number}" for number in range(60)]
    ask(address, "first")
    with ThreadPoolExecutor(8) as visitors:
        workers = {
            answer.split()[0] for answer in visitors.map(lambda user: ask(address, user), users)
        }
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)
    assert destination.units == dict.fromkeys([*users, "first", "made before the fork"], 1)
    assert len(workers) == 2, "both workers should have served"
