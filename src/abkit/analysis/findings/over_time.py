"""Each metric look by look: what would have been found at the end of each day or hour. Pure.

All looks are made with the tau of the result: so the result is the last of its looks. Where it has none,
because nothing can be compared (any more), no look is compared: a tau of its own would follow the data.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from math import inf
from types import MappingProxyType

from attrs import evolve, frozen

from abkit.analysis.findings.arms import Arms, arms_of
from abkit.analysis.findings.comparing import Comparing
from abkit.analysis.findings.evaluate import taus
from abkit.analysis.findings.families import corrected_p
from abkit.analysis.findings.metric_result import (
    MetricResult,
    OverTime,
    Series,
    Treatment,
    missing,
)
from abkit.analysis.findings.planned_looks import awaited, deciding_look, planned_looks
from abkit.analysis.findings.validity import flags, flags_over_time
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.standardizing import Strata
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Quantile


def over_time(
    found: Sequence[MetricResult],
    estimands: Sequence[Estimand],
    *,
    ends: Sequence[datetime],
    looks: Sequence[Mapping[str, Sums]],
    plan: AnalysisPlan,
    known: datetime | None = None,
    strata: Sequence[Strata] = (),
) -> tuple[MetricResult, ...]:
    """What was found, with all looks so far and the flags that these raise.

    Each look is made at the level of the result; of a step-wise correction that is the one that it
    had at the last look. The group sequential test looks only where a planned look is reached, at the
    end of the first day or hour that is over; what it found there is the result until the next look,
    and for ever if it was significant. Quantiles are of all units only: they have no looks.

    Args:
        found: The results of all units, in the order of `estimands`.
        estimands: The metrics.
        ends: The end of each look's day or hour, in order.
        looks: Per look, the sums of each variant up to then; cumulative.
        plan: How the test is made.
        known: Up to when nothing more will come into the data, UTC: a day or hour that ends later is
            not over. None: all are.
        strata: Per look, the same per phase, if units were drawn with different weights.

    Raises:
        AnalysisError: There are not as many ends as looks, or a sum is not finite.
        MissingExtraError: numpy or scipy is not installed.
    """
    if len(ends) != len(looks):
        message = f"Each look needs its end, not {len(looks)} looks and {len(ends)} ends"
        raise AnalysisError(message)
    plan = evolve(plan, taus=MappingProxyType({**plan.taus, **taus(found)}))
    over = len(ends) if known is None else bisect_right(ends, known)
    return tuple(
        result
        if isinstance(estimand.metric, Quantile)
        else _with_looks(result, estimand, tuple(ends), _paired(looks, strata), plan, over=over)
        for result, estimand in zip(found, estimands, strict=True)
    )


def _with_looks(
    result: MetricResult,
    estimand: Estimand,
    ends: tuple[datetime, ...],
    looks: Sequence[tuple[Mapping[str, Sums], Strata]],
    plan: AnalysisPlan,
    *,
    over: int,
) -> MetricResult:
    variants = [result.control.variant, *(t.arm.variant for t in result.treatments)]
    seen = list(_looks(looks, variants, estimand, plan, over=over))
    comparable = result.tau is not None or plan.method is not Method.SEQUENTIAL
    series = {
        treatment.arm.variant: _series(
            [at.arms.treatments[place].moments for at in seen],
            _comparisons(seen, place, alpha=_alpha(treatment, result, plan))
            if comparable
            else iter([None] * len(seen)),
        )
        for place, treatment in enumerate(result.treatments)
    }
    if plan.method is Method.GROUP_SEQUENTIAL:
        treatments = _decided(result, series, seen, plan)
    else:
        running = plan.method is Method.SEQUENTIAL
        treatments = tuple(
            evolve(
                treatment,
                flags=(
                    *treatment.flags,
                    *flags_over_time(series[treatment.arm.variant], running=running),
                ),
            )
            for treatment in result.treatments
        )
    return evolve(
        result,
        over_time=OverTime(
            ends=ends,
            control=tuple(at.arms.control.moments for at in seen),
            treatments=MappingProxyType(series),
        ),
        treatments=treatments,
    )


def _paired(
    looks: Sequence[Mapping[str, Sums]], strata: Sequence[Strata]
) -> list[tuple[Mapping[str, Sums], Strata]]:
    return [*zip(looks, strata or [()] * len(looks), strict=True)]


@frozen(kw_only=True)
class _Look:
    """One metric at one look.

    Attributes:
        arms: Its arms.
        comparing: How they are compared.
    """

    arms: Arms
    comparing: Comparing


def _looks(
    looks: Sequence[tuple[Mapping[str, Sums], Strata]],
    variants: Sequence[str],
    estimand: Estimand,
    plan: AnalysisPlan,
    *,
    over: int,
) -> Iterator[_Look]:
    shifts = next((of.shifts for sums, _ in looks for of in sums.values()), ())
    units = [estimand.planned(sums) for sums, _ in looks]
    planned = planned_looks(units, plan, over=over)
    for (sums, phases), seen, made in zip(looks, units, planned, strict=True):
        ordered = {variant: sums.get(variant, Sums.none(shifts)) for variant in variants}
        found = arms_of(ordered, estimand, plan=plan, strata=phases)
        comparing = Comparing.of(estimand.metric, plan, arms=found, seen=seen)
        yield _Look(arms=found, comparing=evolve(comparing, look=made))


def _comparisons(
    looks: Sequence[_Look], place: int, *, alpha: float
) -> Iterator[Comparison | None]:
    """One treatment with the control at each look."""
    for look in looks:
        control, arm = look.arms.pairs[place]
        waits = look.comparing.waits([control, arm])
        yield None if waits else look.comparing.compare(control, arm, alpha=alpha)


def _decided(
    result: MetricResult, series: Mapping[str, Series], seen: Sequence[_Look], plan: AnalysisPlan
) -> tuple[Treatment, ...]:
    """Each treatment as it was found at the look that decided it, or else at the last one so far."""
    made = [at.comparing.look.number for at in seen if at.comparing.look is not None]
    units = seen[-1].comparing.seen if seen else 0
    awaits = awaited(max(made, default=0), plan, units=units)
    decided: list[Treatment] = []
    for place, treatment in enumerate(result.treatments):
        look = deciding_look(series[treatment.arm.variant].comparisons)
        if look is None:
            waits = (*missing([result.control, treatment.arm]), *awaits)
            decided.append(evolve(treatment, missing=waits))
            continue
        number, comparison = look
        then = seen[number].arms
        decided.append(
            evolve(
                treatment,
                comparison=comparison,
                corrected_p=corrected_p(comparison, plan.level),
                missing=(),
                flags=flags(then.control, then.treatments[place], comparison, metric=result.metric),
            )
        )
    return tuple(decided)


def _alpha(treatment: Treatment, result: MetricResult, plan: AnalysisPlan) -> float:
    """The level of a treatment's comparison at each look."""
    found = treatment.comparison
    return plan.alpha(result.comparisons) if found is None else found.alpha


def _series(arms_of_looks: Sequence[Moments], looks: Iterator[Comparison | None]) -> Series:
    comparisons = tuple(looks)
    p_values = (1.0 if found is None else found.p_value for found in comparisons)
    return Series(
        arms=tuple(arms_of_looks),
        comparisons=comparisons,
        running_p=tuple(accumulate(p_values, min)),
        running_interval=tuple(_in_common(comparisons)),
    )


def _in_common(comparisons: Sequence[Comparison | None]) -> Iterator[Interval | None]:
    """What the intervals so far have in common; None before the first, and once it is nothing."""
    low, high, begun = -inf, inf, False
    for found in comparisons:
        if found is not None:
            low, high = max(low, found.interval.low), min(high, found.interval.high)
            begun = True
        yield Interval(low, high) if begun and low <= high else None
