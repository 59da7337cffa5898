"""What a metric was in some days of stored events, and what a test would find of it. Pure."""

from math import sqrt

from attrs import frozen

from abkit.analysis.findings.baseline import Baseline
from abkit.experiments.declaring.metrics import Metric
from abkit.extras import extra


@frozen(kw_only=True)
class OneLookTest:
    """Welch's test of two equal variants, looked at once.

    Attributes:
        days: How long units come.
        power: The probability to find a change if it is there: 0.8 is 80%.
        alpha: The accepted probability of a false alarm.
    """

    days: int = 14
    power: float = 0.8
    alpha: float = 0.05


@frozen(kw_only=True)
class ObservedMetric:
    """What a metric was, of one type of unit.

    Attributes:
        metric: The metric.
        unit_type: The type of the units, such as "user".
        baseline: Its mean and variance; None if the events say nothing of it.
        problem: Why they do not; empty if they do.
        arrivals: How many units did something for the first time in these days, on each of them (UTC).
    """

    metric: Metric
    unit_type: str
    baseline: Baseline | None = None
    problem: str = ""
    arrivals: tuple[int, ...] = ()

    @property
    def units(self) -> int:
        """How many units did anything."""
        return sum(self.arrivals)

    @property
    def mean(self) -> float | None:
        """The mean over the units, in the metric's unit; None if it is not known."""
        return None if self.baseline is None else self.baseline.mean

    @property
    def deviation(self) -> float | None:
        """The standard deviation between the units, in the metric's unit; None if it is not known."""
        return None if self.baseline is None else sqrt(self.baseline.variance)

    @property
    def per_day(self) -> float:
        """How many units came a day that had not come before in these days."""
        return self.units / max(1, len(self.arrivals))

    def units_in(self, days: int) -> int:
        """How many units would come in so many days: as many as in the first of these days.

        Those who come again and again come early, so these are more than `days` times the units a day. Of
        fewer days, as many are taken to come on each further one as came on these on average.
        """
        further = max(0, days - len(self.arrivals))
        return sum(self.arrivals[:days]) + round(further * self.per_day)

    def detectable(self, test: OneLookTest) -> float | None:
        """The smallest relative change that a test finds with its power.

        (z_{1 - alpha/2} + z_power) sqrt(4 s² / n) / |mean|, n being `units_in` its days; see
        `abkit.analysis.inference.power.detectable_difference`.

        Returns:
            0.05 is 5% of the mean. None if nothing is known, or not one unit would come in that time.

        Raises:
            MissingExtraError: scipy is not installed.
        """
        units = self.units_in(test.days)
        if self.baseline is None or units < 1:
            return None
        with extra("analysis"):
            from abkit.analysis.inference.power import Effect, detectable_difference
        spread = Effect(1.0, self.baseline.variance, self.baseline.variance)
        found = detectable_difference(spread, units=units, alpha=test.alpha, power=test.power)
        return found / abs(self.baseline.mean)
