"""The ends of processes and their forks: each scene is a program of its own, over real HTTP."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from .programs import run, units
from .webhook import OK, Answer, Destination

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@pytest.fixture
def destination() -> Iterator[Destination]:
    with Destination() as destination:
        yield destination


class TestEnd:
    def test_a_program_that_does_not_close_delivers_everything(
        self, destination: Destination
    ) -> None:
        run("produce(logger, 'u', 500)", destination)
        assert destination.units == units("u")

    def test_so_does_one_that_calls_exit(self, destination: Destination) -> None:
        run("produce(logger, 'u', 500); sys.exit(0)", destination)
        assert destination.units == units("u")

    def test_so_does_a_thread_that_outlives_the_main_thread(self, destination: Destination) -> None:
        program = """
        def late():
            time.sleep(0.2)
            produce(logger, "u", 500)
        threading.Thread(target=late).start()
        """
        run(program, destination)
        assert destination.units == units("u")

    def test_so_do_several_loggers(self, destination: Destination) -> None:
        program = """
        others = [ExposureLogger(WebhookSink(sys.argv[1])) for _ in range(3)]
        for number, other in enumerate(others):
            produce(other, str(number), 100)
        """
        run(program, destination)
        assert destination.units == units("0", 100) | units("1", 100) | units("2", 100)

    def test_so_does_a_logger_that_was_forgotten(self, destination: Destination) -> None:
        program = """
        produce(logger, "u", 500)
        del logger
        import gc
        gc.collect()
        """
        run(program, destination)
        assert destination.units == units("u")

    def test_exposures_of_another_exit_handler_arrive(self, destination: Destination) -> None:
        program = """
        import atexit
        atexit.register(produce, logger, "u", 500)
        """
        run(program, destination)
        assert destination.units == units("u")

    def test_a_program_that_exposes_nothing_ends_in_silence(self, destination: Destination) -> None:
        """From Python 3.12 on, no thread can be started any more when the program ends."""
        assert run("sys.stderr = sys.stdout", destination) == ""

    def test_a_dead_destination_does_not_keep_the_program_from_ending(
        self, destination: Destination
    ) -> None:
        destination.policy = lambda request, records: Answer(503)
        program = """
        logger = ExposureLogger(
            WebhookSink(sys.argv[1]),
            exit_timeout=1.0,
            on_drop=lambda event, why: print(event.unit_id),
        )
        produce(logger, "u", 500)
        """
        assert run(program, destination).split() == list(units("u"))
        assert not destination.units

    def test_close_during_an_outage_waits_for_its_end(self, destination: Destination) -> None:
        destination.policy = lambda request, records: Answer(503) if request < 6 else OK
        assert run("produce(logger, 'u', 500); print(logger.close(30))", destination) == "True\n"
        assert destination.units == units("u")

    def test_a_signal_handler_may_log_in_the_middle_of_anything(
        self, destination: Destination
    ) -> None:
        program = """
        numbers = itertools.count()
        def handler(*_):
            produce(logger, "signal", 1, first=next(numbers))
        signal.signal(signal.SIGVTALRM, handler)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0005, 0.0005)
        produce(logger, "u", 20_000)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        logger.close()
        print(next(numbers))
        """
        handled = int(run(program, destination))
        assert handled > 10
        assert destination.units == units("u", 20_000) | units("signal", handled)


class TestAbruptEnd:
    """Python runs nothing at these ends: Celery's and RQ's workers, and uvicorn, end so."""

    def test_a_program_that_ends_by_os_exit_delivers_everything(
        self, destination: Destination
    ) -> None:
        run("produce(logger, 'u', 500); os._exit(3)", destination, status=3)
        assert destination.units == units("u")

    def test_so_does_one_that_raises_a_signal_which_ends_it(self, destination: Destination) -> None:
        program = "produce(logger, 'u', 500); signal.raise_signal(signal.SIGTERM)"
        run(program, destination, status=-signal.SIGTERM)
        assert destination.units == units("u")

    def test_a_signal_that_is_handled_ends_nothing(self, destination: Destination) -> None:
        program = """
        signal.signal(signal.SIGTERM, lambda *_: None)
        produce(logger, "u", 1)
        signal.raise_signal(signal.SIGTERM)
        produce(logger, "v", 1)
        print(logger.flush())
        """
        assert run(program, destination) == "True\n"
        assert destination.units == units("u", 1) | units("v", 1)

    def test_a_child_that_was_forked_before_abkit_was_imported_delivers(
        self, destination: Destination
    ) -> None:
        """As in RQ, whose work horse imports the job."""
        program = """
        for name in [name for name in sys.modules if name.startswith("abkit")]:
            del sys.modules[name]
        pid = os.fork()
        if pid == 0:
            from abkit.exposure.logger import ExposureLogger
            produce(ExposureLogger(WebhookSink(sys.argv[1])), "u", 500)
            os._exit(0)
        os.waitpid(pid, 0)
        """
        run(program, destination)
        assert destination.units == units("u")

    def test_a_signal_handler_that_ends_the_program_delivers(
        self, destination: Destination
    ) -> None:
        program = """
        signal.signal(signal.SIGVTALRM, lambda *_: os._exit(0))
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)
        for number in itertools.count():
            produce(logger, "u", 1, first=number)
            print(number, flush=True)
        """
        logged = len(run(program, destination).split())
        assert units("u", logged).items() <= destination.units.items()

    def test_what_hangs_does_not_keep_the_program_from_ending(
        self, destination: Destination
    ) -> None:
        """Here a callback; it may be a lock of the log's handlers that another thread holds."""
        destination.policy = lambda request, records: Answer(503)
        program = """
        logger = ExposureLogger(
            WebhookSink(sys.argv[1]), exit_timeout=0.2, on_drop=lambda event, why: time.sleep(3600)
        )
        produce(logger, "u", 500)
        os._exit(0)
        """
        run(program, destination)


CHILD_ENDINGS = {
    "ends": "os._exit(0)",
    "exits": "sys.exit(0)",
    "closes": "os._exit(0 if logger.close() else 1)",
    "lives on": "wait_until_delivered(); os._exit(0)",
    "flushes": "os._exit(0 if logger.flush() else 1)",
}


class TestFork:
    @pytest.mark.parametrize("ending", CHILD_ENDINGS)
    @pytest.mark.parametrize("before", [0, 250])
    def test_child_and_parent_each_deliver_their_own(
        self, destination: Destination, ending: str, before: int
    ) -> None:
        """The client is made before the fork, with and without events in the parent's queue."""
        program = f"""
        produce(logger, "parent", {before})
        pid = os.fork()
        if pid == 0:
            produce(logger, "child", 500)
            {CHILD_ENDINGS[ending]}
        produce(logger, "parent", 500 - {before}, first={before})
        assert os.waitpid(pid, 0)[1] == 0
        """
        run(program, destination)
        assert destination.units == units("parent") | units("child")

    def test_grandchildren_deliver_too(self, destination: Destination) -> None:
        program = """
        for generation in range(3):
            produce(logger, str(generation), 100)
            pid = os.fork()
            if pid:
                os.waitpid(pid, 0)
                break
        """
        run(program, destination)
        assert destination.units == units("0", 100) | units("1", 100) | units("2", 100)

    def test_a_child_that_logs_nothing_sends_nothing(self, destination: Destination) -> None:
        program = """
        logger = ExposureLogger(WebhookSink(sys.argv[1]), limits=BatchLimits(age=60))
        produce(logger, "parent", 10)
        pid = os.fork()
        if pid == 0:
            assert logger.stats.accepted == 0
            assert logger.close()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """
        run(program, destination)
        assert destination.units == units("parent", 10)

    def test_a_child_knows_what_its_parent_has_logged(self, destination: Destination) -> None:
        program = """
        produce(logger, "u", 10)
        pid = os.fork()
        produce(logger, "u", 10)
        if pid:
            os.waitpid(pid, 0)
        """
        run(program, destination)
        assert destination.units == units("u", 10)

    def test_a_fork_while_other_threads_log_leaves_no_lock_held(
        self, destination: Destination
    ) -> None:
        program = """
        going = True
        def log(name):
            number = 0
            while going:
                produce(logger, name, 50, first=number)
                number += 50
                time.sleep(0.001)
        threads = [
            threading.Thread(target=log, args=(str(name),), daemon=True) for name in range(3)
        ]
        for thread in threads:
            thread.start()
        for child in range(20):
            pid = os.fork()
            if pid == 0:
                produce(logger, f"child{child}", 10)
                os._exit(0 if logger.close() else 1)
            assert os.waitpid(pid, 0)[1] == 0
        going = False
        for thread in threads:
            thread.join()
        """
        run(program, destination)
        counts = destination.units
        assert set(counts.values()) == {1}
        for child in range(20):
            assert units(f"child{child}", 10).keys() <= counts.keys()

    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    def test_the_children_of_multiprocessing_deliver(
        self, destination: Destination, method: str, tmp_path: Path
    ) -> None:
        """A forked one ends without atexit."""
        program = f"""
        if __name__ == "__main__":
            import work
            work.logger = logger
            context = multiprocessing.get_context({method!r})
            children = [context.Process(target=work.work, args=(n, sys.argv[1])) for n in range(2)]
            for child in children:
                child.start()
            for child in children:
                child.join()
        """
        (tmp_path / "work.py").write_text(
            dedent("""
            from abkit.exposure.logger import ExposureLogger
            from webhook import WebhookSink, produce

            logger = None

            def work(number, address):
                global logger
                logger = logger or ExposureLogger(WebhookSink(address))
                produce(logger, f"child{number}", 500)
            """)
        )
        run(f"sys.path.insert(0, {str(tmp_path)!r})\n" + dedent(program), destination)
        assert destination.units == units("child0") | units("child1")

    def test_a_server_that_forks_behind_pythons_back_loses_nothing(
        self, destination: Destination
    ) -> None:
        """As uWSGI does, which runs none of the hooks unless told to."""
        program = """
        import ctypes
        produce(logger, "parent", 500)
        assert logger.flush()
        pid = ctypes.PyDLL(None).fork()
        if pid == 0:
            produce(logger, "child", 500)
            os._exit(0 if logger.close() else 1)
        assert os.waitpid(pid, 0)[1] == 0
        """
        run(program, destination)
        assert destination.units == units("parent") | units("child")
