"""A lock of the threads of one process, and what a fork makes of it."""

import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from abkit.process_lock import ProcessLock


@contextmanager
def held_by_another_thread(lock: ProcessLock) -> Iterator[None]:
    holds, released = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            holds.set()
            released.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    assert holds.wait(60)
    yield
    released.set()
    other.join()


def code_of_child() -> int:
    """0 in a forked child, which is ended if it waits; in the parent 1 and the signal that ended it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork of many threads
        child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        return 0
    return 1 + os.waitpid(child, 0)[1]


def test_one_thread_has_it_at_a_time() -> None:
    lock, seen = ProcessLock(), []

    def ask() -> None:
        with lock:
            seen.append("other")

    with held_by_another_thread(lock):
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(0.1)
        assert seen == []
    asking.join()
    assert seen == ["other"]


def test_a_child_that_is_forked_while_another_thread_has_it_can_have_it() -> None:
    lock = ProcessLock()
    with held_by_another_thread(lock):
        code = code_of_child()
        if code == 0:
            with lock:
                os._exit(0)
    assert code == 1


def test_a_child_that_is_forked_by_who_has_it_has_it_no_more() -> None:
    lock = ProcessLock()
    with lock:
        code = code_of_child()
    if code == 0:
        with lock:
            os._exit(0)
    assert code == 1


def test_who_has_it_may_have_it_once_more() -> None:
    lock = ProcessLock()
    with lock, lock:
        pass
