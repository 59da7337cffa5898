"""The answer of every test: one variant beside the control."""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import field, frozen

from abkit.analysis.inference.non_inferiority import NonInferiority
from abkit.analysis.statistics.aggregates import Moments


@frozen
class Interval:
    """A closed interval; an end may be infinite."""

    low: float
    high: float


@frozen
class Estimate:
    """What a comparison found, without what it was made of.

    Attributes:
        difference: As of `Comparison`.
        interval: Likewise.
        lift: Likewise.
        lift_interval: Likewise.
        p_value: Likewise.
    """

    difference: float
    interval: Interval
    lift: float | None
    lift_interval: Interval | None
    p_value: float


@frozen(kw_only=True)
class Comparison:
    """One variant against the control, for one metric, by one method.

    Attributes:
        method: The method, such as "welch" or "sequential".
        control: The control's moments.
        treatment: The variant's moments.
        difference: Treatment mean minus control mean, in the metric's unit.
        interval: Of the difference, at confidence 1 - alpha.
        lift: The difference divided by the control's mean; None where that is undefined.
        lift_interval: Of the lift, at the same confidence; None where it is undefined or unbounded.
            It excludes 0 exactly when `interval` does.
        p_value: Of no difference.
        alpha: The accepted probability of a false alarm.
        details: What the method used besides, such as {"tau": 0.02}.
        non_inferiority: The test against the metric's margin; None if it has none, and where there is no
            `lift_interval`.
    """

    method: str
    control: Moments
    treatment: Moments
    difference: float
    interval: Interval
    lift: float | None
    lift_interval: Interval | None
    p_value: float
    alpha: float
    details: Mapping[str, float] = field(factory=lambda: MappingProxyType({}))
    non_inferiority: NonInferiority | None = None

    @property
    def estimate(self) -> Estimate:
        """What was found, alone."""
        return Estimate(self.difference, self.interval, self.lift, self.lift_interval, self.p_value)

    @property
    def significant(self) -> bool:
        """Whether no difference is rejected at `alpha`."""
        return self.p_value <= self.alpha

    @property
    def decided(self) -> bool:
        """Whether there is an answer: of a test against a margin, on which side of it the change is."""
        against = self.non_inferiority
        return self.significant if against is None else against.decided
