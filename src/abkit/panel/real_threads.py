"""Work that must not hold up the application's own requests, also where greenlets stand in for threads."""

import sys
from collections.abc import Callable
from typing import TypeVar

_Done = TypeVar("_Done")


def in_real_thread(work: Callable[[], _Done]) -> _Done:
    """Do work, and give what it returns; under gevent in a real thread, while the other greenlets go on.

    What waits within a database, or computes, never lets another greenlet run.

    Args:
        work: It raises nothing, as gevent would print it.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return work()
    from gevent import get_hub

    done: _Done = get_hub().threadpool.apply(work)
    return done
