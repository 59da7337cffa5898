"""The panel in servers that fork, and in those that have greenlets instead of threads."""

import os
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from urllib.request import Request, urlopen

import pytest
from tests.panel.asking import PATIENCE
from tests.panel.hosted import BEFORE_THE_FORK
from tests.panel.hosts import FLASK, ROOT, application

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

BEGINNING = """
import os, signal, sys, threading, time
from pathlib import Path
from tests.panel.asking import asked, settled
from tests.panel.shop import manager
from abkit.panel import Panel, StoredSource

signal.alarm(60)  # Whatever hangs must not hang the tests.
"""


def run(program: str, *arguments: object) -> None:
    """Run a program to its end."""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEGINNING + dedent(program), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}"},
        check=True,
    )


def test_workers_of_an_application_that_read_before_the_fork_read_on_their_own(
    shop_events: Path, tmp_path: Path
) -> None:
    command = (*FLASK, "--preload", "--workers", "2")
    with application(command, shop_events, tmp_path, **{BEFORE_THE_FORK: "yes"}) as host:
        page = Request(f"{host.panel}experiments/Checkout/", headers={"Cookie": "name=grace"})  # noqa: S310 - our own
        shown: set[str] = set()
        deadline = time.monotonic() + PATIENCE
        while len(shown) < 2 and time.monotonic() < deadline:
            with urlopen(page, timeout=PATIENCE) as answer:  # noqa: S310 - our own
                if b" data-refresh=" not in answer.read():
                    shown.add(answer.headers["X-Process"])
    assert len(shown) == 2


def test_a_child_asks_though_the_parent_was_asking_when_it_was_made(shop_events: Path) -> None:
    program = """
    from datetime import UTC, datetime
    forking, asking = threading.Event(), threading.Event()
    parent = os.getpid()

    def clock():  # The panel asks for the time while nobody else may change what it knows.
        if os.getpid() == parent and threading.current_thread() is asks:
            asking.set()
            forking.wait()
        return datetime.now(UTC)

    panel = Panel(StoredSource(manager(), events=sys.argv[1]), clock=clock)
    asks = threading.Thread(target=lambda: [asked(panel, "") for _ in range(2)], daemon=True)
    asks.start()
    asking.wait()
    child = os.fork()
    if child == 0:
        settled(panel, "experiments/Checkout/")
        os._exit(0)
    forking.set()
    assert os.waitpid(child, 0)[1] == 0
    """
    run(program, shop_events)


def test_where_gevent_has_replaced_threads_other_greenlets_go_on_while_events_are_read(
    shop_events: Path, tmp_path: Path
) -> None:
    """A pipe is opened only once its other end is: whoever waits for that in a greenlet holds up all."""
    program = """
    from gevent import monkey
    monkey.patch_all()
    pipe = Path(sys.argv[2])
    os.mkfifo(pipe)

    class SlowSource(StoredSource):
        def gather(self, question, progress):
            for step in range(1000):
                progress("a pipe", step, 1000)
            pipe.read_bytes()
            return super().gather(question, progress)

    panel = Panel(SlowSource(manager(), events=sys.argv[1]))
    assert b"Reading events" in asked(panel, "experiments/Checkout/").body
    assert b"Reading events" in asked(panel, "experiments/Checkout/").body
    pipe.write_bytes(b"")
    while b" data-refresh=" in (body := asked(panel, "experiments/Checkout/").body):
        time.sleep(0.05)
    assert b"Recommendation" in body
    """
    run(program, shop_events, tmp_path / "pipe")
