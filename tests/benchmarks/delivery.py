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
LONG_OUTAGE = 12.0
BURST = 100_000
_TESTS = Path(__file__).parents[1]
_BEGINNING = """
import gc, itertools, os, random, signal, sys, tempfile, threading, time
from abkit import ExperimentManager, UserExperiment
from abkit.events import Exposure
from abkit.exposure.dedup.memory import MemoryDedup
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.outbox.outbox import Outbox
from abkit.sinks.base import BatchLimits
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


def _down_for(seconds: float) -> Callable[[], Policy]:
    def policy() -> Policy:
        began: list[float] = []

        def answer(_request: int, _records: object) -> Answer:
            began.append(time.monotonic())
            return OK if began[-1] - began[0] > seconds else Answer(503)

        return answer

    return policy


def _in_trouble() -> Policy:
    trouble = [Answer(429, {"Retry-After": "1"}), Answer(413), Answer(garbage=True), Answer(500)]
    return lambda request, _records: trouble[request - 1] if request <= len(trouble) else OK


def _down() -> Policy:
    return lambda _request, _records: Answer(503)


@frozen
class _Scene:
    name: str
    program: str = field(converter=dedent)
    produced: int = field(default=500, kw_only=True)
    policy: Callable[[], Policy] = field(default=_up, kw_only=True)
    prints_units: bool = field(default=False, kw_only=True)
    """Whether it prints the units that it has logged, a line each, before the remark."""


_SCENES = [
    _Scene("the program ends, nobody closes", 'produce(logger, "u", 500)'),
    _Scene("close()", 'produce(logger, "u", 500); logger.close()'),
    _Scene("made before a fork; the child exits", "in_child(lambda: sys.exit(0))"),
    _Scene("made before a fork; the child closes", "in_child(logger.close)"),
    _Scene("made before a fork; the child lives on", "in_child(live_on)"),
    _Scene(
        f"503 for {OUTAGE:g} s, and close() at once",
        'produce(logger, "u", 500); logger.close(30)',
        policy=_down_for(OUTAGE),
    ),
    _Scene(
        f"503 for {LONG_OUTAGE:g} s while the process lives",
        """
        produce(logger, "u", 500)
        live_on()
        """,
        policy=_down_for(LONG_OUTAGE),
    ),
    _Scene(
        "429, then 413, garbage and 500, then all is well",
        'produce(logger, "u", 500); logger.close(30)',
        policy=_in_trouble,
    ),
    _Scene(
        "500 units, 4 times by each of 8 threads",
        """
        def read():
            for _ in range(4):
                produce(logger, "u", 500)

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        logger.close()
        """,
    ),
    _Scene(
        "kill -9 at a random moment, 50 times; with an outbox",
        """
        folder = tempfile.mkdtemp()
        for lap in range(50):
            reader, writer = os.pipe()
            pid = os.fork()
            if pid == 0:
                own = ExposureLogger(
                    WebhookSink(sys.argv[1]), outbox=Outbox(folder), limits=BatchLimits(age=0.003)
                )
                for number in itertools.count():
                    produce(own, str(lap), 1, first=number)
                    os.write(writer, f"{lap}-{number}\\n".encode())
                    time.sleep(0.0005)
            os.close(writer)
            time.sleep(random.uniform(0.0, 0.2))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            with open(reader) as output:
                print(output.read(), end="")
        heir = ExposureLogger(WebhookSink(sys.argv[1]), outbox=Outbox(folder))
        assert heir.flush(30) and heir.close()
        print("of those that log_exposure had returned from")
        """,
        prints_units=True,
    ),
    _Scene(
        "the cost of an exposure, without and with an outbox",
        """
        def cost(logger, name):
            times = []
            for number in range(5_000):
                start = time.perf_counter_ns()
                produce(logger, name, 1, first=number)
                times.append(time.perf_counter_ns() - start)
            return sorted(times)[2_500] / 1e3

        with_outbox = ExposureLogger(WebhookSink(sys.argv[1]), outbox=Outbox(tempfile.mkdtemp()))
        without, with_ = cost(logger, "u"), cost(with_outbox, "v")
        logger.close(), with_outbox.close()
        print(f"median {without:.1f} and {with_:.1f} microseconds in the request")
        """,
        produced=10_000,
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
        named = {record["insert_id"]: record["unit_id"] for record in destination.records}
    assert ran.returncode == 0, ran.stderr
    *printed, remark = ran.stdout.strip().split("\n")
    if scene.prints_units:
        # A destination ignores an insert id that it has seen: what counts is what came under others.
        return Outcome(
            scene=scene.name,
            seconds=took,
            produced=len(printed),
            delivered=len({*printed} & {*named.values()}),
            repeated=len(named) - len({*named.values()}),
            remark=remark,
        )
    return Outcome(
        scene=scene.name,
        seconds=took,
        produced=scene.produced,
        delivered=len(units),
        repeated=sum(1 for times in units.values() if times > 1),
        remark=ran.stdout.strip(),
    )
