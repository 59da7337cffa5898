"""Results as an analysis gives them, made by hand: every part that a result can have is in them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from attrs import evolve

from abkit.analysis.advice.daily_units import DailyUnits
from abkit.analysis.advice.remaining import Remaining
from abkit.analysis.advice.verdict import Recommendation, RecommendedAction
from abkit.analysis.advice.worth import Worth, per_day, worth
from abkit.analysis.aggregation.assignments import Unassigned
from abkit.analysis.declared.design import Design
from abkit.analysis.declared.past_results import PastResults
from abkit.analysis.findings.before import BeforeExposure, BeforeState
from abkit.analysis.findings.cumulative import CumulativeUnits
from abkit.analysis.findings.metric_result import (
    Adjustment,
    Arm,
    Flag,
    MetricResult,
    OverTime,
    Series,
    Treatment,
    missing,
)
from abkit.analysis.findings.novelty import EffectByDay, Novelty, Trend
from abkit.analysis.inference.bayesian import bayesian_rates
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.inference.sequential import sequential
from abkit.analysis.inference.srm import sample_ratio
from abkit.analysis.outcome import Segment, VariantCounts
from abkit.analysis.result import Result
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Several
from abkit.experiments.declaring.metrics import Conversion, Metric, Sum

DAY = datetime(2026, 11, 2, tzinfo=UTC)
DAYS = 14
Make = Callable[..., Result]


def compare(control: Moments, treatment: Moments, *, goal: float, alpha: float) -> Comparison:
    tau = goal * control.mean
    return sequential(control, treatment, tau=tau, alpha=alpha)


def arm(variant: str, metric: Metric, units: int, rate: float) -> Arm:
    if metric.binary:
        conversions = round(units * rate)
        moments = Moments.from_successes(units, conversions)
        return Arm(variant=variant, moments=moments, conversions=conversions)
    moments = Moments(units, 40 * rate, (60 * rate) ** 2)
    before = Moments(units, 40 * rate, (80 * rate) ** 2)
    return Arm(
        variant=variant,
        moments=moments,
        unadjusted=before,
        capped=units // 80,
        immature=units // 50,
        without_value=units // 100,
    )


def metric_result(
    metric: Metric, rates: Mapping[str, float], *, units: int, looks: int, alpha: float
) -> MetricResult:
    def at(share: float) -> tuple[Arm, list[Treatment]]:
        control, *others = (arm(v, metric, round(units * share), r) for v, r in rates.items())
        return control, [beside(control, other) for other in others]

    def beside(control: Arm, other: Arm) -> Treatment:
        lacking = missing([control, other])
        if lacking:
            return Treatment(arm=other, comparison=None, missing=lacking)
        found = compare(control.moments, other.moments, goal=metric.goal or 0.1, alpha=alpha)
        corrected = min(1.0, found.p_value * (len(rates) - 1))
        flags = (Flag.FEW_UNITS,) if units < 1000 else ()
        return Treatment(arm=other, comparison=found, corrected_p=corrected, flags=flags)

    control, treatments = at(1.0)
    return MetricResult(
        metric=metric,
        control=control,
        treatments=tuple(treatments),
        comparisons=len(treatments),
        tau=(metric.goal or 0.1) * control.moments.mean,
        adjustment=None
        if metric.binary
        else Adjustment(theta=0.71, variance_reduction=0.4375, days=14, balance=0.4),
        over_time=_over_time([at((i + 1) / looks) for i in range(looks)]) if looks else None,
    )


def _over_time(looks: Sequence[tuple[Arm, list[Treatment]]]) -> OverTime:
    series: dict[str, Series] = {}
    for number, treatment in enumerate(looks[-1][1]):
        each = [others[number] for _, others in looks]
        running, smallest = [], 1.0
        intervals: list[Interval | None] = []
        for found in each:
            smallest = min(smallest, found.comparison.p_value if found.comparison else 1.0)
            running.append(smallest)
            intervals.append(found.comparison.interval if found.comparison else None)
        series[treatment.arm.variant] = Series(
            arms=tuple(found.arm.moments for found in each),
            comparisons=tuple(found.comparison for found in each),
            running_p=tuple(running),
            running_interval=tuple(intervals),
        )
    return OverTime(
        ends=ends(len(looks)),
        control=tuple(control.moments for control, _ in looks),
        treatments=MappingProxyType(series),
    )


def before_of(found: MetricResult) -> tuple[BeforeExposure, ...]:
    return tuple(
        BeforeExposure(
            metric=found.metric,
            variant=treatment.arm.variant,
            comparison=treatment.comparison,
            p_value=None if treatment.comparison is None else 0.41,
            state=BeforeState.UNKNOWN if treatment.comparison is None else BeforeState.ALIKE,
            missing=treatment.missing,
        )
        for treatment in found.treatments
    )


def worth_of(main: MetricResult) -> Worth | None:
    daily = DailyUnits(units=1284.0, first=DAY.date(), last=date(2026, 11, 8), days=7)
    found = worth(main, past=PastResults(unreadable=1), alpha=0.05)
    return found and per_day(found, main, daily)


def by_day(found: MetricResult, *, days: int = 14) -> Novelty:
    """The effect of the first variant wears off; the others' does not change."""

    def effect(place: int, treatment: Treatment) -> EffectByDay:
        comparison = treatment.comparison
        if comparison is None or comparison.lift is None:
            return EffectByDay(
                variant=treatment.arm.variant, days=(None,) * days, missing=treatment.missing
            )
        return EffectByDay(
            variant=treatment.arm.variant,
            days=(comparison,) * days,
            early=comparison,
            late=evolve(comparison, lift=comparison.lift / 3),
            share=comparison,
            corrected_p=treatment.corrected_p,
            trend=None if place else Trend.WEARS_OFF,
        )

    return Novelty(
        metric=found.metric,
        length=days,
        treatments=tuple(effect(place, each) for place, each in enumerate(found.treatments)),
    )


def ends(count: int) -> tuple[datetime, ...]:
    return tuple(DAY + timedelta(days=i + 1) for i in range(count))


METRICS = (
    Conversion("integration link clicked", direction="increase", goal=0.05),
    Sum("revenue", action="purchase", property="price", role="secondary", goal=0.1),
    Conversion("page crashed", direction="decrease", role="guardrail"),
)
EFFECTS = {0: 1.0, 1: 1.13, 2: 1.04}


def full_result(
    variants: Sequence[str] = ("0", "1"),
    *,
    metrics: Sequence[Metric] = METRICS,
    name: str = "ShowPluginsExperiment",
    units: int = 9000,
    looks: int = DAYS,
    prop: str = "plan",
    values: Sequence[str | None] = ("free", "team", None),
) -> Result:
    """A result with all that there is."""
    alpha = 0.05 / (len(variants) - 1)
    rates = {variant: 0.2 * EFFECTS.get(i, 1 + i / 500) for i, variant in enumerate(variants)}
    rare = {variant: 0.002 * (1 + i % 3 / 9) for i, variant in enumerate(variants)}
    many = partial(metric_result, alpha=alpha)
    founds = tuple(
        many(metric, rates if number < 2 else rare, units=units, looks=looks)
        for number, metric in enumerate(metrics)
    )
    counts = {variant: units + 37 * i for i, variant in enumerate(variants)}
    growth = {
        variant: tuple(round(total * (i + 1) / DAYS) for i in range(DAYS))
        for variant, total in counts.items()
    }
    deciding = metrics[0].name
    return Result(
        design=Design(
            name=name,
            salt=name,
            unit_type="org",
            control=variants[0],
            weights=MappingProxyType(dict.fromkeys(variants, 1 / len(variants))),
            metrics=tuple(metrics),
            hypothesis="Showing plugins raises the click-through rate of integration links.",
        ),
        plan=AnalysisPlan(taus=MappingProxyType({deciding: 0.01})),
        frame=(DAY, DAY + timedelta(days=DAYS)),
        period=(DAY, DAY + timedelta(days=DAYS, hours=-6)),
        made=DAY + timedelta(days=DAYS, hours=9, minutes=12),
        counts=tuple(
            VariantCounts(variant=v, rows=2 * n, exposed=n + 12, excluded=12, units=n)
            for v, n in counts.items()
        ),
        several=Several.EXCLUDE,
        incomplete=3,
        exclusions=MappingProxyType({"testers": 41, "bots": 7}),
        sample_ratio=sample_ratio(counts, dict.fromkeys(variants, 1.0)),
        metrics=founds,
        recommendation=Recommendation(
            action=RecommendedAction.ROLL_OUT,
            variant=variants[1],
            reasons=(f"{variants[1]} is significantly better than the control in {deciding}.",),
        ),
        cumulative=CumulativeUnits(
            ends=ends(DAYS),
            units=MappingProxyType(growth),
            complete=False,
            diagnosis=("The exposures grow evenly, day by day.",),
        ),
        unassigned=Unassigned(
            assigned=MappingProxyType({v: n + 400 for v, n in counts.items()}),
            exposed=MappingProxyType(counts),
            without=MappingProxyType({date(2026, 11, 3): 5, date(2026, 11, 4): 2}),
        ),
        segments=tuple(
            Segment(
                property=prop,
                value=value,
                metrics=tuple(
                    many(m, rates if i < 2 else rare, units=units // (2 + number), looks=0)
                    for i, m in enumerate(metrics)
                ),
            )
            for number, value in enumerate(values)
        ),
        before=before_of(founds[:2][-1]),
        worth=worth_of(founds[0]),
        novelty=(by_day(founds[0]),),
        remaining=Remaining(days=6, units=7800, message="About 6 more days until significance."),
        warnings=("3 exposures have no unit, no variant or no time: they are left out.",),
        sources=MappingProxyType({"exposures": "data/events/exposures", "actions": "data/actions"}),
        versions=MappingProxyType({"abkit": "0.1.0", "Python": "3.11.7", "engine": "DuckDB 1.4"}),
        queries=MappingProxyType({"units": "select unit_id,\n  variant\nfrom exposures -- <all>"}),
    )


def bare(result: Result) -> Result:
    """The same of a table of units: all that may be absent is."""
    return evolve(
        result,
        frame=(None, None),
        period=None,
        several=None,
        exclusions=MappingProxyType({}),
        cumulative=None,
        unassigned=None,
        segments=(),
        novelty=(),
        remaining=None,
        before=(),
        worth=None,
        warnings=(),
        metrics=tuple(
            evolve(
                found,
                adjustment=None,
                over_time=None,
                control=evolve(
                    found.control, unadjusted=None, capped=None, immature=None, without_value=None
                ),
                treatments=tuple(
                    evolve(
                        t,
                        corrected_p=None,
                        arm=evolve(
                            t.arm, unadjusted=None, capped=None, immature=None, without_value=None
                        ),
                    )
                    for t in found.treatments
                ),
            )
            for found in result.metrics
        ),
    )


def bayesian(result: Result) -> Result:
    """The same by Bayes' rule, for its first metric."""
    first = result.metrics[0]
    treatments = tuple(
        evolve(
            t,
            comparison=bayesian_rates(first.control.moments, t.arm.moments),
            corrected_p=None,
            chance_to_beat=0.9994,
            chance_to_be_best=0.93,
        )
        for t in first.treatments
    )
    found = evolve(first, treatments=treatments)
    design = evolve(result.design, metrics=(found.metric,))
    plan = AnalysisPlan(method="bayesian")
    return evolve(result, metrics=(found,), design=design, plan=plan, before=())


@pytest.fixture(scope="session")
def full() -> Make:
    return full_result


@pytest.fixture(scope="session")
def changed() -> Mapping[str, Any]:
    """What tests do to a result: take away all that may be absent; turn to Bayes."""
    return {"bare": bare, "bayesian": bayesian}
