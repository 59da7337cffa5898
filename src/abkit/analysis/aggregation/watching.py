"""How much of a query is done, told while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Protocol, runtime_checkable

_EVERY = 0.2
"""Seconds between two looks."""


@runtime_checkable
class Watched(Protocol):
    """An engine that knows how much of its query is done."""

    def share_done(self) -> float | None:
        """From 0 to 1; None while that is not known. It is asked from another thread."""
        ...


@runtime_checkable
class Watcher(Protocol):
    """A `Progress` that is also told how much of a step is done."""

    def within(self, share: float) -> object:
        """Is told from another thread, some times a second.

        Args:
            share: From 0 to 1.
        """
        ...


@contextmanager
def watched(engine: object, progress: object) -> Iterator[None]:
    """Tell how much of a query is done while it runs, if the engine knows and somebody wants to.

    Args:
        engine: What runs the query.
        progress: Who is told.
    """
    if not isinstance(engine, Watched) or not isinstance(progress, Watcher):
        yield
        return
    over = Event()
    looking = Thread(target=_look, args=(engine.share_done, progress.within, over), daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()


def _look(
    share_done: Callable[[], float | None], within: Callable[[float], object], over: Event
) -> None:
    while not over.wait(_EVERY):
        share = share_done()
        if share is not None:
            within(share)
