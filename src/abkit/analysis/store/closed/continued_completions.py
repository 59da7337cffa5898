"""Metrics that several actions complete, of which units are known to have done some: the SQL."""

from attrs import frozen

from abkit.analysis.query.distinct import KnownValues
from abkit.analysis.query.layout import actions_of
from abkit.analysis.query.periods import microseconds
from abkit.analysis.query.values import among, number
from abkit.analysis.reading.quoting import literal
from abkit.analysis.store.closed.continued_queries import ContinuedQueries
from abkit.analysis.store.closed.unit_conditions import FRESH, UNCHANGED
from abkit.experiments.declaring.metrics import (
    ActiveDays,
    Counting,
    Derived,
    Distinct,
    Funnel,
    Retention,
)


@frozen
class ContinuedCompletions:
    """The queries of who may have completed a metric since, and of what these did.

    Attributes:
        continued: The queries of what has changed since the days that were closed before.
    """

    continued: ContinuedQueries

    def waiting(self, part: Derived) -> str | None:
        """Known units that may have completed a metric since: they did last what completes it.

        None: what is in `done` will do, as with values of which each is known. Columns: unit_id.
        """
        if isinstance(part, ActiveDays | Distinct):
            return None
        last = part.returning if isinstance(part, Retention) else part.steps[-1]
        incomplete = ""
        if isinstance(part, Retention) or part.counting is Counting.UNIQUE:
            layout = self.continued.layout
            (completed,) = layout.needed(part)
            incomplete = f" and a{layout.accumulators.index(completed)} = {number(0.0)}"
        return f"""\
select unit_id
from actions
where time >= {self.continued.since} and action = {literal(last)}
  and unit_id in (select unit_id from known_units where {UNCHANGED}{incomplete})"""

    def completing(self, part: Derived, *, waiting: str, earliest: int) -> str:
        """All that units did of which some may complete a metric since. Columns: those of `done`.

        Args:
            part: The metric.
            waiting: The table of `waiting`.
            earliest: The first exposure of `fresh_units`.
        """
        within = part.within if isinstance(part, Funnel) else None
        after = ""
        if within is not None and isinstance(part, Funnel) and part.counting is Counting.UNIQUE:
            # What began before that is over: no way since could begin with it.
            after = f" and time >= {min(earliest, self.continued.since - microseconds(within))}"
        actions = f"""\
(select * from actions
  where {among(actions_of(part))}{after} and (
    {FRESH} or unit_id in (select unit_id from {waiting})
  )
)"""
        return self.continued.events.actions.done(source=actions)

    def known_values(self, place: int, part: Derived) -> KnownValues | None:
        """The values of units that are known; None of a metric that tells none apart.

        Args:
            place: The place of the metric among `Layout.derived`.
            part: The metric.
        """
        if not isinstance(part, Distinct):  # a day that is closed is another one
            return None
        return KnownValues("known_values", place, self.continued.keys.columns())
