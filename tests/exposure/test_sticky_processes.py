"""From the exposure to the freeze: a real Redis, real processes, and the command that freezes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pytest

from ..cli.shop_project import abkit
from .programs import environment
from .redis_server import RedisServer

MODULE = """
from abkit import OrgExperiment

class Kept(OrgExperiment):
    variants = {"old": 1, "new": 1}
    sticky = True

ACTIVE_EXPERIMENTS = [Kept]
"""
PROCESS = """
import json, signal, sys
from abkit import ExperimentManager, ExposureLogger
from abkit.exposure.sticky.redis_store import RedisStickyStore
from abkit.sinks.memory import MemorySink

signal.alarm(90)  # Whatever hangs must not hang the tests.
sink = MemorySink()
manager = ExperimentManager(on_event=ExposureLogger(sink))
manager.use_sticky_store(RedisStickyStore(sys.argv[1], timeout=30), timeout=30)
manager.load("shop")
manager.use_settings("live.toml", interval=0.0)
for line in sys.stdin:
    asked, first, last = line.split()
    units = range(int(first), int(last))
    if asked == "expose":
        for unit in units:
            manager.log_exposure("Kept", org=unit)
        assert manager.sticky.flush(30) and manager.on_event.flush(30)
        answer = {event.unit_id: event.variant for event in sink.events}
    else:
        found = [manager.assign("Kept", org=unit) for unit in units]
        answer = {each.unit_id: [each.variant, str(each.reason)] for each in found}
    print(json.dumps(answer), flush=True)
"""


class Process:
    """One process of the application, which is asked line by line."""

    def __init__(self, folder: Path, address: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, address],
            cwd=folder,
            env={**environment(), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(60) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()

    def exposes(self, units: range) -> dict[str, Any]:
        """The variants of all exposures that it has sent so far."""
        return self._asked("expose", units)

    def assigns(self, units: range) -> dict[str, Any]:
        """Variant and reason of each unit."""
        return self._asked("assign", units)

    def _asked(self, what: str, units: range) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(what, units.start, units.stop, file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, server: RedisServer) -> Path:
    (tmp_path / "shop.py").write_text(MODULE)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.abkit]\nconfig = "shop"\nsettings = "live.toml"\n'
        f'sticky_store = "{server.address}"\n'
    )
    return tmp_path


def test_frozen_by_the_command_who_was_exposed_stays_and_nobody_enters(
    project: Path, server: RedisServer
) -> None:
    with ExitStack() as stack:

        def process() -> Process:
            return stack.enter_context(Process(project, server.address))

        one, other = process(), process()
        exposed = {**one.exposes(range(100)), **other.exposes(range(100, 200))}
        assert len(exposed) == 200
        assert {*exposed.values()} == {"old", "new"}
        kept = {unit: [variant, "assigned"] for unit, variant in exposed.items()}

        abkit(project, "freeze", "Kept", "--yes")
        outside = {str(unit): ["old", "not_enrolled"] for unit in range(200, 300)}
        for each in (one, other):
            assert each.assigns(range(300)) == {**kept, **outside}

        # Another deployment: other weights, no rollout, a salt of its own.
        changed = 'variants = {"old": 9, "new": 1}\n    rollout = 0.0\n    salt = "anew"'
        (project / "shop.py").write_text(MODULE.replace('variants = {"old": 1, "new": 1}', changed))
        later = process()
        assert later.assigns(range(300)) == {**kept, **outside}
        assert later.exposes(range(300)) == exposed
        assert "org 7 gets" in abkit(project, "why", "Kept", "--unit", "7").stdout
        assert f"{exposed['7']!r}, kept by the sticky store" in (
            abkit(project, "why", "Kept", "--unit", "7").stdout
        )

        abkit(project, "unfreeze", "Kept", "--yes")
        entered = one.exposes(range(200, 300))
        assert entered.keys() >= outside.keys()
        assert later.assigns(range(200, 300)) == {
            unit: [entered[unit], "assigned"] for unit in outside
        }
        assert later.assigns(range(200)) == kept


def test_while_redis_is_frozen_or_gone_no_request_waits_long_and_all_is_kept_afterwards(
    project: Path, server: RedisServer
) -> None:
    program = """
import sys, time
from abkit import ExperimentManager
from abkit.exposure.sticky.redis_store import RedisStickyStore
manager = ExperimentManager(on_event=list().append)
manager.use_sticky_store(RedisStickyStore(sys.argv[1]), timeout=0.05)
manager.load("shop")
for unit in range(100):
    manager.log_exposure("Kept", org=unit)
print(manager.sticky.stats.unanswered, flush=True)
sys.stdin.readline()
print(manager.sticky.flush(60), manager.sticky.stats.waiting, manager.sticky.stats.dropped)
"""
    server.freeze()
    process = subprocess.Popen(
        [sys.executable, "-c", program, server.address],
        cwd=project,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        # Were each request to wait for Redis, it would be none: it never answers.
        assert process.stdout.readline() == "100\n"
    finally:
        server.thaw()
    assert process.communicate("go on\n", timeout=90)[0] == "True 0 0\n"
    with server.client() as client:
        assert len(client.keys("abkit:sticky:*")) == 100
