"""What pictures show of a comparison: lifts, or differences where some lift has no interval."""

from collections.abc import Iterable, Sequence
from math import isfinite

from attrs import frozen

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.inference.comparison import Comparison, Estimate
from abkit.experiments.declaring.metrics import Direction, Metric

_LIMIT = 1e300
"""Numbers beyond cannot be drawn beside others without overflow."""


@frozen
class Effect:
    """An estimate and its interval, on one scale.

    Attributes:
        estimate: The lift, or the difference in the metric's unit.
        low: The lower end of its interval; may be infinite.
        high: The upper end; likewise.
    """

    estimate: float
    low: float
    high: float

    @property
    def drawable(self) -> bool:
        """Whether there is a place for the estimate."""
        return isfinite(self.estimate)


@frozen(kw_only=True)
class Effects:
    """How the comparisons of one metric are drawn together.

    Attributes:
        metric: The metric.
        relative: Whether lifts are shown; else differences.
        control: The control's mean, which the goal is relative to.
    """

    metric: Metric
    relative: bool
    control: float

    @classmethod
    def of(cls, founds: Sequence[MetricResult]) -> "Effects":
        """For one metric, in all units or in several segments."""
        first = founds[0]
        treatments = [treatment for found in founds for treatment in found.treatments]
        return cls(
            metric=first.metric,
            relative=all(_has_lift(t.comparison) for t in treatments if t.comparison is not None),
            control=first.control.moments.mean,
        )

    def __call__(self, comparison: Comparison | Estimate) -> Effect:
        """What is shown of one comparison."""
        if self.relative and comparison.lift is not None and comparison.lift_interval is not None:
            interval = comparison.lift_interval
            return Effect(comparison.lift, interval.low, interval.high)
        interval = comparison.interval
        return Effect(comparison.difference, interval.low, interval.high)

    def fits(self, comparison: Comparison | Estimate) -> bool:
        """Whether a comparison has what is shown; early looks may have no interval of the lift."""
        return _has_lift(comparison) or not self.relative

    @property
    def goals(self) -> tuple[float, ...]:
        """Where the goals are: none, one, or two for a metric of any direction."""
        unit = 1.0 if self.relative else abs(self.control)
        goal = (self.metric.goal or 0.0) * unit
        if not goal or not isfinite(goal):
            return ()
        match self.metric.direction:
            case Direction.INCREASE:
                return (goal,)
            case Direction.DECREASE:
                return (-goal,)
            case _:
                return (-goal, goal)

    @property
    def margins(self) -> tuple[float, ...]:
        """Where a guardrail's margin is; none where there is none, or differences are shown."""
        margin = self.metric.margin
        if margin is None or not self.relative:
            return ()
        return (margin if self.metric.direction is Direction.DECREASE else -margin,)

    @property
    def marked(self) -> tuple[float, ...]:
        """The goals and the margin."""
        return (*self.goals, *self.margins)


def extent(values: Iterable[float]) -> tuple[float, float]:
    """The least and the greatest of all finite values, with a margin."""
    finite = [max(-_LIMIT, min(_LIMIT, value)) for value in values if isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def _has_lift(comparison: Comparison | Estimate) -> bool:
    return comparison.lift is not None and comparison.lift_interval is not None
