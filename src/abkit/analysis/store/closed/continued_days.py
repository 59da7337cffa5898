"""What units did by days since their exposure, of days that are known and of others: the SQL."""

from attrs import frozen

from abkit.analysis.query.days import DayQueries
from abkit.analysis.query.layout import actions_of
from abkit.analysis.query.periods import microseconds
from abkit.analysis.statistics.days import DAY
from abkit.analysis.store.closed.continued_queries import ContinuedQueries
from abkit.analysis.store.closed.unit_conditions import FRESH, UNCHANGED

_DAY = microseconds(DAY)


@frozen
class ContinuedDays:
    """The queries of days since exposure. The table `known_days` has those that are closed.

    Attributes:
        continued: The queries of what has changed since the days that were closed before.
    """

    continued: ContinuedQueries

    def done_on_days(self, days: DayQueries, *, earliest: int) -> str:
        """What units did on days since exposure that may not have been over. Columns: those of `done`.

        Args:
            days: The queries of days.
            earliest: The first exposure of `fresh_units`.
        """
        actions = {name for metric in days.metrics for name in actions_of(metric)}
        # A day that ends in the first day that is not closed has begun in the one before.
        source = self.continued.actions_since(
            self.continued.over - _DAY, earliest=earliest, actions=sorted(actions)
        )
        return self.continued.events.actions.done(source=f"({source})")

    def fresh_days(self, days: DayQueries, most: int) -> str:
        """The rows of `DayQueries.unit_days` that `known_days` has not. Columns: as of that.

        Args:
            days: The queries of days.
            most: The number of days that are looked at.
        """
        values = "".join(f", d.v{i} as v{i}" for i in range(len(days.metrics)))
        phase = ", u.phase as phase" if days.phased else ""
        return f"""\
select d.unit_id as unit_id, d.variant as variant, d.day as day, d.days as days{phase}{values}
from (
{days.unit_days(most)}
) as d
join units u on u.unit_id = d.unit_id and u.variant = d.variant
where u.first_exposure + (d.day + 1) * {_DAY} > {self.continued.over}
  or d.{FRESH}"""

    def unit_days(self, days: DayQueries) -> str:
        """As `DayQueries.unit_days`: `fresh_days`, and days that are closed, which `known_days` has.

        Args:
            days: The queries of days.
        """
        values = "".join(f", v{i}" for i in range(len(days.metrics)))
        closed = "".join(f", d.v{i} as v{i}" for i in range(len(days.metrics)))
        phase, phase_of = (", phase", ", u.phase as phase") if days.phased else ("", "")
        return f"""\
select unit_id, variant, day, days{phase}{values}
from fresh_days
union all
select d.unit_id, d.variant, d.day, {days.days("u.")} as days{phase_of}{closed}
from known_days d
join units u on u.unit_id = d.unit_id and u.variant = d.variant
where d.{UNCHANGED}"""
