"""Units whose time to do what a metric counts is not over yet: their 0 may still become something else."""

from collections.abc import Sequence
from datetime import timedelta

from attrs import frozen

from abkit.analysis.query.layout import Layout
from abkit.analysis.query.periods import microseconds
from abkit.analysis.statistics.estimands import measured, waits
from abkit.experiments.declaring.metrics import ActionMetric, Funnel, Metric, Retention


@frozen(kw_only=True)
class MaturityQueries:
    """The queries over the tables `units`, `actions` and `done`.

    The time of a unit is the window after its exposure; that of a retention ends with its n-th period, that
    of a funnel when `within` is over, both counted from the unit's first start, or from its exposure while
    it has not started. Where there are two, the one that ends first counts.

    Attributes:
        layout: The measures of `done`.
        metrics: Those of its metrics that have such a time: `limited`.
    """

    layout: Layout
    metrics: Sequence[Metric]

    def immature(self, end: int, *, started: str | None = None) -> str:
        """How many units per variant are not mature. Columns: variant, immature_0, ... (by metric).

        Args:
            end: The last moment of the data, in microseconds since 1970.
            started: A table that has what `started` asks for.
        """
        counts = ",\n  ".join(
            f"sum(case when {self._waits(metric, end)} then 1 else 0 end) as immature_{i}"
            for i, metric in enumerate(self.metrics)
        )
        joined = ""
        if self.starts:
            joined = f"""
left join (
{self.started() if started is None else f"select * from {started}"}
) as s on s.unit_id = u.unit_id and s.variant = u.variant"""  # noqa: S608 - literals are quoted
        return f"""\
select u.variant as variant,
  {counts}
from units u{joined}
group by u.variant"""  # noqa: S608 - literals are quoted

    def started(self, *, before: str = "") -> str:
        """When units first did what begins some time.

        Columns: unit_id, variant, started_0, ... (by `starts`).

        Args:
            before: A further condition on the rows of `done`, as SQL that begins with "and".
        """
        starts = ", ".join(
            f"min(case when {start} then time end) as started_{i}"
            for i, start in enumerate(self.starts)
        )
        return f"""\
select unit_id, variant, {starts}
from done
where past = 0 {before}
group by unit_id, variant"""  # noqa: S608 - literals are quoted

    @property
    def starts(self) -> tuple[str, ...]:
        """Which rows of `done` begin some time, each condition once."""
        parts = (part for metric in self.metrics for part in measured(metric))
        own = (each for each in map(_own_time, parts) if each is not None)
        return tuple(dict.fromkeys(map(self._starting, own)))

    def _starting(self, own: "_OwnTime") -> str:
        return self.layout.counted(own.part, own.start)

    def _waits(self, metric: Metric, end: int) -> str:
        return " or ".join(f"({self._part_waits(part, end)})" for part in measured(metric))

    def _part_waits(self, part: Metric, end: int) -> str:
        conditions = []
        window = self.layout.window_of(part)
        if window is not None:
            conditions.append(f"u.first_exposure > {end - microseconds(window)}")
        own = _own_time(part)
        if own is not None:
            place = self.starts.index(self._starting(own))
            began = f"coalesce(s.started_{place}, u.first_exposure)"
            conditions.append(f"{began} > {end - microseconds(own.length)}")
        return " and ".join(conditions) or "1 = 0"


def latest(actions: str = "actions") -> str:
    """The last moment of the actions, of whatever action; one row. Column: latest.

    Args:
        actions: The table that has each action once.
    """
    return f"select max(time) as latest from {actions}"  # noqa: S608 - a name of our own


def limited(layout: Layout) -> tuple[Metric, ...]:
    """The metrics for which a unit's time ends: those with a window, retentions and timed funnels.

    Those that wait for the end of that time are not among them.
    """
    return tuple(
        metric
        for metric in layout.metrics
        if not waits(metric)
        and any(
            layout.window_of(p) is not None or _own_time(p) is not None for p in measured(metric)
        )
    )


@frozen
class _OwnTime:
    """The time that a metric itself counts.

    Attributes:
        part: The metric.
        start: The action from which it counts.
        length: How long that is.
    """

    part: ActionMetric
    start: str
    length: timedelta


def _own_time(part: Metric) -> _OwnTime | None:
    """The time of a metric; None if it is not limited by itself."""
    match part:
        case Retention():
            return _OwnTime(part, part.start, part.period.length * (part.n + 1))
        case Funnel(within=timedelta() as within):
            return _OwnTime(part, part.steps[0], within)
        case _:
            return None
