"""What each number of a comparison is, and of which it was made, in a sentence or two: pure."""

from collections.abc import Callable, Mapping
from math import sqrt
from types import MappingProxyType
from typing import TypeAlias

from attrs import frozen

from abkit.analysis.findings.badges import Badge
from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.presentation import figures
from abkit.analysis.presentation.definitions import in_words
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Direction, Metric


@frozen
class _Compared:
    """A variant beside the control, where there is a comparison."""

    found: MetricResult
    treatment: Treatment
    comparison: Comparison
    plan: AnalysisPlan

    @property
    def subtraction(self) -> str:
        found, treatment = self.found, self.treatment
        return (
            f"{figures.mean(treatment.arm)} - {figures.mean(found.control)} = "
            f"{figures.difference(self.comparison, found.metric)}"
        )

    @property
    def error(self) -> str:
        error, binary = self.comparison.details.get("standard_error"), self.found.metric.binary
        if error is None:
            return ""
        return f", standard error {f'{error * 100:.2f} pp' if binary else figures.number(error)}"


_Explanation: TypeAlias = Callable[[_Compared], str]

_TESTS: Mapping[Method, str] = MappingProxyType(
    {
        Method.SEQUENTIAL: "mixture sequential probability ratio test (mSPRT), valid however often one looks",
        Method.WELCH: "Welch's t-test, valid at one look",
        Method.BAYESIAN: "Bayesian, with flat priors",
        Method.GROUP_SEQUENTIAL: "group sequential test, valid at the planned looks",
    }
)


def explained_mean(found: MetricResult, arm: Arm) -> str:
    """What an arm's rate or mean is."""
    moments, units = arm.moments, f"{arm.moments.n:,} units"
    if not moments.n:
        return f"No unit of {arm.variant} counts yet."
    if arm.is_rate and arm.conversions is not None:
        rate = figures.percent(arm.conversions / moments.n)
        text = f"Rate of {arm.variant}: {arm.conversions:,} of {units} converted, {rate}."
    else:
        deviation = figures.number(sqrt(max(moments.variance, 0.0)))
        what = in_words(found.metric)
        text = f"Mean of {arm.variant} over {units}: {what}; standard deviation {deviation}."
    if found.adjustment is not None:
        text += f" Shown is {figures.mean(arm)}, after the adjustment by what units were before (CUPED)."
    return text


def explained_units(arm: Arm) -> str:
    """What an arm's units are."""
    return (
        f"{arm.moments.n:,} units of {arm.variant}, each counted once, from its first exposure on."
    )


def explained_comparison(
    what: str, found: MetricResult, treatment: Treatment, plan: AnalysisPlan
) -> str:
    """What a number of a variant beside the control is; empty while they are not compared.

    Args:
        what: The number: "difference", "lift", "interval" or "proof".
        found: The metric.
        treatment: The variant.
        plan: By which they were compared.
    """
    comparison = treatment.comparison
    if comparison is None:
        return ""
    return _EXPLANATIONS[what](_Compared(found, treatment, comparison, plan))


def _difference(of: _Compared) -> str:
    return f"Difference of the means: {of.subtraction}{of.error}."


def _lift(of: _Compared) -> str:
    found, comparison = of.found, of.comparison
    if comparison.lift is None:
        return (
            f"The control's mean, {figures.mean(found.control)}, is too near 0 to divide by: shown is the "
            f"difference, {of.subtraction}."
        )
    return (
        f"Lift: the difference divided by the control's mean, "
        f"{figures.difference(comparison, found.metric)} / {figures.mean(found.control)} = "
        f"{figures.change(comparison.lift)}."
    )


def _interval(of: _Compared) -> str:
    found, comparison, plan = of.found, of.comparison, of.plan
    holds = comparison.interval.low <= 0 <= comparison.interval.high
    verdict = (
        "It includes 0: no difference is not ruled out."
        if holds
        else "It does not include 0: no difference is ruled out."
    )
    level = f"{(1 - comparison.alpha) * 100:.4g}%"
    corrected = figures.corrected_for(found, plan)
    why = f" ({figures.confidence(plan)} in all, {corrected})" if corrected else ""
    by = " by Fieller's method" if comparison.lift_interval is not None else ""
    return (
        f"The {level} interval{why} of the lift{by}: {figures.interval(comparison)}. Test: "
        f"{_TESTS[plan.method]}; difference {figures.difference(comparison, found.metric)}"
        f"{of.error}. {verdict}"
    )


def _proof(of: _Compared) -> str:
    found, treatment, comparison, plan = of.found, of.treatment, of.comparison, of.plan
    if treatment.chance_to_beat is not None:
        return (
            f"The chance, given the data and flat priors, that {treatment.arm.variant} is better than "
            f"{found.control.variant} in {found.metric.name}; from "
            f"{figures.chance(1 - comparison.alpha / 2)} on it is significant."
        )
    p = figures.p_is(comparison.p_value)
    verdict = "significant" if comparison.significant else "not significant"
    text = (
        f"How likely so large a difference or a larger one is where there is none, by the "
        f"test ({_TESTS[plan.method]}): {p}, compared with {comparison.alpha:.4g}: {verdict}."
    )
    tau = figures.tau(found)
    if tau is not None:
        text += f" The difference that is looked for (tau) is {tau}."
    if treatment.corrected_p is not None and treatment.corrected_p != comparison.p_value:
        corrected = figures.p_value(treatment.corrected_p)
        text += (
            f" Corrected for {found.comparisons} comparisons ({plan.correction.value}) it is {corrected}, "
            f"compared with {plan.level:.4g}."
        )
    return text


_EXPLANATIONS: Mapping[str, _Explanation] = MappingProxyType(
    {"difference": _difference, "lift": _lift, "interval": _interval, "proof": _proof}
)


def explained_badge(badge: Badge, metric: Metric) -> str:
    """When a badge holds."""
    goal = "" if metric.goal is None else f" ({metric.goal * 100:.4g}%)"
    margin = f" ({figures.margin(metric)})" if metric.margin is not None else ""
    way = "below" if metric.direction is Direction.DECREASE else "above"
    return {
        Badge.SIGNIFICANT: "The test rejects that there is no difference.",
        Badge.NOT_SIGNIFICANT: "The test does not reject that there is no difference, or there are too few "
        "units yet.",
        Badge.INCONCLUSIVE: f"Not significant, and a change as large as the goal{goal} is not ruled out: "
        "more units may decide it.",
        Badge.ABOVE_GOAL: f"The mean has reached the goal{goal} above the control's.",
        Badge.BELOW_GOAL: f"The mean has reached the goal{goal} below the control's.",
        Badge.ABOVE_CONTROL: f"Significant, and above the control's mean; {way} is wanted."
        if metric.direction is not Direction.ANY
        else "Significant, and above the control's mean.",
        Badge.BELOW_CONTROL: f"Significant, and below the control's mean; {way} is wanted."
        if metric.direction is not Direction.ANY
        else "Significant, and below the control's mean.",
        Badge.WITHIN_MARGIN: f"A change that is worse than the margin{margin} is rejected.",
        Badge.BEYOND_MARGIN: f"All of the interval is worse than the margin{margin}.",
        Badge.MARGIN_NOT_RULED_OUT: f"A change that is worse than the margin{margin} is not ruled out.",
    }[badge]
