"""Each metric look by look: what would have been found at the end of each day or hour. Pure.

All looks are made with the tau of the result: so the result is the last of its looks. Where it has none,
because nothing can be compared (any more), no look is compared: a tau of its own would follow the data.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import accumulate
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from abkit.analysis.findings.evaluate import taus
from abkit.analysis.findings.families import corrected_p
from abkit.analysis.findings.looks import Looks, SumsOverTime
from abkit.analysis.findings.metric_result import (
    MetricResult,
    OverTime,
    Series,
    Treatment,
    missing,
)
from abkit.analysis.findings.planned_looks import awaited, deciding_look
from abkit.analysis.findings.validity import flags, flags_over_time, lifts_in_common
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.deferred import Deferred
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.standardizing import Strata
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Quantile
from abkit.extras import extra

if TYPE_CHECKING:
    from abkit.analysis.findings.look_estimates import LookEstimates
    from abkit.analysis.statistics.look_sums import LookSums

T = TypeVar("T")


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
    at_looks = SumsOverTime(
        sums=looks,
        strata=strata or [()] * len(looks),
        over=len(ends) if known is None else bisect_right(ends, known),
    )
    arrays = _arrays(found, at_looks, plan)
    results: list[MetricResult] = []
    for result, estimand in zip(found, estimands, strict=True):
        if isinstance(estimand.metric, Quantile):
            results.append(result)
            continue
        variants = _variants(result)
        made = Looks(estimand, plan, variants=variants, known=at_looks)
        if arrays is None:
            results.append(_with_looks(result, tuple(ends), made, plan))
        else:
            estimates = _estimated(arrays[variants], estimand, result, made, plan)
            results.append(_with_estimates(result, tuple(ends), made, plan, estimates))
    return tuple(results)


def _variants(result: MetricResult) -> tuple[str, ...]:
    return result.control.variant, *result


def _arrays(
    found: Sequence[MetricResult], known: SumsOverTime, plan: AnalysisPlan
) -> "Mapping[tuple[str, ...], LookSums] | None":
    """The sums as arrays, by the variants; None where they must be gone through one look after the other."""
    with extra("analysis"):
        from abkit.analysis.findings.look_estimates import can_be_estimated
        from abkit.analysis.statistics.look_sums import LookSums
    if known.phased or not can_be_estimated(plan):
        return None
    return {variants: LookSums.of(known.sums, variants) for variants in {*map(_variants, found)}}


def _estimated(
    sums: "LookSums", estimand: Estimand, result: MetricResult, looks: Looks, plan: AnalysisPlan
) -> "LookEstimates":
    with extra("analysis"):
        from abkit.analysis.findings.look_estimates import LookEstimates
    return LookEstimates.of(
        sums,
        estimand,
        plan,
        tau=result.tau,
        alphas=[_alpha(treatment, result, plan) for treatment in result.treatments],
        units=looks.units,
    )


def _with_looks(
    result: MetricResult, ends: tuple[datetime, ...], looks: Looks, plan: AnalysisPlan
) -> MetricResult:
    """With the looks gone through one after the other."""
    series = {
        treatment.arm.variant: _series(
            Deferred(len(looks), partial(looks.treatment, place)),
            _comparisons(looks, place, treatment, result, plan),
        )
        for place, treatment in enumerate(result.treatments)
    }
    treatments = result.treatments
    if plan.method is Method.GROUP_SEQUENTIAL:
        treatments = _decided(result, series, looks, plan)
    elif plan.method is Method.SEQUENTIAL:
        treatments = tuple(
            _flagged(
                treatment,
                lifts=lifts_in_common(series[treatment.arm.variant].estimates),
                differences=series[treatment.arm.variant].running_interval[-1],
            )
            for treatment in treatments
        )
    return evolve(
        result,
        over_time=OverTime(
            ends=ends,
            control=Deferred(len(looks), looks.control),
            treatments=MappingProxyType(series),
        ),
        treatments=treatments,
    )


def _with_estimates(
    result: MetricResult,
    ends: tuple[datetime, ...],
    looks: Looks,
    plan: AnalysisPlan,
    estimates: "LookEstimates",
) -> MetricResult:
    """With what was estimated of all looks at once."""
    series, treatments = {}, []
    for place, treatment in enumerate(result.treatments):
        last = treatment.comparison
        series[treatment.arm.variant] = Series(
            arms=Deferred(
                len(looks),
                partial(_ending, estimates.moments, place + 1, treatment.arm.moments),
            ),
            comparisons=_comparisons(looks, place, treatment, result, plan),
            estimates=Deferred(
                len(looks),
                partial(
                    _ending, estimates.estimates, place, None if last is None else last.estimate
                ),
            ),
            running_p=estimates.running_p(place),
            running_interval=Deferred(len(looks), partial(estimates.running_intervals, place)),
        )
        treatments.append(
            _flagged(
                treatment, lifts=estimates.lifts(place), differences=estimates.differences(place)
            )
            if plan.method is Method.SEQUENTIAL
            else treatment
        )
    control = partial(_ending, estimates.moments, 0, result.control.moments)
    return evolve(
        result,
        over_time=OverTime(
            ends=ends,
            control=Deferred(len(looks), control),
            treatments=MappingProxyType(series),
        ),
        treatments=tuple(treatments),
    )


def _ending(of: Callable[[int], Iterable[T]], at: int, last: T) -> list[T]:
    """One entry per look, the last one exact."""
    return [*[*of(at)][:-1], last]


def _flagged(
    treatment: Treatment, *, lifts: Interval | None, differences: Interval | None
) -> Treatment:
    last = None if treatment.comparison is None else treatment.comparison.estimate
    more = flags_over_time(last, lifts=lifts, differences=differences)
    return evolve(treatment, flags=(*treatment.flags, *more))


def _decided(
    result: MetricResult, series: Mapping[str, Series], looks: Looks, plan: AnalysisPlan
) -> tuple[Treatment, ...]:
    """Each treatment as it was found at the look that decided it, or else at the last one so far."""
    made = [planned.number for planned in looks.planned if planned is not None]
    awaits = awaited(max(made, default=0), plan, units=looks.units[-1] if looks.units else 0)
    decided: list[Treatment] = []
    for place, treatment in enumerate(result.treatments):
        look = deciding_look(series[treatment.arm.variant].comparisons)
        if look is None:
            waits = (*missing([result.control, treatment.arm]), *awaits)
            decided.append(evolve(treatment, missing=waits))
            continue
        number, comparison = look
        then = looks.arms(number)
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


def _comparisons(
    looks: Looks, place: int, treatment: Treatment, result: MetricResult, plan: AnalysisPlan
) -> Sequence[Comparison | None]:
    """Of one treatment at each look."""
    if result.tau is None and plan.method is Method.SEQUENTIAL:
        return (None,) * len(looks)
    alpha = _alpha(treatment, result, plan)
    return Deferred(len(looks), partial(looks.comparisons, place, alpha=alpha))


def _alpha(treatment: Treatment, result: MetricResult, plan: AnalysisPlan) -> float:
    """The level of a treatment's comparison at each look."""
    found = treatment.comparison
    return plan.alpha(result.comparisons) if found is None else found.alpha


def _series(arms: Sequence[Moments], comparisons: Sequence[Comparison | None]) -> Series:
    count = len(comparisons)
    return Series(
        arms=arms,
        comparisons=comparisons,
        running_p=Deferred(count, partial(_running_p, comparisons)),
        running_interval=Deferred(count, partial(_in_common, comparisons)),
    )


def _running_p(comparisons: Sequence[Comparison | None]) -> Iterator[float]:
    return accumulate((1.0 if found is None else found.p_value for found in comparisons), min)


def _in_common(comparisons: Sequence[Comparison | None]) -> Iterator[Interval | None]:
    """What the intervals so far have in common; None before the first, and once it is nothing."""
    low, high, begun = -inf, inf, False
    for found in comparisons:
        if found is not None:
            low, high = max(low, found.interval.low), min(high, found.interval.high)
            begun = True
        yield Interval(low, high) if begun and low <= high else None
