"""Events on disk until they are delivered."""

import os
import resource
import shutil
import socket
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from abkit.errors import DeliveryError
from abkit.events import Event
from abkit.exposure.delivery import guarded_outbox
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.outbox.journal import event_entry
from abkit.exposure.outbox.outbox import Outbox, Recovered
from abkit.exposure.outbox.segment import SUFFIX, Segment
from abkit.sinks.base import BatchLimits, Rejected
from abkit.sinks.memory import MemorySink

from .events import AT_ONCE, QUICK, Dead, Gate, Script, action, exposure, ids


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def named(*names: str) -> list[Event]:
    return [exposure(name)._replace(insert_id=name) for name in names]


def save(outbox: Outbox, *names: str) -> None:
    for event in named(*names):
        outbox.save(event)


def left(directory: Path, *names: str) -> Path:
    """A file that a dead process has left."""
    directory.mkdir(exist_ok=True)
    segment = Segment.create(directory)
    for event in named(*names):
        segment.append(event_entry(event))
    segment.abandon()
    return segment.path


def written(directory: Path, *contents: bytes) -> Path:
    """A file of records with a right checksum."""
    directory.mkdir(exist_ok=True)
    path = directory / f"0{SUFFIX}"
    path.write_bytes(b"".join(b"\n%08x%b" % (zlib.crc32(each), each) for each in contents))
    return path


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


OBSTACLES: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a directory": Path.mkdir,
    "a socket": a_socket,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to what never ends": lambda path: path.symlink_to("/dev/zero"),
}


@contextmanager
def no_more_files() -> Iterator[None]:
    """No file and no directory can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def files(directory: Path) -> list[str]:
    return sorted(path.suffix or path.name for path in directory.iterdir())


def logger_of(sink: Any, directory: Path, **options: Any) -> ExposureLogger:
    options = {"backoff": QUICK, "limits": AT_ONCE, **options}
    return ExposureLogger(sink, outbox=Outbox(directory), **options)


class TestOutbox:
    def test_what_is_saved_is_pending_until_it_is_settled(self, directory: Path) -> None:
        outbox = Outbox(directory)
        save(outbox, "1", "2")
        outbox.settle(["1", "unknown"])
        assert "1" not in outbox
        assert "2" in outbox

    def test_closing_leaves_what_is_pending_and_nothing_else(self, directory: Path) -> None:
        outbox = Outbox(directory)
        save(outbox, "1", "2")
        outbox.settle(["1"])
        outbox.close()
        heir = Outbox(directory)
        recovered = heir.recover()
        assert (ids(recovered.events), recovered.unreadable) == (["2"], 0)
        heir.settle(["2"])
        assert files(directory) == []

    def test_what_a_living_process_has_is_not_recovered(self, directory: Path) -> None:
        living, other = Outbox(directory), Outbox(directory)
        save(living, "1")
        assert other.recover() == Recovered([], 0, complete=True)
        living.close()
        assert ids(other.recover().events) == ["1"]

    def test_recovered_events_are_recovered_by_one(self, directory: Path) -> None:
        left(directory, "1")
        one, other = Outbox(directory), Outbox(directory)
        assert ids(one.recover().events) == ["1"]
        assert other.recover() == Recovered([], 0, complete=True)

    def test_of_eight_threads_one_recovers_each_file(self, directory: Path) -> None:
        names = [str(number) for number in range(40)]
        for name in names:
            left(directory, name)
        recovered: list[str] = []
        start = threading.Barrier(8)

        def recover() -> None:
            outbox = Outbox(directory)
            start.wait()
            while events := outbox.recover().events:
                recovered.extend(ids(events))
                outbox.settle(event.insert_id for event in events)

        threads = [threading.Thread(target=recover) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(recovered) == sorted(names)
        assert files(directory) == []

    def test_full_files_are_followed_by_others_and_removed_when_settled(
        self, directory: Path
    ) -> None:
        outbox = Outbox(directory, segment_size=1_000)
        names = [str(number) for number in range(100)]
        save(outbox, *names)
        assert len(files(directory)) > 5
        outbox.settle(names)
        assert len(files(directory)) == 1
        outbox.close()
        assert files(directory) == []

    def test_it_keeps_so_many_bytes_and_then_again_when_some_are_settled(
        self, directory: Path
    ) -> None:
        outbox = Outbox(directory, segment_size=1_000, max_size=10_000)
        names = [str(number) for number in range(1_000)]
        with pytest.raises(OSError, match="keeps 10000 bytes at most"):
            save(outbox, *names)
        assert sum(path.stat().st_size for path in directory.iterdir()) < 11_000
        outbox.settle(names)
        save(outbox, "again")
        assert "again" in outbox

    def test_an_id_that_is_pending_is_written_once(self, directory: Path) -> None:
        outbox = Outbox(directory)
        save(outbox, "1", "1")
        outbox.settle(["1"])
        outbox.close()
        assert files(directory) == []

    def test_an_event_that_was_left_twice_is_recovered_once(self, directory: Path) -> None:
        left(directory, "1", "2")
        left(directory, "2", "3")
        outbox = Outbox(directory)
        recovered = [*outbox.recover().events, *outbox.recover().events]
        assert sorted(ids(recovered)) == ["1", "2", "3"]
        outbox.settle(ids(recovered))
        assert files(directory) == []

    def test_a_damaged_file_is_kept_for_inspection(self, directory: Path) -> None:
        path = left(directory, "1", "2", "3")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        outbox = Outbox(directory)
        recovered = outbox.recover()
        assert (ids(recovered.events), recovered.unreadable) == (["1", "3"], 1)
        outbox.settle(ids(recovered.events))
        assert files(directory) == [".damaged"]
        assert outbox.recover() == Recovered([], 0, complete=True)

    def test_an_entry_that_was_not_finished_is_no_damage(self, directory: Path) -> None:
        path = left(directory, "1", "2")
        path.write_bytes(path.read_bytes()[:-5])
        outbox = Outbox(directory)
        recovered = outbox.recover()
        assert (ids(recovered.events), recovered.unreadable) == (["1"], 0)

    def test_many_threads_may_save_and_settle(self, directory: Path) -> None:
        outbox = Outbox(directory, segment_size=2_000)
        start = threading.Barrier(8)

        def work(name: int) -> None:
            start.wait()
            for number in range(300):
                save(outbox, f"{name}-{number}")
                if number % 3:
                    outbox.settle([f"{name}-{number}"])

        threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outbox.close()
        heir = Outbox(directory)
        found: list[str] = []
        while events := heir.recover().events:
            found += ids(events)
        assert sorted(found) == sorted(f"{n}-{m}" for n in range(8) for m in range(0, 300, 3))

    def test_a_new_file_is_not_taken_for_a_dead_processs(self, directory: Path) -> None:
        """Others look for files while it is being made."""
        outbox, done = Outbox(directory, segment_size=1), threading.Event()
        taken: list[Event] = []

        def look() -> None:
            other = Outbox(directory)
            while not done.is_set():
                taken.extend(other.recover().events)

        lookers = [threading.Thread(target=look) for _ in range(3)]
        for looker in lookers:
            looker.start()
        for number in range(1_000):
            save(outbox, str(number))
            if number % 10 == 9:
                outbox.settle([str(n) for n in range(number - 9, number + 1)])
        done.set()
        for looker in lookers:
            looker.join()
        assert taken == []
        outbox.close()
        assert files(directory) == []

    @pytest.mark.parametrize("size", [0, 300_000_000])
    def test_sizes_that_make_no_sense_are_an_error(self, directory: Path, size: int) -> None:
        with pytest.raises(DeliveryError, match="segment_size must be above 0 and at most"):
            Outbox(directory, segment_size=size)

    def test_what_cannot_be_a_directory_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(DeliveryError, match="must be a directory that can be written to"):
            Outbox(tmp_path / "file")

    def test_it_says_how_it_is(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(directory.parent)
        outbox = Outbox("outbox")
        save(outbox, "1")
        assert repr(outbox) == "<Outbox in outbox, 1 pending>"


class TestLogger:
    def test_what_is_delivered_leaves_nothing_behind(self, directory: Path) -> None:
        sink = MemorySink()
        with logger_of(sink, directory) as logger:
            for number in range(100):
                logger(exposure(str(number)))
                logger(action())
            assert logger.flush()
        assert len(sink.exposures) == len(sink.actions) == 100
        assert logger.stats.unsaved == 0
        assert files(directory) == []

    def test_what_the_destination_did_not_take_is_left_to_the_next(self, directory: Path) -> None:
        lost: list[Event] = []
        dead = logger_of(Dead(), directory, on_drop=lambda event, why: lost.append(event))
        for number in range(100):
            dead(exposure(str(number)))
        dead(action("paid"))
        assert not dead.close(0.2)
        stats = dead.stats
        assert (stats.left, stats.dropped, stats.queued, lost) == (101, 0, 0, [])
        sink = MemorySink()
        with logger_of(sink, directory) as heir:
            assert heir.flush()
        assert sorted(ids(sink.events)) == sorted([*(str(n) for n in range(100)), "paid"])
        assert heir.stats.accepted == heir.stats.delivered == 101
        assert files(directory) == []

    def test_the_next_process_keeps_the_insert_ids_and_all_else(self, directory: Path) -> None:
        sink, seen, tried = MemorySink(), list[Event](), threading.Event()

        def refuse(events: Any) -> Any:
            seen.extend(events)
            tried.set()
            raise OSError

        original = Script(*[refuse] * 100)
        first = logger_of(original, directory)
        event = exposure("Zoë", 1.0)._replace(groups={"org": "4"}, properties={"a": [1, None]})
        first(event)
        assert tried.wait(30)
        first.close(0.1)
        with logger_of(sink, directory) as heir:
            heir.flush()
        assert sink.events == seen[:1]
        assert sink.events[0].insert_id

    def test_a_living_process_recovers_with_its_next_event(self, directory: Path) -> None:
        arrived = threading.Event()

        class Waiting(MemorySink):
            def send(self, events: Any, /) -> None:
                super().send(events)
                if len(self.events) == 3:
                    arrived.set()

        sink = Waiting()
        left(directory, "1", "2")
        with logger_of(sink, directory) as logger:
            logger(exposure("3"))
            assert arrived.wait(10)  # Who closes before that leaves them to the next process.
        assert sorted(ids(sink.events)) == ["1", "2", "3"]

    def test_a_process_at_work_looks_again_now_and_then(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(guarded_outbox, "_RECOVERY_INTERVAL", 0.05)
        arrived = threading.Event()

        class Waiting(MemorySink):
            def send(self, events: Any, /) -> None:
                super().send(events)
                if "late" in ids(events):
                    arrived.set()

        with logger_of(Waiting(), directory) as logger:
            logger(exposure())
            assert logger.flush()
            left(directory, "late")
            assert arrived.wait(10)

    def test_rejected_events_are_kept_for_inspection(self, directory: Path) -> None:
        sink = Script(lambda events: Rejected(events, "HTTP 400"))
        with logger_of(sink, directory) as logger:
            logger(exposure("bad")._replace(properties={"why": "not"}))
        assert files(directory) == ["dead-letters"]
        (letter,) = Outbox(directory).dead_letters()
        assert letter == logger.dead_letters[0]
        assert letter.why == "HTTP 400"
        assert Outbox(directory).recover() == Recovered([], 0, complete=True)

    def test_a_record_of_another_form_is_set_aside_and_all_others_are_delivered(
        self, directory: Path
    ) -> None:
        """As an older version writes them, or a hand."""
        other = written(directory, b'["exposure","0",0,null,0,0,"an older version"]', b"no JSON")
        left(directory, "1", "2", "3", "4", "5")
        sink = MemorySink()
        logger = logger_of(sink, directory)
        assert logger.flush()
        assert ids(sink.events) == ["1", "2", "3", "4", "5"]
        assert logger.stats.unreadable == 2
        logger.close()
        assert files(directory) == [".damaged"]
        assert b"an older version" in other.with_suffix(".damaged").read_bytes()

    @pytest.mark.parametrize("obstacle", OBSTACLES)
    def test_what_is_no_regular_file_holds_nobody_up(self, directory: Path, obstacle: str) -> None:
        left(directory, "1")
        OBSTACLES[obstacle](directory / "0.events")
        sink = MemorySink()
        logger = logger_of(sink, directory)
        assert logger.flush()
        assert logger.flush()
        assert ids(sink.events) == ["1"]
        assert logger.stats.unreadable == 1, "each is counted once"
        assert logger.close()

    @pytest.mark.parametrize("obstacle", OBSTACLES)
    def test_dead_letters_hold_nobody_up_if_they_are_no_regular_file(
        self, directory: Path, obstacle: str
    ) -> None:
        directory.mkdir()
        OBSTACLES[obstacle](directory / "dead-letters")
        logger = logger_of(Script(lambda events: Rejected(events, "HTTP 400")), directory)
        logger(exposure("bad"))
        assert logger.flush()
        assert ids([letter.event for letter in logger.dead_letters]) == ["bad"]

    def test_flush_is_false_while_the_outbox_cannot_be_read(self, directory: Path) -> None:
        left(directory, "1")
        sink = MemorySink()
        logger = logger_of(sink, directory)
        with no_more_files():
            assert not logger.flush()
        assert logger.flush()
        assert ids(sink.events) == ["1"]

    def test_what_was_removed_from_the_disk_is_not_said_to_be_left_there(
        self, directory: Path
    ) -> None:
        lost: list[Event] = []
        logger = logger_of(Dead(), directory, on_drop=lambda event, why: lost.append(event))
        for number in range(20):
            logger(exposure(str(number)))
        shutil.rmtree(directory)
        assert not logger.close(0.2)
        stats = logger.stats
        assert (stats.left, stats.dropped, stats.queued) == (0, 20, 0)
        assert len(lost) == 20

    def test_a_directory_that_was_removed_is_made_again(self, directory: Path) -> None:
        gate = Gate()
        logger = logger_of(gate, directory)
        logger(exposure("1"))
        assert gate.entered.wait(10)
        shutil.rmtree(directory)
        assert not logger.flush(0.01)
        assert logger.stats.unsaved == 1
        logger(exposure("2"))
        assert files(directory) == [".events"]
        gate.open.set()
        assert logger.close()
        assert ids(gate.taken) == ["1", "2"]
        assert logger.stats.unsaved == 1

    def test_what_a_full_queue_refuses_is_not_left_behind(self, directory: Path) -> None:
        gate = Gate()
        logger = logger_of(gate, directory, max_queue=1)
        logger(exposure("sent"))
        gate.entered.wait(10)
        logger(exposure("queued"))
        logger(exposure("refused"))
        gate.open.set()
        assert logger.close()
        assert logger.stats.dropped == 1
        assert files(directory) == []

    def test_more_than_the_queue_holds_is_recovered_bit_by_bit(self, directory: Path) -> None:
        for first in range(0, 100, 10):
            left(directory, *(str(number) for number in range(first, first + 10)))
        sink = MemorySink()
        with logger_of(sink, directory, max_queue=15) as logger:
            assert logger.flush()
        assert sorted(ids(sink.events), key=int) == [str(number) for number in range(100)]

    @pytest.mark.parametrize("wrong", [None, "text", 5, exposure(unit_id=object())])  # type: ignore[arg-type]
    def test_whatever_it_is_given_it_does_not_raise(self, directory: Path, wrong: Any) -> None:
        sink = MemorySink()
        with logger_of(sink, directory) as logger:
            logger(wrong)
            logger(exposure())
        assert "u1" in ids(sink.events)
        assert logger.stats.accepted + logger.stats.failed == 2

    def test_a_sink_that_hangs_keeps_what_it_was_given(self, directory: Path) -> None:
        """Another process that sent it, too, would send it twice."""
        gate = Gate()
        logger = logger_of(gate, directory)
        logger(exposure())
        gate.entered.wait(10)
        assert not logger.close(0.05)
        assert Outbox(directory).recover() == Recovered([], 0, complete=True)
        gate.open.set()


def check_fallback(
    logger: ExposureLogger, sink: MemorySink, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        logger(exposure(str(number)))
    assert logger.flush()
    assert ids(sink.events) == ["0", "1", "2"]
    assert logger.stats.unsaved == 3
    assert len([record for record in caplog.records if "in memory only" in record.message]) == 1


class TestBadDisk:
    def test_a_directory_that_has_gone_is_made_again(self, directory: Path) -> None:
        logger = logger_of(Dead(), directory)
        directory.rmdir()
        logger(exposure())
        assert not logger.close(0.1)
        assert (logger.stats.left, logger.stats.unsaved) == (1, 0)
        assert files(directory) == [".events"]

    def test_a_file_in_place_of_the_directory_does_not_matter(
        self, directory: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        sink = MemorySink()
        with logger_of(sink, directory) as logger:
            directory.rmdir()
            directory.touch()
            check_fallback(logger, sink, caplog)

    def test_files_of_garbage_do_not_matter(
        self, directory: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        directory.mkdir()
        (directory / "a.events").write_bytes(os.urandom(10_000) + b"\n")
        (directory / "b.events").write_bytes(b"")
        (directory / "c.events").mkdir()
        left(directory, "left")
        (directory / "dead-letters").write_bytes(b"garbage")
        sink = MemorySink()
        with logger_of(sink, directory) as logger:
            logger(exposure())
        assert sorted(ids(sink.events)) == ["left", "u1"]
        assert "cannot be read" in caplog.text
        assert not (directory / "b.events").exists()
        assert Outbox(directory).dead_letters() == ()

    def test_a_limit_of_the_size_of_files_does_not_matter(
        self, directory: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The write itself fails, in the middle of an entry."""
        gate = Gate()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        logger = logger_of(gate, directory, limits=BatchLimits(age=0))
        logger(exposure("first"))
        gate.entered.wait(10)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
        try:
            for number in range(100):
                logger(exposure(str(number)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        gate.open.set()
        assert logger.close()
        assert len(gate.taken) == 101
        assert 50 < logger.stats.unsaved < 100
        assert len(caplog.records) == 1
        assert files(directory) == []

    @pytest.fixture
    def tiny(self, tmp_path: Path) -> Iterator[Path]:
        place = tmp_path / "tiny"
        place.mkdir()
        mount = shutil.which("mount")
        arguments = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
        if mount is None or subprocess.run([mount, *arguments], check=False).returncode:
            pytest.skip("only root may mount a small disk")
        yield place
        umount = shutil.which("umount")
        assert umount is not None
        subprocess.run([umount, "--lazy", str(place)], check=True)

    def test_a_full_disk_does_not_matter(
        self, tiny: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(guarded_outbox, "_RETRY_INTERVAL", 0.0)
        gate = Gate()
        logger = logger_of(gate, tiny)
        for number in range(1_000):
            logger(exposure(str(number)))
        unsaved = logger.stats.unsaved
        assert 300 < unsaved < 1_000
        gate.open.set()
        assert logger.flush()
        assert sorted(ids(gate.taken), key=int) == [str(number) for number in range(1_000)]
        assert len([record for record in caplog.records if "memory only" in record.message]) == 1
        logger.close()
        assert files(tiny) == []

    def test_after_a_full_disk_what_was_saved_is_still_found(
        self, tiny: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(guarded_outbox, "_RETRY_INTERVAL", 0.0)
        ballast = tiny / "ballast"
        ballast.write_bytes(bytes(40_000))
        logger = logger_of(Dead(), tiny)
        for number in range(300):
            logger(exposure(str(number)))
        assert logger.stats.unsaved > 0
        ballast.unlink()
        logger(exposure("after"))
        logger.close(0.1)
        sink = MemorySink()
        with logger_of(sink, tiny) as heir:
            assert heir.flush()
        assert "after" in ids(sink.events)
        assert len(sink.events) == logger.stats.left == 301 - logger.stats.unsaved
