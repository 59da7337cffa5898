"""A bell that one thread waits for."""

import threading

from abkit.exposure.runtime.wakeup import Bell


def test_a_ring_wakes_the_thread_that_waits() -> None:
    bell, woken = Bell(), threading.Event()

    def wait() -> None:
        bell.wait(30)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    bell.ring()
    assert woken.wait(10)
    thread.join()


def test_rings_that_nobody_hears_are_kept_as_one() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    heard = threading.Thread(target=bell.wait, args=(30,))
    heard.start()
    heard.join(10)
    assert not heard.is_alive()
    silent = threading.Thread(target=bell.wait, args=(30,), daemon=True)
    silent.start()
    silent.join(0.05)
    assert silent.is_alive()
    bell.ring()
    silent.join(10)


def test_the_wait_ends_without_a_ring() -> None:
    bell = Bell()
    bell.wait(0.001)
    bell.wait(0)
