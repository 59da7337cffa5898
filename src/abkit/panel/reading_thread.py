"""The thread in which sums are read: one after the other, those who wait in turn."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TypeAlias

from attrs import field, frozen

MOST_WAITING = 500
"""So much may wait."""

MOST_OF_VIEWER = 50
"""So much of it may be what one viewer asks for: who tries out every day leaves room for others."""

Line: TypeAlias = str | None
"""Who waits in the same line: a viewer, by name; None: everybody, for what all of them see."""


@frozen
class _Work:
    do: Callable[[], None]
    done: threading.Event = field(factory=threading.Event)


class ReadingThread:
    """Does one piece of work after the other: the first of each line in turn.

    So what one person asks for, however much it is, holds up another by no more than what is being done. The
    thread is started when there is something to do, and ends when there is nothing. It does not keep the
    program from ending.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: OrderedDict[Line, deque[_Work]] = OrderedDict()
        self._last: Line = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, do: Callable[[], None], line: Line) -> threading.Event | None:
        """Do something when its turn comes.

        Args:
            do: Does it.
            line: Who asks for it.

        Returns:
            Is set when it is done; None if too much waits already, or nothing is done any more.
        """
        with self._lock:
            if self._closed or self._is_full(line):
                return None
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="abkit-panel", daemon=True)
                try:
                    thread.start()  # It waits for the lock.
                except RuntimeError:  # The program ends.
                    return None
                self._thread = thread
            work = _Work(do)
            self._lines.setdefault(line, deque()).append(work)
            return work.done

    def close(self) -> None:
        """Begin nothing more; what is being done is not waited for."""
        with self._lock:
            self._closed = True
            waiting = [work for line in self._lines.values() for work in line]
            self._lines.clear()
        for work in waiting:
            work.done.set()

    @property
    def is_closed(self) -> bool:
        """Whether nothing is done any more."""
        return self._closed

    def wait(self, timeout: float) -> bool:
        """Wait until nothing is being done; returns whether that is so.

        Args:
            timeout: How long, in seconds.
        """
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _is_full(self, line: Line) -> bool:
        sizes = {each: len(waiting) for each, waiting in self._lines.items()}
        of_line = sizes.pop(line, 0)
        if line is None:  # What all of them see has room of its own.
            return of_line >= MOST_WAITING
        sizes.pop(None, None)
        return of_line >= MOST_OF_VIEWER or of_line + sum(sizes.values()) >= MOST_WAITING

    def _run(self) -> None:
        try:
            while (work := self._next()) is not None:
                try:
                    work.do()
                finally:
                    work.done.set()
        finally:
            with self._lock:
                if self._thread is threading.current_thread():  # Something was raised.
                    self._thread = None

    def _next(self) -> _Work | None:
        """The first of the line whose turn it is: the one that came last waits for all others."""
        with self._lock:
            if not self._lines:
                self._thread = None
                return None
            if self._last in self._lines:
                self._lines.move_to_end(self._last)
            self._last, waiting = self._lines.popitem(last=False)
            work = waiting.popleft()
            if waiting:
                self._lines[self._last] = waiting
            return work
