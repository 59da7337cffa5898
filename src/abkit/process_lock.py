"""A lock that a forked child does not find locked."""

import os
from _thread import RLock  # threading's, without the time that importing it takes


class ProcessLock:
    """A lock for the threads of a process; a forked child has one of its own, which nobody holds.

    A lock of the parent's that another thread holds at the moment of the fork would be held for ever in the
    child, where that thread does not exist. The thread that holds it may acquire it once more, because a
    signal handler may run in between.
    """

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, RLock] = {}

    def __enter__(self) -> None:
        # One step, whatever other threads do.
        self._locks.setdefault(os.getpid(), RLock()).acquire()

    def __exit__(self, *_: object) -> None:
        held = self._locks.get(os.getpid())
        if held is not None:  # This is no child that was forked in between.
            held.release()
