"""Where an analysis keeps what it has read."""

import os
from datetime import timedelta
from pathlib import Path

from attrs import field, frozen

from abkit.analysis.reading.places import is_url
from abkit.errors import AnalysisError

LATE = timedelta(days=3)
"""What comes later than this is counted too, and a note says so."""


def _path(value: object) -> Path | str:
    if is_url(value):
        return str(value)
    if isinstance(value, str | os.PathLike) and os.fspath(value):
        return Path(os.fspath(value))
    message = (
        f"a store is a file or its URL, such as Store('events.duckdb') or "
        f"Store('s3://bucket/events/store.duckdb'), not {value!r}"
    )
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
        path: The file, which DuckDB writes, or its URL; it is made where there is none. What a URL names is
            fetched, used and put back, if nobody else has replaced it meanwhile.
        late: How long after it happened an event may arrive. What arrives later counts as exactly, and the
            result says how many there were.

    Raises:
        AnalysisError: It is no path, or no length of time.
    """

    path: Path | str = field(converter=_path)
    late: timedelta = field(kw_only=True, default=LATE, validator=_days)


def store_of(value: object) -> Store | None:
    """The store that a caller means.

    Args:
        value: A `Store`, or the path or the URL of its file; None for none.

    Raises:
        AnalysisError: It is none of these.
    """
    return value if value is None or isinstance(value, Store) else Store(value)
