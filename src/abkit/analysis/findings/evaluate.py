"""From the sums of all variants to what was found, metric by metric: pure."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from abkit.analysis.declared.design import Design
from abkit.analysis.findings.arms import Arms, arms_of
from abkit.analysis.findings.chances import chances
from abkit.analysis.findings.comparing import Comparing
from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.findings.tau import FirstLook
from abkit.analysis.findings.validity import flags
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.phases import Phase, are_same, shares
from abkit.analysis.statistics.standardizing import Strata
from abkit.errors import TooFewVariantsError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Correction, Method
from abkit.experiments.declaring.metrics import Metric, Role
from abkit.experiments.declaring.tau import Tau
from abkit.extras import extra

if TYPE_CHECKING:
    from abkit.analysis.inference.srm import SampleRatio
    from abkit.analysis.inference.srm_of_phases import Sizes


APART = 0.1
"""An arm this far from an equal share (0.1 is 10%) was designed to be, or nothing can be said of it: what
loses units by mistake loses a few of a hundred."""


def order(design: Design, found: Sequence[str]) -> tuple[str, ...]:
    """The variants as results show them: the control, those declared, those only found.

    Raises:
        TooFewVariantsError: There is no unit of the control, or of any other variant.
    """
    if design.control not in found or len(set(found)) < 2:
        raise TooFewVariantsError(design.control, sorted(found))
    return tuple(dict.fromkeys([design.control, *design.weights, *sorted(found)]))


def evaluate(
    sums: Mapping[str, Sums],
    estimands: Sequence[Estimand],
    design: Design,
    plan: AnalysisPlan,
    *,
    seen: int | None = None,
    first_look: FirstLook | None = None,
    strata: Strata = (),
) -> tuple[MetricResult, ...]:
    """Compare every variant with the control, for every metric.

    Args:
        sums: Per variant; a variant without units may be absent.
        estimands: The metrics.
        design: What was planned.
        plan: How the test is made; for a part of the units, `plan.for_segments`.
        seen: The units of the whole experiment, which a planned sample size counts; those of `sums`
            unless said otherwise: to be said for a part of the units.
        first_look: The shares of the units that had come by the first look, of which the sequential
            test makes its tau; None: this look is the first one.
        strata: The same per phase, if units were drawn with different weights: they are compared within.

    Raises:
        TooFewVariantsError: There is no control, or nothing to compare it with.
        AnalysisError: A sum is not finite, or the plan does not fit the metrics.
        MissingExtraError: numpy or scipy is not installed.
    """
    plan.check([estimand.metric for estimand in estimands])
    ordered = in_order(sums, design)
    units = sum(of.n for of in ordered.values()) if seen is None else seen
    tests = [
        _Test.of(
            estimand,
            arms_of(ordered, estimand, plan=plan, strata=strata),
            plan,
            seen=units,
            first_look=first_look,
        )
        for estimand in estimands
    ]
    families: dict[str, list[_Test]] = {}
    for test in tests:
        families.setdefault(family(test.metric), []).append(test)
    corrected = {
        test.metric.name: result
        for members in families.values()
        for test, result in zip(members, _read_together(members, plan), strict=True)
    }
    return tuple(corrected[test.metric.name] for test in tests)


def in_order(sums: Mapping[str, Sums], design: Design) -> dict[str, Sums]:
    """The sums of all variants as results show them; of no unit where a variant has none.

    Raises:
        TooFewVariantsError: There is no unit of the control, or of any other variant.
    """
    variants = order(design, [variant for variant, of in sums.items() if of.n])
    shifts = next(iter(sums.values())).shifts
    return {variant: sums.get(variant, Sums.none(shifts)) for variant in variants}


def family(metric: Metric) -> str:
    """What a metric is read together with: all secondary metrics; any other one is read alone."""
    return "secondary" if metric.role is Role.SECONDARY else f"alone: {metric.name}"


def taus(metrics: Sequence[MetricResult]) -> Mapping[str, Tau]:
    """By metric, the tau that its sequential test used.

    Metrics that no variant could be compared in yet have none: nothing was concluded from it.
    """
    return MappingProxyType(
        {found.metric.name: found.tau for found in metrics if found.tau is not None}
    )


@frozen(kw_only=True)
class _Test:
    """One metric before its correction.

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
    ) -> "_Test":
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


def _read_together(tests: Sequence[_Test], plan: AnalysisPlan) -> list[MetricResult]:
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


def check_ratio(
    counts: Mapping[str, int],
    design: Design,
    *,
    one_look: bool,
    phases: Sequence[Phase] = (),
    in_code: bool = False,
) -> "SampleRatio":
    """Compare the sizes of the arms with the weights.

    Variants that are not declared have no designed share: they are left out of the check. If no weights
    are declared at all, they are equal ones, unless an arm is further than `APART` from these.

    Args:
        counts: The units of each variant.
        design: What was planned.
        one_look: Whether the data are looked at once.
        phases: What the exposures tell of their weights, which counts rather than the design; each with its
            units. A phase whose weights are not known is left out.
        in_code: Whether the weights stand in code that nobody reads: then none are supposed to be equal.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    with extra("analysis"):
        from abkit.analysis.inference.srm import SampleRatioMethod
        from abkit.analysis.inference.srm_of_phases import Sizes, sample_ratio_of_phases
    method = SampleRatioMethod.CHI_SQUARE if one_look else SampleRatioMethod.SEQUENTIAL
    told = [Sizes(of.units, _as_declared(of.weights, design)) for of in phases if of.weights]
    if not told:
        told = [Sizes(counts, design.weights or MappingProxyType(dict.fromkeys(counts, 1.0)))]
    found = sample_ratio_of_phases([_of_designed(of) for of in told], method=method)
    if design.weights or any(of.weights for of in phases):
        return found
    return evolve(found, known=not in_code and found.largest_deviation <= APART)


def _as_declared(weights: Mapping[str, float], design: Design) -> Mapping[str, float]:
    """The declared weights where these are the same but for rounding, so that no figure differs."""
    return design.weights if are_same(weights, shares(design.weights)) else weights


def _of_designed(of: "Sizes") -> "Sizes":
    """Without the variants that have no designed share."""
    return evolve(of, counts={v: n for v, n in of.counts.items() if v in of.weights})
