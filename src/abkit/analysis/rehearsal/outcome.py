"""What a rehearsal found: values. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date

from attrs import frozen
from scipy.special import betaincinv

from abkit.analysis.declared.design import Design
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Metric

_OUTSIDE = 0.025
"""The probability beyond each end of an interval of 95%."""


@frozen(kw_only=True)
class Frequency:
    """How often something happened in so many splits.

    Attributes:
        count: How often.
        of: Of how many.
    """

    count: int
    of: int

    @property
    def share(self) -> float:
        """From 0 to 1; 0 of none."""
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where its probability lies, at 95%: Clopper and Pearson (1934, Biometrika 26(4)), exact."""
        low, high = 0.0, 1.0
        if self.count:
            low = float(betaincinv(self.count, self.of - self.count + 1, _OUTSIDE))
        if self.count < self.of:
            high = float(betaincinv(self.count + 1, self.of - self.count, 1 - _OUTSIDE))
        return low, high


@frozen(kw_only=True)
class Gains:
    """What makes a metric's smallest detectable change smaller, as shares of it: 0.3 is 30% smaller.

    Attributes:
        winsorizing: Limiting each unit's value at the 99th percentile; None where that has no meaning, or
            nothing would be left.
        cuped: Adjusting by the time before; None where that has no meaning, nothing is known of it, or the
            plan has it.
    """

    winsorizing: float | None
    cuped: float | None


@frozen(kw_only=True)
class RehearsedMetric:
    """One metric over all splits, none of which changed anything for anybody.

    Attributes:
        metric: The metric.
        mean: Of all units.
        allowed: The probability of a false alarm that the plan accepts for it.
        at_end: The splits with a significant difference once all units have come.
        at_any_look: Those with one at any look; None where the method looks once.
        detectable: The smallest relative change that is found with the power asked for once all units have
            come; None where most splits could not be compared, or the mean is 0.
        error_ratio: The standard deviation of the differences over the splits, in standard errors that the
            analysis reported: 1 if these are right, above if they promise too much. None where most
            splits could not be compared.
        top_share: The share of the variance that the 0.1% of the units have that are furthest from the mean;
            None of a metric that is 0 or 1.
        gains: What would make `detectable` smaller.
        missing: What a comparison waits for in most splits; empty if these could be compared.
    """

    metric: Metric
    mean: float
    allowed: float
    at_end: Frequency
    at_any_look: Frequency | None
    detectable: float | None
    error_ratio: float | None
    top_share: float | None
    gains: Gains
    missing: tuple[str, ...] = ()

    @property
    def alarms(self) -> Frequency:
        """The false alarms that the method promises to bound."""
        return self.at_any_look or self.at_end

    @property
    def alarms_too_often(self) -> bool:
        """Whether there are more false alarms than chance explains."""
        return self.alarms.interval[0] > self.allowed


@frozen(kw_only=True)
class Before:
    """Whether arms differed in the time before.

    Attributes:
        days: How long that is, in days.
        differing: The splits whose arms differed.
        allowed: The share of these that chance is allowed.
        salts: By salt, the experiment's own first, the metrics in which its arms differ; empty if that is not
            known, as code or another hash decides.
    """

    days: float
    differing: Frequency
    allowed: float
    salts: Mapping[str, tuple[str, ...]]

    @property
    def own(self) -> tuple[str, ...] | None:
        """The metrics in which the arms of the experiment's own salt differ; None if that is not known."""
        return next(iter(self.salts.values()), None)

    @property
    def alike(self) -> str | None:
        """The first salt whose arms are alike; None if there is none, or nothing is known."""
        return next((salt for salt, differing in self.salts.items() if not differing), None)


@frozen(kw_only=True)
class Suggestion:
    """What to declare.

    Attributes:
        plan: The arguments of an `AnalysisPlan`: what the plan in force says, and what is better.
        limits: The metrics to be winsorized at the 99th percentile.
        finds_goal: Whether the sample size finds the goal of the metric that decides; else it is that of the
            history, or there is none.
    """

    plan: Mapping[str, object]
    limits: tuple[str, ...]
    finds_goal: bool


@frozen(kw_only=True)
class Rehearsal:
    """An experiment on one's own history: what it would find where there is nothing to find.

    Attributes:
        design: What is declared.
        plan: How it is judged.
        units: How many units did anything.
        first: The first day of the history, UTC.
        last: The last one.
        splits: How often they were split.
        power: The probability to find `RehearsedMetric.detectable`.
        metrics: What was found, in the order of the declaration.
        before: Of the time before; None if nothing is known of it.
        suggestion: What to declare.
        notes: What a reader must know, in sentences.
    """

    design: Design
    plan: AnalysisPlan
    units: int
    first: date
    last: date
    splits: int
    power: float
    metrics: Sequence[RehearsedMetric]
    before: Before | None
    suggestion: Suggestion
    notes: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """How many days the history has."""
        return (self.last - self.first).days + 1

    @property
    def deciding(self) -> RehearsedMetric:
        """What was found of the metric that decides."""
        return next(of for of in self.metrics if of.metric == self.design.deciding)
