"""From stored actions to a history: each unit's measures, read once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from abkit.analysis.aggregation.done import define_rows
from abkit.analysis.aggregation.identities import find_links, open_actions, recorded_actions
from abkit.analysis.aggregation.measures import find_limits
from abkit.analysis.aggregation.session import Progress, QuerySession, instant, microseconds
from abkit.analysis.engines.base import integer
from abkit.analysis.engines.local import DuckDB
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.sums import SumQueries, not_finite
from abkit.analysis.reading.sources import Source, table
from abkit.analysis.rehearsal.history import History
from abkit.analysis.rehearsal.queries import HistoryQueries
from abkit.analysis.statistics.days import DAY
from abkit.errors import AnalysisError, EmptyDataError
from abkit.experiments.declaring.metrics import Metric

LONGEST = 28 * DAY
"""So many of the last days are rehearsed, unless said otherwise; of less than twice as many, half of them: so
that there is a time before."""

_STEPS = 5


@frozen(kw_only=True)
class Wanted:
    """What is to be read of the actions.

    Attributes:
        unit_type: What is randomized.
        metrics: The metrics.
        prefix: What is hashed before a unit's id.
        others: By another salt, the same.
        before: How long before a unit's first action its past is.
        window: How long after it a unit's actions count; None: until the end.
        length: How long before the last action the history begins; None: `LONGEST`.
    """

    unit_type: str
    metrics: Sequence[Metric]
    prefix: str
    others: Mapping[str, str]
    before: timedelta
    window: timedelta | None
    length: timedelta | None


def read_history(
    wanted: Wanted, actions: Source, identities: Source | None, *, progress: Progress
) -> History:
    """The units that did anything, each from its first action in that time on.

    Args:
        wanted: What of them.
        actions: As for `Analysis`.
        identities: As for `Analysis`.
        progress: Is told what is done.

    Raises:
        EmptyDataError: No unit did anything.
        AnalysisError: The values of a metric cannot be summed up.
        MissingExtraError: A package is not installed that is needed.
    """
    read = table(actions)
    layout = Layout.of_events(wanted.metrics, cuped=True, window=wanted.window)
    events = EventQueries(layout=layout, unit_type=wanted.unit_type, cuped=wanted.before)
    queries = HistoryQueries(prefixes=[wanted.prefix, *wanted.others.values()])
    with DuckDB() as engine:
        session = QuerySession(engine, progress=progress, steps=_STEPS)
        links = None
        if identities is not None:
            links = find_links(session, wanted.unit_type, table(identities))
        columns = events.actions.columns(own_unit="unit_id" in read.columns)
        present = open_actions(session, links, read, columns)
        reach = session.row("time of the actions", queries.reach())
        if reach["latest"] is None:
            problem = f"has no action of a unit of type {wanted.unit_type!r}: there is no history"
            raise EmptyDataError(read.label, problem)
        first, latest = (instant(integer(reach, name)) for name in ("first", "latest"))
        start = _start(first, latest, wanted.length)
        session.define("units", queries.units(microseconds(start)), keep=True)
        rows = define_rows(session, events, present=present, recorded=recorded_actions(links, read))
        # Every unit counts: of those that wait, the last ones count as they are.
        events = evolve(events, end=microseconds(latest + max(layout.waits_for, default=0 * DAY)))
        session.define("per_unit", events.per_unit(source=rows))
        session.define("measured", events.measured(), keep=True)
        sums = SumQueries(layout=layout)
        sums = evolve(sums, limits=find_limits(session, sums))
        progress("measures of each unit", _STEPS, _STEPS)
        found = engine.arrays(queries.values(sums))
        return History(
            layout=layout,
            hashes=np.asarray(found["hashed_0"], np.uint64),
            days=np.asarray(found["day"], np.int64),
            values=_values(found, layout),
            before=min(wanted.before, start - first) / DAY,
            actions=tuple(str(row["action"]) for row in session.rows("actions", queries.names())),
            others=MappingProxyType(
                {
                    salt: np.asarray(found[f"hashed_{place}"], np.uint64)
                    for place, salt in enumerate(wanted.others, start=1)
                }
            ),
        )


def _start(first: datetime, latest: datetime, length: timedelta | None) -> datetime:
    usual = min(LONGEST, (latest - first) / 2)
    return max(first, latest - (usual if length is None else length))


def _values(found: "dict[str, NDArray[np.float64]]", layout: Layout) -> NDArray[np.float64]:
    """The columns beside each other, of which each must be finite.

    Raises:
        AnalysisError: One is not.
    """
    columns = [np.asarray(found[f"x{i}"], np.float64) for i in range(layout.size)]
    for part, column in zip(layout.parts, columns, strict=False):
        if not np.isfinite(column).all() or not np.isfinite(column @ column):
            raise AnalysisError(not_finite(part))
    return np.column_stack(columns)
