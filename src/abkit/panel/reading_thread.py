"""The thread in which sums are read: one after the other, those who wait in turn."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias

MOST_WAITING = 500
"""So much may wait."""

MOST_OF_VIEWER = 50
"""So much of it may be what one viewer asks for: who tries out every day leaves room for others."""

_BRIEFLY = 1.0
"""Seconds in which whoever holds the lock gives it back."""

Line: TypeAlias = str | None
"""Who waits in the same line: a viewer, by name; None: everybody, for what all of them see."""


class Urgency(IntEnum):
    """Who waits for something: the smallest is served first of its line."""

    PERSON = 0
    """Somebody looks at the experiment's page."""
    NEW = 1
    """Nothing is known yet of an experiment that exposes units."""
    NEW_OF_PAST = 2
    """Nothing is known yet of one that exposes nobody any more."""
    AGAIN = 3
    """Something is known, and may be old."""


class Work:
    """Something that is done when its turn comes.

    Attributes:
        done: Is set when it is done, or is not done any more.
        do: Does it.
        place: How urgent it is, and when it came: the least is next.
    """

    def __init__(self, do: Callable[[], None], urgency: Urgency, came: int) -> None:
        self.done: threading.Event = threading.Event()
        self.do: Callable[[], None] = do
        self.place: tuple[Urgency, int] = (urgency, came)

    def __lt__(self, other: "Work") -> bool:
        return self.place < other.place


class ReadingThread:
    """Does one piece of work after the other: the most urgent of each line in turn.

    So what one person asks for, however much it is, holds up another by no more than what is being done. The
    thread is started when there is something to do, and ends when there is nothing. It does not keep the
    program from ending.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: OrderedDict[Line, list[Work]] = OrderedDict()
        self._came = 0
        self._last: Line = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._paused = False

    def submit(
        self, do: Callable[[], None], line: Line, urgency: Urgency = Urgency.NEW
    ) -> Work | None:
        """Do something when its turn comes.

        Args:
            do: Does it.
            line: Who asks for it.
            urgency: Before what of the same line.

        Returns:
            None if too much waits already, or nothing is done any more.
        """
        with self._lock:
            if self._closed or self._is_full(line):
                return None
            if not self._starts():
                return None
            self._came += 1
            work = Work(do, urgency, self._came)
            self._lines.setdefault(line, []).append(work)
            return work

    def hurry(self, work: Work, urgency: Urgency) -> None:
        """Make what waits more urgent; it keeps its place if it is so already."""
        with self._lock:
            if urgency < work.place[0]:
                self._came += 1
                work.place = (urgency, self._came)

    def close(self) -> None:
        """Begin nothing more; what is being done is not waited for."""
        with self._lock:
            self._closed = True
            waiting = [work for line in self._lines.values() for work in line]
            self._lines.clear()
        for work in waiting:
            work.done.set()

    def pause(self) -> None:
        """Begin nothing for now, and let the thread end; what is being done is not waited for."""
        # A thread that forks while it holds the lock must not wait for itself.
        held = self._lock.acquire(timeout=_BRIEFLY)
        self._paused = True
        if held:
            self._lock.release()

    def resume(self) -> None:
        """Go on after `pause`."""
        held = self._lock.acquire(timeout=_BRIEFLY)
        self._paused = False
        if held:
            if self._lines:
                self._starts()
            self._lock.release()

    @property
    def is_paused(self) -> bool:
        """Whether nothing is begun for now."""
        return self._paused

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

    def _starts(self) -> bool:
        """Start the thread if there is none; whoever calls it holds the lock."""
        if self._thread is None and not self._paused:
            thread = threading.Thread(target=self._run, name="abkit-panel", daemon=True)
            try:
                thread.start()  # It waits for the lock.
            except RuntimeError:  # The program ends.
                return False
            self._thread = thread
        return True

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

    def _next(self) -> Work | None:
        """The most urgent of the line whose turn it is: the one that came last waits for all others."""
        with self._lock:
            if not self._lines or self._paused:
                self._thread = None
                return None
            if self._last in self._lines:
                self._lines.move_to_end(self._last)
            self._last, waiting = self._lines.popitem(last=False)
            work = min(waiting)
            waiting.remove(work)
            if waiting:
                self._lines[self._last] = waiting
            return work
