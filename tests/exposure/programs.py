"""Programs that log and end, each in a process of its own, over real HTTP."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from .webhook import Destination

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
BEGINNING = """
import itertools, multiprocessing, os, signal, sys, threading, time
from abkit.exposure.logger import ExposureLogger
from abkit.sinks.base import BatchLimits
from webhook import WebhookSink, produce

signal.alarm(60)  # Whatever hangs must not hang the tests.
logger = ExposureLogger(WebhookSink(sys.argv[1], timeout=20))

def wait_until_delivered():
    while logger.stats.queued:
        time.sleep(0.01)
"""


def environment() -> dict[str, str]:
    """Where programs find abkit and the sink."""
    return {**os.environ, "PYTHONPATH": f"{SOURCES}{os.pathsep}{HERE}"}


def run(program: str, destination: Destination, *, status: int = 0) -> str:
    """Run a program to its end; its output."""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEGINNING + dedent(program), destination.address],
        check=False,  # Its errors are shown below.
        capture_output=True,
        text=True,
        timeout=90,
        env=environment(),
    )
    assert ran.returncode == status, ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stdout


def units(name: str, count: int = 500) -> dict[str, int]:
    """What has arrived if each unit of that name has, once."""
    return {f"{name}-{number}": 1 for number in range(count)}
