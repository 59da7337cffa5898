"""An engine, and what it has been asked."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from abkit.analysis.aggregation.watching import watched
from abkit.analysis.engines.base import Engine, Row
from abkit.analysis.engines.scoped import Scoped

Progress: TypeAlias = Callable[[str, int, int], object]
"""Is told what is done now, as which step, of about how many; a `Watcher` also, how much of that is done."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def silent(what: str, step: int, of: int) -> None:
    """Tell nobody."""


class QuerySession:
    """An engine, and what it has been asked.

    Args:
        engine: What runs the queries.
        progress: Is told of each question.
        steps: How many questions there will be, about.
    """

    def __init__(self, engine: Engine, *, progress: Progress, steps: int) -> None:
        self.engine = engine
        self._progress = progress
        self._steps = steps
        self._done = 0
        self.texts: dict[str, str] = {}
        self._answers: dict[str, Row] = {}

    def scoped(self, scope: str) -> "QuerySession":
        """The same, with tables of its own: what is defined there is not seen here.

        Args:
            scope: What tells its tables from those of others.
        """
        scoped = QuerySession(
            Scoped(self.engine, scope), progress=lambda what, *_: self._tell(what), steps=1
        )
        scoped.texts = self.texts
        return scoped

    def define(self, name: str, query: str, *, keep: bool = False) -> None:
        """As `Engine.define`."""
        self.texts[name] = query
        if not keep:
            self.engine.define(name, query)
            return
        self._tell(name)
        with watched(self.engine, self._progress):
            self.engine.define(name, query, keep=True)

    def rows(self, what: str, query: str) -> Sequence[Row]:
        """As `Engine.rows`; `what` names the question."""
        self.texts[what] = query
        self._tell(what)
        with watched(self.engine, self._progress):
            return self.engine.rows(query)

    def row(self, what: str, query: str) -> Row:
        """The only row of an answer."""
        (row,) = self.rows(what, query)
        return row

    def row_once(self, what: str, query: str) -> Row:
        """As `row`, of tables that stay as they are: the same question is asked once."""
        if query not in self._answers:
            self._answers[query] = self.row(what, query)
        return self._answers[query]

    def repeats(self, what: str, name: str, column: str) -> bool:
        """As `Engine.repeats`; `what` names the question."""
        self._tell(what)
        with watched(self.engine, self._progress):
            return self.engine.repeats(name, column)

    def _tell(self, what: str) -> None:
        self._done += 1
        self._progress(what, min(self._done, self._steps), self._steps)


def instant(microseconds: int) -> datetime:
    """So many microseconds after 1970, UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def microseconds(when: datetime | date) -> int:
    """An instant as microseconds since 1970; what has no zone is UTC, a date is its first moment."""
    if not isinstance(when, datetime):
        when = datetime(when.year, when.month, when.day, tzinfo=UTC)
    elif when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return round((when - _EPOCH) / timedelta(microseconds=1))
