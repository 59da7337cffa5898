"""Whether threads run at the same time: Python 3.13 and later can be built without the interpreter's lock."""

import sys


def runs_threads_at_once() -> bool:
    """Whether two threads may be in the middle of one statement, so that adding to a number needs a lock."""
    has_lock = getattr(sys, "_is_gil_enabled", None)
    return has_lock is not None and not has_lock()
