"""What outlives a request: renewed in a forked child, closed at the end of the program.

Objects are held weakly. One hook of each kind serves them all, installed with the first object.
"""

import atexit
import mmap
import os
import sys
import weakref
from typing import Generic, Protocol, TypeVar


class Renewable(Protocol):
    """What has locks, or threads, which a forked child cannot use."""

    def after_fork(self) -> None:
        """Begin anew, in the child: replace locks rather than acquire them."""
        ...


class Closable(Protocol):
    """What has something to finish when the program ends."""

    def close_at_exit(self) -> None:
        """Begin to close, and return at once."""
        ...

    def wait_until_closed(self) -> bool:
        """Wait until it is closed or its time is up."""
        ...


_T = TypeVar("_T")


class _Living(Generic[_T]):
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


_renewable: _Living[Renewable] = _Living()
_closable: _Living[Closable] = _Living()
_installed: set[str] = set()

_MADV_WIPEONFORK = 18
"""Linux's number, which `mmap` does not name."""


class SignOfProcess(Protocol):
    """Its item 0 is 1 in the process that made it, and 0 in forked children."""

    def __getitem__(self, index: int, /) -> int: ...


class _SameProcessId:
    """Asks the system, each time."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    def __getitem__(self, index: int, /) -> int:
        return os.getpid() == self._pid


def sign_of_this_process() -> SignOfProcess:
    """A sign that tells forked children from this process, even where no hook is run.

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


def renew_after_fork(member: Renewable) -> None:
    """Call the object's `after_fork` in every forked child, as long as the object exists."""
    if "fork" not in _installed and hasattr(os, "register_at_fork"):
        _installed.add("fork")
        os.register_at_fork(after_in_child=_renew_all)
    _renewable.add(member)


def close_at_exit(member: Closable) -> None:
    """Close the object when the program ends without having closed it."""
    if "exit" not in _installed:
        _installed.add("exit")
        atexit.register(_close_all)
    _closable.add(member)


def close_at_exit_of_child() -> None:
    """Close also at the end of a child of multiprocessing, which may skip `atexit`."""
    process = sys.modules.get("multiprocessing.process")
    util = sys.modules.get("multiprocessing.util")
    name = f"child {os.getpid()}"
    if process is None or util is None or name in _installed or process.parent_process() is None:
        return
    _installed.add(name)
    util.Finalize(None, _close_all, exitpriority=-100)  # After those of the application.


def _renew_all() -> None:
    for member in _renewable.members():
        member.after_fork()


def _close_all() -> None:
    closing = _closable.members()
    # All at once, so that several wait no longer than one.
    for member in closing:
        member.close_at_exit()
    for member in closing:
        member.wait_until_closed()
