"""Whether the units of the arms were alike before their exposure: a check beside the sample ratio. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from math import isfinite, sqrt
from types import MappingProxyType

from attrs import frozen

from abkit.analysis.declared.design import Design
from abkit.analysis.findings.arms import begun_phases
from abkit.analysis.findings.evaluate import in_order
from abkit.analysis.findings.metric_result import Arm, missing
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.sequential import sequential
from abkit.analysis.inference.variance import at_least_pooled
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.standardizing import Strata, compared, standardized
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Metric, Retention
from abkit.experiments.declaring.tau import Tau
from abkit.extras import extra

LEVEL = 0.01
"""The accepted probability that any of the comparisons of an experiment finds a difference by chance; that of
the sample ratio."""

SIZES = (0.3, 0.1, 0.03, 0.01)
"""Differences that are looked for, in standard deviations between the units, with equal weights: large ones
in small experiments, small ones in large experiments."""


class BeforeState(StrEnum):
    """What the check found."""

    ALIKE = "alike"
    """Nothing speaks against it that the units were alike."""
    DIFFERS = "differs"
    """The units were not alike: they were not split, or not counted, at random."""
    UNKNOWN = "unknown"
    """There are too few units, or too few that did anything before."""


@frozen(kw_only=True)
class BeforeExposure:
    """A metric of one variant beside the control, before the units were exposed.

    Attributes:
        metric: The metric.
        variant: The variant.
        comparison: Of the same metric in the time before, or of the column that CUPED adjusts by; its alpha
            is the share of `LEVEL` that each comparison has. None where it is unknown.
        p_value: That no difference explains the data, times the number of comparisons; it holds at every
            look unless the plan is for one look (Welch). None where it is unknown.
        state: What that means.
        missing: What a comparison still waits for.
    """

    metric: Metric
    variant: str
    comparison: Comparison | None
    p_value: float | None
    state: BeforeState
    missing: tuple[str, ...] = ()


def before_exposure(
    sums: Mapping[str, Sums],
    estimands: Sequence[Estimand],
    design: Design,
    plan: AnalysisPlan,
    *,
    strata: Strata = (),
) -> tuple[BeforeExposure, ...]:
    """Compare every variant with the control in every metric before the exposure.

    Args:
        sums: Per variant; a variant without units may be absent.
        estimands: The metrics; those that CUPED does not adjust are not compared, nor is retention, which is
            about what happens after a start.
        design: What was planned.
        plan: How the test is made: Welch's test if the plan's is, and its size has been reached, else one
            that holds at every look.
        strata: The same per phase, if units were drawn with different weights: they are compared within.

    Returns:
        Metric by metric, in the order of the variants; empty where CUPED is off.

    Raises:
        TooFewVariantsError: There is no control, or nothing to compare it with.
        MissingExtraError: scipy is not installed.
    """
    known = [e for e in estimands if e.before and not isinstance(e.metric, Retention)]
    if not known:
        return ()
    ordered = in_order(sums, design)
    _, *treatments = ordered
    count = len(known) * len(treatments)
    one_look = plan.method is Method.WELCH
    return tuple(
        _checked(
            estimand,
            treatment,
            arms,
            one_look=one_look and estimand.planned(ordered) >= (plan.sample_size or 0),
            count=count,
        )
        for estimand in known
        for treatment, arms in zip(
            treatments, _pairs(ordered, estimand, begun_phases(strata, estimand)), strict=True
        )
    )


def _pairs(
    sums: Mapping[str, Sums], estimand: Estimand, strata: Strata
) -> Iterator[tuple[Arm, ...]]:
    """The control and each variant, of a metric before the exposure; empty where that is not known.

    Of fewer than two phases that have begun, all units had the same weights.
    """
    control, *treatments = sums
    if len(strata) < 2:
        every = _arms(sums, estimand, sums)
        for treatment in treatments:
            found = [every[v] for v in (control, treatment) if v in every]
            yield tuple(found) if len(found) == 2 else ()
        return
    for treatment in treatments:
        variants = (control, treatment)
        phases = compared(strata, *variants)
        within = standardized([strata[i] for i in phases], variants) if phases else {}
        found = [*_arms(within, estimand, sums).values()]
        yield tuple(found) if len(found) == 2 else ()


def _arms(
    of: Mapping[str, Sums], estimand: Estimand, sums: Mapping[str, Sums]
) -> Mapping[str, Arm]:
    """The variants of which it is known what a metric was before the exposure."""
    if not of:
        return {}
    overall = estimand.everyone(of.values())
    found = {variant: _before(each, estimand, overall=overall) for variant, each in of.items()}
    # As the values after the exposure are, so are those before it, as far as the gates are concerned.
    binary = estimand.metric.binary
    return {
        variant: Arm(
            variant=variant,
            moments=moments,
            negative=0 if binary else estimand.negative_units(sums[variant]),
        )
        for variant, moments in found.items()
        if moments is not None
    }


def _before(sums: Sums, estimand: Estimand, *, overall: Sums) -> Moments | None:
    covariates = estimand.covariates(sums, overall=overall) if estimand.units(sums) else None
    if covariates is None:
        return None
    mean, variance = covariates.means[0], max(0.0, covariates.among[0][0])
    if not (isfinite(mean) and isfinite(variance)):
        return None
    alike = sums.spread_alike
    others = None if alike is None else estimand.covariates(alike, overall=overall)
    spread = None if others is None else max(0.0, others.among[0][0])
    return Moments(estimand.units(sums), mean, variance, sums.effective, spread)


def _checked(
    estimand: Estimand, variant: str, arms: Sequence[Arm], *, one_look: bool, count: int
) -> BeforeExposure:
    lacking = missing(arms) if arms else (_NOTHING,)
    if lacking:
        return BeforeExposure(
            metric=estimand.metric,
            variant=variant,
            comparison=None,
            p_value=None,
            state=BeforeState.UNKNOWN,
            missing=lacking,
        )
    control, treatment = (arm.moments for arm in arms)
    comparison = _compared(control, treatment, one_look=one_look, alpha=LEVEL / count)
    return BeforeExposure(
        metric=estimand.metric,
        variant=variant,
        comparison=comparison,
        p_value=min(1.0, comparison.p_value * count),
        state=BeforeState.DIFFERS if comparison.significant else BeforeState.ALIKE,
    )


_NOTHING = "units of both variants of which the time before is known"


def _compared(control: Moments, treatment: Moments, *, one_look: bool, alpha: float) -> Comparison:
    if one_look:
        with extra("analysis"):
            from abkit.analysis.inference.welch import welch
        return welch(control, treatment, alpha=alpha, variance_rule=at_least_pooled)
    return sequential(control, treatment, tau=_looked_for(control, treatment), alpha=alpha)


def _looked_for(control: Moments, treatment: Moments) -> Tau:
    """Of units that were not exposed yet nothing is wanted, so differences of all sizes are looked for.

    They are in standard deviations between the units, which settle as units come, as a tau has to.
    """
    units = control.n + treatment.n
    spread = sqrt((control.variance * control.n + treatment.variance * treatment.n) / units)
    return MappingProxyType({size * spread: 1 / len(SIZES) for size in SIZES})
