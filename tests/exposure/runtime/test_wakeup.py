"""A wakeup that one thread waits for."""

import threading

from abkit.exposure.runtime.wakeup import WakeUp


def test_a_ring_wakes_the_thread_that_waits() -> None:
    wakeup, woken = WakeUp(), threading.Event()

    def wait() -> None:
        wakeup.wait(30)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    wakeup.set()
    assert woken.wait(10)
    thread.join()


def test_rings_that_nobody_hears_are_kept_as_one() -> None:
    wakeup = WakeUp()
    wakeup.set()
    wakeup.set()
    heard = threading.Thread(target=wakeup.wait, args=(30,))
    heard.start()
    heard.join(10)
    assert not heard.is_alive()
    silent = threading.Thread(target=wakeup.wait, args=(30,), daemon=True)
    silent.start()
    silent.join(0.05)
    assert silent.is_alive()
    wakeup.set()
    silent.join(10)


def test_the_wait_ends_without_a_ring() -> None:
    wakeup = WakeUp()
    wakeup.wait(0.001)
    wakeup.wait(0)
