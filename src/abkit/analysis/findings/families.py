"""The tests of metrics that are read together, and share the accepted probability of a false alarm: pure."""

from collections.abc import Callable, Collection, Iterable, Sequence

from attrs import evolve, frozen

from abkit.analysis.findings.arms import Arms
from abkit.analysis.findings.chances import chances
from abkit.analysis.findings.comparing import Comparing
from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.findings.tau import FirstLook
from abkit.analysis.findings.validity import flags
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Correction, Method
from abkit.experiments.declaring.metrics import Metric, Role
from abkit.extras import extra


def family(metric: Metric) -> str:
    """What a metric is read together with: all secondary metrics; any other one is read alone."""
    return "secondary" if metric.role is Role.SECONDARY else f"alone: {metric.name}"


@frozen(kw_only=True)
class MetricTest:
    """One metric, before it is corrected for what is read together with it.

    Attributes:
        metric: The metric.
        arms: Its arms.
        comparing: How they are compared.
        lacking: What each treatment waits for.
        p_values: Of each treatment's comparison; 1 where there is none yet.
    """

    metric: Metric
    arms: Arms
    comparing: Comparing
    lacking: tuple[tuple[str, ...], ...]
    p_values: tuple[float, ...]

    @classmethod
    def of(
        cls,
        estimand: Estimand,
        found: Arms,
        plan: AnalysisPlan,
        *,
        seen: int,
        first_look: FirstLook | None,
    ) -> "MetricTest":
        """The test of one metric.

        Args:
            estimand: The metric.
            found: Its arms.
            plan: How the test is made.
            seen: The units of all arms so far.
            first_look: As for `evaluate`.
        """
        metric = estimand.metric
        comparing = Comparing.of(metric, plan, arms=found, seen=seen, first_look=first_look)
        lacking = tuple(comparing.lacking(pair) for pair in found.pairs)
        stepwise = plan.correction in _STEPWISE
        p_values = tuple(
            comparing.compare(*pair, alpha=plan.level).p_value if stepwise and not waits else 1.0
            for pair, waits in zip(found.pairs, lacking, strict=True)
        )
        return cls(
            metric=metric, arms=found, comparing=comparing, lacking=lacking, p_values=p_values
        )

    def only(self, variants: Collection[str]) -> "MetricTest":
        """The same test, of some of the treatments only."""
        kept = [at for at, arm in enumerate(self.arms.treatments) if arm.variant in variants]
        return evolve(
            self,
            arms=evolve(
                self.arms,
                treatments=tuple(self.arms.treatments[at] for at in kept),
                beside=tuple(self.arms.beside[at] for at in kept),
            ),
            lacking=tuple(self.lacking[at] for at in kept),
            p_values=tuple(self.p_values[at] for at in kept),
        )

    def result(self, alphas: Sequence[float], *, comparisons: int) -> MetricResult:
        """What was found, each comparison made at its level."""
        plan = self.comparing.plan
        compared = [
            None if waits else self.comparing.compare(*pair, alpha=alpha)
            for pair, waits, alpha in zip(self.arms.pairs, self.lacking, alphas, strict=True)
        ]
        treatments = [
            Treatment(
                arm=arm,
                comparison=comparison,
                corrected_p=None if comparison is None else corrected_p(comparison, plan.level),
                missing=waits,
                flags=flags(control, arm, comparison, metric=self.metric),
            )
            for (control, arm), waits, comparison in zip(
                self.arms.pairs, self.lacking, compared, strict=True
            )
        ]
        result = MetricResult(
            metric=self.metric,
            control=self.arms.control,
            treatments=tuple(treatments),
            comparisons=comparisons,
            tau=self.comparing.tau,
            adjustment=self.arms.adjustment,
        )
        return chances(result) if plan.method is Method.BAYESIAN else result


def corrected(tests: Iterable[MetricTest], plan: AnalysisPlan) -> tuple[MetricResult, ...]:
    """What the tests found, in their order, each corrected for those that it is read together with.

    Args:
        tests: Of all metrics; several tests of one metric are read together.
        plan: How the tests are made.
    """
    tests = tuple(tests)
    families: dict[str, list[int]] = {}
    for at, test in enumerate(tests):
        families.setdefault(family(test.metric), []).append(at)
    found: dict[int, MetricResult] = {}
    for members in families.values():
        found |= zip(members, _read_together([tests[at] for at in members], plan), strict=True)
    return tuple(found[at] for at in range(len(tests)))


def _read_together(tests: Sequence[MetricTest], plan: AnalysisPlan) -> list[MetricResult]:
    """The results of metrics that share the accepted probability of a false alarm."""
    p_values = [p_value for test in tests for p_value in test.p_values]
    alphas = _alphas(p_values, plan)
    comparisons = 1 if plan.correction is Correction.NONE else len(p_values)
    results, first = [], 0
    for test in tests:
        last = first + len(test.p_values)
        results.append(test.result(alphas[first:last], comparisons=comparisons))
        first = last
    return results


_Procedure = Callable[[Sequence[float]], Sequence[float]]

_STEPWISE = (Correction.HOLM, Correction.BENJAMINI_HOCHBERG)


def _alphas(p_values: Sequence[float], plan: AnalysisPlan) -> Sequence[float]:
    """The level at which each of some comparisons that are read together is made."""
    if plan.correction not in _STEPWISE:
        shared = plan.correction is Correction.BONFERRONI
        return [plan.alpha(len(p_values) if shared else 1)] * len(p_values)
    with extra("analysis"):
        from abkit.analysis.inference import correction
    holm = plan.correction is Correction.HOLM
    procedure: _Procedure = correction.holm if holm else correction.benjamini_hochberg
    return correction.effective_alphas(p_values, procedure, level=plan.level)


def corrected_p(comparison: Comparison, level: float) -> float:
    """The p-value on the scale of the level of all comparisons that are read together.

    Bonferroni's m p, Holm's and Benjamini and Hochberg's adjusted p; of a look of a group sequential
    test, p beside the level of that look.
    """
    if comparison.alpha == 0:
        return 1.0
    return min(1.0, comparison.p_value * (level / comparison.alpha))
