"""Several threads that do the same at the same moment."""

import sys
import threading
from collections.abc import Callable


def at_once(do: Callable[[], object], *, threads: int) -> None:
    """Do something in several threads, which begin together and take turns as often as they can."""
    start = threading.Barrier(threads)

    def run() -> None:
        start.wait()
        do()

    running = [threading.Thread(target=run) for _ in range(threads)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
