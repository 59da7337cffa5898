"""Processes that die, fork and share an outbox: each scene is a program of its own, over real HTTP."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from abkit.exposure.logger import ExposureLogger
from abkit.exposure.outbox.outbox import Outbox

from .webhook import Answer, Destination, WebhookSink

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
BEGINNING = """
import itertools, os, random, signal, sys, time
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.outbox.outbox import Outbox
from abkit.sinks.base import BatchLimits
from webhook import WebhookSink, produce

signal.alarm(60)  # Whatever hangs must not hang the tests.

def make_logger(**options):
    return ExposureLogger(WebhookSink(sys.argv[1]), outbox=Outbox(sys.argv[2]), **options)

def kill(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

def ended_well(pid):
    return os.waitpid(pid, 0)[1] == 0
"""
NEVER = "limits=BatchLimits(age=3600)"


@pytest.fixture
def destination() -> Iterator[Destination]:
    with Destination() as destination:
        yield destination


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def start(program: str, destination: Destination, directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            BEGINNING + dedent(program),
            destination.address,
            str(directory),
        ],
        env={**os.environ, "PYTHONPATH": f"{SOURCES}{os.pathsep}{HERE}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def killed(program: str, destination: Destination, directory: Path) -> None:
    """Run a program that kills itself."""
    process = start(program, destination, directory)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def run(program: str, destination: Destination, directory: Path) -> str:
    """Run a program to its end; its output."""
    process = start(program, destination, directory)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 0
    return output


def units(*names: str, count: int = 100) -> dict[str, int]:
    """What has arrived if each unit of these names has, once."""
    return {f"{name}-{number}": 1 for name in names for number in range(count)}


def test_what_a_killed_process_has_logged_survives_it(
    destination: Destination, directory: Path
) -> None:
    """Every id that was printed after the call returned arrives; none counts twice."""
    program = """
    for lap in range(50):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            logger = make_logger(limits=BatchLimits(age=0.003))
            for number in itertools.count():
                produce(logger, str(lap), 1, first=number)
                os.write(writer, f"{lap}-{number}\\n".encode())
                time.sleep(0.0005)  # So that deliveries are under way as well.
        os.close(writer)
        time.sleep(random.uniform(0.0, 0.2))
        kill(pid)
        with open(reader) as output:
            print(output.read(), end="")
    heir = make_logger()
    assert heir.flush(30)
    assert heir.close()
    assert heir.stats.unsaved == 0
    """
    printed = run(program, destination, directory).split()
    assert len(printed) > 1_000
    assert len({name.split("-")[0] for name in printed}) > 25
    arrived = {row["insert_id"]: row["unit_id"] for row in destination.records}
    assert len(set(arrived.values())) == len(arrived)
    assert set(printed) <= set(arrived.values())
    # In each lap, one may have been logged, but not printed any more.
    assert len(set(arrived.values()) - set(printed)) <= 50
    assert list(directory.iterdir()) == []


def test_in_the_normal_case_nothing_is_sent_twice(
    destination: Destination, directory: Path
) -> None:
    """Two processes share the directory; one of them follows a third that was killed."""
    program = f"""
    logger = make_logger({NEVER})
    produce(logger, "killed", 100)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    killed(program, destination, directory)
    assert destination.units == {}
    program = """
    logger = make_logger(limits=BatchLimits(age=0.001))
    for first in range(0, 100, 10):
        produce(logger, NAME, 10, first=first)
        time.sleep(0.01)
    assert logger.close()
    """
    processes = [
        start(f"NAME = {name!r}\n" + dedent(program), destination, directory) for name in "ab"
    ]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert destination.units == units("killed", "a", "b")
    assert list(directory.iterdir()) == []


def test_a_living_process_delivers_what_a_dead_one_left(
    destination: Destination, directory: Path
) -> None:
    program = f"""
    logger = make_logger()
    produce(logger, "living", 100)
    assert logger.flush()
    pid = os.fork()
    if pid == 0:
        other = make_logger({NEVER})
        produce(other, "dead", 100)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert logger.flush()
    print(logger.stats.delivered)
    os._exit(0)
    """
    assert run(program, destination, directory) == "200\n"
    assert destination.units == units("living", "dead")


def test_what_was_delivered_before_a_kill_is_not_sent_again(
    destination: Destination, directory: Path
) -> None:
    program = f"""
    logger = make_logger({NEVER})
    produce(logger, "delivered", 100)
    assert logger.flush()
    produce(logger, "left", 100)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    killed(program, destination, directory)
    assert destination.units == units("delivered")
    run("assert make_logger().flush()", destination, directory)
    assert destination.units == units("delivered", "left")


def test_an_identity_survives_a_kill_and_arrives_once(
    destination: Destination, directory: Path
) -> None:
    program = f"""
    from abkit import ExperimentManager
    manager = ExperimentManager(on_event=make_logger({NEVER}))
    for _ in range(3):
        manager.identify(visitor="v1", user=7)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    killed(program, destination, directory)
    for _ in range(2):
        with ExposureLogger(WebhookSink(destination.address), outbox=Outbox(directory)) as heir:
            assert heir.flush(30)
    (row,) = destination.records
    assert (row["from_type"], row["from_id"]) == ("visitor", "v1")
    assert (row["to_type"], row["to_id"]) == ("user", "7")


def test_an_outage_outlives_the_process(destination: Destination, directory: Path) -> None:
    destination.policy = lambda request, records: Answer(503)
    program = """
    logger = make_logger()
    produce(logger, "u", 100)
    assert not logger.close(1.5)
    print(logger.stats.left, logger.stats.dropped)
    """
    assert run(program, destination, directory) == "100 0\n"
    destination.policy = lambda request, records: Answer()
    run("produce(make_logger(), 'later', 1)", destination, directory)
    assert destination.units == units("u") | {"later-0": 1}


class TestFork:
    def test_child_and_parent_each_deliver_their_own(
        self, destination: Destination, directory: Path
    ) -> None:
        program = """
        logger = make_logger()
        produce(logger, "parent", 50)
        pid = os.fork()
        if pid == 0:
            produce(logger, "child", 100)
            sys.exit(not logger.close())
        produce(logger, "parent", 50, first=50)
        assert ended_well(pid)
        assert logger.close()
        """
        run(program, destination, directory)
        assert destination.units == units("parent", "child")
        assert list(directory.iterdir()) == []

    def test_what_a_killed_child_had_logged_is_delivered_by_the_parent(
        self, destination: Destination, directory: Path
    ) -> None:
        program = f"""
        logger = make_logger({NEVER})
        produce(logger, "parent", 100)
        pid = os.fork()
        if pid == 0:
            produce(logger, "child", 100)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        assert logger.flush()
        """
        run(program, destination, directory)
        assert destination.units == units("parent", "child")

    def test_a_child_does_not_hold_the_files_of_its_parent(
        self, destination: Destination, directory: Path
    ) -> None:
        program = f"""
        grandparent = os.getpid()
        pid = os.fork()
        if pid == 0:
            logger = make_logger({NEVER})
            produce(logger, "parent", 100)
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(writer)
                os.read(reader, 1)  # Until the parent is dead, or about to be.
                while not logger.stats.delivered:
                    logger.flush()
                    time.sleep(0.01)
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        """
        run(program, destination, directory)
        assert destination.units == units("parent")

    def test_a_fork_behind_pythons_back_loses_nothing(
        self, destination: Destination, directory: Path
    ) -> None:
        program = """
        import ctypes
        logger = make_logger()
        produce(logger, "parent", 100)
        assert logger.flush()
        pid = ctypes.PyDLL(None).fork()
        if pid == 0:
            produce(logger, "child", 100)
            os._exit(0 if logger.close() else 1)
        assert ended_well(pid)
        assert logger.close()
        """
        run(program, destination, directory)
        assert destination.units == units("parent", "child")
        assert list(directory.iterdir()) == []
