"""Units whose time to do what a metric counts is not over yet: their 0 may still become something else."""

from collections.abc import Sequence
from datetime import timedelta

from attrs import frozen

from abkit.analysis.query.periods import microseconds
from abkit.analysis.reading.quoting import literal
from abkit.analysis.statistics.estimands import measured
from abkit.experiments.declaring.metrics import Funnel, Metric, Retention


@frozen(kw_only=True)
class MaturityQueries:
    """The queries over the tables `units`, `actions` and `done`.

    The time of a unit is the window after its exposure; that of a retention ends with its n-th period, that
    of a funnel when `within` is over, both counted from the unit's first start, or from its exposure while
    it has not started. Where there are two, the one that ends first counts.

    Attributes:
        metrics: Those that have such a time: `limited`.
        window: How long after the first exposure actions count; None: for ever.
    """

    metrics: Sequence[Metric]
    window: timedelta | None

    def latest(self, actions: str = "actions") -> str:
        """The last moment of the actions, of whatever action; one row. Column: latest.

        Args:
            actions: The table that has each action once.
        """
        return f"select max(time) as latest from {actions}"  # noqa: S608 - a name of our own

    def immature(self, end: int) -> str:
        """How many units per variant are not mature. Columns: variant, immature_0, ... (by metric).

        Args:
            end: The last moment of the data, in microseconds since 1970.
        """
        counts = ",\n  ".join(
            f"sum(case when {self._waits(metric, end)} then 1 else 0 end) as immature_{i}"
            for i, metric in enumerate(self.metrics)
        )
        starts = [
            f"min(case when action = {literal(start)} then time end) as started_{i}"
            for i, start in enumerate(self._starts)
        ]
        joined = ""
        if starts:
            joined = f"""
left join (
  select unit_id, variant,
    {", ".join(starts)}
  from done
  where past = 0
  group by unit_id, variant
) as s on s.unit_id = u.unit_id and s.variant = u.variant"""  # noqa: S608 - literals are quoted
        return f"""\
select u.variant as variant,
  {counts}
from units u{joined}
group by u.variant"""  # noqa: S608 - literals are quoted

    @property
    def _starts(self) -> tuple[str, ...]:
        """The actions that begin some time, each once."""
        parts = (part for metric in self.metrics for part in measured(metric))
        starts = (_own_time(part) for part in parts)
        return tuple(dict.fromkeys(own[0] for own in starts if own is not None))

    def _waits(self, metric: Metric, end: int) -> str:
        return " or ".join(f"({self._part_waits(part, end)})" for part in measured(metric))

    def _part_waits(self, part: Metric, end: int) -> str:
        conditions = []
        if self.window is not None:
            conditions.append(f"u.first_exposure > {end - microseconds(self.window)}")
        own = _own_time(part)
        if own is not None:
            start, length = own
            began = f"coalesce(s.started_{self._starts.index(start)}, u.first_exposure)"
            conditions.append(f"{began} > {end - microseconds(length)}")
        return " and ".join(conditions) or "1 = 0"


def limited(metrics: Sequence[Metric], *, window: timedelta | None) -> tuple[Metric, ...]:
    """The metrics for which a unit's time ends: all with a window, else retentions and timed funnels."""
    if window is not None:
        return tuple(metrics)
    return tuple(m for m in metrics if any(_own_time(part) is not None for part in measured(m)))


def _own_time(part: Metric) -> tuple[str, timedelta] | None:
    """The action from which a metric counts its time, and how long that is; None if it is not limited."""
    match part:
        case Retention():
            return part.start, part.period.length * (part.n + 1)
        case Funnel(within=timedelta() as within):
            return part.steps[0], within
        case _:
            return None
