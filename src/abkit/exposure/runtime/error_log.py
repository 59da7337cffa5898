"""Errors of sinks, stores and callbacks: caught, counted, and logged once per kind."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from abkit.process_lock import ProcessLock
from abkit.quoting import told

_P = ParamSpec("_P")
_T = TypeVar("_T")

logger: logging.Logger = logging.getLogger("abkit")

_AGAIN = 60.0
_LONGEST = 2_000


class _Quoted:
    """What others have made, such as an error or a sink, as a log can have it."""

    def __init__(self, said: object) -> None:
        self._said = said

    def __str__(self) -> str:
        return told(str(self._said), longest=_LONGEST)

    def __repr__(self) -> str:
        return told(repr(self._said), longest=_LONGEST)


def _quoted(said: object) -> object:
    if isinstance(said, str):
        return told(said, longest=_LONGEST)
    return said if isinstance(said, int) else _Quoted(said)


def attempt(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | Exception:
    """Call what others have written: a sink, a callback, the events' own objects.

    Returns:
        What it returned, or the error that it raised.
    """
    try:
        return call(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - whatever foreign code raises must not end the delivery
        return error


class ErrorLog:
    """Counts errors by kind, and logs the first of each kind.

    Args:
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._logged: dict[str, float] = {}
        self._lock = ProcessLock()

    def report(
        self, kind: str, message: str, *args: object, error: Exception | None = None
    ) -> None:
        """Count an error, and log it if it is the first of its kind.

        Args:
            kind: What counts as the same.
            message: For the log, with `%s` for each argument.
            *args: The arguments.
            error: The error, if its traceback helps.
        """
        with self._lock:
            self.counts[kind] += 1
            is_first = kind not in self._logged
            if is_first:
                self._logged[kind] = self._clock()
        if is_first:
            text = f"{message} (logged once; see `stats` for the counts)"
            logger.warning(text, *map(_quoted, args), exc_info=error)

    def resolved(self, kind: str, message: str, *args: object) -> None:
        """Log that a kind of error is resolved, so that the next one of the kind is logged again.

        Nothing happens within a minute of the first: an error that comes and goes is logged once.
        """
        with self._lock:
            since = self._logged.get(kind)
            is_over = since is not None and self._clock() - since >= _AGAIN
            if is_over:
                del self._logged[kind]
        if is_over:
            logger.info(message, *args)
