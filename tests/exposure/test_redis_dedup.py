"""Deduplication between processes, by a real Redis."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any, Self

import pytest

from abkit.errors import DeliveryError
from abkit.events import Event, Exposure, Identity
from abkit.exposure.dedup.redis import RedisDedup
from abkit.exposure.dedup.shared import Claim
from abkit.exposure.delivery import guarded_dedup
from abkit.exposure.logger import ExposureLogger
from abkit.sinks.base import Rejected
from abkit.sinks.memory import MemorySink

from .events import AT_ONCE, NOON, QUICK, Dead, Gate, Script, action, exposure, ids
from .redis_server import RedisServer
from .webhook import Destination

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
MIDNIGHT = 20_001 * 86_400.0


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(running: RedisServer) -> RedisServer:
    with running.client() as client:
        client.flushall()
    return running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """One that the test may stop."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that has failed is asked again soon."""
    monkeypatch.setattr(guarded_dedup, "_RETRY_INTERVAL", 0.2)


def logger_of(
    server: RedisServer | str,
    sink: Any,
    *,
    claim: float = 30.0,
    timeout: float | None = None,
    **options: Any,
) -> ExposureLogger:
    """One process's logger: with a memory and connections of its own.

    A server of which only the address is told is one that may never answer; a Redis is waited for.
    """
    address = server if isinstance(server, str) else server.address
    if timeout is None:
        timeout = 0.3 if isinstance(server, str) else 30.0
    shared = RedisDedup(address, timeout=timeout, claim=claim)
    return ExposureLogger(sink, shared=shared, backoff=QUICK, **options)


def expose(logger: ExposureLogger, *events: Exposure) -> None:
    for event in events:
        logger(event)
    assert logger.flush()


def wait_for(condition: Any) -> None:
    for _ in range(1_000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen within 10 seconds")


class TestStore:
    def test_a_claim_is_granted_to_one_and_contested_by_the_others(
        self, server: RedisServer
    ) -> None:
        one, other = RedisDedup(server.address), RedisDedup(server.address)
        assert one.claim(["a", "b"]) == [Claim.MINE, Claim.MINE]
        assert other.claim(["b", "c"]) == [Claim.CONTESTED, Claim.MINE]
        assert one.claim(["a"]) == [Claim.MINE]

    def test_what_was_sent_is_sent_for_all(self, server: RedisServer) -> None:
        one, other = RedisDedup(server.address), RedisDedup(server.address)
        one.claim(["a"])
        one.settle(sent=["a"], given_back=[])
        assert one.claim(["a"]) == other.claim(["a"]) == [Claim.SENT]

    def test_what_is_given_back_may_be_claimed(self, server: RedisServer) -> None:
        one, other = RedisDedup(server.address), RedisDedup(server.address)
        one.claim(["a"])
        one.settle(sent=[], given_back=["a"])
        assert other.claim(["a"]) == [Claim.MINE]

    def test_only_the_holder_gives_back(self, server: RedisServer) -> None:
        one, other = RedisDedup(server.address), RedisDedup(server.address)
        one.claim(["a"])
        other.settle(sent=[], given_back=["a"])
        assert other.claim(["a"]) == [Claim.CONTESTED]

    def test_a_claim_ends_by_itself(self, server: RedisServer) -> None:
        """So that a process that dies between claiming and sending loses nothing."""
        one, other = RedisDedup(server.address, claim=0.05), RedisDedup(server.address)
        one.claim(["a"])
        wait_for(lambda: other.claim(["a"]) == [Claim.MINE])

    def test_what_was_sent_is_forgotten_in_the_end(self, server: RedisServer) -> None:
        store = RedisDedup(server.address, claim=0.01, keep=0.05)
        store.claim(["a"])
        store.settle(sent=["a"], given_back=[])
        with server.client() as client:
            wait_for(lambda: client.dbsize() == 0)

    def test_thousands_of_ids_and_odd_ones_are_answered(self, server: RedisServer) -> None:
        store = RedisDedup(server.address)
        names = [*(str(number) for number in range(2_345)), "Zoë 🦊", "\ud800", "a b\n", ""]
        assert store.claim(names) == [Claim.MINE] * len(names)
        store.settle(sent=names, given_back=())
        assert store.claim(names) == [Claim.SENT] * len(names)

    def test_prefixes_keep_destinations_apart(self, server: RedisServer) -> None:
        one = RedisDedup(server.address, prefix="one:")
        other = RedisDedup(server.address, prefix="other:")
        one.claim(["a"])
        assert other.claim(["a"]) == [Claim.MINE]

    def test_a_client_of_redis_py_will_do(self, server: RedisServer) -> None:
        with server.client() as client:
            assert RedisDedup(client).claim(["a"]) == [Claim.MINE]

    def test_a_key_takes_at_most_200_bytes(self, server: RedisServer) -> None:
        with server.client() as client:
            before = client.info("memory")["used_memory"]
            store = RedisDedup(server.address)
            names = [f"{number:032x}" for number in range(20_000)]
            store.claim(names)
            store.settle(sent=names, given_back=())
            size = client.info("memory")["used_memory"] - before
        assert size / len(names) < 200

    @pytest.mark.parametrize(
        "options", [{"claim": 0}, {"keep": 1.0}, {"timeout": 0}, {"keep": float("inf")}]
    )
    def test_numbers_that_make_no_sense_are_an_error(self, options: dict[str, float]) -> None:
        with pytest.raises(DeliveryError, match="claim, keep and timeout must be seconds"):
            RedisDedup("redis://127.0.0.1", **options)  # type: ignore[arg-type]

    def test_an_address_that_is_none_is_an_error(self) -> None:
        with pytest.raises(DeliveryError, match="cannot use the address"):
            RedisDedup("http://127.0.0.1")

    @pytest.mark.parametrize("answer", [5, None, b"OK", [7], [b"1"]])
    def test_an_answer_that_makes_no_sense_is_an_error(self, answer: object) -> None:
        class Odd:
            def eval(self, *_: object) -> object:
                return answer

        with pytest.raises(DeliveryError, match="the server answered"):
            RedisDedup(Odd()).claim(["a"])  # type: ignore[arg-type]

    def test_it_does_not_show_the_password(self) -> None:
        assert "secret" not in repr(RedisDedup("redis://:secret@127.0.0.1"))


class TestTwoLoggers:
    """Two processes, as far as the loggers can tell."""

    def test_what_one_has_sent_the_other_does_not_send(self, server: RedisServer) -> None:
        sink = MemorySink()
        with logger_of(server, sink) as one, logger_of(server, sink) as other:
            expose(one, exposure())
            expose(other, exposure())
        assert len(sink.events) == 1
        stats = other.stats
        assert (stats.accepted, stats.deduplicated, stats.elsewhere) == (1, 1, 1)
        assert (stats.delivered, stats.queued, stats.unshared) == (0, 0, 0)

    def test_a_b_a_seen_by_both_is_three_exposures(self, server: RedisServer) -> None:
        sink = MemorySink()
        with logger_of(server, sink) as one, logger_of(server, sink) as other:
            for variant in "ABA":
                expose(one, exposure(variant=variant))
            for variant in "ABA":
                expose(other, exposure(variant=variant))
        assert [event.variant for event in sink.exposures] == ["A", "B", "A"]
        assert len({event.insert_id for event in sink.events}) == 3

    def test_a_b_a_in_one_batch_each_is_three_exposures(self, server: RedisServer) -> None:
        sink = MemorySink()
        with logger_of(server, sink) as one, logger_of(server, sink) as other:
            for logger in (one, other):
                expose(logger, *(exposure(variant=variant) for variant in "ABA"))
        assert [event.variant for event in sink.exposures] == ["A", "B", "A"]

    def test_a_b_a_in_turns_is_three_exposures(self, server: RedisServer) -> None:
        sink = MemorySink()
        with logger_of(server, sink) as one, logger_of(server, sink) as other:
            expose(one, exposure(variant="A"))
            expose(other, exposure(variant="A"), exposure(variant="B"))
            expose(one, exposure(variant="B"), exposure(variant="A"))
            expose(other, exposure(variant="A"))
        assert [event.variant for event in sink.exposures] == ["A", "B", "A"]

    def test_the_window_ends_at_midnight_utc(self, server: RedisServer) -> None:
        sink = MemorySink()
        with logger_of(server, sink) as one, logger_of(server, sink) as other:
            for time_ in (MIDNIGHT - 0.5, MIDNIGHT, MIDNIGHT + 86_399, MIDNIGHT + 86_400):
                expose(one, exposure(time=time_))
                expose(other, exposure(time=time_))
        assert [event.time - MIDNIGHT for event in sink.events] == [-0.5, 0, 86_400]

    def test_experiments_do_not_know_each_other(self, server: RedisServer) -> None:
        sink = MemorySink()
        with logger_of(server, sink) as one, logger_of(server, sink) as other:
            expose(one, exposure(experiment="Buttons"))
            expose(other, exposure(experiment="Colours"), exposure(salt="2"))
        assert len(sink.events) == 3

    def test_an_identity_that_both_tell_is_sent_once(self, server: RedisServer) -> None:
        sinks = MemorySink(), MemorySink()
        for sink in sinks:
            with logger_of(server, sink) as logger:
                for user in ("7", "8", "\ud800"):
                    logger(Identity("visitor", "v1", "user", user, NOON))
        assert [len(sink.identities) for sink in sinks] == [3, 0]
        assert logger.stats.elsewhere == 3

    def test_actions_are_never_compared(self, server: RedisServer) -> None:
        sink = MemorySink()
        with logger_of(server, sink) as one, logger_of(server, sink) as other:
            for logger in (one, other):
                logger(action())
                expose(logger, exposure())
        assert len(sink.actions) == 2
        assert len(sink.exposures) == 1

    def test_an_event_under_way_elsewhere_waits_and_lets_others_pass(
        self, server: RedisServer
    ) -> None:
        gate, sink = Gate(), MemorySink()
        one, other = logger_of(server, gate, limits=AT_ONCE), logger_of(server, sink)
        one(exposure("both"))
        gate.entered.wait(10)
        other(exposure("both"))
        assert not other.flush(0.1)
        other(exposure("own"))
        wait_for(lambda: ids(sink.events) == ["own"])
        gate.open.set()
        assert other.close()
        assert one.close()
        assert ids(sink.events) == ["own"]
        assert other.stats.elsewhere == 1

    def test_what_a_dead_process_had_claimed_is_sent_by_another(self, server: RedisServer) -> None:
        gate, sink = Gate(), MemorySink()
        dead = logger_of(server, gate, limits=AT_ONCE, claim=0.3)
        dead(exposure())
        gate.entered.wait(10)  # And it is never heard of again.
        with logger_of(server, sink) as other:
            expose(other, exposure())
        assert len(sink.events) == 1
        gate.open.set()
        dead.close()

    def test_what_the_destination_rejected_may_be_sent_by_another(
        self, server: RedisServer
    ) -> None:
        sink = MemorySink()
        refusing = Script(lambda events: Rejected(events, "not today"))
        with logger_of(server, refusing) as one, logger_of(server, sink) as other:
            one(exposure())
            one.flush()
            expose(other, exposure())
        assert one.stats.rejected == 1
        assert len(sink.events) == 1

    def test_what_was_dropped_at_the_end_may_be_sent_by_another(self, server: RedisServer) -> None:
        sink = MemorySink()
        dead = Dead()
        one = logger_of(server, dead)
        one(exposure())
        assert dead.tried.wait(30)
        assert not one.close(0.5)
        with logger_of(server, sink) as other:
            expose(other, exposure())
        assert one.stats.dropped == 1
        assert len(sink.events) == 1

    def test_after_a_failure_a_process_may_send_what_it_has_claimed(
        self, server: RedisServer
    ) -> None:
        sink = Script(OSError("down"), OSError("down"))
        with logger_of(server, sink) as logger:
            expose(logger, exposure())
        assert len(sink.taken) == 1


def test_eight_threads_with_a_logger_each_send_500_units_once(server: RedisServer) -> None:
    sink = MemorySink()
    start = threading.Barrier(8)
    loggers = [logger_of(server, sink) for _ in range(8)]

    def read(logger: ExposureLogger) -> None:
        start.wait()
        for unit in range(500):
            logger(exposure(str(unit)))
        logger.close()

    readers = [threading.Thread(target=read, args=(logger,)) for logger in loggers]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert sorted(ids(sink.events), key=int) == [str(unit) for unit in range(500)]
    assert sum(logger.stats.elsewhere for logger in loggers) == 7 * 500


PROCESS = """
import os, sys
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.dedup.redis import RedisDedup
from webhook import WebhookSink, produce

logger = ExposureLogger(WebhookSink(sys.argv[1]), shared=RedisDedup(sys.argv[2], timeout=5))
"""


def run(program: str, destination: Destination, server: RedisServer, *, times: int) -> list[str]:
    """Run several processes at once; their outputs."""
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-W",
                "ignore",
                "-c",
                PROCESS + dedent(program),
                destination.address,
                server.address,
            ],
            env={**os.environ, "PYTHONPATH": f"{SOURCES}{os.pathsep}{HERE}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(times)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * times
    return outputs


def test_two_processes_that_expose_the_same_500_units_send_each_once(server: RedisServer) -> None:
    program = """
    for _ in range(2):
        produce(logger, "u", 500)
    logger.close()
    stats = logger.stats
    print(stats.delivered + stats.elsewhere, stats.queued + stats.dropped + stats.unshared)
    """
    with Destination() as destination:
        assert run(program, destination, server, times=2) == ["500 0\n", "500 0\n"]
        assert destination.units == {f"u-{number}": 1 for number in range(500)}


def test_forked_children_are_claimants_of_their_own(server: RedisServer) -> None:
    program = """
    produce(logger, "parent", 100)
    logger.flush()
    pids = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            produce(logger, "children", 200)
            os._exit(0 if logger.close() else 1)
        pids.append(pid)
    sys.exit(any(os.waitpid(pid, 0)[1] for pid in pids))
    """
    with Destination() as destination:
        run(program, destination, server, times=1)
        expected = {f"parent-{number}": 1 for number in range(100)}
        expected |= {f"children-{number}": 1 for number in range(200)}
        assert destination.units == expected


class Silent:
    """A server that accepts connections, and answers what it is told, or nothing."""

    def __init__(self, answer: bytes = b"") -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.address = f"redis://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            self._connections.append(connection)
            connection.settimeout(5)
            if connection.recv(10) == b"end":
                return
            if self._answer:
                connection.sendall(self._answer)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.create_connection(self._socket.getsockname()) as last:
            last.sendall(b"end")
            self._thread.join()
        for connection in (self._socket, *self._connections):
            connection.close()


def falls_back(address: str, caplog: pytest.LogCaptureFixture) -> None:
    """Everything is delivered; each process deduplicates by itself; one line is logged."""
    sink = MemorySink()
    with logger_of(address, sink) as logger:
        for _ in range(2):
            for number in range(3):
                expose(logger, exposure(str(number)))
    assert ids(sink.events) == ["0", "1", "2"]
    assert logger.stats.unshared == 3
    assert logger.stats.deduplicated == 3
    assert len(caplog.records) == 1
    assert "deduplicates by itself" in caplog.text


class TestWithoutRedis:
    def test_nobody_listens(self, caplog: pytest.LogCaptureFixture) -> None:
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            port = reserved.getsockname()[1]
        falls_back(f"redis://127.0.0.1:{port}", caplog)

    def test_a_server_that_never_answers(self, caplog: pytest.LogCaptureFixture) -> None:
        with Silent() as server:
            falls_back(server.address, caplog)

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\x00\xff",
            b"+OK\r\n" * 9,
            b":5\r\n" * 9,
            b"*0\r\n",
        ],
    )
    def test_a_server_that_answers_garbage(
        self, answer: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        with Silent(answer) as server:
            falls_back(server.address, caplog)

    def test_a_wrong_password(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        with RedisServer(tmp_path, password=f"{NOON}") as server:
            falls_back(server.address.replace("//", "//:s3cret@"), caplog)
            assert "s3cret" not in caplog.text

    def test_a_store_of_ones_own_that_gives_too_few_answers(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Short:
            def claim(self, insert_ids: Sequence[str], /) -> Sequence[Claim]:
                return []

            def settle(self, *, sent: Sequence[str], given_back: Sequence[str]) -> None:
                pytest.fail("nothing was claimed")

        sink = MemorySink()
        with ExposureLogger(sink, shared=Short()) as logger:
            expose(logger, exposure())
        assert len(sink.events) == 1
        assert "0 answers to 1 questions" in caplog.text

    @pytest.mark.usefixtures("soon")
    def test_redis_is_asked_again_when_it_is_back(
        self, own_server: RedisServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        sink = MemorySink()
        with logger_of(own_server, sink) as one, logger_of(own_server, sink) as other:
            expose(one, exposure("before"))
            own_server.stop()
            expose(one, exposure("meanwhile"))
            own_server.start()
            number = 0
            while one.stats.elsewhere == 0:
                expose(other, exposure(f"after{number}"))
                expose(one, exposure(f"after{number}"))
                number += 1
                assert number < 1_000
                time.sleep(0.01)
        assert ids(sink.events).count("meanwhile") == 1
        assert ids(sink.events).count(f"after{number - 1}") == 1
        assert len(caplog.records) <= 2  # One for each of the loggers.

    @pytest.mark.usefixtures("soon")
    def test_redis_that_hangs_between_claiming_and_sending_loses_nothing(
        self, own_server: RedisServer
    ) -> None:
        taken: list[Event] = []

        def freeze(events: Sequence[Event]) -> None:
            taken.extend(events)
            own_server.freeze()

        with logger_of(own_server, Script(freeze), timeout=0.3) as logger:
            expose(logger, exposure("1"))
            own_server.thaw()
            expose(logger, exposure("2"))
        assert ids(taken) == ["1"]
        assert logger.stats.delivered == 2

    def test_the_request_never_waits_for_redis(self) -> None:
        """The request's thread ends before the server that never answers has been given up."""
        with Silent() as server:
            shared = RedisDedup(server.address, timeout=2.0)
            logger = ExposureLogger(MemorySink(), shared=shared, limits=AT_ONCE)
            for number in range(100):
                logger(exposure(str(number), time=NOON))
            assert logger.stats.unshared == 0
            assert logger.close()
            assert logger.stats.unshared == 100
