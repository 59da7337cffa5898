"""From the sums of all variants to what was found, metric by metric: pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import evolve

from abkit.analysis.declared.design import Design
from abkit.analysis.findings.arms import arms_of
from abkit.analysis.findings.families import MetricTest, corrected
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.tau import FirstLook
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.phases import Phase, are_same, shares
from abkit.analysis.statistics.standardizing import Strata
from abkit.errors import TooFewVariantsError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Metric
from abkit.experiments.declaring.tau import Tau
from abkit.extras import extra

if TYPE_CHECKING:
    from abkit.analysis.inference.srm import SampleRatio
    from abkit.analysis.inference.srm_of_phases import Sizes


_NONE_WAITS: Mapping[Metric, FirstLook] = MappingProxyType({})

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
    whole: Mapping[str, Sums] | None = None,
    first_look: FirstLook | None = None,
    waiting: Mapping[Metric, FirstLook] = _NONE_WAITS,
    strata: Strata = (),
) -> tuple[MetricResult, ...]:
    """Compare every variant with the control, for every metric.

    Args:
        sums: Per variant; a variant without units may be absent.
        estimands: The metrics.
        design: What was planned.
        plan: How the test is made; for a part of the units, `plan.for_segments`.
        whole: The sums of the whole experiment, of whose units a planned sample size is made up; `sums`
            unless said otherwise: to be said for a part of the units.
        first_look: The shares of the units that had come by the first look, of which the sequential
            test makes its tau; None: this look is the first one.
        waiting: The same of metrics that count a unit only once its window is over.
        strata: The same per phase, if units were drawn with different weights: they are compared within.

    Raises:
        TooFewVariantsError: There is no control, or nothing to compare it with.
        AnalysisError: A sum is not finite, or the plan does not fit the metrics.
        MissingExtraError: numpy or scipy is not installed.
    """
    plan.check([estimand.metric for estimand in estimands])
    ordered = in_order(sums, design)
    planned = ordered if whole is None else whole
    tests = [
        MetricTest.of(
            estimand,
            arms_of(ordered, estimand, plan=plan, strata=strata),
            plan,
            seen=estimand.planned(planned),
            first_look=waiting.get(estimand.metric, first_look),
        )
        for estimand in estimands
    ]
    return corrected(tests, plan)


def in_order(sums: Mapping[str, Sums], design: Design) -> dict[str, Sums]:
    """The sums of all variants as results show them; of no unit where a variant has none.

    Raises:
        TooFewVariantsError: There is no unit of the control, or of any other variant.
    """
    variants = order(design, [variant for variant, of in sums.items() if of.n])
    shifts = next(iter(sums.values())).shifts
    return {variant: sums.get(variant, Sums.none(shifts)) for variant in variants}


def taus(metrics: Sequence[MetricResult]) -> Mapping[str, Tau]:
    """By metric, the tau that its sequential test used.

    Metrics that no variant could be compared in yet have none: nothing was concluded from it.
    """
    return MappingProxyType(
        {found.metric.name: found.tau for found in metrics if found.tau is not None}
    )


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
