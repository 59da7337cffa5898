"""Where an analysis keeps what it has read."""

import os
from datetime import timedelta
from pathlib import Path

from attrs import field, frozen

from abkit.analysis.reading.places import is_url
from abkit.errors import AnalysisError

LATE = timedelta(days=3)
"""What comes later than this is counted too, and a note says so."""


def _path(value: object) -> Path:
    if isinstance(value, str | os.PathLike) and os.fspath(value) and not is_url(value):
        return Path(os.fspath(value))
    message = f"a store is a file of this machine, such as Store('events.duckdb'), not {value!r}"
    raise AnalysisError(message)


def _days(_store: "Store", _attribute: object, value: object) -> None:
    if not isinstance(value, timedelta) or value < timedelta(0):
        message = f"late must be a length of time, such as timedelta(days=3), not {value!r}"
        raise AnalysisError(message)


@frozen
class Store:
    """A file that keeps events and sums, so that the next analysis reads only what is new.

    Any number of experiments can share one, if they are analyzed from the same events. What it says can be
    had from the events again at any time: it may be removed.

    Attributes:
        path: The file, which DuckDB writes; it is made where there is none.
        late: How long after it happened an event may arrive. What arrives later counts as exactly, and the
            result says how many there were.

    Raises:
        AnalysisError: It is no path, or no length of time.
    """

    path: Path = field(converter=_path)
    late: timedelta = field(kw_only=True, default=LATE, validator=_days)


def store_of(value: object) -> Store | None:
    """The store that a caller means.

    Args:
        value: A `Store`, or the path of its file; None for none.

    Raises:
        AnalysisError: It is none of these.
    """
    return value if value is None or isinstance(value, Store) else Store(value)
