"""Unfinished files: which of them a process may still be writing, and which were abandoned.

A name says when, where and by whom: `<seconds>-<host>-<process>-<unique>.part`.
"""

import os
import re
import socket
import time
from collections.abc import Callable, Iterable
from uuid import uuid4

_OF_THE_DEAD = 3_600.0  # seconds; a process in another container may have the same host's name
_ELSEWHERE = 24 * 3_600.0  # other hosts' processes cannot be asked for, and their clocks may differ
_NAME = re.compile(
    r"(?P<began>\d{1,12})-(?P<host>[\w.]{0,64})-(?P<pid>\d{1,10})-[0-9a-f]{32}\.part"
)


def host() -> str:
    """The name of this machine, as it can stand in a file's name."""
    return re.sub(r"[^\w.]", "_", socket.gethostname(), flags=re.ASCII)[:64]


def name_of_part() -> str:
    """What this process calls a file that it begins now."""
    return f"{int(time.time())}-{host()}-{os.getpid()}-{uuid4().hex}.part"


class Sweep:
    """Finds what was abandoned: when a writer begins, and then once an hour."""

    def __init__(self) -> None:
        self._next = float("-inf")

    def is_due(self) -> bool:
        """Whether it is time; if so, the next time is an hour later."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _OF_THE_DEAD
        return True

    def abandoned(self, names: Iterable[str]) -> list[str]:
        """Those of the names that nobody can be writing any more."""
        now, here = time.time(), host()
        return [name for name in names if is_abandoned(name, now=now, here=here, is_alive=is_alive)]


def is_abandoned(name: str, *, now: float, here: str, is_alive: Callable[[int], bool]) -> bool:
    """Whether nobody can be writing a file any more.

    Args:
        name: The file's, without its folder; a foreign name is never abandoned.
        now: Seconds since the epoch.
        here: The name of this machine.
        is_alive: Whether a process of this machine lives.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return False
    age = now - int(found["began"])
    if found["host"] != here:
        return age > _ELSEWHERE
    return age > _OF_THE_DEAD and not is_alive(int(found["pid"]))


def is_alive(pid: int) -> bool:
    """Whether a process of this machine lives; where that cannot be asked, it does."""
    if os.name != "posix":
        return True  # There, `kill` would end it.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # It is somebody else's.
    return True
