"""Every two variants beside the control, compared with each other: pure."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, frozen

from abkit.analysis.findings.arms import arms, arms_of, begun_phases
from abkit.analysis.findings.families import MetricTest, corrected
from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment
from abkit.analysis.findings.tau import FirstLook
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.standardizing import Strata
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Metric


@frozen(kw_only=True)
class Pair:
    """Two variants, neither of them the control, beside each other.

    Attributes:
        metric: In which metric.
        first: The one that the other is compared with.
        second: The other one. Its comparison is with the first: its difference is above 0 where its own
            mean is the higher one. Its level is corrected for all pairs that are read together.
        comparisons: How many these are.
    """

    metric: Metric
    first: Arm
    second: Treatment
    comparisons: int = 1

    @property
    def variants(self) -> tuple[str, str]:
        """The names of both, the first one first."""
        return self.first.variant, self.second.arm.variant

    @property
    def found(self) -> MetricResult:
        """The same as a result of its own, in which the first one is the control."""
        return MetricResult(
            metric=self.metric,
            control=self.first,
            treatments=(self.second,),
            comparisons=self.comparisons,
        )


def evaluate_pairs(
    sums: Mapping[str, Sums],
    estimands: Sequence[Estimand],
    plan: AnalysisPlan,
    *,
    first_looks: Mapping[str, FirstLook] | None = None,
    waiting: Mapping[str, Mapping[Metric, FirstLook]] | None = None,
    strata: Strata = (),
) -> tuple[MetricResult, ...]:
    """Compare every two variants beside the control, each with those after it.

    All pairs of a metric are read together, and those of all secondary metrics: a family of their own, beside
    the comparisons with the control.

    Args:
        sums: Of all variants, as results show them: the control first.
        estimands: The metrics.
        plan: How the tests are made.
        first_looks: As `first_look` of `evaluate`, by the variant that is compared with.
        waiting: As for `evaluate`, likewise.
        strata: As for `evaluate`.

    Returns:
        One after the other, the results in which each variant but the last is the control of those after
        it, each for all metrics; empty if there are not two variants beside the control.

    Raises:
        AnalysisError: A sum is not finite.
        MissingExtraError: numpy or scipy is not installed.
    """
    _, *treatments = sums
    if len(treatments) < 2:
        return ()
    alike = {
        at: arms(sums, estimand, plan=plan)
        for at, estimand in enumerate(estimands)
        if len(begun_phases(strata, estimand)) < 2
    }
    tests: list[MetricTest] = []
    for place, variant in enumerate(treatments[:-1]):
        beside = {variant: sums[variant], **{v: of for v, of in sums.items() if v != variant}}
        first_look = None if first_looks is None else first_looks[variant]
        mature = {} if waiting is None else waiting[variant]
        tests += (
            MetricTest.of(
                estimand,
                alike[at].against(variant)
                if at in alike
                else arms_of(beside, estimand, plan=plan, strata=strata),
                plan,
                seen=estimand.planned(sums),
                first_look=mature.get(estimand.metric, first_look),
            ).only(treatments[place + 1 :])
            for at, estimand in enumerate(estimands)
        )
    return corrected(tests, plan)


def pairs(found: Iterable[MetricResult]) -> tuple[Pair, ...]:
    """The same, pair by pair; those of one metric one after the other."""
    each = [
        Pair(
            metric=result.metric,
            first=result.control,
            second=_as_one_of_two(treatment),
            comparisons=result.comparisons,
        )
        for result in found
        for treatment in result.treatments
    ]
    metrics = list(dict.fromkeys(pair.metric.name for pair in each))
    return tuple(sorted(each, key=lambda pair: metrics.index(pair.metric.name)))


def _as_one_of_two(treatment: Treatment) -> Treatment:
    """Without what is not about two variants: the chance to be the best of all, and the margin."""
    comparison = treatment.comparison
    if comparison is not None:
        comparison = evolve(comparison, non_inferiority=None)
    return evolve(treatment, comparison=comparison, chance_to_be_best=None)
