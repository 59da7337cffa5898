"""What the declared method finds in splits in which there is nothing to find. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite, sqrt
from statistics import fmean

from attrs import frozen
from scipy.special import ndtri

from abkit.analysis.declared.design import Design
from abkit.analysis.findings.before import BeforeState, before_exposure
from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.findings.over_time import over_time
from abkit.analysis.findings.planning import comparisons_of
from abkit.analysis.findings.tau import Arrivals
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.variance import at_least_pooled
from abkit.analysis.rehearsal.outcome import Frequency
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Correction, Method
from abkit.experiments.declaring.metrics import Metric

LOOKED_AT_OFTEN = (Method.SEQUENTIAL, Method.GROUP_SEQUENTIAL)
"""Methods that promise something of all their looks together."""


@frozen(kw_only=True)
class Judged:
    """One metric of one split.

    Attributes:
        at_end: Whether a difference was significant once all units had come.
        at_any_look: The same at any look.
        differences: By variant that could be compared, the difference, its reported standard error, and how
            far its interval reaches to a side.
        missing: What a comparison waits for; empty if all could be made.
    """

    at_end: bool
    at_any_look: bool
    differences: Mapping[str, tuple[float, float, float]]
    missing: tuple[str, ...]


@frozen(kw_only=True)
class Judge:
    """The analysis of one split after the other.

    Attributes:
        design: What is declared.
        plan: How it is judged; its size is that of the history.
        estimands: The metrics, with what they were before.
        ends: The end of the day of each look, UTC.
    """

    design: Design
    plan: AnalysisPlan
    estimands: Sequence[Estimand]
    ends: Sequence[datetime]

    def judged(self, looks: Sequence[Mapping[str, Sums]]) -> list[Judged]:
        """What the method finds of each metric.

        Args:
            looks: The sums of each variant up to the end of each day.
        """
        estimands = self.estimands if self.plan.cuped else [of.unadjusted for of in self.estimands]
        found = evaluate(
            looks[-1], estimands, self.design, self.plan, first_look=self._first_look(looks)
        )
        if self.plan.method in LOOKED_AT_OFTEN:
            found = over_time(found, estimands, ends=self.ends, looks=looks, plan=self.plan)
        return [_of_metric(each) for each in found]

    def differing_before(self, sums: Mapping[str, Sums]) -> tuple[str, ...]:
        """The metrics in which the arms differ in the time before."""
        found = before_exposure(sums, self.estimands, self.design, self.plan)
        differing = [of.metric.name for of in found if of.state is BeforeState.DIFFERS]
        return tuple(dict.fromkeys(differing))

    def _first_look(self, looks: Sequence[Mapping[str, Sums]]) -> Mapping[str, tuple[float, float]]:
        new: dict[tuple[datetime, str, int], int] = {}
        so_far: dict[str, int] = {}
        for end, sums in zip(self.ends, looks, strict=True):
            for variant, of in sums.items():
                new[end - timedelta(days=1), variant, 0] = of.n - so_far.get(variant, 0)
                so_far[variant] = of.n
        return Arrivals.of(new).at_first_look(self.design.control)


def frequencies(judged: Sequence[Judged], plan: AnalysisPlan) -> tuple[Frequency, Frequency | None]:
    """How often there was a false alarm at the end, and at any look; None where the method looks once."""
    at_end = Frequency(count=sum(of.at_end for of in judged), of=len(judged))
    if plan.method not in LOOKED_AT_OFTEN:
        return at_end, None
    return at_end, Frequency(count=sum(of.at_any_look for of in judged), of=len(judged))


def allowed(metric: Metric, design: Design, plan: AnalysisPlan) -> float:
    """The probability of a false alarm in any comparison of a metric that the plan accepts, at most."""
    treatments = sum(of > 0 for of in design.weights.values()) - 1
    if plan.correction in (Correction.HOLM, Correction.BENJAMINI_HOCHBERG):
        return plan.level
    return min(1.0, treatments * plan.alpha(comparisons_of(metric, design, plan)))


def detectable(judged: Sequence[Judged], *, power: float) -> float | None:
    """The smallest difference that is found with some power once all units have come.

    It is how far the interval reaches, and the normal quantile of the power times the standard deviation of
    the differences over the splits; of the variant that needs most.

    Args:
        judged: Of one metric, split by split.
        power: The probability to find it.

    Returns:
        In the metric's unit; None where fewer than two splits could be compared.
    """
    sizes = [
        fmean(reach for _, _, reach in of) + float(ndtri(power)) * _spread(of)
        for of in _by_variant(judged)
    ]
    return max(sizes, default=None)


def error_ratio(judged: Sequence[Judged]) -> float | None:
    """The standard deviation of the differences over the splits, in reported standard errors.

    Of the variant where it is largest; None where fewer than two splits could be compared.
    """
    ratios = [
        sqrt(fmean((difference / error) ** 2 for difference, error, _ in of))
        for of in _by_variant(judged)
    ]
    return max(ratios, default=None)


def most_missing(judged: Sequence[Judged]) -> tuple[str, ...]:
    """What comparisons wait for in the first split that has none, if most have none."""
    waiting = [of.missing for of in judged if of.missing]
    return waiting[0] if 2 * len(waiting) > len(judged) else ()


def _by_variant(judged: Sequence[Judged]) -> Iterator[list[tuple[float, float, float]]]:
    counts = Counter(variant for of in judged for variant in of.differences)
    for variant, count in counts.items():
        if count > 1:
            yield [of.differences[variant] for of in judged if variant in of.differences]


def _spread(differences: Sequence[tuple[float, float, float]]) -> float:
    """Around no difference, which is what there is."""
    return sqrt(fmean(difference * difference for difference, _, _ in differences))


def _of_metric(found: MetricResult) -> Judged:
    looks = {of.arm.variant: _comparisons(found, of) for of in found.treatments}
    last = {variant: of[-1] for variant, of in looks.items() if of}
    return Judged(
        at_end=any(of.significant for of in last.values()),
        at_any_look=any(of.significant for all_looks in looks.values() for of in all_looks),
        differences={
            variant: measured
            for variant, comparison in last.items()
            if (measured := _measured(comparison)) is not None
        },
        missing=tuple(text for of in found.treatments for text in of.missing)
        if len(last) < len(looks)
        else (),
    )


def _comparisons(found: MetricResult, treatment: Treatment) -> list[Comparison]:
    """Those that were made, in their order."""
    if found.over_time is None:
        return [] if treatment.comparison is None else [treatment.comparison]
    series = found.over_time.treatments[treatment.arm.variant].comparisons
    return [comparison for comparison in series if comparison is not None]


def _measured(comparison: Comparison) -> tuple[float, float, float] | None:
    variance = at_least_pooled(comparison.control, comparison.treatment).difference
    ends = (comparison.interval.low, comparison.interval.high)
    reaches = [abs(end - comparison.difference) for end in ends if isfinite(end)]
    if not (variance > 0 and reaches):
        return None
    return comparison.difference, sqrt(variance), max(reaches)
