"""Hooks for long-lived objects: called after a fork, and at the end of the program.

Objects are held weakly. One hook of each kind serves them all, installed with the first object.
"""

import _thread
import atexit
import mmap
import os
import signal
import sys
import weakref
from collections.abc import Callable
from functools import wraps
from typing import Generic, NoReturn, Protocol, TypeVar

from abkit.exposure.runtime.wakeup import WakeUp


class ForkAware(Protocol):
    """An object with locks or threads, which a forked child cannot use."""

    def after_fork(self) -> None:
        """Start anew in the child: replace locks, do not acquire them."""
        ...


class PausedAtFork(Protocol):
    """An object with a thread that may be within a library whose locks a forked child would keep for ever."""

    def before_fork(self) -> None:
        """Let the thread come to an end, or to a place where it holds nothing; it must not take long."""
        ...

    def after_fork_in_parent(self) -> None:
        """Go on."""
        ...


class ClosedAtExit(Protocol):
    """An object with work to finish when the program ends."""

    @property
    def exit_timeout(self) -> float:
        """Seconds that it may take."""
        ...

    def close_at_exit(self) -> None:
        """Begin to close, and return at once."""
        ...

    def wait_until_closed(self) -> bool:
        """Wait until it is closed or its time is up."""
        ...


_T = TypeVar("_T")


class _WeakRegistry(Generic[_T]):
    """The objects that still exist."""

    def __init__(self) -> None:
        self._references: dict[int, weakref.ref[_T]] = {}

    def add(self, member: _T) -> None:
        key = id(member)
        self._references[key] = weakref.ref(member, lambda _: self._references.pop(key, None))

    def __bool__(self) -> bool:
        return bool(self._references)

    def members(self) -> list[_T]:
        # list() of a dict's values is one step, whatever other threads do.
        found = [reference() for reference in list(self._references.values())]
        return [member for member in found if member is not None]


_fork_aware: _WeakRegistry[ForkAware] = _WeakRegistry()
_paused_at_fork: _WeakRegistry[PausedAtFork] = _WeakRegistry()
_closed_at_exit: _WeakRegistry[ClosedAtExit] = _WeakRegistry()
_installed: set[str] = set()

_ENDING = {
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGBREAK")
    if hasattr(signal, name)
}
"""Signals that end a process which does not handle them."""

_GRACE = 0.5
"""Seconds beyond what closing may take after which the process ends all the same."""

_NO_THREADS_AT_THE_END = 0x030C0000
"""From this version of Python on, 3.12, no thread starts once the program ends."""

_MADV_WIPEONFORK = 18
"""Linux's number, which `mmap` does not name."""


class ProcessMarker(Protocol):
    """Its item 0 is 1 in the process that made it, and 0 in forked children."""

    def __getitem__(self, index: int, /) -> int: ...


class _SameProcessId:
    """Asks the system, each time."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    def __getitem__(self, index: int, /) -> int:
        return os.getpid() == self._pid


def marker_of_this_process() -> ProcessMarker:
    """A marker that differs in forked children, even where no fork hook is run.

    On Linux it is a page of memory that the kernel wipes in children: to ask for the process's id at each
    event would take longer than to queue it.
    """
    if not sys.platform.startswith("linux"):
        return _SameProcessId()
    page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        page.madvise(_MADV_WIPEONFORK)
    except OSError:  # Before Linux 4.14.
        return _SameProcessId()
    page[0] = 1
    return page


def call_after_fork(member: ForkAware) -> None:
    """Call the object's `after_fork` in every forked child, as long as the object exists."""
    if "fork" not in _installed and hasattr(os, "register_at_fork"):
        _installed.add("fork")
        os.register_at_fork(after_in_child=_call_all_after_fork)
    _fork_aware.add(member)


def pause_at_fork(member: PausedAtFork) -> None:
    """Call the object's `before_fork` and `after_fork_in_parent` around every fork, as long as it exists."""
    if "pause" not in _installed and hasattr(os, "register_at_fork"):
        _installed.add("pause")
        os.register_at_fork(before=_pause_all, after_in_parent=_resume_all)
    _paused_at_fork.add(member)


def close_at_exit(member: ClosedAtExit) -> None:
    """Close the object when the program ends without having closed it."""
    if "exit" not in _installed:
        _installed.add("exit")
        atexit.register(_close_all)
    _closed_at_exit.add(member)


def close_at_abrupt_exit() -> None:
    """Close also where this process ends itself without `atexit`.

    Children of multiprocessing, Celery's and RQ's workers end by `os._exit`, uvicorn by a signal to itself.
    Nothing is told of that, so these two functions are replaced, once in a process.
    """
    if "abrupt end" in _installed:
        return
    _installed.add("abrupt end")
    os._exit = _closing_first(os._exit)  # type: ignore[assignment] # It is a def to mypy.
    if hasattr(signal, "raise_signal"):
        signal.raise_signal = _closing_if_it_ends(signal.raise_signal)


def _closing_first(exit_at_once: Callable[[int], NoReturn]) -> Callable[[int], NoReturn]:
    @wraps(exit_at_once)
    def close_and_exit(status: int) -> NoReturn:
        try:
            _close_all_in_time()
        finally:
            exit_at_once(status)

    return close_and_exit


def _closing_if_it_ends(raise_signal: Callable[[int], None]) -> Callable[[int], None]:
    @wraps(raise_signal)
    def close_and_raise(signalnum: int, /) -> None:
        if signalnum in _ENDING and signal.getsignal(signalnum) is signal.SIG_DFL:
            _close_all_in_time()
        raise_signal(signalnum)

    return close_and_raise


def _close_all_in_time() -> None:
    """Close; neither a lock that somebody holds nor a callback that hangs may hold the end up."""
    longest = max((member.exit_timeout for member in _closed_at_exit.members()), default=0.0)
    done = WakeUp()

    def close() -> None:
        try:
            _close_all()
        finally:
            done.set()

    try:
        # Not threading.Thread: a signal handler may have interrupted the start of one.
        _thread.start_new_thread(close, ())
    except RuntimeError:  # At the end of the program there are no new threads.
        _close_all()
    else:
        done.wait(longest + _GRACE)


def _call_all_after_fork() -> None:
    for member in _fork_aware.members():
        member.after_fork()


def _pause_all() -> None:
    for member in _paused_at_fork.members():
        member.before_fork()


def _resume_all() -> None:
    for member in _paused_at_fork.members():
        member.after_fork_in_parent()


def _close_all() -> None:
    closing = _closed_at_exit.members()
    if closing:
        _look_up_names_without_threads()
    # All at once, so that several wait no longer than one.
    for member in closing:
        member.close_at_exit()
    for member in closing:
        member.wait_until_closed()


def _look_up_names_without_threads() -> None:
    """Let gevent look up hosts as the system does: its own way starts a thread, and no sink could connect."""
    if "gevent.monkey" not in sys.modules or sys.hexversion < _NO_THREADS_AT_THE_END:
        return
    from gevent import get_hub
    from gevent.monkey import is_module_patched
    from gevent.resolver.blocking import Resolver

    if is_module_patched("socket"):
        hub = get_hub()
        hub.resolver = Resolver(hub)
