"""What becomes of exposures when processes end, fork, or outlive their destination.

Each scene is a program of its own, over real HTTP on the loopback.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

from attrs import field, frozen

from ..exposure.webhook import OK, Answer, Destination, Policy

OUTAGE = 3.0
BURST = 100_000
_TESTS = Path(__file__).parents[1]
_BEGINNING = """
import gc, os, signal, sys, time
from abkit import ExperimentManager, UserExperiment
from abkit.events import Exposure
from abkit.exposure.dedup import MemoryDedup
from abkit.exposure.logger import ExposureLogger
from webhook import WebhookSink, produce

signal.alarm(60)
logger = ExposureLogger(WebhookSink(sys.argv[1]))

def megabytes(kind):
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith(kind)).split()[1]) / 1_024

def in_child(ending):
    pid = os.fork()
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
        return
    produce(logger, "u", 500)
    ending()

def live_on():
    while logger.stats.queued:
        time.sleep(0.01)
    os._exit(0)
"""


@frozen(kw_only=True)
class Outcome:
    """How a scene ended.

    Attributes:
        scene: Its name.
        seconds: What the whole program took.
        produced: How many exposures it logged for the destination.
        delivered: How many of them the destination has.
        repeated: How many it has more than once.
        remark: What the program said.
    """

    scene: str
    seconds: float
    produced: int
    delivered: int
    repeated: int
    remark: str


def _up() -> Policy:
    return lambda _request, _records: OK


def _down_at_first() -> Policy:
    began: list[float] = []

    def answer(_request: int, _records: object) -> Answer:
        began.append(time.monotonic())
        return OK if began[-1] - began[0] > OUTAGE else Answer(503)

    return answer


def _down() -> Policy:
    return lambda _request, _records: Answer(503)


@frozen
class _Scene:
    name: str
    program: str = field(converter=dedent)
    produced: int = field(default=500, kw_only=True)
    policy: Callable[[], Policy] = field(default=_up, kw_only=True)


_SCENES = [
    _Scene("the program ends, nobody closes", 'produce(logger, "u", 500)'),
    _Scene("close()", 'produce(logger, "u", 500); logger.close()'),
    _Scene("made before a fork; the child exits", "in_child(lambda: sys.exit(0))"),
    _Scene("made before a fork; the child closes", "in_child(logger.close)"),
    _Scene("made before a fork; the child lives on", "in_child(live_on)"),
    _Scene(
        f"503 for {OUTAGE:g} s, and close() at once",
        'produce(logger, "u", 500); logger.close(30)',
        policy=_down_at_first,
    ),
    _Scene(
        f"a burst of {BURST:,}, then close()",
        f"""
        before = megabytes("VmRSS")
        start = time.perf_counter()
        produce(logger, "u", {BURST})
        took = time.perf_counter() - start
        logger.close(60)
        all_of_it = time.perf_counter() - start
        more = megabytes("VmHWM") - before
        print(f"{{all_of_it:.2f}} s, of which the caller waits {{took:.2f}}; peak memory +{{more:.0f}} MB")
        """,
        produced=BURST,
    ),
    _Scene(
        "log_exposure while the sink is down (503)",
        """
        class Buttons(UserExperiment):
            variants = {"0": 0.5, "1": 0.5}

        manager = ExperimentManager(on_event=logger, strict=True)
        manager.add(Buttons)
        times = []
        for number in range(50_000):
            start = time.perf_counter_ns()
            manager.log_exposure("Buttons", user=str(number))
            times.append(time.perf_counter_ns() - start)
        times.sort()
        median, p99, longest = times[25_000] / 1e3, times[49_500] / 1e3, times[-1] / 1e3
        print(f"median {median:.1f}, p99 {p99:.1f}, longest {longest:,.0f} microseconds")
        os._exit(0)
        """,
        produced=0,
        policy=_down,
    ),
    _Scene(
        "MemoryDedup, 1,000,000 units",
        """
        dedup = MemoryDedup(max_keys=4_000_000)
        now = time.time()
        gc.collect()
        before = megabytes("VmRSS")
        for number in range(1_000_000):
            dedup.reserve(
                Exposure(
                    experiment="Buttons",
                    salt="Buttons",
                    unit_type="user",
                    unit_id=str(number),
                    variant="01"[number % 2],
                    time=now,
                )
            )
        assert len(dedup) == 1_000_000
        size = (megabytes("VmRSS") - before) * 2**20 / 1_000_000
        print(f"{size:.0f} bytes a key")
        """,
        produced=0,
    ),
]


def delivery_outcomes() -> list[Outcome]:
    """Play all scenes."""
    return [_play(scene) for scene in _SCENES]


def _play(scene: _Scene) -> Outcome:
    paths = [_TESTS.parent / "src", _TESTS / "exposure"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    with Destination(scene.policy()) as destination:
        start = time.perf_counter()
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _BEGINNING + scene.program, destination.address],
            check=False,  # Its errors are shown below.
            capture_output=True,
            text=True,
            env=environment,
        )
        took = time.perf_counter() - start
        units = destination.units
    assert ran.returncode == 0, ran.stderr
    return Outcome(
        scene=scene.name,
        seconds=took,
        produced=scene.produced,
        delivered=len(units),
        repeated=sum(1 for times in units.values() if times > 1),
        remark=ran.stdout.strip(),
    )
