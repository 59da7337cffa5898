"""Where an analysis keeps what it has read."""

import os
from datetime import timedelta
from pathlib import Path, PurePath
from typing import Any

from attrs import field, frozen

from abkit.analysis.reading.listing import format_of
from abkit.analysis.reading.places import is_url
from abkit.errors import AnalysisError
from abkit.quoting import masked

LATE = timedelta(days=3)
"""What comes later than this is counted too, and a note says so."""


def _path(value: object) -> Path | str | None:
    if value is None:
        return None
    if isinstance(value, str | os.PathLike) and format_of(PurePath(value).name) is not None:
        message = (
            f"{masked(str(value))} would be read as a file of events by its name: let the name of a store "
            "end otherwise, such as store.duckdb"
        )
        raise AnalysisError(message)
    if is_url(value):
        return str(value)
    if str(value) == ":memory:":
        message = (
            "a store in memory would keep nothing: give it a file, such as Store('events.duckdb')"
        )
        raise AnalysisError(message)
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


def _schema(_store: "Store", _attribute: object, value: Any) -> None:
    if value is not None and not (isinstance(value, str) and all(value.split("."))):
        message = f"schema must be the name of a schema, such as 'analytics_abkit', not {value!r}"
        raise AnalysisError(message)


@frozen
class Store:
    """What keeps events and sums, so that the next analysis reads only what is new.

    It is a file, or a schema of the database that is analyzed. Any number of experiments can share one, if
    they are analyzed from the same events. What it says can be had from the events again at any time: it may
    be removed.

    Attributes:
        path: The file, which DuckDB writes, or its URL; it is made where there is none. What a URL names is
            fetched, used and put back, if nobody else has replaced it meanwhile. None: it is a schema.
        schema: With `engine=` a connection, the schema of its database, such as "analytics_abkit" or
            "project.dataset", as it is spelled there; it must be there, and all tables of the store are made
            in it. None: it is a file.
        late: How long after it happened an event may arrive. What arrives later counts as exactly, and the
            result says how many there were.

    Raises:
        AnalysisError: It is no path, no name, or no length of time; or it is both a file and a schema, or
            neither.
    """

    path: Path | str | None = field(converter=_path, default=None)
    schema: str | None = field(kw_only=True, default=None, validator=_schema)
    late: timedelta = field(kw_only=True, default=LATE, validator=_days)

    def __attrs_post_init__(self) -> None:
        """Refuse what is two places, or none."""
        if (self.path is None) == (self.schema is None):
            message = (
                "a store is either a file, such as Store('events.duckdb'), or a schema of the database that "
                "is analyzed, such as Store(schema='analytics_abkit')"
            )
            raise AnalysisError(message)


def store_of(value: object) -> Store | None:
    """The store that a caller means.

    Args:
        value: A `Store`, or the path or the URL of its file; None for none.

    Raises:
        AnalysisError: It is none of these.
    """
    return value if value is None or isinstance(value, Store) else Store(value)
