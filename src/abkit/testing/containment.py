"""What a test suite logs stays in its process.

There are three ways out, and one door to all. An `ExposureLogger` delivers: while the door is closed, it
takes no event, so that no thread starts and nothing is left for the end of the program. A callable that
the application has set as `on_event` does what it likes: it is not called. A sticky store is shared with
others: it is not asked, and given nothing.
"""

import gc
import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from abkit.events import Event
from abkit.handler import EventHandler, check_handler
from abkit.manager import ExperimentManager, expt_manager

logger: logging.Logger = logging.getLogger("abkit")

_IN_MEMORY = (list, deque, set)


class _Door:
    """Whether anything may leave.

    Attributes:
        closed: How many have closed it.
        held_open: How many hold it open nevertheless.
        tests: How many tests run; what they set as `on_event` is their own.
        applications_handlers: The callables that were set as `on_event` while no test ran.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.closed = self.held_open = self.tests = 0
        self.applications_handlers: list[EventHandler] = []
        self._has_told = False

    @contextmanager
    def counted(self, *counts: str) -> Iterator[None]:
        """Add one to the counts within."""
        self._add(counts, 1)
        try:
            yield
        finally:
            self._add(counts, -1)

    def _add(self, counts: tuple[str, ...], number: int) -> None:
        with self.lock:
            for count in counts:
                setattr(self, count, getattr(self, count) + number)

    def keeps_in(self, way_out: object) -> bool:
        """Whether nothing may leave by this way now; it says so once."""
        if not self.closed or self.held_open:
            return False
        if not self._has_told:
            self._has_told = True
            logger.info(
                "%r gets nothing while tests run: use captured_exposures, a MemorySink, or mark the "
                "test with pytest.mark.abkit_delivers",
                way_out,
            )
        return True


_door = _Door()


@contextmanager
def contained() -> Iterator[None]:
    """Prevent all logged events from leaving the process.

    Events are still passed to `captured_exposures`, to callables that store them in memory (a `MemorySink`,
    a list's `append`), and to any other callable that is set as `on_event` inside the block. `on_event` of
    `expt_manager` does not have to be set.
    """
    guard_loggers()
    guard_sticky_stores()
    guard_managers()
    with _door.counted("closed", "tests"):
        yield


@contextmanager
def delivering() -> Iterator[None]:
    """Deliver events as the application does, although they would be contained."""
    with _door.counted("held_open"):
        yield


@contextmanager
def while_a_test_runs() -> Iterator[None]:
    """What is set as `on_event` within is the test's own."""
    with _door.counted("tests"):
        yield


def close_for_good() -> None:
    """Contain all that this process will ever log, except within `delivering`."""
    _door.closed += 1


def guard_loggers() -> None:
    """Put the door before all exposure loggers."""
    from abkit.exposure.logger import ExposureLogger
    from abkit.sinks.memory import MemorySink

    take = ExposureLogger.__call__
    if hasattr(take, "__wrapped__"):
        return

    def take_if_it_may_leave(self: ExposureLogger, event: Event, /) -> None:
        sink = getattr(self, "_sink", None)
        if isinstance(sink, MemorySink) or not _door.keeps_in(sink):
            take(self, event)

    take_if_it_may_leave.__wrapped__ = take  # type: ignore[attr-defined]
    ExposureLogger.__call__ = take_if_it_may_leave  # type: ignore[method-assign]


def guard_sticky_stores() -> None:
    """Put the door before all sticky stores but those in memory: behind it no unit keeps a variant."""
    from abkit.exposure.sticky.store import Choice, MemoryStickyStore, StickyKey
    from abkit.exposure.sticky.store_reader import StoreReader
    from abkit.exposure.sticky.store_writer import StoreWriter

    ask, put = StoreReader.__call__, StoreWriter.put
    if hasattr(ask, "__wrapped__"):
        return

    def stays(store: object) -> bool:
        return not isinstance(store, MemoryStickyStore) and _door.keeps_in(store)

    def ask_if_it_may(self: StoreReader, key: StickyKey) -> str | Exception | None:
        return None if stays(self.store) else ask(self, key)

    def put_if_it_may(self: StoreWriter, choice: Choice) -> None:
        if not stays(self.store):
            put(self, choice)

    ask_if_it_may.__wrapped__ = ask  # type: ignore[attr-defined]
    StoreReader.__call__ = ask_if_it_may  # type: ignore[method-assign]
    StoreWriter.put = put_if_it_may  # type: ignore[method-assign]


def guard_managers() -> None:
    """Put the door between all managers and what is set as their `on_event`, before and from now on."""
    original: Any = vars(ExperimentManager)["on_event"]
    if isinstance(original, _GuardedHandler):
        return
    ExperimentManager.on_event = _GuardedHandler(  # type: ignore[assignment]
        original.fget, original.fset, doc=original.__doc__
    )
    # Not isinstance(), for which a lazy object of Django's would wake up.
    managers = [one for one in gc.get_objects() if issubclass(type(one), ExperimentManager)]
    for manager in managers:
        manager.on_event = manager.on_event


class _GuardedHandler(property):
    """`ExperimentManager.on_event`: gives the handler that was set, and has a guarded one called."""

    def __get__(self, manager: Any, owner: type | None = None, /) -> Any:
        handler = super().__get__(manager, owner)
        return handler.handler if isinstance(handler, _Guarded) else handler

    def __set__(self, manager: Any, handler: EventHandler | None, /) -> None:
        check_handler(handler)
        super().__set__(manager, _guarded(manager, handler))


def _guarded(manager: ExperimentManager, handler: EventHandler | None) -> EventHandler | None:
    if handler is None:
        return _Guarded(None) if manager is expt_manager else None
    if getattr(handler, "stays_in_process", False):
        return handler
    if isinstance(getattr(handler, "__self__", None), _IN_MEMORY):
        return handler
    if _has_a_door_of_its_own(handler):
        return _Guarded(handler, has_door=True)
    known = any(handler is one for one in _door.applications_handlers)
    if not _door.tests and not known:
        _door.applications_handlers.append(handler)
    # A test that has set another one for a while sets the application's own again at its end.
    return handler if _door.tests and not known else _Guarded(handler)


class _Guarded:
    """A handler behind the door; None if there is none behind it.

    It has no shortcuts past the handler's `__call__`, as an `ExposureLogger` has for a manager; but what
    the handler has seen it need not be told again, while the door is open.
    """

    def __init__(self, handler: EventHandler | None, *, has_door: bool = False) -> None:
        self.handler = handler
        self._has_door = has_door
        has_seen = getattr(handler, "has_seen", None)
        if has_seen is not None and not has_door:
            self.has_seen = lambda key, variant: (
                not _door.keeps_in(handler) and has_seen(key, variant)
            )

    def __call__(self, event: Event, /) -> None:
        if self.handler is not None and (self._has_door or not _door.keeps_in(self.handler)):
            self.handler(event)


def _has_a_door_of_its_own(handler: EventHandler) -> bool:
    from abkit.exposure.fanout import FanOut
    from abkit.exposure.logger import ExposureLogger

    return isinstance(handler, ExposureLogger | FanOut)
