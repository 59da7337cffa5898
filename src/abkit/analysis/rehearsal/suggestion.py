"""The plan that a rehearsal suggests. Pure."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from types import MappingProxyType

from attrs import evolve

from abkit.analysis.declared.design import Design
from abkit.analysis.findings.baseline import Baseline
from abkit.analysis.findings.planning import UNKNOWN_SIZE, requirement, wanted
from abkit.analysis.rehearsal.outcome import RehearsedMetric, Suggestion
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan, fields_of_a_plan
from abkit.experiments.declaring.analysis_words import Method

WORTH_CUPED = 0.03
"""CUPED is suggested from this share on by which it makes the deciding metric's smallest change smaller."""

WORTH_LIMITS = 0.1
"""Limits are suggested from this share on: they change what is measured, so they must be worth it."""


def suggestion(
    plan: AnalysisPlan,
    deciding: RehearsedMetric,
    *,
    past: timedelta,
    needed: int | None,
    units: int,
    limited: Sequence[RehearsedMetric],
) -> Suggestion:
    """What to declare.

    Args:
        plan: What is in force; what it says is kept.
        deciding: What was found of the metric that decides.
        past: The time before that CUPED was tried with.
        needed: The units that find the goal of the deciding metric; None: it has none, or none find it.
        units: Those of the history.
        limited: The metrics for which limits are worth it.
    """
    said = {name: getattr(plan, name) for name in plan.given}
    if with_cuped(plan, deciding):
        said["cuped"] = past
    if needed is not None:
        said["sample_size"] = needed
    elif plan.method in (Method.WELCH, Method.GROUP_SEQUENTIAL):
        said.setdefault("sample_size", units)
    return Suggestion(
        plan=MappingProxyType({name: said[name] for name in fields_of_a_plan() if name in said}),
        limits=tuple(of.metric.name for of in limited),
        finds_goal=needed is not None,
    )


def with_cuped(plan: AnalysisPlan, deciding: RehearsedMetric) -> bool:
    """Whether CUPED is to be added to a plan that has none."""
    possible = plan.cuped is None and plan.method is not Method.BAYESIAN
    return possible and (deciding.gains.cuped or 0.0) >= WORTH_CUPED


def worth_limits(found: Sequence[RehearsedMetric]) -> Iterator[RehearsedMetric]:
    """The metrics whose smallest change limits make much smaller."""
    return (of for of in found if (of.gains.winsorizing or 0.0) >= WORTH_LIMITS)


def needed_units(
    estimand: Estimand,
    overall: Sums,
    *,
    design: Design,
    plan: AnalysisPlan,
    power: float,
    per_day: float,
) -> int | None:
    """The units of all arms that find the goal of a metric: as `abkit power` has it.

    Args:
        estimand: The metric, with what it was before.
        overall: The sums of all units.
        design: What is declared.
        plan: How it is judged, with or without CUPED.
        power: The probability to find it.
        per_day: The units that come a day.

    Returns:
        None where it has no goal, or no number of units finds it.
    """
    goal = wanted(estimand.metric)
    if goal is None:
        return None
    if plan.cuped is None:
        estimand = estimand.unadjusted
    try:
        return requirement(
            estimand.metric,
            Baseline.of_sums(overall, estimand, plan=plan),
            design=design,
            plan=evolve(plan, sample_size=plan.sample_size or UNKNOWN_SIZE),
            goal=goal,
            power=power,
            per_day=per_day,
            rules_out=estimand.metric.margin is not None,
        ).units
    except AnalysisError:
        return None
